"""Lesson 13: the same books in another shape, and none of them loses anything."""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from html import unescape
from itertools import cycle, islice
from shutil import copytree, ignore_patterns
from urllib.parse import quote

import database_fixtures as fixtures
import histories
import pytest
from conftest import YOUR_TURN
from contract_database import Turned
from contract_forms import Forms, described
from contract_forms import send as send_book
from contract_loans import Loans, Neighbours, another, send, words
from contract_pages import Pages, links, rows
from contract_sessions import Sessions
from histories import (
    HALF,
    KILL,
    ask,
    indexes,
    obeys_foreign_keys,
    schema,
    tables,
    version,
    write,
    written,
)
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

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
more_scripts = histories.more_scripts
refused = histories.refused
terminal = histories.terminal
step = pytest.mark.step

KILL_AT = """
import os
import re
from sqlalchemy import Engine, event


@event.listens_for(Engine, "after_cursor_execute")
def kill(connection, cursor, statement, values, *_):
    if "INSERT" in statement and "wrote" in statement:
        if "{number}" in re.findall("[0-9]+", repr(values)):
            os.kill(os.getpid(), {kill})


"""


def spelled(chance, number, known=6):
    """Return so many authors' texts of old, in various spellings, and the names in each."""
    first = ["Jane", "Émile", "Bob “B”", "J. R. R.", "Sandra", "Ōe 100%"]
    last = ["Austen", "O'Hara", 'de la "Q"', "Anders_on", "Brand", "雪"]
    chance.shuffle(first)
    people = [(f"{first[n % 6]} {n}", f"{chance.choice(last)} {n}") for n in range(known)]
    found = []
    for _ in range(number):
        by = chance.sample(people, chance.choice([1, 1, 2, 3]))
        by += chance.choice([[], [], by[:1]])
        ways = ["{1}, {0}", "{1},{0}", "{0} {1}", "{0} {1}", " {0} {1} "]
        parts = [chance.choice(ways).format(*each) for each in by]
        found.append((" and ".join(parts), list(dict.fromkeys(" ".join(each) for each in by))))
    return found


@pytest.fixture
def fill(place, chance):
    """Put books, readers and loans into a database at 0003; return all rows of its tables."""

    def fill(texts=(), pages=(None,)):
        texts = list(texts) or [text for text, _ in spelled(chance, max(6, len(pages)))]
        numbers = chance.sample(range(1, 9000), len(texts))
        people = chance.sample(range(1, 999), 4)
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(2000))
        with closing(sqlite3.connect(place)) as database, database:
            for number, text, noted in zip(numbers, texts, cycle(pages), strict=False):
                title, year = f"Títle {chance.random()}", chance.choice([None, 0, 1815])
                database.execute(
                    "INSERT INTO book (number, title, author, year, cover, folded_title, pages) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, title, text, year, None, title.casefold(), noted),
                )
            for number, phone in zip(people, [None, "555 0199", "", "+49 1"], strict=True):
                row = number, f"Reader {chance.random()}", phone
                database.execute("INSERT INTO reader (number, name, phone) VALUES (?, ?, ?)", row)
            for n, start in enumerate(chance.sample(range(1, 999), 5)):
                row = start, numbers[n % len(numbers)], people[n % 4], str(day), str(day)
                database.execute(
                    "INSERT INTO loan (number, book_number, reader_number, lent_on, back_on) "
                    "VALUES (?, ?, ?, ?, ?)",
                    row if n % 2 else (*row[:4], None) if n < len(numbers) else row,
                )
        return all_rows(place)

    return fill


@pytest.fixture(scope="module")
def kept_ready():
    """Databases without rows, by revision, so that each is made only once."""
    return {}


@pytest.fixture
def at(do, fill, place, kept_ready):
    """Fill a database at 0003, bring it to a revision; return the rows that were put in."""

    def at(revision, texts=(), pages=(None,)):
        if "0003" not in kept_ready:
            do("db", "upgrade", "0003")
            kept_ready["0003"] = place.read_bytes()
        place.write_bytes(kept_ready["0003"])
        before = fill(texts, pages)
        if revision != "0003":
            do("db", "upgrade", revision)
        return before

    return at


def all_rows(place):
    """Return all rows of all tables, each as a dictionary."""
    return histories.rows(place, tables(place))


def dump(place):
    """Return all that is in a database: tables, rows and the note of its revision."""
    with closing(sqlite3.connect(place)) as database:
        return list(database.iterdump())


def change(place, statement, values=()):
    """Change a database from outside."""
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        return database.execute(statement, values).lastrowid


def names_of(place):
    """Return the names of each book's authors, in order, by the book's number."""
    found = {}
    for book, name in ask(
        place,
        "SELECT book_number, name FROM wrote LEFT JOIN author ON author.number = author_number "
        "ORDER BY wrote.number",
    ):
        found.setdefault(book, []).append(name)
    return found


def without(before, table, *names):
    """Return rows as they were, but for some columns of a table."""
    kept = [{key: row[key] for key in row if key not in names} for row in before[table]]
    return before | {table: kept}


# Step 1


@step(1)
def test_a_script_is_run_and_noted(do, scripts, place, chance):
    """`flask db upgrade` runs a script, and notes its number in the database."""
    revision, table = f"{chance.randrange(10**12):012}", f"shelf_{chance.randrange(999)}"
    write(scripts, revision, f'op.create_table("{table}", sa.Column("number", sa.Integer))')
    do("db", "upgrade", "-d", scripts)
    assert (tables(place), version(place)) == ([table], [revision])


@step(1)
def test_a_script_that_fails_leaves_nothing(at, refused, more_scripts, place, chance):
    """Of a script that fails half-way nothing stays: no table, no row, and no column goes."""
    at("0003")
    says = f"the power fails {chance.random()}"
    write(more_scripts, "half", *HALF, f'raise RuntimeError("{says}")', after="0003")
    before = dump(place)
    for _ in range(2):  # the second try finds what the first one found
        assert refused("db", "upgrade", "half", "-d", more_scripts) == f"Error: {says}"
        assert dump(place) == before


@step(1)
def test_a_script_that_breaks_off_in_sql_leaves_nothing(at, refused, more_scripts, place):
    """When the database refuses a statement, nothing of the script's earlier ones stays."""
    at("0003")
    wrong = 'op.execute("INSERT INTO reader (number) VALUES (1000)")'
    write(more_scripts, "half", *HALF, wrong, after="0003")
    before = dump(place)
    assert "NOT NULL constraint failed: reader.name" in refused(
        *("db", "upgrade", "half", "-d", more_scripts)
    )
    assert dump(place) == before


@step(1)
def test_each_script_is_a_transaction(at, refused, do, more_scripts, place):
    """Each script is a transaction of its own: when one fails, those before it stay."""
    at("0003")
    write(more_scripts, "good", 'op.execute("CREATE TABLE good (number)")', after="0003")
    write(more_scripts, "bad", *HALF, 'raise RuntimeError("No.")', after="good")
    refused("db", "upgrade", "bad", "-d", more_scripts)
    assert (tables(place), version(place)) == (["book", "good", "loan", "reader"], ["good"])
    write(more_scripts, "bad", *HALF, after="good")
    do("db", "upgrade", "bad", "-d", more_scripts)
    assert version(place) == ["bad"]


@step(1)
def test_a_way_back_that_fails_leaves_all(at, refused, do, more_scripts, place):
    """A `downgrade` is a transaction, too: if it fails, all is as it was before it."""
    at("0003")
    create = 'op.execute("CREATE TABLE {} (number)")'.format
    down = ['op.drop_table("one")', 'raise RuntimeError("No.")']
    write(more_scripts, "one", create("one"), after="0003", downgrade=down)
    write(more_scripts, "two", create("two"), after="one", downgrade=['op.drop_table("two")'])
    do("db", "upgrade", "one", "-d", more_scripts)
    before = dump(place)
    do("db", "upgrade", "two", "-d", more_scripts)
    assert refused("db", "downgrade", "0003", "-d", more_scripts) == "Error: No."
    assert dump(place) == before


@step(1)
@pytest.mark.parametrize("table", ["book", "reader"])
def test_a_table_can_be_replaced(at, do, more_scripts, place, table):
    """A table may be replaced by a copy although loans point there: foreign keys are off."""
    before = at("0003")
    write(
        more_scripts,
        "replacement",
        f'with op.batch_alter_table("{table}", recreate="always") as batch_op:',
        '    batch_op.add_column(sa.Column("more", sa.Integer))',
        after="0003",
    )
    do("db", "upgrade", "replacement", "-d", more_scripts)
    after = all_rows(place)
    assert {row.pop("more") for row in after[table]} == {None}
    assert after == before


