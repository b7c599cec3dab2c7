"""Lesson 12: the tables change, and the rows stay."""

import io
import logging
import re
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import database_fixtures as fixtures
import histories
import own_tests
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from conftest import YOUR_TURN
from contract_database import Database
from contract_forms import Forms
from contract_loans import Loans, words
from contract_pages import Pages
from contract_sessions import Sessions
from histories import (
    ask,
    columns,
    constraints,
    indexes,
    obeys_foreign_keys,
    rows,
    schema,
    tables,
    version,
    write,
    written,
)
from sqlalchemy import Column, Integer, Table, event

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
place = histories.place
uri = histories.uri
kept = histories.kept
do = histories.do
scripts = histories.scripts
history = histories.history
process = own_tests.process
outcome = own_tests.outcome
step = pytest.mark.step
MINE = "test_migrations.py"  # the tests that the page has people write

# Each column's type, and whether it may be empty.
LESSON_11 = {
    "book": {
        "number": ("INTEGER", False),
        "title": ("VARCHAR(200)", False),
        "author": ("VARCHAR(200)", False),
        "year": ("INTEGER", True),
        "cover": ("VARCHAR", True),
        "folded_title": ("VARCHAR", False),
    },
    "reader": {"number": ("INTEGER", False), "name": ("VARCHAR(40)", False)},
    "loan": {
        "number": ("INTEGER", False),
        "book_number": ("INTEGER", False),
        "reader_number": ("INTEGER", False),
        "lent_on": ("DATE", False),
        "back_on": ("DATE", True),
    },
}
CONSTRAINTS = {
    "pk_book": "number is the primary key",
    "pk_reader": "number is the primary key",
    "uq_reader_name": "name is unique",
    "pk_loan": "number is the primary key",
    "fk_loan_book_number": "book_number is a book's number",
    "fk_loan_reader_number": "reader_number is a reader's number",
}
INDEXES = {
    "ix_book_author": "author",
    "ix_loan_book_number": "book_number",
    "ix_loan_reader_number": "reader_number",
    "uq_loan_open": "book_number, unique, where back_on IS NULL",
}


@pytest.fixture
def modelled(kept, models, fill):
    """That database with the tables that the models make, and rows; no script made them."""
    with kept.app_context():
        models.db.create_all()
    fill()


@pytest.fixture
def fill(place, chance):
    """Put random books, readers and loans into that database; return all rows."""

    def fill():
        numbers, people = chance.sample(range(1, 999), 6), chance.sample(range(1, 999), 4)
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(2000))
        with closing(sqlite3.connect(place)) as database, database:
            for number in numbers:
                title, year = f"Títle {chance.random()}", chance.choice([None, 0, 1815])
                database.execute(
                    "INSERT INTO book (number, title, author, year, cover, folded_title) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (number, title, f"Author {number % 3}", year, None, title.casefold()),
                )
            for number in people:
                row = number, f"Reader {chance.random()}"
                database.execute("INSERT INTO reader (number, name) VALUES (?, ?)", row)
            for number, back_on in enumerate([day, None, day, None, day], chance.randint(1, 99)):
                row = number, numbers[number % 6], chance.choice(people), day, back_on
                row = [str(each) if isinstance(each, date) else each for each in row]
                database.execute(
                    "INSERT INTO loan (number, book_number, reader_number, lent_on, back_on) "
                    "VALUES (?, ?, ?, ?, ?)",
                    row,
                )
        return rows(place, LESSON_11)

    return fill


@step(1)
def test_flask_has_a_command_db(kept, typed, place):
    """`flask db current` runs your `env.py`, and makes no tables for the books."""
    result = typed("db", "current", app=kept)
    assert result.exit_code == 0, result.output
    assert tables(place) == []


@step(1)
def test_the_scripts_lie_beside_the_package(make, typed, tmp_path, monkeypatch):
    """The scripts lie in the app's folder `migrations`, wherever you type the command."""
    monkeypatch.chdir(tmp_path)
    result = typed("db", "current", app=make())
    assert result.exit_code == 0, "In another folder, `flask db current` does not find `env.py`."


@step(1)
def test_a_script_is_run_and_noted(do, scripts, place, chance):
    """`flask db upgrade` runs a script, and notes its number in the database: commit."""
    revision, table = f"{chance.randrange(10**12):012}", f"shelf_{chance.randrange(999)}"
    write(scripts, revision, f'op.create_table("{table}", sa.Column("number", sa.Integer))')
    do("db", "upgrade", "-d", scripts)
    assert (tables(place), version(place)) == ([table], [revision])


