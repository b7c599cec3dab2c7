"""Each history of migrations: forwards and back, with rows in it, on SQLite and PostgreSQL."""

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import database_fixtures as fixtures
import postgres
import pytest
import pytest_alembic
from conftest import ROOT
from flask import Flask, current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import pictures
from pytest_alembic import tests as of_the_library
from sqlalchemy import create_engine, inspect, text

from course.lessons import all_lessons

HISTORIES = [each for each in all_lessons() if (each.folder / "migrations").exists()]
BOOKS = 10_000

load = fixtures.load
models = fixtures.models
server = postgres.server
new_database = postgres.new_database


@pytest.fixture(scope="module", params=[each.stem for each in HISTORIES])
def folder(request: pytest.FixtureRequest) -> Path:
    """The finished app whose history is tried."""
    return ROOT / "lessons" / request.param


@pytest.fixture(scope="module")
def make(load, models, new_database):
    """Make an app with an empty database of its own, for as long as a `with` lasts."""

    @contextlib.contextmanager
    def make() -> Iterator[Flask]:
        known = {"SECRET_KEY": "of the tests", "SQLALCHEMY_DATABASE_URI": new_database()}
        app = load("shelf").create_app(known)
        with app.app_context():
            try:
                yield app
            finally:
                models.db.session.remove()
                models.db.engine.dispose()

    return make


def run(app: Flask, *words: str) -> None:
    """Run a command such as `flask db upgrade`.

    Raises:
        AssertionError: if it fails; the text is what it printed.
    """
    result = app.test_cli_runner().invoke(args=["db", *words])
    assert result.exit_code == 0, result.output


def rows(engine) -> dict[str, list[tuple]]:
    """Return the rows of each table by the table's name, sorted; columns by name."""
    with engine.connect() as connection:
        found = {}
        for table in sorted(inspect(connection).get_table_names()):
            columns = sorted(each["name"] for each in inspect(connection).get_columns(table))
            query = text(f"SELECT {', '.join(columns)} FROM {table}")
            found[table] = sorted(map(tuple, connection.execute(query)), key=repr)
    return found


# Rows as revision 0001 knows them. A book's names are kept beside, to say what a text becomes.

words = st.text("AbcdéßЖ雪'’&.-", min_size=1, max_size=12)
names = st.lists(st.tuples(words, words, st.booleans()), max_size=3, unique_by=lambda n: n[:2])
days = st.dates(date(1990, 1, 1), date(2030, 12, 31))
books = st.lists(st.tuples(words, names, st.none() | st.integers(-999, 2100)), max_size=8)
loans = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3), days, st.booleans()), max_size=12)


def as_typed(names: list[tuple[str, str, bool]]) -> str:
    """Return the authors as people typed them: some with the last name first."""
    return " and ".join(
        f"{last}, {first}" if turned else f"{first} {last}" for first, last, turned in names
    )


def as_meant(names: list[tuple[str, str, bool]]) -> str:
    """Return the authors as all are written after the copying."""
    return " and ".join(f"{first} {last}" for first, last, _ in names)


def fill(engine, books, readers, loans) -> None:
    """Write rows into a database at revision 0001."""
    with engine.begin() as connection:
        for title, names, year in books:
            connection.execute(
                text(
                    "INSERT INTO book (title, author, year, folded_title)"
                    " VALUES (:title, :author, :year, :folded)"
                ),
                {
                    "title": title,
                    "author": as_typed(names),
                    "year": year,
                    "folded": title.casefold(),
                },
            )
        for name in readers:
            connection.execute(text("INSERT INTO reader (name) VALUES (:name)"), {"name": name})
        lent = set()
        for book, reader, day, still in loans:
            if book < len(books) and reader < len(readers) and not (still and book in lent):
                lent |= {book} if still else set()
                connection.execute(
                    text(
                        "INSERT INTO loan (book_number, reader_number, lent_on, back_on)"
                        " VALUES (:book, :reader, :lent_on, :back_on)"
                    ),
                    {
                        "book": book + 1,
                        "reader": reader + 1,
                        "lent_on": day.isoformat(),
                        "back_on": None if still else day.isoformat(),
                    },
                )


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(books=books, readers=st.lists(words, max_size=4, unique=True), loans=loans)
def test_rows_come_through(make, folder, books, readers, loans) -> None:
    """Up and down to the first revision, no row changes but for the authors' way of writing."""
    with make() as app:
        engine = app.extensions["sqlalchemy"].engine
        run(app, "upgrade", "0001")
        fill(engine, books, readers, loans)
        before = rows(engine)
        run(app, "upgrade")
        run(app, "check")
        after = rows(engine)
        run(app, "downgrade", "0001")
        if folder.name != "12_migrations":
            known = {as_typed(names): as_meant(names) for _, names, _ in books}
            before["book"] = sorted(
                ((known[author], *others) for author, *others in before["book"]), key=repr
            )
        assert rows(engine) == before
        run(app, "upgrade")
        assert rows(engine) == after
        run(app, "downgrade", "base")
        assert rows(engine) == {"alembic_version": []}
        run(app, "upgrade")
        run(app, "check")


@pytest.mark.parametrize(
    "promise",
    [
        of_the_library.test_single_head_revision,
        of_the_library.test_upgrade,
        of_the_library.test_model_definitions_match_ddl,
        of_the_library.test_up_down_consistency,
    ],
)
def test_the_library_finds_nothing(make, promise) -> None:
    """The tests of pytest-alembic pass."""
    with make() as app:
        known = current_app.extensions["migrate"].migrate.get_config()
        config = pytest_alembic.Config(alembic_config=known)
        with pytest_alembic.runner(config, app.extensions["sqlalchemy"].engine) as runner:
            promise(runner)


def test_the_pages_show_the_tables(make, folder, request) -> None:
    """The pictures beside the pages are those of the history, on either database."""
    with make() as app:
        for name, svg in pictures(app, folder.name).items():
            if request.config.option.draw:
                (ROOT / "docs" / name).write_text(svg, encoding="utf-8")
            assert (ROOT / "docs" / name).read_text(encoding="utf-8") == svg


@pytest.mark.parametrize("folder", ["14_postgresql"], indirect=True)  # 12 has no transactions
def test_a_kill_loses_no_book(new_database, folder, request) -> None:
    """Killed at any moment of an upgrade, the next one finishes, and every book is there."""
    for _ in range(request.config.option.kills):
        address = new_database()
        flask_db(folder, address, "upgrade", "0001").wait()
        engine = create_engine(address)
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO book (title, author, folded_title)"
                    " VALUES (:title, :author, :title)"
                ),
                [{"title": f"t{n}", "author": f"Last{n % 70}, First"} for n in range(BOOKS)],
            )
        upgrade = flask_db(folder, address, "upgrade")
        with contextlib.suppress(subprocess.TimeoutExpired):
            upgrade.wait(random.uniform(0.3, 4))
        upgrade.kill()
        upgrade.wait()
        assert flask_db(folder, address, "upgrade").wait() == 0
        assert flask_db(folder, address, "check").wait() == 0
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM book")) == BOOKS
            query = text(
                "SELECT count(*) FROM book JOIN wrote ON book_number = book.number"
                " JOIN author ON author_number = author.number WHERE name LIKE 'First Last%'"
            )
            assert connection.scalar(query) == BOOKS
        engine.dispose()


def flask_db(folder: Path, address: str, *words: str) -> subprocess.Popen[bytes]:
    """Start a command such as `flask db upgrade` in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "db", *words],
        cwd=folder,
        env=kept | {"FLASK_DEBUG": "1", "FLASK_SQLALCHEMY_DATABASE_URI": address},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
