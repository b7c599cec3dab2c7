"""Lesson 10: the Shelf with a database."""

import database_fixtures as fixtures
import own_tests
import pytest
from conftest import YOUR_TURN
from contract_database import Exports, Remembering, Seeds, Tables, Years
from contract_forms import Forms
from contract_pages import Pages
from contract_sessions import Sessions
from sqlalchemy import inspect

environment = fixtures.environment
settings = fixtures.settings
load = fixtures.load
models = fixtures.models
make = fixtures.make
app = fixtures.app
books = fixtures.books
typed = fixtures.typed
file = fixtures.file
stored = fixtures.stored
process = own_tests.process
outcome = own_tests.outcome
step = pytest.mark.step
MINE = "test_books.py"  # the tests that the page has people write


@pytest.fixture
def columns(app, models):
    """The columns of the table of books, by name, as the database tells them."""
    with app.app_context():
        return {column["name"]: column for column in inspect(models.db.engine).get_columns("book")}


@step(2)
def test_a_book_is_a_row(columns):
    """The model `Book` makes a table `book` with the columns of the page."""
    assert sorted(columns) == ["author", "cover", "folded_title", "number", "title", "year"]


@step(2)
def test_what_a_book_may_lack(columns):
    """A book may lack a year and a cover, and nothing else."""
    assert sorted(name for name in columns if columns[name]["nullable"]) == ["cover", "year"]


@step(2)
def test_the_table_states_a_length(columns):
    """The table says that title and author have at most 200 characters."""
    lengths = {name: getattr(columns[name]["type"], "length", None) for name in columns}
    assert (lengths["title"], lengths["author"]) == (200, 200)


@step(2)
class TestTables(Tables):
    """How the tables are made, and where they lie."""


@step(2)
def test_the_command_makes_the_tables(make, models, typed, tmp_path):
    """`flask shelf create` makes the tables."""
    app = make(tables=False, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/new.db")
    result = typed("shelf", "create", app=app)
    assert result.exit_code == 0, result.output
    with app.app_context():
        assert inspect(models.db.engine).get_table_names() == ["book"]


@step(2)
def test_the_command_leaves_alone_what_is_there(app, models, typed, stored):
    """`flask shelf create` does nothing to a table that is there, nor to its rows."""
    with app.app_context():
        models.db.session.add(models.Book(title="Kim", author="R. Kipling", year=1901))
        models.db.session.commit()
    result = typed("shelf", "create")
    assert result.exit_code == 0, result.output
    assert stored() == [("Kim", "R. Kipling", 1901)]


@step(4)
def test_nothing_is_kept_in_memory(folder):
    """The books come from the database: `shelf/stock.py` is gone."""
    assert not (folder / "shelf" / "stock.py").exists()


@step(4)
class TestRemembering(Remembering):
    """Books come from the database, and stay there."""


@step(4)
@pytest.mark.usefixtures("books")
class TestPages(Pages):
    """What lesson 6 promised."""


@step(4)
@pytest.mark.usefixtures("books")
class TestForms(Forms):
    """What lesson 7 promised."""


@step(4)
@pytest.mark.usefixtures("books")
class TestSessions(Sessions):
    """What lesson 8 promised."""


@step(5)
class TestSeeds(Seeds):
    """A file fills the Shelf."""


@step(6)
def test_your_tests_pass(folder, outcome):
    """Your `test_books.py` passes: each test has an app and a database of its own."""
    assert (folder / MINE).is_file(), "There is no such file."
    status, said = outcome(MINE)
    assert status == pytest.ExitCode.OK, said


@step(6)
def test_your_tests_notice_an_empty_page(outcome):
    """Your `test_books.py` fails when the pages of the Shelf are empty."""
    status, said = outcome(
        MINE,
        "shelf/__init__.py",
        "whole = create_app",
        "def create_app(settings=None):",
        "    app = whole(settings)",
        "    app.after_request(lambda response: app.response_class())",
        "    return app",
    )
    assert status == pytest.ExitCode.TESTS_FAILED, said


@step(6)
def test_your_tests_notice_what_a_failed_request_leaves(outcome):
    """Your `test_books.py` fails when each statement is committed at once, so none is undone."""
    status, said = outcome(
        MINE,
        "shelf/__init__.py",
        "whole = create_app",
        "def create_app(settings=None):",
        "    at_once = {'isolation_level': 'AUTOCOMMIT'}",
        "    return whole({**(settings or {}), 'SQLALCHEMY_ENGINE_OPTIONS': at_once})",
    )
    assert status == pytest.ExitCode.TESTS_FAILED, said


@step(YOUR_TURN)
class TestYears(Years):
    """A book says its year."""


@step(YOUR_TURN)
class TestExports(Exports):
    """The Shelf fills a file."""