@step(1)
def test_migrate_compares_with_the_models(do, scripts, place):
    """`flask db migrate` writes a script of what the models have and the database has not."""
    do("db", "migrate", "-d", scripts, "-m", "all of it")
    assert (len(written(scripts)), tables(place)) == (1, [])
    do("db", "upgrade", "-d", scripts)
    assert {"book", "loan", "reader"} <= set(tables(place))
    do("db", "check", "-d", scripts)


@step(1)
@pytest.mark.parametrize("table", ["book", "reader"])
def test_a_table_can_be_replaced(do, scripts, modelled, place, table):
    """A table may be replaced by a copy although loans point there: foreign keys are off."""
    before = rows(place, LESSON_11)
    write(
        scripts,
        "replacement",
        f'with op.batch_alter_table("{table}", recreate="always") as batch_op:',
        '    batch_op.add_column(sa.Column("more", sa.Integer))',
    )
    do("db", "upgrade", "-d", scripts)
    after = rows(place, LESSON_11)
    assert {row.pop("more") for row in after[table]} == {None}
    assert after == before


@step(1)
def test_tables_are_changed_in_batches(do, scripts, modelled, place):
    """A script changes SQLite's tables in batches: pass `configure_args` on."""
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("DROP TABLE reader")
        database.execute(
            "CREATE TABLE reader (number INTEGER NOT NULL, name VARCHAR(30), "
            "CONSTRAINT pk_reader PRIMARY KEY (number), CONSTRAINT uq_reader_name UNIQUE (name))"
        )
    do("db", "migrate", "-d", scripts)
    do("db", "upgrade", "-d", scripts)
    assert columns(place, "reader")["name"] == ("VARCHAR(40)", False)


@step(1)
@pytest.mark.parametrize("command", ["current", "upgrade", "check"])
def test_foreign_keys_are_obeyed_afterwards(app, typed, models, scripts, command):
    """When a command is done, the app's connection obeys foreign keys again."""
    write(scripts, "nothing", "pass")
    assert typed("db", "stamp", "head", "-d", str(scripts)).exit_code == 0
    assert typed("db", command, "-d", str(scripts)).exit_code == 0
    assert obeys_foreign_keys(app, models)


@step(1)
def test_foreign_keys_are_obeyed_after_a_failure(app, typed, models, scripts):
    """When a script fails, the app's connection obeys foreign keys again, too: `finally`."""
    write(scripts, "failure", 'raise RuntimeError("No.")')
    assert typed("db", "upgrade", "-d", str(scripts)).exit_code == 1
    assert obeys_foreign_keys(app, models)


@step(1)
def test_the_app_goes_on_afterwards(app, typed, stored, models, scripts, titles):
    """After a command, the app reads and writes as before."""
    write(scripts, "nothing", "pass")
    assert typed("db", "upgrade", "-d", str(scripts)).exit_code == 0
    with app.app_context():
        models.db.session.add(models.Book(title=titles[0], author="A. Nobody"))
        models.db.session.commit()
    assert stored() == [(titles[0], "A. Nobody", None)]


@step(1)
def test_scripts_are_run_in_a_transaction(kept, do, typed, scripts, place):
    """Databases that can, change tables inside a transaction: `begin_transaction`, in both cases.

    SQLite could, too, but Alembic has to be told.
    """
    kept.extensions["migrate"].configure_args["transactional_ddl"] = True
    write(scripts, "first", 'op.create_table("guest", sa.Column("name", sa.String(40)))')
    printed = do("db", "upgrade", "-d", scripts, "--sql")
    expected = ["BEGIN;", "CREATE TABLE guest", "COMMIT;"]
    assert re.findall(r"BEGIN;|CREATE TABLE guest|COMMIT;", printed) == expected
    do("db", "upgrade", "-d", scripts)
    lines = "op.execute(\"INSERT INTO guest VALUES ('Ann')\")", 'raise RuntimeError("No.")'
    write(scripts, "second", *lines, after="first")
    assert typed("db", "upgrade", "-d", str(scripts), app=kept).exit_code == 1
    assert (ask(place, "SELECT * FROM guest"), version(place)) == ([], ["first"])