@step(1)
@pytest.mark.parametrize("table", ["book", "reader"])
def test_a_row_that_refers_to_nothing_is_refused(
    at, do, refused, more_scripts, place, chance, table
):
    """A script that leaves a row without the row that it refers to is undone: it says which."""
    referred = [(loan["number"], loan[f"{table}_number"]) for loan in at("0003")["loan"]]
    numbers = [number for _, number in referred]
    loan, gone = chance.choice([each for each in referred if numbers.count(each[1]) == 1])
    write(more_scripts, "good", 'op.execute("CREATE TABLE good (number)")', after="0003")
    delete = f'op.execute("DELETE FROM {table} WHERE number = {gone}")'
    write(more_scripts, "bad", delete, after="good")
    do("db", "upgrade", "good", "-d", more_scripts)
    before = dump(place)
    found = refused("db", "upgrade", "bad", "-d", more_scripts)
    assert found == f"Error: Row {loan} of loan refers to no row of {table}."
    assert dump(place) == before


@step(1)
@pytest.mark.parametrize("command", ["current", "upgrade", "check"])
def test_foreign_keys_are_obeyed_afterwards(app, typed, models, scripts, command):
    """When a command is done, with scripts or none, the app's connection obeys foreign keys."""
    write(scripts, "nothing", "pass")
    for typing in (["upgrade"], [command]):
        assert typed("db", *typing, "-d", str(scripts)).exit_code == 0
        assert obeys_foreign_keys(app, models)


@step(1)
@pytest.mark.parametrize(
    "failure", ['raise RuntimeError("No.")', 'op.execute("DELETE FROM reader")', 'op.execute("?")']
)
def test_foreign_keys_are_obeyed_after_a_failure(app, models, scripts, books, failure):
    """When a script fails, the app's connection obeys foreign keys again, too: `finally`."""
    with app.app_context():
        loan = models.Loan(book_number=7, reader=models.Reader(name="Ann"))
        models.db.session.add(loan)
        models.db.session.commit()
    write(scripts, "failure", failure)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db", "upgrade", "-d", str(scripts)]).exit_code == 1
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
def test_who_reads_keeps_nobody_out(kept, do, models, place, scripts):
    """`begin` is for the migrations' connection alone: an app that reads lets others write."""
    with kept.app_context():
        models.db.create_all()
    write(scripts, "nothing", "pass")
    do("db", "upgrade", "-d", scripts)
    with kept.app_context():
        assert models.db.session.scalars(models.db.select(models.Book)).all() == []
        change(place, "INSERT INTO reader (name) VALUES ('Ann')")
        models.db.session.rollback()


@step(1)
def test_nobody_else_writes_meanwhile(at, do, more_scripts, place):
    """From a script's beginning to its end nobody else writes: BEGIN IMMEDIATE."""
    at("0003")
    write(
        more_scripts,
        "alone",
        "import sqlite3",
        f"other = sqlite3.connect({str(place)!r}, timeout=0)",
        "try:",
        "    other.execute(\"INSERT INTO reader (name) VALUES ('somebody else')\")",
        "except sqlite3.OperationalError:",
        '    op.execute("CREATE TABLE kept_out (number)")',
        "finally:",
        "    other.close()",
        after="0003",
    )
    do("db", "upgrade", "alone", "-d", more_scripts)
    assert "kept_out" in tables(place)


@step(1)
def test_a_script_may_do_without_a_transaction(at, refused, do, more_scripts, place):
    """In an `autocommit_block`, a script begins and commits by itself, and that stays."""
    at("0003")
    lines = [
        "with op.get_context().autocommit_block():",
        *(f'    op.execute("{each}")' for each in ("BEGIN", "CREATE TABLE kept (n)", "COMMIT")),
        'op.execute("CREATE TABLE lost (n)")',
    ]
    write(more_scripts, "free", *lines, 'raise RuntimeError("No.")', after="0003")
    assert refused("db", "upgrade", "free", "-d", more_scripts) == "Error: No."
    assert (tables(place), version(place)) == (["book", "kept", "loan", "reader"], ["0003"])
    lines[2] = lines[2].replace("kept", "also_kept")
    write(more_scripts, "free", *lines, after="0003")
    do("db", "upgrade", "free", "-d", more_scripts)
    assert {"also_kept", "kept", "lost"} <= set(tables(place))
    assert version(place) == ["free"]


@step(1)
def test_nothing_is_half_done_after_a_kill(at, do, terminal, more_scripts, place, tmp_path):
    """If the process is killed in the middle of a script, nothing of it stays; the next try ends
    well."""
    at("0003")
    again = tmp_path / "again"
    write(
        more_scripts,
        "half",
        *HALF,
        "import os, pathlib",
        f"if not pathlib.Path({str(again)!r}).exists():",
        f"    os.kill(os.getpid(), {KILL})",
        after="0003",
    )
    before = dump(place)
    done = terminal("db", "upgrade", "half", "-d", more_scripts)
    assert done.returncode not in (0, 1, 2), done.stderr
    assert dump(place) == before
    again.touch()
    do("db", "upgrade", "half", "-d", more_scripts)
    assert ask(place, "SELECT number FROM half") == [(1,)]
    assert version(place) == ["half"]


@step(1)
def test_nothing_to_do_is_no_script(do, kept, scripts, models):
    """If there is nothing to do, `flask db migrate` still writes no script."""
    with kept.app_context():
        models.db.create_all()
    do("db", "migrate", "-d", scripts)
    assert written(scripts) == []


@step(1)
def test_tables_are_changed_in_batches(do, kept, scripts, models, place):
    """A script still changes SQLite's tables in batches: pass `settings` on."""
    with kept.app_context():
        models.db.create_all()
    [[made]] = ask(place, "SELECT sql FROM sqlite_master WHERE name = 'reader'")
    change(place, "DROP TABLE reader")
    change(place, made.replace("name VARCHAR(40) NOT NULL", "name VARCHAR(40)"))
    do("db", "migrate", "-d", scripts)
    do("db", "upgrade", "-d", scripts)
    assert schema(place)["reader"]["name"] == ("VARCHAR(40)", False)


