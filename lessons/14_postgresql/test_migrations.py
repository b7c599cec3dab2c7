"""What the migrations promise."""

import pytest
from shelf import create_app
from shelf.models import Book, Loan, Reader, db


@pytest.fixture
def app():
    """An app with an empty database in memory."""
    app = create_app({"SECRET_KEY": "of the tests", "SQLALCHEMY_DATABASE_URI": "sqlite://"})
    yield app
    with app.app_context():
        db.engine.dispose()


def status(app, *words):
    """Run a command such as `flask db upgrade`, and return its exit status."""
    return app.test_cli_runner().invoke(args=words).exit_code


def test_every_change_has_a_migration(app):
    """After all migrations, `flask db migrate` would find nothing to do."""
    assert status(app, "db", "upgrade") == 0
    assert status(app, "db", "check") == 0


def test_every_migration_can_be_taken_back(app):
    """Down from the last one to none, with a loan in the tables, and up again."""
    assert status(app, "db", "upgrade") == 0
    with app.app_context():
        book, reader = Book(title="Emma", author="Jane Austen"), Reader(name="Ann")
        db.session.add(Loan(book=book, reader=reader))
        db.session.commit()
    assert status(app, "db", "downgrade", "base") == 0
    assert status(app, "db", "upgrade") == 0