@step(1)
def test_nothing_to_do_is_no_script(do, scripts, modelled, monkeypatch):
    """If there is nothing to do, `flask db migrate` says so, and writes no script."""
    logging.getLogger("alembic").setLevel(logging.NOTSET)
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])  # as in a terminal
        printed = do("db", "migrate", "-d", scripts)
    assert written(scripts) == []
    assert re.search(r"^INFO\b.*No changes in schema detected\.$", printed, re.MULTILINE), printed


@step(1)
def test_sql_needs_no_database(make, typed, do, scripts, place, tmp_path, chance):
    """With --sql, what would be sent is printed, values included, and no database is asked."""
    name = f"Ann {chance.random()}"
    write(
        scripts,
        "printed",
        'name = sa.Column("name", sa.String(40), unique=True)',
        'table = op.create_table("guest", name)',
        f'op.execute(table.insert().values(name="{name}"))',
    )
    app = make(tables=False, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/not/there.db")
    result = typed("db", "upgrade", "-d", str(scripts), "--sql", app=app)
    assert result.exit_code == 0
    assert "BEGIN" not in result.stdout, "that is another database's SQL"
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.executescript(result.stdout)
    do("db", "upgrade", "-d", scripts)
    assert constraints(tmp_path / "other.db") == constraints(place)
    found = "SELECT name, version_num FROM guest, alembic_version"
    assert ask(tmp_path / "other.db", found) == ask(place, found) == [(name, "printed")]


@step(2)
def test_the_first_script_is_the_first(history):
    """There is a script 0001, and none comes before it."""
    assert history.get_revision("0001").down_revision is None


@step(2)
def test_the_first_script_makes_the_tables(do, place):
    """On an empty database, `flask db upgrade 0001` makes the tables book, loan and reader."""
    do("db", "upgrade", "0001")
    assert (tables(place), version(place)) == (["book", "loan", "reader"], ["0001"])


@step(2)
@pytest.mark.parametrize("table", LESSON_11)
def test_the_first_script_makes_the_columns(do, place, table):
    """The tables that 0001 makes have the columns of lesson 11, and may lack the same."""
    do("db", "upgrade", "0001")
    assert columns(place, table) == LESSON_11[table]


@step(2)
def test_the_first_script_names_the_constraints(do, place):
    """What the tables of 0001 demand has the names of lesson 11."""
    do("db", "upgrade", "0001")
    assert constraints(place) == CONSTRAINTS


@step(2)
def test_the_first_script_makes_the_indexes(do, place):
    """The tables of 0001 have the indexes of lesson 11: one of them for open loans only."""
    do("db", "upgrade", "0001")
    assert indexes(place) == INDEXES


@step(2)
def test_the_index_holds_open_loans_in_another_database(history):
    """On PostgreSQL, too, the unique index of 0001 holds open loans only."""
    printed = io.StringIO()
    options = {"as_sql": True, "output_buffer": printed}
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        history.get_revision("0001").module.upgrade()
    statement = "CREATE UNIQUE INDEX uq_loan_open ON loan (book_number) WHERE back_on IS NULL;"
    assert statement in printed.getvalue()


@step(2)
def test_the_first_script_is_taken_back(do, fill, place):
    """Below 0001 nothing is left, and from there it goes up again."""
    do("db", "upgrade", "0001")
    fill()
    before = schema(place)
    do("db", "downgrade", "base")
    assert (tables(place), indexes(place), version(place)) == ([], {}, [])
    do("db", "upgrade", "0001")
    assert (schema(place), rows(place, LESSON_11)) == (before, {table: [] for table in LESSON_11})


@step(2)
def test_loans_are_dropped_first(kept, models, do, fill, place, history):
    """The way back from 0001 drops the loans before the tables that they point to.

    With foreign keys off SQLite would not mind, but another database has them always on.
    """
    do("db", "upgrade", "0001")
    fill()
    with kept.app_context(), models.db.engine.begin() as connection:
        connection.execute(models.db.text("PRAGMA foreign_keys = ON"))
        with Operations.context(MigrationContext.configure(connection)):
            history.get_revision("0001").module.downgrade()
    assert tables(place) == []


@step(2)
def test_create_runs_the_scripts(do, history, place):
    """`flask shelf create` makes a database from nothing, and its version is the last script's."""
    do("shelf", "create")
    assert tables(place) == ["book", "loan", "reader"]
    assert version(place) == history.get_heads()


@step(2)
def test_create_may_be_typed_again(do, history, fill, place):
    """`flask shelf create` brings a database up to date, as often as you like; all rows stay."""
    do("db", "upgrade", "0001")
    before = fill()
    for _ in range(2):
        do("shelf", "create")
        assert version(place) == history.get_heads()
        old = {
            table: [{name: row[name] for name in LESSON_11[table]} for row in found]
            for table, found in rows(place, LESSON_11).items()
        }
        assert old == before


@step(2)
def test_only_scripts_make_tables(do, models, place):
    """`flask shelf create` leaves the tables to the scripts: no `create_all` any more."""
    extra = Table("unscripted", models.db.metadata, Column("number", Integer))
    try:
        do("shelf", "create")
    finally:
        models.db.metadata.remove(extra)
    assert tables(place) == ["book", "loan", "reader"]


@step(2)
def test_tables_that_no_script_made_can_be_stamped(do, fill, place):
    """Who has the tables of 0001 stamps the database, goes on from there, and keeps all rows."""
    do("db", "upgrade", "0001")
    fill()
    do("db", "downgrade", "0001")
    before = rows(place, LESSON_11)
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("DROP TABLE alembic_version")
    do("db", "stamp", "0001")
    assert (version(place), rows(place, LESSON_11)) == (["0001"], before)
    do("db", "upgrade")
    assert [len(found) for found in rows(place, LESSON_11).values()] == [6, 4, 5]


@step(3)
def test_the_second_script_follows_the_first(history):
    """There is a script 0002, and it comes after 0001."""
    assert history.get_revision("0002").down_revision == "0001"


@step(3)
def test_a_phone_comes_and_every_row_stays(do, fill, place):
    """0002 gives each reader who is there an empty phone, and keeps all rows of all tables."""
    do("db", "upgrade", "0001")
    before = fill()
    do("db", "upgrade", "0002")
    expected = [row | {"phone": None} for row in before["reader"]]
    assert rows(place, LESSON_11) == before | {"reader": expected}
    assert version(place) == ["0002"]


@step(3)
def test_the_second_script_adds_a_column_and_nothing_else(do, place):
    """0002 adds the column phone, of at most 20 characters or none, and leaves all else."""
    do("db", "upgrade", "0001")
    before = schema(place)
    do("db", "upgrade", "0002")
    expected = before["reader"] | {"phone": ("VARCHAR(20)", True)}
    assert schema(place) == before | {"reader": expected}


@step(3)
def test_the_models_and_the_scripts_agree(do):
    """A database that has had all scripts has what the models describe: `flask db check`."""
    do("db", "upgrade")
    do("db", "check")


@step(3)
def test_the_models_make_the_same_tables(do, make, place, tmp_path):
    """`create_all`, which your tests use, makes the same tables as the scripts, lengths included.

    `flask db check` does not miss a length that the model does not state.
    """
    do("db", "upgrade")
    make(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/other.db")
    assert schema(tmp_path / "other.db") == schema(place)


@pytest.fixture
def readers(app, models, chance):
    """Some readers in the app's database: their names, in no order."""
    names = [f"{name} {chance.randrange(10**6)}" for name in ("Ann", "Zoë O'Hara", 'Bob "B"')]
    names += [names[0].upper(), f"{names[0]}0"]
    chance.shuffle(names)
    with app.app_context():
        models.db.session.add_all(models.Reader(name=name) for name in names)
        models.db.session.commit()
    return names


@pytest.fixture
def phones(app, models):
    """Return each reader's number, as a session of its own sees it."""

    def phones():
        with app.app_context():
            found = models.db.session.scalars(models.db.select(models.Reader))
            return {reader.name: reader.phone for reader in found}

    return phones


@step(3)
def test_a_number_is_noted(typed, readers, phones, chance):
    """`flask shelf phone Ann "555 0199"` notes the number of that reader, and of no other."""
    expected = dict.fromkeys(readers)
    assert phones() == expected
    for name in readers:
        expected[name] = f"+49 {chance.randrange(10**9)}"
        result = typed("shelf", "phone", name, expected[name])
        assert (result.exit_code, result.output, phones()) == (0, "", expected)


@step(3)
def test_a_number_is_replaced(typed, readers, phones, chance):
    """Who has a number can get another."""
    number = f"555 {chance.randrange(10**4)}"
    for each in ("555 0199", number):
        assert typed("shelf", "phone", readers[0], each).exit_code == 0
    assert phones()[readers[0]] == number


@step(3)
def test_a_number_of_nobody(typed, readers, phones, chance):
    """A reader who is not there is one sentence, and nothing changes."""
    name = f"Eve {chance.random()}"
    result = typed("shelf", "phone", name, "555 0199")
    expected = f"Error: There is no reader called {name}.\n"
    assert (result.exit_code, result.output) == (1, expected)
    assert phones() == dict.fromkeys(readers)


@step(3)
@pytest.mark.parametrize("length", [1, 20])
def test_a_number_may_have_20_characters(typed, readers, phones, chance, length):
    """A phone number may have 20 characters."""
    number = "é" + "".join(chance.choices("0123456789 /+", k=length - 1))
    result = typed("shelf", "phone", "--", readers[1], number)
    assert (result.exit_code, phones()[readers[1]]) == (0, number), result.output


@step(3)
@pytest.mark.parametrize("length", [21, 200])
def test_a_number_that_is_too_long(typed, readers, phones, chance, length):
    """A number with more than 20 characters is one sentence, and the old one stays."""
    typed("shelf", "phone", readers[0], "555 0199")
    result = typed("shelf", "phone", readers[0], "".join(chance.choices("0123456789", k=length)))
    expected = "Error: A phone number has at most 20 characters.\n"
    assert (result.exit_code, result.output) == (1, expected)
    assert phones() == dict.fromkeys(readers) | {readers[0]: "555 0199"}


@step(3)
def test_who_has_it_can_be_called(app, typed, models, books, chance):
    """`flask shelf lent` says a reader's number in parentheses, and none of who has none."""
    number, other, *_ = chance.sample(list(books), 3)
    phone, today = f"555 {chance.randrange(10**4)}", date.today()
    with app.app_context():
        ann, bob = models.Reader(name="Ann", phone=phone), models.Reader(name="Bob")
        models.db.session.add(models.Loan(book_number=number, reader=ann))
        models.db.session.flush()
        models.db.session.add(models.Loan(book_number=other, reader=bob))
        models.db.session.commit()
    result = typed("shelf", "lent")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            f"{today} {books[number]['title']}: Ann ({phone})",
            f"{today} {books[other]['title']}: Bob",
        ],
    )