@step(1)
def test_sql_needs_no_database(make, typed, scripts, tmp_path, chance):
    """With --sql, the statements are printed, values included, and no database is asked."""
    name = f"Ann {chance.random()}"
    write(
        scripts,
        "printed",
        'table = op.create_table("guest", sa.Column("name", sa.String(40)))',
        f'op.execute(table.insert().values(name="{name}"))',
    )
    app = make(tables=False, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/not/there.db")
    result = typed("db", "upgrade", "-d", str(scripts), "--sql", app=app)
    assert result.exit_code == 0
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(result.stdout)
        found = database.execute("SELECT name, version_num FROM guest, alembic_version")
        assert found.fetchall() == [(name, "printed")]


# Step 2


@step(2)
def test_authors_get_tables_and_nothing_else_changes(at, do, place):
    """0004 makes the tables author and wrote, with what the models demand, and nothing else."""
    before = at("0003")
    tables_before = schema(place)
    do("db", "upgrade", "0004")
    assert all_rows(place) == before | {"author": [], "wrote": []}
    after = schema(place)
    assert after.pop("author") == {
        "number": ("INTEGER", False),
        "name": ("VARCHAR(200)", False),
    }
    assert after.pop("wrote") == dict.fromkeys(
        ("number", "book_number", "author_number"), ("INTEGER", False)
    )
    more = {
        "pk_author": "number is the primary key",
        "uq_author_name": "name is unique",
        "pk_wrote": "number is the primary key",
        "fk_wrote_book_number": "book_number is a book's number",
        "fk_wrote_author_number": "author_number is a author's number",
        "uq_wrote_book_number": "book_number, author_number is unique",
    }
    assert after.pop("constraints") == tables_before.pop("constraints") | more
    more = {"ix_wrote_author_number": "author_number"}
    assert after.pop("indexes") == tables_before.pop("indexes") | more
    assert after == tables_before


@step(2)
def test_the_tables_of_the_authors_go_again(at, do, place):
    """Back from 0004 to 0003 the two tables go, and all else stays, the authors' texts too."""
    at("0003")
    before = dump(place)
    do("db", "upgrade", "0004")
    do("db", "downgrade", "0003")
    assert dump(place) == before


@pytest.fixture
def copied(at, place):
    """Have 0005 copy the authors of books with these texts; return the names that it found."""

    def copied(*texts):
        before = at("0005", texts)
        found = names_of(place)
        return {row["author"]: found.get(row["number"], []) for row in before["book"]}

    return copied


@step(2)
def test_the_authors_are_copied(at, place, chance):
    """0005 gives each book the authors of its text, whatever the spelling, in their order."""
    texts = dict(spelled(chance, 60))
    before = at("0005", texts)
    expected = {row["number"]: texts[row["author"]] for row in before["book"]}
    assert names_of(place) == expected
    assert version(place) == ["0005"]


@step(2)
def test_each_author_is_there_once(at, place, chance):
    """After 0005, each author is in the table once, and none is there without a book."""
    texts = dict(spelled(chance, 40, known=9))
    at("0005", texts)
    expected = sorted({name for names in texts.values() for name in names})
    assert ask(place, "SELECT name FROM author ORDER BY name") == [(name,) for name in expected]


@step(2)
def test_copying_changes_nothing_else(at, place, chance):
    """0005 changes no book, reader or loan: the texts stay beside the new tables."""
    before, after = at("0005"), all_rows(place)
    assert {table: after[table] for table in before} == before


@step(2)
def test_a_comma_turns_a_name(copied):
    """“Austen, Jane” is Jane Austen; so is “Austen,Jane”, and “Austen , Jane”."""
    expected = {
        "Eliot , George": ["George Eliot"],
        "Austen, Jane": ["Jane Austen"],
        "Verne,Jules": ["Jules Verne"],
        "van der Post, Laurens": ["Laurens van der Post"],
        "Tolkien, J. R. R.": ["J. R. R. Tolkien"],
    }
    assert copied(*expected) == expected


@step(2)
def test_both_spellings_are_one_author(copied, place):
    """“Austen, Jane” and “Jane Austen” are one author, in two books and in one."""
    expected = {
        "Austen, Jane": ["Jane Austen"],
        "Jane Austen": ["Jane Austen"],
        "Jane Austen and Austen, Jane": ["Jane Austen"],
        "B. B. and Austen, Jane and B. B.": ["B. B.", "Jane Austen"],
    }
    assert copied(*expected) == expected
    assert ask(place, "SELECT count(*) FROM author") == [(2,)]


@step(2)
def test_several_authors_stand_around_and(copied):
    """Between two authors stands “ and ”, with spaces around it, and each gets a name."""
    expected = {
        "Charles Dickens and Wilkie Collins": ["Charles Dickens", "Wilkie Collins"],
        "Dickens, Charles and Collins, Wilkie": ["Charles Dickens", "Wilkie Collins"],
        "C and B and A": ["C", "B", "A"],
        "Sandra Brand": ["Sandra Brand"],
        "Anderson and Andrić": ["Anderson", "Andrić"],
    }
    assert copied(*expected) == expected


@step(2)
def test_spaces_are_no_part_of_a_name(copied, chance):
    """Spaces around a name are no part of it."""
    name = f"Jane {chance.random()}"
    expected = {
        f"  {name} ": [name],
        f"{name}  and   Zoë": [name, "Zoë"],
        f" and {name}": [name],
        f"{name} and ": [name],
        f"Austen,   {name}": [f"{name} Austen"],
    }
    assert copied(*expected) == expected


@step(2)
def test_other_commas_stay(copied):
    """Only a single comma with something on both sides turns a name."""
    texts = ["Dumas, Alexandre, père", "Anonymous,", ",Anonymous", ",", "A, B, C, D"]
    assert copied(*texts) == {text: [text] for text in texts}


@step(2)
def test_no_text_is_no_author(copied, place):
    """A text that is empty, or nothing but spaces, gives no author; others are not touched."""
    assert copied("", " ", "    ", "Ann") == {"": [], " ": [], "    ": [], "Ann": ["Ann"]}
    assert ask(place, "SELECT name FROM author") == [("Ann",)]


@step(2)
def test_where_no_name_is_found_the_text_is_one(copied):
    """A text that is not blank always gives an author: where no name is found, it is the name."""
    texts = {"and": ["and"], " and ": ["and"], "and and": ["and and"], "?": ["?"]}
    assert copied(*texts) == texts


@step(2)
def test_names_are_values(copied):
    """A name may have quotes, colons and percent signs in it."""
    texts = ["Flann O'Brien", 'Bob "B"', "100% :name", "x'); DROP TABLE book; --", "\\ ? %s {0}"]
    assert copied(*texts) == {text: [text] for text in texts}


@step(2)
def test_no_books_no_copying(do, place):
    """Without books, 0005 copies nothing, and that is no failure."""
    do("db", "upgrade", "0005")
    assert (version(place), all_rows(place)) == (["0005"], {table: [] for table in tables(place)})


@step(2)
def test_what_is_copied_already_stays(at, do, place, chance):
    """Books that have authors in `wrote` are left alone, so that copying goes on where it was."""
    texts = dict(spelled(chance, 20))
    before = at("0004", texts)
    number = chance.randrange(100, 200)
    known = next(iter(texts.values()))[0]
    change(place, "INSERT INTO author (number, name) VALUES (?, ?)", (number, known))
    done = {}
    for row in chance.sample(before["book"], 8):
        values = chance.randrange(10**6), row["number"], number
        add = "INSERT INTO wrote (number, book_number, author_number) VALUES (?, ?, ?)"
        change(place, add, values)
        done[row["number"]] = [known]
    rows = all_rows(place)["wrote"]
    do("db", "upgrade", "0005")
    assert names_of(place) == {row["number"]: texts[row["author"]] for row in before["book"]} | done
    assert [row for row in all_rows(place)["wrote"] if row in rows] == rows
    assert ask(place, f"SELECT name FROM author WHERE number = {number}") == [(known,)]


@pytest.fixture
def many(at, place, chance):
    """More books than one batch holds, at 0004; the names in each text, and the books in order."""
    texts = dict(spelled(chance, 4000, known=60))
    texts = dict(islice(texts.items(), 2100))
    before = at("0004", texts)
    return {row["number"]: texts[row["author"]] for row in before["book"]}


@step(2)
def test_each_batch_says_how_far_it_is(do, many, place):
    """0005 copies in batches, and says after each up to which book it has come."""
    said = re.findall(r"^copied up to book (\d+)$", do("db", "upgrade", "0005"), re.MULTILINE)
    numbers = [int(number) for number in said]
    assert len(numbers) > 1, "2,100 books are more than one batch"
    assert len(numbers) < 100, "a batch is many books"
    assert (numbers, numbers[-1]) == (sorted(set(numbers)), max(many))
    assert set(numbers) <= set(many)
    assert names_of(place) == many


@step(2)
def test_a_copying_that_fails_goes_on_where_it_was(do, kept, many, place):
    """When the copying fails within a batch, the batches before it stay, and no half of this one;
    the next try does the rest."""
    order = sorted(many)
    number = next(each for each in order[1300:] if len(many[each]) > 1)
    change(
        place,
        f"CREATE TRIGGER stop BEFORE INSERT ON wrote WHEN NEW.book_number = {number} "
        f"AND {number} IN (SELECT book_number FROM wrote) "
        "BEGIN SELECT RAISE(ABORT, 'the power fails'); END",
    )
    result = kept.test_cli_runner().invoke(args=["db", "upgrade", "0005"])
    assert "the power fails" in str(result.exception)
    said = re.findall(r"^copied up to book (\d+)$", result.output, re.MULTILINE)
    expected = {each: many[each] for each in order if said and each <= int(said[-1])}
    assert (names_of(place), version(place)) == (expected, ["0004"])
    assert 0 < len(expected) <= 1300 + order[1300:].index(number)
    change(place, "DROP TRIGGER stop")
    do("db", "upgrade", "0005")
    assert (names_of(place), version(place)) == (many, ["0005"])


@step(2)
def test_a_copying_that_is_killed_goes_on_where_it_was(do, terminal, many, place):
    """If the process is killed within a batch, no half of it stays; the next try does the rest."""
    order = sorted(many)
    number = next(each for each in order[1200:] if each > 3000)
    done = terminal("db", "upgrade", "0005", before=KILL_AT.format(number=number, kill=KILL))
    assert done.returncode not in (0, 1, 2), done.stderr
    said = re.findall(r"^copied up to book (\d+)$", done.stdout, re.MULTILINE)
    assert said, "Say how far each batch has come: print(…, flush=True)."
    expected = {each: many[each] for each in order if each <= int(said[-1])}
    assert (names_of(place), version(place)) == (expected, ["0004"])
    do("db", "upgrade", "0005")
    assert (names_of(place), version(place)) == (many, ["0005"])


@step(2)
def test_back_to_0004_the_new_tables_are_empty(at, do, place):
    """Back from 0005 to 0004, wrote and author are empty, and each book still has its text."""
    before = at("0005")
    do("db", "downgrade", "0004")
    assert all_rows(place) == before | {"author": [], "wrote": []}
    do("db", "downgrade", "0003")
    assert all_rows(place) == before


@pytest.fixture
def without_app(monkeypatch):
    """Have every import of the app's modules fail."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "shelf"]:
        monkeypatch.setitem(sys.modules, name, None)


@step(2)
def test_scripts_import_nothing_of_the_app(do, place, without_app):
    """No script imports the models: they change, and the script must do the same in a year."""
    do("db", "upgrade", "0005")
    do("db", "downgrade", "0003")
    assert version(place) == ["0003"]


@pytest.fixture
def bring(app, models, chance):
    """Bring a book by these authors, as the app does; return its number."""

    def bring(author=None, title=None, **more):
        with app.app_context():
            more |= {} if author is None else {"author": author}
            book = models.Book(title=title or f"Volume {chance.random()}", **more)
            models.db.session.add(book)
            models.db.session.commit()
            return book.number

    return bring


@pytest.fixture
def written_by(app, models):
    """Return the names of a book's authors, as the tables of the app's database have them."""

    def written_by(number):
        question = (
            "SELECT name FROM wrote JOIN author ON author.number = author_number "
            "WHERE book_number = :number ORDER BY wrote.number"
        )
        with app.app_context():
            found = models.db.session.execute(models.db.text(question), {"number": number})
            return [name for [name] in found]

    return written_by


@pytest.fixture
def author_names(app, models):
    """Return the names of all authors in the app's database."""

    def author_names():
        with app.app_context():
            found = models.db.session.execute(models.db.text("SELECT name FROM author"))
            return sorted(name for [name] in found)

    return author_names


@step(2)
def test_a_new_book_has_authors(bring, written_by, author_names, chance):
    """`Book(title=…, author="A and B")` notes the authors in the new tables, each author once."""
    one, two = f"Ann {chance.random()}", f"Bob {chance.random()}"
    numbers = [bring(one), bring(f"{two} and {one}"), bring(f"{two} and Zoë and {one}")]
    assert [written_by(each) for each in numbers] == [[one], [two, one], [two, "Zoë", one]]
    assert author_names() == sorted([one, two, "Zoë"])


@step(2)
def test_a_new_book_knows_both_spellings(bring, written_by, author_names, chance):
    """`Book(title=…, author=…)` takes a text apart as 0005 does: names turned, and each once."""
    name = f"Jane {chance.random()}"
    expected = {
        f"Austen, {name}": [f"{name} Austen"],
        f"{name} Austen and Austen, {name}": [f"{name} Austen"],
        f" Zoë  and Austen,{name} and ": ["Zoë", f"{name} Austen"],
        "A, B, C": ["A, B, C"],
        "Zoë and Zoë": ["Zoë"],
        "  ": [],
    }
    assert {text: written_by(bring(text)) for text in expected} == expected
    assert author_names() == sorted(["A, B, C", f"{name} Austen", "Zoë"])


@step(2)
def test_a_book_gets_another_author(app, models, bring, written_by, chance):
    """Who sets `author` of a book sets its `authors`, and those that it had before are no more."""
    number, other, name = bring("Ann and Bob"), bring("Ann"), f"Zoë {chance.random()}"
    with app.app_context():
        models.db.session.get(models.Book, number).author = name
        models.db.session.commit()
        assert models.db.session.get(models.Book, number).author == name
    assert (written_by(number), written_by(other)) == ([name], ["Ann"])


@step(2)
def test_authors_come_in_the_order_of_the_text(app, models, bring):
    """`authors` of a book come in the order of its text, not of the authors' numbers."""
    for name in ("Ann", "Bob", "Zoë"):
        bring(name)
    number = bring("Zoë and Ann and Bob")
    with app.app_context():
        book = models.db.session.get(models.Book, number)
        assert [author.name for author in book.authors] == ["Zoë", "Ann", "Bob"]


@step(2)
def test_an_author_is_found_by_name(app, models, chance):
    """`Author.named` returns the author of that name, and makes one only if there is none."""
    name, Author = f"Ann {chance.random()}", models.Author
    with app.app_context():
        new = Author.named(name)
        assert (new.name, Author.named(name) is new) == (name, True)
        models.db.session.commit()
        number = new.number
    with app.app_context():
        assert Author.named(name).number == number
        assert Author.named(name.lower()) is not Author.named(name)


@step(2)
def test_a_book_that_is_deleted_leaves_its_authors(app, models, bring, written_by, author_names):
    """A book that is deleted takes what it has in `wrote` along, and no author."""
    number, other = bring("Ann and Bob"), bring("Ann")
    with app.app_context():
        models.db.session.delete(models.db.session.get(models.Book, number))
        models.db.session.commit()
    assert (written_by(number), written_by(other)) == ([], ["Ann"])
    assert author_names() == ["Ann", "Bob"]


# Step 3


@step(3)
def test_the_text_goes_and_nothing_else(at, do, place):
    """0006 takes the column author and its index, and leaves all other rows, columns and rules."""
    at("0005")
    rows, before = all_rows(place), schema(place)
    do("db", "upgrade", "0006")
    assert all_rows(place) == without(rows, "book", "author")
    del before["book"]["author"], before["indexes"]["ix_book_author"]
    assert schema(place) == before


@step(3)
def test_no_book_may_lose_its_author(at, do, refused, place, chance):
    """While a book has a text and no author, 0006 refuses, says how many, and changes nothing."""
    at("0005")
    number = chance.randint(2, 9)
    for each in range(number):
        change(
            place,
            "INSERT INTO book (title, author, folded_title) VALUES ('T', ?, 't')",
            (f"Late {each % 3}",),
        )
    before = dump(place)
    says = f"{number} books would lose their authors. Go back to 0004, and upgrade again."
    assert refused("db", "upgrade", "0006") == f"Error: {says}"
    assert dump(place) == before
    do("db", "downgrade", "0004")
    do("db", "upgrade", "0006")
    found = names_of(place)
    assert sum(names[0].startswith("Late ") for names in found.values()) == number


@step(3)
def test_a_blank_text_is_no_loss(at, do, place):
    """A book with a blank text has no author to lose, and does not hinder 0006."""
    at("0006", ["", "   ", "Ann", "Bob"])
    assert version(place) == ["0006"]
    assert sorted(names_of(place).values()) == [["Ann"], ["Bob"]]


@step(3)
def test_the_texts_come_back(at, do, place, chance):
    """Back at 0005, each book has its authors as a text, in their order, and “and” between."""
    texts = dict(spelled(chance, 30)) | {"": [], "  ": []}
    before = at("0005", texts)
    tables_before, rows = schema(place), all_rows(place)
    do("db", "upgrade", "0006")
    do("db", "downgrade", "0005")
    expected = [row | {"author": " and ".join(texts[row["author"]])} for row in before["book"]]
    assert all_rows(place) == rows | {"book": expected}
    assert schema(place) == tables_before


@step(3)
def test_the_order_of_the_texts_is_that_of_wrote(at, do, place):
    """The names in a text that comes back are in the order of wrote.number, not of the authors."""
    before = at("0006", ["Ann and Bob", "C", "D", "E"])
    number = next(row["number"] for row in before["book"] if row["author"] == "Ann and Bob")
    ann = "(SELECT number FROM author WHERE name = 'Ann')"
    change(place, f"UPDATE wrote SET number = number + 100 WHERE author_number = {ann}")
    do("db", "downgrade", "0005")
    assert ask(place, f"SELECT author FROM book WHERE number = {number}") == [("Bob and Ann",)]


@step(3)
def test_a_text_is_demanded_again(at, do, place):
    """Back at 0005, the database puts no text of its own in: the default is gone again."""
    at("0006")
    do("db", "downgrade", "0005")
    with pytest.raises(sqlite3.IntegrityError, match=r"NOT NULL constraint failed: book\.author"):
        change(place, "INSERT INTO book (title, folded_title) VALUES ('T', 't')")


@step(3)
def test_down_and_up_again_is_the_same(at, do, place):
    """From 0006 to 0003 and up again, each book has the same authors, and the tables are the
    same."""
    at("0006")
    before, names, rows = schema(place), names_of(place), all_rows(place)
    do("db", "downgrade", "0003")
    do("db", "upgrade", "0006")
    after = all_rows(place)
    assert (schema(place), names_of(place)) == (before, names)
    assert {table: after[table] for table in ("book", "reader", "loan")} == {
        table: rows[table] for table in ("book", "reader", "loan")
    }


@step(3)
def test_a_book_has_no_text_any_more(models):
    """The model Book has no column author: only `authors`, and a property that reads them."""
    assert "author" not in models.Book.__table__.columns
    assert isinstance(models.Book.author, property)


@step(3)
def test_author_is_the_names_as_one_text(app, models, bring, chance):
    """`book.author` is the names of its authors, with “ and ” between; nobody's is empty."""
    one, two = f"Ann {chance.random()}", f"Bob {chance.random()}"
    texts = [f"{two} and {one}", one, f"{one} and {two} and C"]
    numbers = [bring(text) for text in texts]
    nobody = bring()
    with app.app_context():
        found = [models.db.session.get(models.Book, number).author for number in [*numbers, nobody]]
    assert found == [*texts, ""]


@step(3)
def test_the_database_keeps_an_author_who_has_books(app, models, bring):
    """The database itself refuses to delete an author who has books."""
    bring("Ann and Bob")
    with app.app_context():
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            models.db.session.execute(delete(models.Author))
        models.db.session.rollback()


class Shelf(Neighbours):
    """What the classes below share."""

    @pytest.fixture
    def pair(self, chance):
        """Two authors' names."""
        return f"Zoë {chance.randrange(10**6)}", f"Ann & {chance.randrange(10**6)}"

    @pytest.fixture
    def byline(self, visit):
        """Return what a book's page says behind “by”."""

        def byline(number):
            found = words(visit(f"/books/{number}").text)
            [line] = [each for each in found if each == "by" or each.startswith("by ")]
            return line

        return byline

    @pytest.fixture
    def also(self, visit):
        """Return the titles behind “Also by this author”."""

        def also(number):
            found = words(visit(f"/books/{number}").text)
            [line] = [each for each in found if each.startswith("Also by this author: ")]
            return line.removeprefix("Also by this author: ")

        return also


def address(name):
    """Return where an author's books are."""
    return f"/authors/{quote(name, safe='')}"


def hrefs(html):
    """Return the addresses and texts of a page's links, without what escapes them."""
    return [(unescape(href).replace("&", "%26"), unescape(text)) for href, text in links(html)]


@step(3)
class TestTwoAuthors(Shelf):
    """A book with two authors is a book of each."""

    def test_each_author_has_the_book(self, visit, bring, pair):
        """A book by two is on the page of each of them, and there is no page of both."""
        one, two = pair
        bring(f"{one} and {two}", title="Both")
        bring(two, title="Alone")
        found = [[title for title, _ in rows(visit(address(name)).text)] for name in pair]
        assert found == [["Both"], ["Both", "Alone"]]
        assert visit(address(f"{one} and {two}")).status_code == 404

    def test_a_turned_name_makes_no_second_book(self, visit, bring, stored):
        """A book by “Last, First” is the same as one by “First Last”: it stands there already."""
        bring("Zoë Lauf and Ann Berg", title="Both")
        before = stored()
        answer = send_book(visit, "BOTH", "Lauf, zoë and Berg, Ann")
        assert answer.status_code == 422
        assert described(answer.text, "title") == "This book stands on the Shelf already."
        assert stored() == before

    def test_one_of_two_names_may_not_be_dots(self, visit, stored):
        """None of the names may be made only of dots, since its address would lead elsewhere."""
        for author in (".. and Ann", "Ann and ."):
            answer = send_book(visit, "Both", author)
            assert answer.status_code == 422
            assert described(answer.text, "author") == "A name, please, not only dots."
        assert stored() == []

    def test_an_author_without_books_is_not_found(self, app, models, visit, bring, pair):
        """The address of an author whose books have gone is a 404, and no list has the name."""
        number = bring(pair[0])
        with app.app_context():
            models.db.session.delete(models.db.session.get(models.Book, number))
            models.db.session.commit()
        assert visit(address(pair[0])).status_code == 404
        assert links(visit("/authors/").text) == []

    def test_all_authors_are_counted(self, visit, bring, pair):
        """/authors/ has each author once, by name, and counts the books by two for both."""
        one, two = pair
        for text in (f"{one} and {two}", two, f"{two} and Mo", one):
            bring(text)
        items = re.findall(r"<li>(.*?)</li>", visit("/authors/").text, re.DOTALL)
        found = [" ".join(unescape(re.sub("<[^>]*>", "", item)).split()) for item in items]
        assert found == [f"{two}, 3 books", "Mo, 1 book", f"{one}, 2 books"]

    def test_a_book_names_each_author(self, visit, bring, byline, pair):
        """A book's page says by A and B, the year behind it, and each name is a link."""
        number = bring(" and ".join(pair), year=1867)
        assert byline(number) == f"by {pair[0]} and {pair[1]}, 1867"
        found = hrefs(visit(f"/books/{number}").text)
        assert [link for link in found if link[0].startswith("/authors")] == [
            (address(name), name) for name in pair
        ]
        assert f'<bdi><a href="{address(pair[0])}">{pair[0]}</a></bdi>' in (
            visit(f"/books/{number}").text
        )

    @pytest.mark.parametrize("page", ["/", "/?q=volume"])
    def test_the_list_names_each_author(self, visit, bring, pair, page):
        """In the list, a book by two says A and B, each a link to that author."""
        number = bring(" and ".join(pair), title="Volume 1")
        html = visit(page).text
        [[title, authors]] = rows(re.sub(r"\s+", " ", html))
        assert (title, " ".join(unescape(authors).split())) == ("Volume 1", " and ".join(pair))
        assert hrefs(html) == [
            (f"/books/{number}", "Volume 1"),
            *((address(name), name) for name in pair),
        ]

    def test_a_book_by_nobody(self, visit, bring, byline, also):
        """The page of a book without authors says that nobody knows whom it is by."""
        number, _ = bring(), bring()
        assert (byline(number), also(number)) == ("by nobody knows whom", "nothing")
        assert visit("/").status_code == 200

    def test_names_are_text(self, visit, bring):
        """A name with < in it comes as text."""
        hostile = "<b>x</b>"
        number = bring(f"{hostile} and {hostile}2")
        for page in ("/", f"/books/{number}", "/authors/"):
            assert hostile not in visit(page).text

    def test_programs_get_one_text(self, visit, bring, pair):
        """In JSON, the author of a book by two is one text, as before."""
        number = bring(" and ".join(pair), title="Both")
        expected = {"title": "Both", "author": " and ".join(pair)}
        assert visit(f"/api/books/{number}").json == expected

    def test_what_else_they_wrote(self, bring, also, pair):
        """“Also by this author” has the books of each of its authors, by number, each once."""
        one, two = pair
        number = bring(f"{one} and {two}", title="This")
        for title, text in (
            *(("Of two", two), ("Of others", "Mo"), ("Of one", one)),
            *(("Of both", f"{two} and {one}"), ("With Mo", f"Mo and {one}")),
        ):
            bring(text, title=title)
        assert also(number) == "Of two, Of one, Of both, With Mo"

    def test_three_statements_are_enough(self, visit, bring, lend, chance, statements, pair):
        """The list and an author's page take 3 statements, however many authors and loans."""
        names = [*pair, *(f"Author {n}" for n in range(12))]
        numbers = [
            bring(" and ".join([pair[0], *chance.sample(names[1:], chance.randint(0, 4))]))
            for _ in range(15)
        ]
        for number in chance.sample(numbers, 7):
            lend(number, f"Reader {number}")
        for page in ("/", "/?q=volume", address(pair[0])):
            statements.clear()
            html = visit(page).text
            sent = [statement for statement, _ in statements]
            assert (html.count(" has it"), len(rows(html))) == (7, 15)
            assert len(sent) <= 3, "\n\n".join([f"{len(sent)} statements, among them:", *sent[:6]])

    def test_the_terminal_finds_each_author(self, typed, bring, pair):
        """`flask shelf list --author` finds the books of that author, those by two included."""
        one, two = pair
        both, alone = bring(f"{one} and {two}", title="Both"), bring(two, title="Alone")
        lines = [f"{both} Both, by {one} and {two}", f"{alone} Alone, by {two}"]
        assert typed("shelf", "list").output.splitlines() == lines
        assert typed("shelf", "list", "--author", one).output.splitlines() == lines[:1]
        assert typed("shelf", "list", "--author", two).output.splitlines() == lines
        result = typed("shelf", "list", "--author", f"{one} and {two}")
        expected = f"Error: No book by {one} and {two} stands on the Shelf.\n"
        assert (result.exit_code, result.output) == (1, expected)
        assert typed("shelf", "list", "--author", "").exit_code == 1

    def test_what_is_exported_can_be_seeded(self, make, typed, file, bring, stored, pair):
        """`flask shelf export` prints the authors as one text, and `seed` takes it in again."""
        bring(" and ".join(pair), title="Both", year=1867)
        bring(pair[1], title='A "B", C')
        text = typed("shelf", "export").stdout_bytes.decode()  # line ends included
        assert text == (
            f'title,author,year\nBoth,{pair[0]} and {pair[1]},1867\n"A ""B"", C",{pair[1]},\n'
        )
        other, path = make(), file(text)
        assert typed("shelf", "seed", path, app=other).output == "2 books added.\n"
        assert typed("shelf", "seed", path, app=other).output == "0 books added.\n"
        assert stored(other) == stored()

    def test_a_file_names_a_new_author_twice(self, typed, file, stored, author_names, pair):
        """Two books of a file may have the same new author."""
        both = " and ".join(pair)
        lines = f"title,author,year\nOne,{pair[0]},\nTwo,{both},\nThree,{both},1867\n"
        assert typed("shelf", "seed", file(lines)).output == "3 books added.\n"
        expected = [("One", pair[0], None), ("Two", both, None), ("Three", both, 1867)]
        assert (stored(), author_names()) == (expected, sorted(pair))

    def test_a_book_that_is_there_is_refused(self, visit, bring, stored, pair):
        """A book with the same title and the same authors is there already, in capitals or not."""
        both = " and ".join(pair)
        bring(both, title="Both")
        answer = send(visit, "/books/new", title="BOTH", author=both.upper())
        assert (answer.status_code, len(stored())) == (422, 1)
        assert "This book stands on the Shelf already." in answer.text
        for author in (pair[0], f"{both} and Mo", f"{pair[1]} and {pair[0]}"):
            answer = send(visit, "/books/new", title="Both", author=author)
            assert answer.status_code == 303, author

    def test_invented_books_have_their_authors(self, load, typed, stored, author_names):
        """`flask shelf fake` gives each invented book its author, and each author once."""
        fakes, expected = load("shelf.fakes"), []
        last = fakes.names()[-1]
        number = next(n for n in range(40, 999) if last in [x["author"] for x in fakes.invent(n)])
        for each in (number, number + 1):
            assert typed("shelf", "fake", "--books", str(each)).exit_code == 0
            expected += [(x["title"], x["author"], x["year"]) for x in fakes.invent(each)]
        assert stored() == expected
        assert len(set(author_names())) == len(author_names())

    def test_two_name_the_same_author_at_once(self, on_disk, models, faster, stored, pair):
        """If somebody else names the new author in the same moment, the page says so, with 409."""
        visit = another(on_disk)
        done = faster("author", insert(models.Author).values(name=pair[0]))
        answer = send(visit, "/books/new", title="Both", author=pair[0])
        assert (answer.status_code, len(done), stored(on_disk)) == (409, 1, [])
        assert "<h1>Not done</h1>" in answer.text
        assert "Send it again, please." in " ".join(words(answer.text))
        answer = send(visit, "/books/new", title="Both", author=pair[0])
        assert (answer.status_code, stored(on_disk)) == (303, [("Both", pair[0], None)])


# Step 4


@step(4)
def test_a_phone_gets_another_name_and_stays(at, do, place):
    """0007 calls the column phone mobile; each reader keeps the number, and each loan its
    reader."""
    at("0006")
    rows, before = all_rows(place), schema(place)
    assert len({row["phone"] for row in rows["reader"]}) == 4
    do("db", "upgrade", "0007")
    renamed = [
        {"mobile" if key == "phone" else key: row[key] for key in row} for row in rows["reader"]
    ]
    assert all_rows(place) == rows | {"reader": renamed}
    before["reader"]["mobile"] = before["reader"].pop("phone")
    assert schema(place) == before
    assert version(place) == ["0007"]


@step(4)
def test_a_mobile_gets_its_old_name_and_stays(at, do, place):
    """Back at 0006, the column is called phone again, with each reader's number."""
    at("0006")
    rows, before = all_rows(place), schema(place)
    do("db", "upgrade", "0007")
    do("db", "downgrade", "0006")
    assert (all_rows(place), schema(place)) == (rows, before)


@pytest.fixture
def readers(app, models, chance):
    """Three readers in the app's database: their names, in no order."""
    names = [f"{name} {chance.randrange(10**6)}" for name in ("Ann", "Zoë O'Hara", 'Bob "B"')]
    chance.shuffle(names)
    with app.app_context():
        models.db.session.add_all(models.Reader(name=name) for name in names)
        models.db.session.commit()
    return names


@pytest.fixture
def mobiles(app, models):
    """Return each reader's number, as a session of its own sees it."""

    def mobiles():
        with app.app_context():
            found = models.db.session.scalars(models.db.select(models.Reader))
            return {reader.name: reader.mobile for reader in found}

    return mobiles


@step(4)
def test_a_number_is_noted(typed, readers, mobiles, chance):
    """`flask shelf phone Ann "555 0199"` notes the number of that reader, in `mobile`."""
    expected = dict.fromkeys(readers)
    assert mobiles() == expected
    for name in (*readers[:2], readers[0]):
        expected[name] = f"+49 {chance.randrange(10**9)}"
        result = typed("shelf", "phone", name, expected[name])
        assert (result.exit_code, result.output, mobiles()) == (0, "", expected)


@step(4)
def test_a_number_of_nobody(typed, readers, mobiles, chance):
    """A reader who is not there is one sentence, and nothing changes."""
    name = f"Eve {chance.random()}"
    result = typed("shelf", "phone", name, "555 0199")
    expected = f"Error: There is no reader called {name}.\n"
    assert (result.exit_code, result.output) == (1, expected)
    assert mobiles() == dict.fromkeys(readers)


@step(4)
def test_a_number_may_have_20_characters(typed, readers, mobiles, chance):
    """A number may have 20 characters; one that is longer is one sentence, and the old stays."""
    number = "".join(chance.choices("0123456789é", k=20))
    assert typed("shelf", "phone", readers[0], number).exit_code == 0
    result = typed("shelf", "phone", readers[0], number + "1")
    expected = "Error: A phone number has at most 20 characters.\n"
    assert (result.exit_code, result.output) == (1, expected)
    assert mobiles() == dict.fromkeys(readers) | {readers[0]: number}


@step(4)
def test_who_has_it_can_be_called(app, typed, models, books, chance):
    """`flask shelf lent` says a reader's number in parentheses, and none of who has none."""
    number, other, *_ = chance.sample(list(books), 3)
    mobile, today = f"555 {chance.randrange(10**4)}", date.today()
    with app.app_context():
        ann, bob = models.Reader(name="Ann", mobile=mobile), models.Reader(name="Bob")
        models.db.session.add(models.Loan(book_number=number, reader=ann))
        models.db.session.flush()
        models.db.session.add(models.Loan(book_number=other, reader=bob))
        models.db.session.commit()
    result = typed("shelf", "lent")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            f"{today} {books[number]['title']}: Ann ({mobile})",
            f"{today} {books[other]['title']}: Bob",
        ],
    )


