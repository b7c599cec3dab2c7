"""Fixtures and questions for an app whose tables are made by scripts, from lesson 12 on.

A test module takes the fixtures over: `place = histories.place`.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from shutil import copytree, ignore_patterns

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect

SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {after!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
"""

KILL = int(getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows knows one way only
HALF = [  # what the scripts below do before they fail
    'op.create_table("half", sa.Column("number", sa.Integer))',
    'op.execute("INSERT INTO half (number) VALUES (1)")',
    "op.execute(\"UPDATE reader SET name = name || '!'\")",
    'with op.batch_alter_table("reader") as batch_op:',
    '    batch_op.drop_column("phone")',
]
FLASK = "from flask.cli import main\nmain()"


@pytest.fixture
def place(tmp_path):
    """Where a test keeps its database, so that it can be looked at from outside."""
    return tmp_path / "kept.db"


@pytest.fixture
def uri(place):
    """The address of that database, as SQLAlchemy writes it."""
    return f"sqlite:///{place}"


@pytest.fixture
def kept(uri, make):
    """An app with that database, still without tables."""
    return make(tables=False, SQLALCHEMY_DATABASE_URI=uri)


@pytest.fixture
def do(kept):
    """Type a command that must succeed, for that database; return what it prints."""

    runner = kept.test_cli_runner(catch_exceptions=False)

    def do(*words):
        result = runner.invoke(args=[str(word) for word in words])
        assert result.exit_code == 0, f"flask {' '.join(map(str, words))}\n{result.output}"
        return result.output

    return do


@pytest.fixture
def scripts(folder, tmp_path):
    """A copy of the app's folder `migrations`, without the scripts."""
    source, target = folder / "migrations", tmp_path / "migrations"
    assert source.is_dir(), "The app's folder has no folder `migrations`."
    copytree(source, target, ignore=ignore_patterns("__pycache__", "versions"))
    (target / "versions").mkdir()
    return target


@pytest.fixture
def history(folder, load):
    """The app's scripts, as Alembic finds them."""
    return ScriptDirectory(str(folder / "migrations"))


@pytest.fixture
def more_scripts(folder, tmp_path):
    """A copy of the app's folder `migrations`, for more scripts."""
    target = tmp_path / "more"
    return copytree(folder / "migrations", target, ignore=ignore_patterns("__pycache__"))


@pytest.fixture
def refused(kept, caplog):
    """Type a command that must fail, for that database; return what it says."""

    def refused(*words):
        caplog.clear()
        result = kept.test_cli_runner().invoke(args=[*map(str, words)])
        line = f"flask {' '.join(map(str, words))}"
        assert result.exit_code == 1, f"{line} must fail\n{result.output}"
        if not isinstance(result.exception, SystemExit):
            return str(result.exception)
        errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
        return "\n".join(errors)

    return refused


@pytest.fixture
def terminal(folder, uri):
    """Type a command in a process of its own, for that database; return what became of it."""

    def terminal(*words, before=""):
        others = {
            key: os.environ[key]
            for key in os.environ
            if not key.startswith(("PYTEST_", "PYTHONUNBUF"))
        }
        own = {
            "FLASK_SECRET_KEY": "of the tests",
            "FLASK_SQLALCHEMY_DATABASE_URI": uri,
        }
        return subprocess.run(
            [sys.executable, "-B", "-c", before + FLASK, *map(str, words)],
            cwd=folder,
            env=others | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )

    return terminal


def write(scripts, revision, *upgrade, after=None, downgrade=("pass",)):
    """Write a script of the test's own: what `upgrade` does, line by line."""
    text = SCRIPT.format(
        revision=revision,
        after=after,
        upgrade="\n".join(f"    {line}" for line in upgrade),
        downgrade="\n".join(f"    {line}" for line in downgrade),
    )
    (scripts / "versions" / f"{revision}.py").write_text(text, encoding="utf-8")


def written(scripts):
    """Return the texts of the scripts."""
    return [path.read_text(encoding="utf-8") for path in (scripts / "versions").glob("*.py")]


def ask(place, question):
    """Return the rows that a database answers with."""
    with closing(sqlite3.connect(place)) as database:
        return database.execute(question).fetchall()


def tables(place):
    """Return the names of a database's tables, but for the one that Alembic keeps."""
    found = {name for [name] in ask(place, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    return sorted(found - {"alembic_version"})


def version(place):
    """Return the revisions that a database says it is at."""
    return [number for [number] in ask(place, "SELECT version_num FROM alembic_version")]


def rows(place, names):
    """Return all rows of these tables, each as a dictionary."""
    found = {}
    with closing(sqlite3.connect(place)) as database:
        database.row_factory = sqlite3.Row
        for table in names:
            wanted = f"SELECT * FROM {table} ORDER BY number"
            found[table] = [dict(row) for row in database.execute(wanted)]
    return found


def inspected(place, look):
    """Return what a function finds with SQLAlchemy's inspector."""
    engine = create_engine(f"sqlite:///{place}", poolclass=NullPool)
    return look(inspect(engine))


def columns(place, table):
    """Return a table's columns: type, and whether it may be empty."""
    return inspected(
        place,
        lambda database: {
            each["name"]: (str(each["type"]), each["nullable"])
            for each in database.get_columns(table)
        },
    )


def constraints(place):
    """Return what each constraint demands, by name."""

    def look(database):
        found = {}
        for table in tables(place):
            key = database.get_pk_constraint(table)
            found[key["name"]] = f"{', '.join(key['constrained_columns'])} is the primary key"
            for each in database.get_unique_constraints(table):
                found[each["name"]] = f"{', '.join(each['column_names'])} is unique"
            for each in database.get_foreign_keys(table):
                here, [there] = ", ".join(each["constrained_columns"]), each["referred_columns"]
                found[each["name"]] = f"{here} is a {each['referred_table']}'s {there}"
        return found

    return inspected(place, look)


def indexes(place):
    """Return what each index holds, by name."""

    def look(database):
        found = {}
        for table in tables(place):
            for each in database.get_indexes(table):
                where = each.get("dialect_options", {}).get("sqlite_where")
                parts = [*each["column_names"], "unique" if each["unique"] else ""]
                parts.append(f"where {where}" if where is not None else "")
                found[each["name"]] = ", ".join(filter(None, parts))
        return found

    return inspected(place, look)


def obeys_foreign_keys(app, models):
    """Return whether the connection that an app gets obeys foreign keys."""
    with app.app_context(), models.db.engine.connect() as connection:
        return connection.execute(models.db.text("PRAGMA foreign_keys")).scalar() == 1


def schema(place):
    """Return all that the other functions find out about a database's tables."""
    found = {table: columns(place, table) for table in tables(place)}
    return found | {"constraints": constraints(place), "indexes": indexes(place)}