@step(4)
def test_down_and_up_keep_every_row(do, fill, place, chance):
    """From 0002 to 0001 and up again, all rows stay, and only the phone numbers are lost."""
    do("db", "upgrade", "0002")
    before = fill()
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("UPDATE reader SET phone = ?", (f"555 {chance.randrange(10**4)}",))
    do("db", "downgrade", "0001")
    without = [{name: row[name] for name in ("number", "name")} for row in before["reader"]]
    assert rows(place, LESSON_11) == before | {"reader": without}
    assert version(place) == ["0001"]
    do("db", "upgrade", "0002")
    assert rows(place, LESSON_11) == before


@step(4)
def test_down_and_up_keep_every_constraint(do, fill, place):
    """From 0002 to 0001, the tables are those that 0001 made; up again, those of 0002."""
    do("db", "upgrade", "0001")
    first = schema(place)
    do("db", "upgrade", "0002")
    second = schema(place)
    fill()
    do("db", "downgrade", "0001")
    assert schema(place) == first
    do("db", "upgrade", "0002")
    assert schema(place) == second
    assert ask(place, "PRAGMA foreign_key_check") == []


@step(4)
def test_one_step_back_is_one_script(do, fill, place):
    """`flask db downgrade` goes back one script: from 0002 to 0001, then to none."""
    do("db", "upgrade", "0002")
    fill()
    do("db", "downgrade")
    assert version(place) == ["0001"]
    do("db", "downgrade")
    assert (tables(place), version(place)) == ([], [])