# Step 5

PAGES = {
    "474": 474,
    "xii, 474": 474,
    "xii, 474 pages": 474,
    "12-30": 30,
    "007": 7,
    "1": 1,
    "2147483647": 2**31 - 1,
    "2147483648": None,
    "99999999999": None,
    "12, 99999999999": 12,
    "474, 0": 474,
    "0": None,
    "000": None,
    "": None,
    "many": None,
    "xii": None,
    None: None,
}


@pytest.fixture
def pages_of(place):
    """Return each book's pages as the database has them, by its number."""

    def pages_of():
        return dict(ask(place, "SELECT number, pages FROM book"))

    return pages_of


@step(5)
def test_pages_become_numbers(at, do, pages_of, place, chance):
    """0008 makes the last number in a text the number of pages; what is none is empty."""
    texts = PAGES | {f"{chance.randint(1, 99)}, {n}": n for n in chance.sample(range(100, 999), 9)}
    before = at("0007", pages=list(texts))
    do("db", "upgrade", "0008")
    assert pages_of() == {row["number"]: texts[row["pages"]] for row in before["book"]}
    assert {kind for [kind] in ask(place, "SELECT typeof(pages) FROM book")} == {"integer", "null"}


@step(5)
def test_pages_change_and_nothing_else(at, do, place):
    """0008 changes the column pages, to a number that may be empty, and nothing else."""
    at("0007", pages=["xii, 474", None])
    rows, before = all_rows(place), schema(place)
    do("db", "upgrade", "0008")
    assert without(all_rows(place), "book", "pages") == without(rows, "book", "pages")
    before["book"]["pages"] = ("INTEGER", True)
    assert schema(place) == before


