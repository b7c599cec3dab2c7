"""Fixtures for an app with a database. A test module takes them over: `app = fixtures.app`."""

import itertools
import os

import pytest
from conftest import modules_of
from rows import Rows
from sqlalchemy import Engine, event


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment with no variable for Flask or the Shelf, but those that a test sets."""
    for name in list(os.environ):
        if name.startswith(("FLASK_", "SHELF_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def settings(tmp_path):
    """What a test tells its app."""
    return {
        "TESTING": True,
        "SECRET_KEY": "of the tests",
        "COVERS": str(tmp_path / "covers"),
        "SQLALCHEMY_DATABASE_URI": "sqlite://",
    }


@pytest.fixture(scope="module")
def load(folder):
    """Import a module of the app under test, once for all tests: books are not kept in any."""
    with modules_of(folder) as load:
        yield load


@pytest.fixture(scope="module")
def models(load):
    """The module with the models. What it has SQLAlchemy call, is called no more afterwards."""
    models = load("shelf.models")
    yield models
    for name, each in itertools.product(("connect", "first_connect"), vars(models).values()):
        if callable(each) and event.contains(Engine, name, each):
            event.remove(Engine, name, each)


@pytest.fixture
def make(load, settings, models):
    """Make an app, with tables in a database of its own."""
    made, db = [], models.db

    def make(tables=True, **more):
        app = load("shelf").create_app(settings | more)
        made.append(app)
        with app.app_context():
            if tables:
                db.create_all()
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make):
    """An app of the test's own, with an empty database of its own."""
    return make()


@pytest.fixture
def books(app, models, titles, request):
    """Random books, by number: what a test changes in them, it changes in the database."""
    books = Rows(app, models)
    with app.app_context():
        for number, title in enumerate(titles, 7):
            author = "Čapek & Söhne" if number % 2 else "A. Nobody"
            models.db.session.add(models.Book(number=number, title=title, author=author))
        models.db.session.commit()
    request.node.shelf = books
    return books


@pytest.fixture
def typed(app):
    """Type a command such as `flask shelf list`, and return its result."""

    def typed(*words, app=app):
        return app.test_cli_runner(catch_exceptions=False).invoke(args=words)

    return typed


@pytest.fixture
def file(tmp_path):
    """Write a CSV file, and return its path."""

    def file(text, name="more.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return file


@pytest.fixture
def stored(app, models):
    """Return all books: title, author and year, by number."""

    def stored(app=app):
        with app.app_context():
            wanted = models.db.select(models.Book).order_by(models.Book.number)
            return [(b.title, b.author, b.year) for b in models.db.session.scalars(wanted)]

    return stored