@step(4)
def test_all_the_way_down_and_up(do, fill, place):
    """From the last script down to none, rows or not, and up again: the same tables."""
    do("db", "upgrade")
    before = schema(place)
    fill()
    do("db", "downgrade", "base")
    assert (tables(place), indexes(place)) == ([], {})
    do("db", "upgrade")
    assert schema(place) == before


@step(5)
def test_nothing_is_left_of_the_wishes(folder, models):
    """`shelf/wishes.py` is gone, and no model describes a table wish."""
    assert not (folder / "shelf" / "wishes.py").exists()
    assert sorted(models.db.metadata.tables) == ["book", "loan", "reader"]


@step(5)
def test_one_script_is_the_last(history):
    """Each script follows another, and only one is the last: `flask db heads` lists one."""
    assert len(history.get_heads()) == 1


@pytest.fixture
def first_script(history):
    """Where the first script lies in the app's folder."""
    return f"migrations/versions/{Path(history.get_revision('0001').path).name}"


@step(6)
def test_your_test_passes(folder, outcome):
    """Your `test_migrations.py` passes, since every change has a migration."""
    assert (folder / MINE).is_file(), "There is no such file."
    status, said = outcome(MINE)
    assert status == pytest.ExitCode.OK, said


@step(6)
def test_your_test_notices_a_change_without_a_migration(outcome):
    """Your `test_migrations.py` fails when a model has a column that no script makes."""
    # No row that is added has anything in it: only a comparison notices this column.
    column = 'db.Column("hat", db.String(20))'
    status, said = outcome(MINE, "shelf/models.py", f"Reader.__table__.append_column({column})")
    assert status == pytest.ExitCode.TESTS_FAILED, said