@step(5)
def test_pages_without_books(do, place):
    """0008 runs on a database without books, too."""
    do("db", "upgrade", "0008")
    assert version(place) == ["0008"]


@pytest.mark.parametrize("pages", [0, -1, -474])
@step(5)
def test_no_book_has_no_pages(at, do, place, pages):
    """The database itself refuses 0 pages and less, by the CHECK ck_book_pages; none is fine."""
    at("0007", pages=["474"])
    do("db", "upgrade", "0008")
    with pytest.raises(sqlite3.IntegrityError, match=r"CHECK constraint failed: ck_book_pages\b"):
        change(place, "UPDATE book SET pages = ?", (pages,))
    change(place, "UPDATE book SET pages = NULL")


@step(5)
def test_pages_become_texts_again(at, do, place, pages_of, chance):
    """Back at 0007, pages are text of at most 20 characters, and the CHECK is gone."""
    at("0007", pages=["474", None, "xii, 90"])
    before = schema(place)
    do("db", "upgrade", "0008")
    numbers = pages_of()
    do("db", "downgrade", "0007")
    expected = {number: noted and str(noted) for number, noted in numbers.items()}
    assert (pages_of(), schema(place)) == (expected, before)
    change(place, "UPDATE book SET pages = '0'")
    assert set(pages_of().values()) == {"0"}


