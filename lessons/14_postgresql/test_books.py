"""Tests of the Shelf, each with an app and a database of its own."""

import pytest
from shelf import create_app
from shelf.models import Book, db
from sqlalchemy import func, select


@pytest.fixture
def app():
    """An app with an empty database in memory."""
    app = create_app(
        {"TESTING": True, "SECRET_KEY": "of the tests", "SQLALCHEMY_DATABASE_URI": "sqlite://"}
    )
    with app.app_context():
        db.create_all()
    yield app
    with app.app_context():
        db.engine.dispose()


def count_books(app):
    """Return how many books there are, as a session of its own sees it."""
    with app.app_context():
        return db.session.scalar(select(func.count(Book.number)))


def test_the_shelf_is_empty_at_first(app):
    """Nothing is left of another test's books."""
    assert count_books(app) == 0


def test_a_book_is_on_the_first_page(app):
    """What one session commits, another sees."""
    with app.app_context():
        db.session.add(Book(title="Emma", author="Jane Austen"))
        db.session.commit()
    assert "Emma" in app.test_client().get("/").text


def test_a_request_that_fails_leaves_no_book(app):
    """What a view has sent is undone if it fails before it commits."""

    @app.post("/fail")
    def fail():
        db.session.add(Book(title="Emma", author="Jane Austen"))
        db.session.flush()
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError):
        app.test_client().post("/fail")
    assert count_books(app) == 0