@step(6)
def test_your_test_notices_a_downgrade_that_fails(outcome, first_script):
    """Your `test_migrations.py` fails when the first script's `downgrade` raises an error."""
    status, said = outcome(MINE, first_script, "def downgrade():", "    raise RuntimeError('No.')")
    assert status == pytest.ExitCode.TESTS_FAILED, said


@step(6)
def test_your_test_notices_a_downgrade_that_loans_hinder(outcome, first_script):
    """Your `test_migrations.py` fails when there is no way back while a book is lent."""
    status, said = outcome(
        MINE,
        first_script,
        "def downgrade():",
        "    if op.get_bind().scalar(sa.text('SELECT count(*) FROM loan')):",
        "        raise RuntimeError('There are loans.')",
        "    for table in ('loan', 'reader', 'book'):",
        "        op.drop_table(table)",
    )
    assert status == pytest.ExitCode.TESTS_FAILED, said


@step(6)
def test_your_test_notices_a_downgrade_that_does_nothing(outcome, first_script):
    """Your `test_migrations.py` goes up once more, and so fails when a downgrade left tables."""
    status, said = outcome(MINE, first_script, "def downgrade():", "    pass")
    assert status == pytest.ExitCode.TESTS_FAILED, said


@step(YOUR_TURN)
def test_the_third_script_follows_the_second(history):
    """There is a script 0003, and it comes after 0002."""
    assert history.get_revision("0003").down_revision == "0002"


@step(YOUR_TURN)
def test_pages_come_and_every_row_stays(do, fill, place):
    """0003 gives each book that is there empty pages, and keeps all rows; so does the way back."""
    do("db", "upgrade", "0002")
    before = fill()
    do("db", "upgrade", "0003")
    expected = [row | {"pages": None} for row in before["book"]]
    assert rows(place, LESSON_11) == before | {"book": expected}
    do("db", "downgrade", "0002")
    assert rows(place, LESSON_11) == before
    assert ask(place, "PRAGMA foreign_key_check") == []


@step(YOUR_TURN)
def test_the_third_script_adds_a_column_and_nothing_else(do, place):
    """0003 adds the column pages, of at most 20 characters or none; its downgrade takes it."""
    do("db", "upgrade", "0002")
    before = schema(place)
    do("db", "upgrade", "0003")
    expected = before["book"] | {"pages": ("VARCHAR(20)", True)}
    assert schema(place) == before | {"book": expected}
    do("db", "downgrade", "0002")
    assert schema(place) == before


@pytest.fixture
def pages(app, models):
    """Return each book's pages, as a session of its own sees them."""

    def pages():
        with app.app_context():
            found = models.db.session.scalars(models.db.select(models.Book))
            return {book.number: book.pages for book in found}

    return pages


@step(YOUR_TURN)
def test_pages_are_noted(typed, books, pages, chance):
    """`flask shelf pages 1 "xii, 474"` notes the pages of that book, and of no other."""
    for number in (1, 2**31 - 1):  # the first and the last that a book can have
        books[number] = {"title": "A book", "author": "A. Nobody"}
    expected = dict.fromkeys(books)
    for number in (1, 2**31 - 1, chance.choice(list(books))):
        for _ in range(2):
            expected[number] = f"xii, {chance.randrange(1000)}"
            result = typed("shelf", "pages", str(number), expected[number])
            assert (result.exit_code, result.output, pages()) == (0, "", expected)