@step(5)
def test_every_book_is_in_a_good_condition(at, do, place):
    """0009 gives all books that are there the condition good, and changes nothing else."""
    at("0007")
    rows, before = all_rows(place), schema(place)
    do("db", "upgrade", "0009")
    expected = [row | {"condition": "good"} for row in rows["book"]]
    assert all_rows(place) == rows | {"book": expected}
    before["book"]["condition"] = ("VARCHAR(7)", False)
    assert schema(place) == before


@step(5)
def test_a_condition_is_one_of_three_words(at, do, place, chance):
    """The database itself takes good, worn and damaged, and no other: CHECK ck_book_condition."""
    at("0007")
    do("db", "upgrade", "0009")
    for word in ("worn", "damaged", "good"):
        change(place, "UPDATE book SET condition = ?", (word,))
    for word in ("lost", "", "GOOD", f"x{chance.randrange(999)}"):
        with pytest.raises(sqlite3.IntegrityError, match=r"constraint failed: ck_book_condition\b"):
            change(place, "UPDATE book SET condition = ?", (word,))
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL constraint failed"):
        change(place, "UPDATE book SET condition = NULL")


@step(5)
def test_a_new_row_is_in_a_good_condition(do, place):
    """A row that comes without a condition gets good from the database itself."""
    do("db", "upgrade", "0009")
    change(place, "INSERT INTO book (title, folded_title) VALUES ('T', 't')")
    assert ask(place, "SELECT condition FROM book") == [("good",)]


