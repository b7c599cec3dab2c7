"""A database of a test's own, on SQLite and on PostgreSQL, at any revision, and questions for it.

A test module takes the fixtures over: `kind = databases.kind`.
"""

import itertools
import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import IntegrityError

NUMBERS = itertools.count()  # no two databases of a server have the same name
POSTGRESQL = pytest.param("PostgreSQL", marks=pytest.mark.server)
on_postgres = pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True)
on_sqlite = pytest.mark.parametrize("kind", ["SQLite"], indirect=True)


@pytest.fixture(params=["SQLite", POSTGRESQL])
def kind(request):
    """Which database: a test that uses one runs on both, unless it says which."""
    return request.param


@pytest.fixture
def uri(kind, request, tmp_path):
    """The address of the test's database, as SQLAlchemy writes it; `at` makes it."""
    if kind == "SQLite":
        yield f"sqlite:///{tmp_path}/kept.db"
        return
    server = request.getfixturevalue("server")
    url = address_of(server, f"test_{next(NUMBERS)}")
    yield url
    drop(server, make_url(url).database)


def address_of(server, name):
    """Return the address of a server's database, as SQLAlchemy writes it."""
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def on_server(server, statement):
    """Send a server what cannot be part of a transaction."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def drop(server, name):
    """Do away with a database: the last tests of the server may have been ended before they did."""
    on_server(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def stock():
    """Databases without rows, by kind and revision, so that each revision is made only once."""
    return {}


@pytest.fixture
def at(kind, uri, make, models, stock, request):
    """Make the test's database at a revision, without rows; return it, to be looked at."""

    def at(revision):
        if (kind, revision) not in stock:
            older = [each for known, each in stock if known == kind and each < revision]
            copied(stock.get((kind, max(older, default=None))))
            if revision != "base":
                upgraded(revision)
            stock[kind, revision] = kept_aside()
        copied(stock[kind, revision])
        return Database(uri)

    def copied(known):
        if kind == "SQLite":
            Path(make_url(uri).database).write_bytes(known or b"")
            return
        server, name = request.getfixturevalue("server"), make_url(uri).database
        drop(server, name)
        on_server(server, f"CREATE DATABASE {name} TEMPLATE {known or 'template1'}")

    def upgraded(revision):
        app = make(tables=False, SQLALCHEMY_DATABASE_URI=uri)
        result = app.test_cli_runner(catch_exceptions=False).invoke(
            args=["db", "upgrade", revision]
        )
        assert result.exit_code == 0, f"flask db upgrade {revision}\n{result.output}"
        with app.app_context():
            models.db.engine.dispose()

    def kept_aside():
        if kind == "SQLite":
            return Path(make_url(uri).database).read_bytes()
        server, name = request.getfixturevalue("server"), f"ready_{next(NUMBERS)}"
        drop(server, name)
        on_server(server, f"ALTER DATABASE {make_url(uri).database} RENAME TO {name}")
        return name

    return at


class Database:
    """A database, looked at and changed from outside.

    Args:
        uri: its address, as SQLAlchemy writes it.
    """

    def __init__(self, uri):
        self.uri = uri
        self.kind = make_url(uri).get_backend_name()
        self._engine = create_engine(uri, poolclass=NullPool)

    def ask(self, question, **values):
        """Return the rows that it answers with; a day is a text."""
        with self._engine.connect() as connection:
            found = connection.execute(text(question), values).all()
        return [tuple(str(x) if hasattr(x, "year") else x for x in row) for row in found]

    def change(self, statement, *rows):
        """Send a statement, and commit it; with dictionaries, once for each."""
        with self._engine.begin() as connection:
            connection.execute(text(statement), list(rows) or None)

    def refuses(self, statement):
        """Return whether the rules of its tables refuse a statement."""
        try:
            self.change(statement)
        except IntegrityError:
            return True
        return False

    @contextmanager
    def busy(self, *statements):
        """Send statements, and keep their transaction open for as long as a `with` lasts."""
        with self._engine.connect() as connection:
            for each in statements:
                connection.execute(text(each))
            yield connection

    def version(self):
        """Return the revisions that it says it is at."""
        return [number for [number] in self.ask("SELECT version_num FROM alembic_version")]

    def tables(self):
        """Return the names of its tables, but for the one that Alembic keeps."""
        with self._engine.connect() as connection:
            return sorted({*inspect(connection).get_table_names()} - {"alembic_version"})

    def rows(self, *without):
        """Return all rows of all tables, each as a dictionary; some columns may be left out."""
        found = {}
        with self._engine.connect() as connection:
            for table in self.tables():
                rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY number"))
                found[table] = [
                    {name: str(row[name]) for name in row if name not in without}
                    for row in rows.mappings()
                ]
        return found

    def schema(self):
        """Return what each table's columns are, and what each rule and each index says."""
        found = {}
        with self._engine.connect() as connection:
            look = inspect(connection)
            for (_, table), columns in look.get_multi_columns().items():
                found[table] = {
                    each["name"]: (str(each["type"]), each["nullable"], each["default"])
                    for each in columns
                }
            for (_, table), key in look.get_multi_pk_constraint().items():
                found[f"rules of {table}"] = {key["name"]: key["constrained_columns"]}
            for kind in ("unique_constraints", "check_constraints", "foreign_keys"):
                for (_, table), rules in getattr(look, f"get_multi_{kind}")().items():
                    for each in rules:
                        says = each.get("sqltext") or each.get("column_names")
                        found[f"rules of {table}"][each["name"]] = says or [
                            each["constrained_columns"],
                            each["referred_table"],
                        ]
            for (_, table), indexes in look.get_multi_indexes().items():
                found[f"indexes of {table}"] = {
                    each["name"]: (
                        each["column_names"],
                        bool(each["unique"]),
                        str(each.get("dialect_options", {}).get(f"{self.kind}_where")),
                    )
                    for each in indexes
                }
        return found

    def someone_waits(self, until=lambda: False):
        """Return whether somebody waits for a lock; look until it is so, or for ten seconds."""
        end = time.monotonic() + 10
        question = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with self._engine.connect() as connection:
            while time.monotonic() < end and not until():
                if connection.execute(question).scalar():
                    return True
                connection.rollback()
                time.sleep(0.01)
        return False


def dump(uri):
    """Return all that is in a SQLite database: tables, rows and the note of its revision."""
    with closing(sqlite3.connect(make_url(uri).database)) as database:
        return list(database.iterdump())