@step(YOUR_TURN)
def test_pages_of_no_book(typed, books, pages, chance):
    """A book that is not there is one sentence, and nothing changes."""
    number = str(max(books) + chance.randint(1, 999))
    result = typed("shelf", "pages", number, "474")
    assert (result.exit_code, result.output.startswith("Error: ")) == (1, True), result.output
    named = re.search(rf"\b{number}\b", result.output) is not None
    assert (named, result.output.count("\n")) == (True, 1), result.output
    assert pages() == dict.fromkeys(books)


@step(YOUR_TURN)
@pytest.mark.parametrize("number", [0, -7, 2**31, 2**63, 10**30, "7.0", "Emma"])
def test_pages_of_what_is_no_number(app, typed, models, books, pages, number):
    """A number that no book can have, or words for it, is an error for people, no traceback.

    No database is asked for a number above `LARGEST`: some refuse it.
    """
    asked = []
    with app.app_context():
        event.listen(models.db.engine, "before_cursor_execute", lambda *sent: asked.extend(sent[3]))
    result = typed("shelf", "pages", "--", str(number), "474")
    assert (result.exit_code in (1, 2), "Error: " in result.output) == (True, True), result.output
    assert 2**31 not in asked
    assert pages() == dict.fromkeys(books)


@step(YOUR_TURN)
def test_pages_may_have_20_characters(typed, books, pages, chance):
    """What is noted may have 20 characters."""
    number, noted = chance.choice(list(books)), "é" + "".join(chance.choices("ivx0123456789", k=19))
    result = typed("shelf", "pages", str(number), noted)
    assert (result.exit_code, pages()[number]) == (0, noted), result.output


@step(YOUR_TURN)
def test_pages_that_are_too_long(typed, books, pages, chance):
    """More than 20 characters are one sentence, and what was noted stays."""
    number = chance.choice(list(books))
    typed("shelf", "pages", str(number), "xii, 474")
    result = typed("shelf", "pages", str(number), "".join(chance.choices("0123456789", k=21)))
    assert (result.exit_code, result.output.startswith("Error: ")) == (1, True), result.output
    assert ("20" in result.output, result.output.count("\n")) == (True, 1), result.output
    assert pages() == dict.fromkeys(books) | {number: "xii, 474"}


@pytest.fixture
def byline(app, visit, books, models):
    """Return what a book's page says behind “by”, for a book of that year and pages."""

    def byline(year, pages):
        with app.app_context():
            book = models.db.session.get(models.Book, 7)
            book.year, book.pages = year, pages
            models.db.session.commit()
        [found] = [each for each in words(visit("/books/7").text) if each.startswith("by ")]
        return found

    return byline


@step(YOUR_TURN)
def test_a_book_says_its_pages(byline, chance):
    """A book's page says the pages behind the year: Jane Austen, 1815, xii, 474 pages."""
    year, pages = chance.randint(1000, 1999), f"xii, {chance.randrange(1000)}"
    assert byline(year, pages) == f"by Čapek & Söhne, {year}, {pages} pages"
    assert byline(None, pages) == f"by Čapek & Söhne, {pages} pages"


@step(YOUR_TURN)
def test_no_pages_no_comma(byline, chance):
    """A book without pages says none, and has no comma for them."""
    year = chance.randint(1000, 1999)
    assert byline(year, None) == f"by Čapek & Söhne, {year}"
    assert byline(None, None) == "by Čapek & Söhne"


@step(YOUR_TURN)
def test_pages_are_text(byline, visit):
    """Pages with < in them come as text."""
    hostile = '<b>"1"</b>&amp;\''
    assert byline(1815, hostile) == f"by Čapek & Söhne, 1815, {hostile} pages"
    assert hostile not in visit("/books/7").text


@step(6)
@pytest.mark.usefixtures("books")
class TestPages(Pages):
    """What lesson 6 promised."""


@step(6)
@pytest.mark.usefixtures("books")
class TestForms(Forms):
    """What lesson 7 promised."""


@step(6)
@pytest.mark.usefixtures("books")
class TestSessions(Sessions):
    """What lesson 8 promised."""


@step(6)
class TestDatabase(Database):
    """What lesson 10 promised."""


@step(6)
class TestLoans(Loans):
    """What lesson 11 promised."""