@step(5)
def test_the_two_scripts_are_joined(history):
    """0008 and 0009 both follow 0007, 0010 follows both, and one script is the last."""
    assert {history.get_revision(each).down_revision for each in ("0008", "0009")} == {"0007"}
    assert set(history.get_revision("0010").down_revision) == {"0008", "0009"}
    assert len(history.get_heads()) == 1


@step(5)
def test_who_of_the_two_is_first_does_not_matter(at, do, place):
    """0008 and then 0009, or the other way round: the same tables, rows and rules."""
    at("0007", pages=["474", "90", None])
    found = []
    for order in (["0008", "0009"], ["0009", "0008"]):
        for revision in order:
            do("db", "upgrade", revision)
        assert sorted(version(place)) == ["0008", "0009"]
        wrong = ("pages = 0", "condition = 'lost'", "condition = NULL")
        assert [each for each in wrong if not refuses(place, each)] == []
        found.append((all_rows(place), schema(place)))
        do("db", "downgrade", "0007")
        assert version(place) == ["0007"]
    assert found[0] == found[1]


def refuses(place, change_to):
    """Return whether a database refuses such a change of a book."""
    try:
        change(place, f"UPDATE book SET {change_to}")
    except sqlite3.IntegrityError:
        return True
    return False


@step(5)
def test_the_last_tables_have_both_rules(at, do, place):
    """At 0010, the database refuses 0 pages and a fourth word for the condition."""
    at("0010", pages=["474"])
    wrong = ("pages = 0", "pages = -1", "condition = 'lost'", "condition = NULL")
    assert [each for each in wrong if not refuses(place, each)] == []
    assert not refuses(place, "pages = NULL, condition = 'damaged'")


@step(5)
@pytest.mark.parametrize("rule", ["pages", "condition"])
def test_the_models_have_both_rules(app, models, books, rule):
    """Tables that `create_all` makes have the CHECKs ck_book_pages and ck_book_condition, too."""
    wrong = {"pages": "pages = 0", "condition": "condition = 'lost'"}[rule]
    with app.app_context():
        with pytest.raises(IntegrityError, match=rf"CHECK constraint failed: ck_book_{rule}\b"):
            models.db.session.execute(models.db.text(f"UPDATE book SET {wrong}"))
        models.db.session.rollback()


@pytest.fixture
def noted(app, models):
    """Return what is noted of each book, pages and condition, by its number."""

    def noted():
        with app.app_context():
            found = models.db.session.scalars(models.db.select(models.Book))
            return {book.number: (book.pages, book.condition) for book in found}

    return noted


@step(5)
def test_pages_are_noted(typed, books, noted, chance):
    """`flask shelf pages 1 474` notes a number of pages for that book, and for no other."""
    for number in (1, 2**31 - 1):  # the first and the last that a book can have
        books[number] = {"title": "A book", "author": "A. Nobody"}
    expected = dict.fromkeys(books, (None, "good"))
    for number in (1, 2**31 - 1, chance.choice(list(books))):
        for pages in (chance.randrange(1, 2**31), 2**31 - 1, 1):
            expected[number] = (pages, "good")
            result = typed("shelf", "pages", str(number), str(pages))
            assert (result.exit_code, result.output, noted()) == (0, "", expected)


@step(5)
@pytest.mark.parametrize("pages", ["0", "-1", "2147483648", "9" * 30, "many", "1.5", "", "xii, 4"])
def test_what_is_no_number_of_pages_is_refused(typed, books, noted, chance, pages):
    """What is no number of pages, or does not fit its column, is refused in one sentence."""
    result = typed("shelf", "pages", "--", str(chance.choice(list(books))), pages)
    assert (result.exit_code, "Error: Invalid value for 'PAGES'" in result.output) == (2, True)
    assert noted() == dict.fromkeys(books, (None, "good"))


@step(5)
def test_a_condition_is_noted(typed, books, noted, chance):
    """`flask shelf condition 1 worn` notes the condition of that book, and of no other."""
    for number in (1, 2**31 - 1):  # the first and the last that a book can have
        books[number] = {"title": "A book", "author": "A. Nobody"}
    expected = dict.fromkeys(books, (None, "good"))
    for number in (1, 2**31 - 1, chance.choice(list(books))):
        for word in ("worn", "good", "damaged"):
            expected[number] = (None, word)
            result = typed("shelf", "condition", str(number), word)
            assert (result.exit_code, result.output, noted()) == (0, "", expected)


@step(5)
@pytest.mark.parametrize("word", ["lost", "", "Good", "WORN", "good ", "none"])
def test_what_is_no_condition_is_refused(typed, books, noted, chance, word):
    """What is none of the three words is refused in one sentence."""
    result = typed("shelf", "condition", str(chance.choice(list(books))), word)
    assert (result.exit_code, "Error: Invalid value for " in result.output) == (2, True)
    assert noted() == dict.fromkeys(books, (None, "good"))


@step(5)
@pytest.mark.parametrize("words", [("pages", "474"), ("condition", "worn")])
def test_nothing_is_noted_of_no_book(typed, books, noted, chance, words):
    """A book that is not there is one sentence, and nothing changes."""
    number = str(max(books) + chance.randint(1, 999))
    result = typed("shelf", words[0], number, words[1])
    expected = f"Error: There is no book {number}.\n"
    assert (result.exit_code, result.output) == (1, expected)
    assert noted() == dict.fromkeys(books, (None, "good"))


@step(5)
@pytest.mark.parametrize("words", [("pages", "474"), ("condition", "worn")])
@pytest.mark.parametrize("number", ["0", "-7", "2147483648", "9223372036854775808", "Emma"])
def test_nothing_is_noted_of_what_is_no_number(typed, books, noted, words, number):
    """A number that no book can have, or words for it, is an error for people, no traceback."""
    result = typed("shelf", words[0], "--", number, words[1])
    assert (result.exit_code in (1, 2), "Error: " in result.output) == (True, True), result.output
    assert noted() == dict.fromkeys(books, (None, "good"))


@step(5)
class TestBylines(Shelf):
    """A book's page says its pages, and its condition."""

    def test_a_book_says_its_pages(self, bring, byline, chance):
        """A book's page says the pages behind the year, and nothing if there are none."""
        pages = chance.randint(1, 999)
        assert byline(bring("Ann", year=1815, pages=pages)) == f"by Ann, 1815, {pages} pages"
        assert byline(bring("Ann and Bob", pages=pages)) == f"by Ann and Bob, {pages} pages"
        assert byline(bring("Ann", year=0)) == "by Ann, 0"

    @pytest.mark.parametrize("word", ["worn", "damaged"])
    def test_a_book_says_what_is_wrong(self, bring, byline, word, chance):
        """A book's page says worn or damaged at the end of the line, and nothing if it is good."""
        pages = chance.randint(1, 999)
        number = bring("Ann", year=1815, pages=pages, condition=word)
        assert byline(number) == f"by Ann, 1815, {pages} pages, {word}"
        assert byline(bring("Ann", condition=word)) == f"by Ann, {word}"
        assert byline(bring("Ann", condition="good")) == "by Ann"


@step(5)
def test_the_models_and_the_scripts_agree(do):
    """A database that has had all scripts has what the models describe: `flask db check`."""
    do("db", "upgrade")
    do("db", "check")


@step(5)
def test_later_scripts_import_nothing_either(do, place, without_app):
    """None of the later scripts imports the models."""
    do("db", "upgrade")
    do("db", "downgrade", "0003")
    assert version(place) == ["0003"]


# Step 6


@pytest.fixture
def conditions(at, place, chance):
    """Books at 0009, some of them worn or damaged; return how many."""
    before = at("0009", pages=[None] * 12)
    number = chance.randint(2, 9)
    for n, row in enumerate(chance.sample(before["book"], number)):
        word = "worn" if n % 2 else "damaged"
        change(place, "UPDATE book SET condition = ? WHERE number = ?", (word, row["number"]))
    return number


def warning(number):
    """Return what 0009 says before it destroys what is noted of so many books."""
    return (
        f"Error: This would destroy what is noted of {number} worn or damaged books. "
        "If it may: flask db -x lose=conditions downgrade 0007"
    )


@step(6)
def test_the_way_back_warns(conditions, refused, place):
    """Back from 0009, worn and damaged books would be forgotten: it says how many, and stops."""
    before = dump(place)
    assert refused("db", "downgrade", "0007") == warning(conditions)
    assert dump(place) == before


@step(6)
def test_who_means_it_says_so(conditions, do, place):
    """With -x lose=conditions, the way back from 0009 goes, and takes only the condition."""
    before = without(all_rows(place), "book", "condition")
    do("db", "-x", "lose=conditions", "downgrade", "0007")
    assert (version(place), all_rows(place)) == (["0007"], before)
    do("db", "upgrade", "0009")
    assert set(ask(place, "SELECT condition FROM book")) == {("good",)}


@step(6)
@pytest.mark.parametrize("asked", ["lose=everything", "keep=conditions", "lose", "conditions=lose"])
def test_other_words_do_not_count(conditions, refused, place, asked):
    """Another -x than lose=conditions does not count: nothing goes."""
    before = dump(place)
    assert refused("db", "-x", asked, "downgrade", "0007") == warning(conditions)
    assert dump(place) == before


@step(6)
def test_nothing_to_lose_no_question(at, do, place):
    """If all books are good, there is nothing to lose, and the way back asks nothing."""
    at("0009")
    before = without(all_rows(place), "book", "condition")
    do("db", "downgrade", "0007")
    assert (version(place), all_rows(place)) == (["0007"], before)


@step(6)
def test_the_tables_are_those_of_0007(at, do, place, chance):
    """Back at 0007, the column and its CHECK are gone, and all else is as it was."""
    at("0007")
    before = schema(place)
    do("db", "upgrade", "0009")
    change(place, "UPDATE book SET condition = 'worn'")
    do("db", "-x", "lose=conditions", "downgrade", "0007")
    assert schema(place) == before


@step(6)
def test_from_0010_it_warns_too(at, do, refused, place):
    """All the way down from 0010, 0009 refuses as well, and stands."""
    at("0010", pages=["474"])
    [[number]] = ask(place, "SELECT min(number) FROM book")
    change(place, "UPDATE book SET condition = 'worn' WHERE number = ?", (number,))
    assert refused("db", "downgrade", "base") == warning(1)
    assert "0009" in version(place)
    assert ask(place, "SELECT count(*) FROM book WHERE condition = 'worn'") == [(1,)]
    do("db", "-x", "lose=conditions", "downgrade", "base")
    assert tables(place) == []


@step(6)
def test_no_author_is_lost_on_any_way(at, do, place, chance):
    """Up to 0010, down to 0003 and up again, no book loses an author or a loan."""
    texts = dict(spelled(chance, 30, known=12))
    before = at("0003", texts)
    expected = {row["number"]: texts[row["author"]] for row in before["book"]}
    loans = [(row["number"], row["book_number"], row["reader_number"]) for row in before["loan"]]
    for way in ("upgrade", "downgrade", "upgrade"):
        do("db", way, "0010" if way == "upgrade" else "0003")
        if way == "upgrade":
            assert names_of(place) == expected
        asked = "SELECT number, book_number, reader_number FROM loan ORDER BY number"
        assert ask(place, asked) == loans


@step(6)
def test_your_test_passes(folder, tmp_path):
    """Your `test_migrations.py` passes, since every change has a migration."""
    assert (folder / "test_migrations.py").is_file(), "There is no such file."
    copytree(folder, tmp_path / "app", ignore=ignore_patterns("__pycache__", "instance", ".*"))
    others = {key: os.environ[key] for key in os.environ if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "test_migrations.py"],
        cwd=tmp_path / "app",
        env=others | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr


# Your turn

DAYS = {
    "2023-02-10": "2023-03-10",
    "2024-02-10": "2024-03-09",
    "2024-02-29": "2024-03-28",
    "2020-12-15": "2021-01-12",
    "2019-12-04": "2020-01-01",
}


@pytest.fixture
def days(chance):
    """Five different days, and the days four weeks later."""
    found = dict(chance.sample(list(DAYS.items()), 3))
    for n in chance.sample(range(3000), 2):
        day = date(2010, 1, 1) + timedelta(days=n)
        found[str(day)] = str(day + timedelta(days=28))
    return found


@pytest.fixture
def lent(at, place, days):
    """Loans of those days, at 0010; all rows."""
    loans = at("0010")["loan"]
    for loan, day in zip(loans, days, strict=True):
        change(place, "UPDATE loan SET lent_on = ? WHERE number = ?", (day, loan["number"]))
    return all_rows(place)


@step(YOUR_TURN)
def test_0011_follows_0010(history):
    """There is a script 0011, it comes after 0010, and it is the last."""
    assert history.get_revision("0011").down_revision == "0010"
    assert history.get_heads() == ["0011"]


@step(YOUR_TURN)
def test_old_loans_get_their_day(lent, days, do, place):
    """0011 gives each loan that is there the day four weeks after lent_on, and changes no other."""
    do("db", "upgrade", "0011")
    expected = [loan | {"due_on": days[loan["lent_on"]]} for loan in lent["loan"]]
    assert all_rows(place) == lent | {"loan": expected}


@step(YOUR_TURN)
def test_a_day_is_demanded_and_nothing_else(lent, do, place):
    """0011 adds due_on, which is never empty, and keeps the rules and indexes of loans."""
    before = schema(place)
    do("db", "upgrade", "0011")
    before["loan"]["due_on"] = ("DATE", False)
    assert schema(place) == before
    assert indexes(place)["uq_loan_open"] == "book_number, unique, where back_on IS NULL"


@step(YOUR_TURN)
def test_no_day_is_put_in_by_the_database(lent, do, place):
    """A row without its day is refused by the database itself."""
    do("db", "upgrade", "0011")
    with pytest.raises(sqlite3.IntegrityError, match=r"NOT NULL constraint failed: loan\.due_on"):
        change(
            place,
            "INSERT INTO loan (book_number, reader_number, lent_on) "
            "SELECT min(book.number), min(reader.number), '2020-01-01' FROM book, reader",
        )


@step(YOUR_TURN)
def test_without_loans_there_is_nothing_to_fill(do, place):
    """0011 runs on a database without loans, too."""
    do("db", "upgrade", "0011")
    assert version(place) == ["0011"]


@step(YOUR_TURN)
def test_the_day_goes_again(lent, do, place):
    """Back at 0010, due_on is gone, and all else is as it was; up again, the days are there."""
    before = schema(place)
    do("db", "upgrade", "0011")
    after = all_rows(place)
    do("db", "downgrade", "0010")
    assert (all_rows(place), schema(place)) == (lent, before)
    do("db", "upgrade", "0011")
    assert all_rows(place) == after


@step(YOUR_TURN)
class TestDue(Shelf):
    """A new loan has the day on which the book is due."""

    def test_a_new_loan_gets_its_day(self, app, models, neighbour, number, name):
        """Who borrows a book has it for four weeks: `due_on` is 28 days from today."""
        before = date.today()
        assert send(neighbour(name), f"/books/{number}/borrow").status_code == 303
        with app.app_context():
            [due_on] = models.db.session.scalars(models.db.select(models.Loan.due_on))
        assert before <= due_on - timedelta(days=28) <= date.today()

    def test_the_day_is_found_for_each_loan(self, models):
        """The default of `due_on` is a function: it is called for each loan, as lent_on's is."""
        default = models.Loan.__table__.c.due_on.default
        assert default is not None, "due_on has no default"
        assert default.is_callable, "the day is always that on which the app was started"


# What the lessons before promised


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
class TestDatabase(Turned):
    """What lesson 10 promised, but for the spelling of the authors."""


@step(6)
class TestLoans(Loans):
    """What lesson 11 promised."""
