"""Lesson 14: the same history on PostgreSQL, and a Shelf that stays open while it is rebuilt."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import date, timedelta
from html import unescape
from itertools import cycle, islice
from shutil import copytree, ignore_patterns

import database_fixtures as fixtures
import databases
import histories
import postgres
import psycopg
import pytest
from conftest import ROOT, YOUR_TURN, modules_of
from contract_database import Turned
from contract_forms import Forms
from contract_loans import Loans, another, buttons, send, shown, words
from contract_pages import Pages, rows
from contract_sessions import Sessions
from databases import dump, on_postgres, on_sqlite
from flask_migrate import downgrade, upgrade
from histories import HALF, KILL, write
from sqlalchemy import Engine, event, inspect, make_url
from sqlalchemy.exc import IntegrityError, OperationalError

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
kind = databases.kind
uri = databases.uri
stock = databases.stock
at = databases.at
kept = histories.kept
do = histories.do
refused = histories.refused
terminal = histories.terminal
history = histories.history
more_scripts = histories.more_scripts
server = postgres.server
step = pytest.mark.step

PLAIN = {  # titles, and how they are searched
    "Les Misérables": "les miserables",
    "L’Île mystérieuse": "l’ile mysterieuse",
    "Straße": "strasse",
    "Пётр": "петр",
    "Чайка": "чаика",
    "ÅNGSTRÖM": "angstrom",
    "Ελλάδα": "ελλαδα",
    "雪国": "雪国",
    "100% Œuvre_Øre": "100% œuvre_øre",
    "ℌamlet Ⓐ": "hamlet a",
    "Ｔｏｋｙｏ": "tokyo",
    "Kim": "kim",
}


@pytest.fixture
def plain_titles(chance):
    """Make so many titles; return how each is searched, by title."""

    def plain_titles(number):
        kinds = cycle(chance.sample(list(PLAIN), len(PLAIN)))
        titles = [f"{title} {n}" for n, title in enumerate(islice(kinds, number))]
        return {title: f"{PLAIN[title.rsplit(' ', 1)[0]]} {title.split()[-1]}" for title in titles}

    return plain_titles


@pytest.fixture
def fill(chance, plain_titles):
    """Put books, readers and loans into a database; return how each title is searched."""

    def fill(database, number=6):
        titles = plain_titles(number)
        known = [column for column in database.schema()["book"] if column.endswith("_title")]
        column = "folded_title" if "folded_title" in known else "plain_title"
        database.change(
            f"INSERT INTO book (title, year, {column}) VALUES (:title, :year, :text)",
            *(
                {
                    "title": title,
                    "year": chance.choice([None, 0, 1815]),
                    "text": title.casefold() if column == "folded_title" else titles[title],
                }
                for title in titles
            ),
        )
        database.change("INSERT INTO author (name) VALUES ('Ann Author')")
        database.change(
            "INSERT INTO wrote (book_number, author_number)"
            " SELECT book.number, author.number FROM book, author"
        )
        database.change("INSERT INTO reader (name) VALUES ('Rita Reader')")
        days = [date(2020, 1, 1) + timedelta(days=n) for n in chance.sample(range(2000), 3)]
        for day, back in zip(days, ["'2026-01-01'", "'2026-01-02'", "NULL"], strict=True):
            lend(database, day, day + timedelta(days=28), back)
        return titles

    return fill


def lend(database, lent_on, due_on, back_on="'2026-01-03'"):
    """Note a loan of the first book to the first reader."""
    database.change(LOAN.format(lent_on=lent_on, due_on=due_on, back_on=back_on))


LOAN = (
    "INSERT INTO loan (book_number, reader_number, lent_on, due_on, back_on) SELECT"
    " min(book.number), min(reader.number), '{lent_on}', '{due_on}', {back_on} FROM book, reader"
)
A_LOAN = LOAN.format(lent_on="2026-03-01", due_on="2026-03-29", back_on="'2026-03-02'")
A_BOOK = "INSERT INTO book (title, folded_title) VALUES ('À propos', 'à propos')"


def folded(database, column="folded_title"):
    """Return one of the columns in which titles are searched, by title."""
    return dict(database.ask(f"SELECT title, {column} FROM book"))


# Step 1


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the app, with an empty folder `instance`, in which a test may write."""
    ignored = ignore_patterns("__pycache__", "instance", ".*")
    copy = copytree(folder, tmp_path / "copy", ignore=ignored)
    (copy / "instance").mkdir()
    return copy


@pytest.fixture
def configured(load, settings, environment):
    """Make an app that has to find its database by itself; return the address that it found."""
    del settings["SQLALCHEMY_DATABASE_URI"]

    def configured(DATABASE_URL=None, **more):
        if DATABASE_URL is not None:
            environment.setenv("DATABASE_URL", DATABASE_URL)
        return load("shelf").create_app(settings | more).config["SQLALCHEMY_DATABASE_URI"]

    return configured


@pytest.fixture
def rest(chance):
    """What stands behind the first word of an address."""
    return f"//ann{chance.randrange(99)}:s3cret{chance.randrange(10**9)}@db.example:5433/shelf"


@step(1)
@pytest.mark.parametrize("word", ["postgresql", "postgres"])
def test_database_url_is_the_address(configured, rest, word):
    """The app's database is the one that DATABASE_URL names: postgresql://… and postgres://…
    become postgresql+psycopg://…, as SQLAlchemy wants it."""
    assert configured(f"{word}:{rest}") == f"postgresql+psycopg:{rest}"


@step(1)
@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://ann:pw@db.example/shelf",
        "sqlite:////srv/postgres:/shelf.db",
        "sqlite:///shelf.db",
        "sqlite://",
    ],
)
def test_another_address_stays_as_it_is(configured, address):
    """An address that names its driver, or another database, is used as it is."""
    assert configured(address) == address


@step(1)
def test_an_empty_database_url_does_not_count(configured, load):
    """Without DATABASE_URL, or with an empty one, the Shelf's database is the default one."""
    default = load("shelf.defaults").SQLALCHEMY_DATABASE_URI
    assert (configured(), configured("")) == (default, default)


@step(1)
def test_flasks_own_variable_goes_before(configured, environment, rest):
    """FLASK_SQLALCHEMY_DATABASE_URI beats DATABASE_URL: `configure` reads it later."""
    environment.setenv("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite:////srv/flask.db")
    assert configured(f"postgresql:{rest}") == "sqlite:////srv/flask.db"


@step(1)
def test_the_caller_goes_before(configured, rest):
    """What the caller of `create_app` says beats DATABASE_URL, as it beats all else."""
    given = "sqlite:////srv/caller.db"
    assert configured(f"postgresql:{rest}", SQLALCHEMY_DATABASE_URI=given) == given


@step(1)
def test_database_url_goes_before_the_instances_file(copy, environment, rest):
    """DATABASE_URL beats instance/config.py: `configure` reads it after the file."""
    config = 'SECRET_KEY = "of the file"\nSQLALCHEMY_DATABASE_URI = "sqlite:////srv/file.db"\n'
    (copy / "instance" / "config.py").write_text(config, encoding="utf-8")
    with modules_of_another(copy) as load:
        create_app = load("shelf").create_app
        assert create_app().config["SQLALCHEMY_DATABASE_URI"] == "sqlite:////srv/file.db"
        environment.setenv("DATABASE_URL", f"postgresql:{rest}")
        found = create_app().config["SQLALCHEMY_DATABASE_URI"]
        assert found == f"postgresql+psycopg:{rest}"


@contextmanager
def modules_of_another(folder):
    """Import modules of another app, which have the names of those of the app under test."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in [each for each in sys.modules if each.partition(".")[0] == "shelf"]:
            monkeypatch.delitem(sys.modules, name)
        with modules_of(folder) as load:
            yield load
            obey = load("shelf.models").obey_foreign_keys
            event.remove(Engine, "connect", obey)


@step(1)
@pytest.mark.parametrize(
    "address, shown",
    [
        ("postgresql{}:{}@db.example:5433/shelf", "postgresql{}:***@db.example:5433/shelf"),
        ("postgresql{}:{}@/shelf?host=%2Fsrv", "postgresql{}:***@/shelf?host=%2Fsrv"),
        ("postgresql{}@db.example/shelf", "postgresql{}@db.example/shelf"),
    ],
)
def test_settings_hide_the_password(make, typed, chance, address, shown):
    """`flask settings` shows *** instead of the password in the database's address, and all else
    of it: who connects, where, to which database."""
    user, password = f"+psycopg://ann{chance.randrange(99)}", f"s3cret{chance.randrange(10**9)}"
    app = make(tables=False, SQLALCHEMY_DATABASE_URI=address.format(user, password))
    lines = typed("settings", app=app).output.splitlines()
    assert f"SQLALCHEMY_DATABASE_URI = {shown.format(user)!r}" in lines
    assert password not in "\n".join(lines)


@step(1)
def test_settings_show_the_rest(make, typed, tmp_path):
    """`flask settings` shows SQLite's address whole, and hides the SECRET_KEY as before."""
    address = f"sqlite:///{tmp_path}/a.db"
    app = make(tables=False, SQLALCHEMY_DATABASE_URI=address)
    lines = typed("settings", app=app).output.splitlines()
    assert f"SQLALCHEMY_DATABASE_URI = {address!r}" in lines
    assert "SECRET_KEY = (secret)" in lines
    assert "SQLALCHEMY_ECHO = False" in lines


@step(1)
@on_postgres
def test_the_scripts_run_on_postgresql(at, do):
    """On PostgreSQL, too, the scripts up to 0011 go up, down to none, and up again, to the same
    tables."""
    database = at("base")
    do("db", "upgrade", "0011")
    before = database.schema()
    assert database.version() == ["0011"]
    do("db", "downgrade", "base")
    assert (database.tables(), database.version()) == ([], [])
    do("db", "upgrade", "0011")
    assert database.schema() == before


@pytest.fixture
def found_by_url(at, uri, make, settings, environment):
    """The app, which finds its database, with all tables, by DATABASE_URL alone."""
    at("heads")
    del settings["SQLALCHEMY_DATABASE_URI"]
    environment.setenv("DATABASE_URL", uri.replace("+psycopg", ""))
    return make(tables=False)


@step(1)
@on_postgres
def test_the_books_of_the_file_come_to_postgresql(found_by_url, typed, stored):
    """`flask shelf seed` puts the 100 books on the Shelf that DATABASE_URL names, and once."""
    assert typed("shelf", "seed", app=found_by_url).output == "100 books added.\n"
    assert typed("shelf", "seed", app=found_by_url).output == "0 books added.\n"
    assert len(stored(found_by_url)) == 100
    assert ("Emma", "Jane Austen", 1815) in stored(found_by_url)


@step(1)
@on_postgres
def test_the_shelf_works_on_postgresql(found_by_url, titles, chance):
    """On PostgreSQL, the Shelf takes in books, finds them, and lends each to one neighbour."""
    one, two = (another(found_by_url) for _ in range(2))
    for title in titles:
        answer = send(one, "/books/new", title=title, author=f"Author {chance.randrange(999)}")
        assert answer.status_code == 303, answer.text
    assert [title for title, _ in rows(one("/").text)] == titles
    title = chance.choice([each for each in titles if each.isascii()])  # accents: step 6
    [number] = shown(one("/", query_string={"q": title.upper()}).text)
    assert title in unescape(one(f"/books/{number}").text)
    for visit, name in ((one, "Ann"), (two, "Bob")):
        assert send(visit, "/readers/me", name=name).status_code == 303
    answers = [send(visit, f"/books/{number}/borrow").status_code for visit in (one, two)]
    assert answers == [303, 409]
    assert f"Ann has it since {date.today()}." in words(two(f"/books/{number}").text)
    assert list(buttons(one(f"/books/{number}").text)) == ["Bring it back"]
    assert send(one, f"/books/{number}/return").status_code == 303
    assert send(two, f"/books/{number}/borrow").status_code == 303


@pytest.fixture(params=["the first start", "the second"])
def serving(request, folder, tmp_path):
    """Start `serve_postgres.py` in a folder of its own; return its process and that folder."""
    assert (folder / "serve_postgres.py").is_file(), "There is no such file."
    own, runtime = tmp_path / "own", tmp_path / "runtime"
    own.mkdir()
    if request.param == "the second":
        (own / "instance").mkdir()
    runtime.mkdir(mode=0o700)
    (own / "serve_postgres.py").write_bytes((folder / "serve_postgres.py").read_bytes())
    with subprocess.Popen(
        [sys.executable, "-B", "serve_postgres.py"],
        cwd=own,
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield process, own / "instance"
        process.kill()
    left = own / "instance" / "postgres" / "postmaster.pid"
    with suppress(OSError):
        os.kill(int(left.read_text().splitlines()[0]), signal.SIGINT)


@step(1)
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that a program can catch.")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_server_serves_until_it_is_told_to_end(request, serving, name):
    """`serve_postgres.py` starts a PostgreSQL whose address is in instance/postgres.url, and which
    ends with the program: after SIGTERM or SIGHUP nobody answers there."""
    process, instance = serving
    kept = instance / "postgres.url"
    seconds = 8 * request.config.option.patience
    end = time.monotonic() + seconds
    while not (kept.exists() and kept.read_text()):
        assert process.poll() is None, "It has ended, and was not told to."
        assert time.monotonic() < end, f"After {seconds} seconds, no PostgreSQL was ready."
        time.sleep(0.02)
    address = kept.read_text().strip()
    with closing(psycopg.connect(address)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert (instance / "postgres" / "log").is_file(), "Its files are not in instance/postgres."
    process.send_signal(getattr(signal, name))
    process.wait(5)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address).close()


# Step 2


@pytest.fixture
def ask_both(copy, uri):
    """Run `ask_both.py` with these statements, and return the lines that it prints."""
    assert (copy / "ask_both.py").is_file(), "There is no such file."

    def ask_both(*statements, word="postgresql"):
        address = make_url(uri).set(drivername=word).render_as_string(hide_password=False)
        done = subprocess.run(
            [sys.executable, "-B", "ask_both.py", *statements],
            cwd=copy,
            env=os.environ | {"DATABASE_URL": address},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return ask_both


@pytest.fixture
def both(copy, at):
    """The two databases that `ask_both.py` asks, each with a table `word` with one row in it."""
    found = [databases.Database(f"sqlite:///{copy}/instance/shelf.db"), at("base")]
    for each in found:
        each.change("CREATE TABLE word (number INTEGER, spelled VARCHAR(9))")
        each.change("INSERT INTO word VALUES (7, 'here')")
    return found


@step(2)
@on_postgres
def test_both_are_asked_the_same(ask_both, both, chance):
    """`ask_both.py` asks SQLite all statements, then PostgreSQL, and prints each answer behind the
    database's name: the rows, “done” if there are none to get, or one line that says what is
    wrong. After an error, it asks on."""
    number = chance.randrange(1000)
    lines = ask_both(
        f"SELECT number + {number} FROM word",
        "UPDATE word SET number = 8",
        "SELECT number, spelled FROM word WHERE number = 7",
        "SELECT missing FROM word",
        "SELECT spelled FROM word",
    )
    assert lines == [
        f"sqlite: [({number + 7},)]",
        "sqlite: done",
        "sqlite: []",
        "sqlite: no such column: missing",
        "sqlite: [('here',)]",
        f"postgresql: [({number + 7},)]",
        "postgresql: done",
        "postgresql: []",
        'postgresql: column "missing" does not exist',
        "postgresql: current transaction is aborted, commands ignored until end of transaction "
        "block",
    ]


@step(2)
@on_postgres
def test_nothing_is_kept(ask_both, both):
    """`ask_both.py` keeps nothing of what it does, be it a table: it never commits. And it takes
    DATABASE_URL as the app does, postgres://… included."""
    lines = ask_both("CREATE TABLE more (n INTEGER)", "DELETE FROM word", word="postgres")
    assert lines == ["sqlite: done"] * 2 + ["postgresql: done"] * 2
    for each in both:
        assert (each.tables(), each.ask("SELECT number FROM word")) == (["word"], [(7,)])


@step(2)
@on_postgres
def test_no_nul_gets_through(found_by_url, typed, file):
    """PostgreSQL takes no NUL in a text: an author's address with one is 404, a form with one is
    422, and a row with one is named by `flask shelf seed`."""
    visit = another(found_by_url)
    assert visit("/authors/a%00b").status_code == 404
    for title, author in (("a\0b", "C"), ("A", "c\0d"), ("\0" * 201, "/")):
        assert send(visit, "/books/new", title=title, author=author).status_code == 422
    assert send(visit, "/readers/me", name="a\0b").status_code == 422
    for row in ("A\0b,C,1", "A,C\0d,1"):
        result = typed("shelf", "seed", file(f"title,author,year\n{row}\n"), app=found_by_url)
        told = result.output.endswith("line 2: a NUL is no letter.\n")
        assert (result.exit_code, told) == (1, True), result.output


# Step 4


@step(4)
@on_postgres
def test_nothing_is_half_done_after_a_kill(at, fill, terminal, do, more_scripts, tmp_path):
    """If the process is killed in the middle of a script, PostgreSQL keeps nothing of it; the next
    try, with a script that does not die, ends well."""
    database = at("0011")
    fill(database)
    again = tmp_path / "again"
    lines = [
        *HALF[:3],
        "import os, pathlib",
        f"if not pathlib.Path({str(again)!r}).exists():",
        f"    os.kill(os.getpid(), {KILL})",
    ]
    write(more_scripts, "half", *lines, after="0011")
    before = database.schema(), database.rows()
    done = terminal("db", "upgrade", "half", "-d", more_scripts)
    assert done.returncode not in (0, 1, 2), done.stderr
    assert (database.schema(), database.rows(), database.version()) == (*before, ["0011"])
    again.touch()
    do("db", "upgrade", "half", "-d", more_scripts)
    assert (database.ask("SELECT number FROM half"), database.version()) == ([(1,)], ["half"])
    assert database.ask("SELECT name FROM reader") == [("Rita Reader!",)]


@step(4)
def test_a_script_that_fails_leaves_nothing(at, fill, refused, more_scripts, chance):
    """Of a script that fails half-way nothing stays, whichever the database."""
    database, says = at("0011"), f"the power fails {chance.random()}"
    fill(database)
    lines = [line.replace("phone", "mobile") for line in HALF]  # its name since 0007
    write(more_scripts, "half", *lines, f'raise RuntimeError("{says}")', after="0011")
    before = database.schema(), database.rows(), database.version()
    for _ in range(2):  # the second try finds what the first one found
        assert refused("db", "upgrade", "half", "-d", more_scripts) == f"Error: {says}"
        assert (database.schema(), database.rows(), database.version()) == before


YEAR = {"ix_book_year": (["year"], False, "None")}


@step(4)
def test_the_years_have_an_index(at, fill, do):
    """0012 makes the index ix_book_year, of year, and changes nothing else."""
    database = at("0011")
    fill(database)
    schema, rows = database.schema(), database.rows()
    do("db", "upgrade", "0012")
    schema["indexes of book"] |= YEAR
    assert (database.schema(), database.rows()) == (schema, rows)
    assert database.version() == ["0012"]


@step(4)
def test_the_index_goes_again(at, do):
    """Back at 0011, the index is gone, and all else is as it was; up again, it is there."""
    database = at("0011")
    before = database.schema()
    do("db", "upgrade", "0012")
    do("db", "downgrade", "0011")
    assert (database.schema(), database.version()) == (before, ["0011"])
    do("db", "upgrade", "0012")
    assert database.schema()["indexes of book"] == before["indexes of book"] | YEAR


@step(4)
def test_the_model_has_the_index_too(models):
    """The table of `Book` has the index ix_book_year in `models.py`, too, as `flask db check`
    wants it."""
    found = {each.name: [*each.columns.keys()] for each in models.Book.__table__.indexes}
    assert found.get("ix_book_year") == ["year"]


@pytest.fixture
def valid():
    """Return whether PostgreSQL uses the index ix_book_year; None if it is not there."""

    def valid(database):
        question = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"
        found = database.ask(question, name="ix_book_year")
        return found[0][0] if found else None

    return valid


@step(4)
@on_postgres
def test_a_spoilt_index_is_replaced(at, uri, fill, do, valid):
    """If an earlier try was stopped half-way and has left an index that is marked as invalid, 0012
    makes one that serves."""
    database = at("0011")
    fill(database)
    spoil = "CREATE UNIQUE INDEX CONCURRENTLY ix_book_year ON book (condition)"
    with pytest.raises(psycopg.errors.UniqueViolation):
        databases.on_server(uri.replace("+psycopg", ""), spoil)
    assert valid(database) is False
    do("db", "upgrade", "0012")
    assert valid(database) is True
    assert YEAR.items() <= database.schema()["indexes of book"].items()


@step(4)
def test_an_index_without_a_note_is_replaced(at, do):
    """If an earlier try has made the index, and was stopped before the note in alembic_version,
    the next one goes through."""
    database = at("0011")
    database.change("CREATE INDEX ix_book_year ON book (year)")
    do("db", "upgrade", "0012")
    assert YEAR.items() <= database.schema()["indexes of book"].items()
    assert database.version() == ["0012"]


@pytest.fixture
def upgrading(kept):
    """Start `flask db upgrade` beside the test; return what tells when it is done, and how."""
    with ThreadPoolExecutor(1) as pool:

        def run(revision, move):
            with kept.app_context():
                move(revision=revision)

        yield lambda revision, move=upgrade: pool.submit(run, revision, move)


@step(4)
@on_postgres
@pytest.mark.parametrize("way", ["made", "replaced", "taken back"])
def test_the_index_shuts_nobody_out(at, fill, upgrading, valid, way):
    """While PostgreSQL makes the index of 0012, or drops one, others read and write books: that is
    done concurrently, outside of a transaction, and waits for who has begun before it."""
    database = at("0012" if way == "taken back" else "0011")
    fill(database)
    if way == "replaced":
        database.change("CREATE INDEX ix_book_year ON book (year)")
    before = database.ask("SELECT count(*) FROM book")
    with database.busy(A_BOOK):
        done = upgrading("0011", downgrade) if way == "taken back" else upgrading("0012")
        assert database.someone_waits(until=done.done), "It does not wait for a transaction."
        read = "SELECT count(*) FROM book"
        with database.busy("SET LOCAL lock_timeout = '500ms'", read, A_BOOK) as other:
            other.commit()
        assert database.ask("SELECT count(*) FROM book") == [(before[0][0] + 1,)]
    done.result(timeout=10)
    now = (None, ["0011"]) if way == "taken back" else (True, ["0012"])
    assert (valid(database), database.version()) == now


@pytest.fixture
def books_of(kept, at, models):
    """Put in a book for each of some years, with numbers from 1; then ask for those of one."""

    def books_of(year, years):
        at("heads")
        with kept.app_context():
            for n, each in enumerate(years, 1):
                book = models.Book(title=f"Book {n}", author="A. Nobody", year=each)
                models.db.session.add(book)
                models.db.session.flush()
            models.db.session.commit()
        words = ["shelf", "year", "--", str(year)]
        return kept.test_cli_runner(catch_exceptions=False).invoke(args=words)

    return books_of


@step(4)
def test_the_books_of_a_year_are_listed(books_of, chance):
    """`flask shelf year 1815` lists the books of that year by number, as `flask shelf list` does,
    and no others."""
    year = chance.choice([-1200, 0, 1815])
    years = chance.sample([year, year, year + 1, year - 1, None, year * 10 + 3], 6)
    result = books_of(year, years)
    numbers = [n for n, each in enumerate(years, 1) if each == year]
    assert result.output.splitlines() == [f"{n} Book {n}, by A. Nobody" for n in numbers]


@step(4)
def test_the_books_come_by_number(books_of, kept, models, chance):
    """They come in the order of their numbers, also if one was changed last."""
    books_of(1815, [1815] * 5)
    with kept.app_context():
        for year in (1816, 1815):
            models.db.session.get(models.Book, 1).year = year
            models.db.session.commit()
    found = kept.test_cli_runner().invoke(args=["shelf", "year", "1815"]).output
    assert re.findall(r"^\d+", found, re.MULTILINE) == ["1", "2", "3", "4", "5"]


@step(4)
def test_a_year_without_books(books_of):
    """A year without books prints nothing, and is no error."""
    result = books_of(1815, [1816])
    assert (result.exit_code, result.output) == (0, "")


@step(4)
@pytest.mark.parametrize("year", [2**31, -(2**31)])
def test_a_year_that_no_column_holds(kept, year):
    """A number that no column can hold is refused in a sentence."""
    result = kept.test_cli_runner().invoke(args=["shelf", "year", "--", str(year)])
    assert (result.exit_code, "is not in the range" in result.output) == (2, True)


# Step 5


@step(5)
def test_there_is_room_for_plain_titles(at, fill, do):
    """0013 adds plain_title, which may be empty, lets folded_title be empty, and changes nothing
    else: no row, no rule, no index."""
    database = at("0012")
    fill(database)
    schema, rows = database.schema(), database.rows()
    do("db", "upgrade", "0013")
    assert database.version() == ["0013"]
    text, *_ = schema["book"]["folded_title"]
    schema["book"] |= dict.fromkeys(["folded_title", "plain_title"], (text, True, None))
    assert database.schema() == schema
    assert database.rows("plain_title") == rows
    assert set(folded(database, "plain_title").values()) == {None}


@step(5)
def test_folded_titles_come_back(at, fill, do):
    """Back at 0012, all is as it was, plain_title is gone, and a book that came without its
    folded_title has got it: the title in small letters."""
    database = at("0012")
    before = database.schema()
    titles = fill(database, 24)
    do("db", "upgrade", "0013")
    database.change("UPDATE book SET folded_title = NULL WHERE number > 3")
    database.change("UPDATE book SET folded_title = 'as it was' WHERE number = 1")
    rows = database.rows("folded_title", "plain_title")
    do("db", "downgrade", "0012")
    assert (database.schema(), database.version()) == (before, ["0012"])
    assert database.rows("folded_title") == rows
    expected = {title: title.casefold() for title in titles}
    assert folded(database) == expected | {next(iter(titles)): "as it was"}


@step(5)
def test_without_books_it_goes_back_too(at, do):
    """On a Shelf without books, 0013 goes up and down, too."""
    database = at("0012")
    before = database.schema()
    do("db", "upgrade", "0013")
    do("db", "downgrade", "0012")
    assert database.schema() == before


@step(5)
@on_postgres
def test_an_upgrade_does_not_wait_for_long(request, at, fill, do, upgrading):
    """While somebody keeps a transaction open that has read from the table, an upgrade waits two
    seconds for its lock, then gives up, with nothing changed; afterwards it goes through."""
    database = at("0012")
    fill(database)
    before = database.schema(), database.rows(), database.version()
    with database.busy("SELECT count(*) FROM book"):
        begun = time.monotonic()
        with pytest.raises(OperationalError, match="canceling statement due to lock timeout"):
            upgrading("0013").result(timeout=4 * request.config.option.patience)
        assert time.monotonic() - begun > 1.5
        assert (database.schema(), database.rows(), database.version()) == before
    do("db", "upgrade", "0013")
    assert database.version() == ["0013"]


NOTE = "op.execute(\"INSERT INTO noted SELECT '{}', current_setting('lock_timeout')\")"


@step(5)
@on_postgres
def test_only_transactions_of_scripts_have_a_limit(at, do, kept, models, more_scripts):
    """Two seconds are the limit in each script's transaction, also in one that begins behind an
    `autocommit_block`. In the block there is none, nor for the app's own connections."""
    database = at("0012")
    database.change("CREATE TABLE noted (place VARCHAR, setting VARCHAR)")
    lines = [
        NOTE.format("in a script"),
        "with op.get_context().autocommit_block():",
        f"    {NOTE.format('in a block')}",
        NOTE.format("behind a block"),
    ]
    write(more_scripts, "one", *lines, after="0012")
    write(more_scripts, "two", NOTE.format("in the next script"), after="one")
    do("db", "upgrade", "two", "-d", more_scripts)
    assert dict(database.ask("SELECT place, setting FROM noted")) == {
        "in a script": "2s",
        "in a block": "0",
        "behind a block": "2s",
        "in the next script": "2s",
    }
    with kept.app_context():
        setting = models.db.session.scalar(models.db.text("SHOW lock_timeout"))
        models.db.session.remove()
    assert setting == "0"


@step(5)
@on_sqlite
def test_sqlite_still_begins_a_transaction(at, do, more_scripts, uri):
    """On SQLite, a script still begins with BEGIN IMMEDIATE: nobody else writes meanwhile."""
    database = at("0012")
    write(
        more_scripts,
        "alone",
        "import sqlite3",
        f"other = sqlite3.connect({make_url(uri).database!r}, timeout=0)",
        "try:",
        "    other.execute(\"INSERT INTO reader (name) VALUES ('somebody else')\")",
        "except sqlite3.OperationalError:",
        '    op.execute("CREATE TABLE kept_out (number)")',
        "finally:",
        "    other.close()",
        after="0012",
    )
    do("db", "upgrade", "alone", "-d", more_scripts)
    assert "kept_out" in database.tables()


# Step 6


@step(6)
@pytest.mark.parametrize("title", PLAIN)
def test_a_text_without_capitals_and_accents(models, title, chance):
    """`plain` leaves capitals and accents out, in any alphabet, and keeps all other signs."""
    number = chance.randrange(1000)
    assert models.plain(f"{title} {number}") == f"{PLAIN[title]} {number}"


@pytest.fixture
def client(at, kept):
    """A visitor of the Shelf, with that database at the last revision."""
    at("heads")
    kept.config["WTF_CSRF_ENABLED"] = False
    return kept.test_client()


def bring(client, title, author="A. Nobody"):
    """Send the form with a new book, and return the status of the answer."""
    return client.post("/books/new", data={"title": title, "author": author}).status_code


def search(client, words):
    """Return the titles that a search finds."""
    answer = client.get("/", query_string={"q": words})
    assert answer.status_code == 200
    found = [unescape(title) for title, _ in rows(answer.text)] if shown(answer.text) else []
    return [title for title in found if title]


@step(6)
def test_a_search_does_not_mind_accents(client):
    """A search finds titles whatever their accents and capitals are, and those of the words."""
    titles = ["Les Misérables", "L’Île mystérieuse", "Пётр Первый", "Чайка", "Emma", "Étude"]
    assert [bring(client, title) for title in titles] == [303] * len(titles)
    expected = {
        "miserables": ["Les Misérables"],
        "MISÉRABLES": ["Les Misérables"],
        "mîsèrablés": ["Les Misérables"],
        "ÎLE": ["L’Île mystérieuse"],
        "ile": ["L’Île mystérieuse"],
        "i\u0302le": ["L’Île mystérieuse"],
        "ПЕТР": ["Пётр Первый"],
        "пётр": ["Пётр Первый"],
        "ЧАЙКА": ["Чайка"],
        "émma": ["Emma"],
        "etude": ["Étude"],
        "Miserablen": [],
    }
    assert {each: search(client, each) for each in expected} == expected


@step(6)
def test_every_sign_of_a_search_is_a_letter(client):
    """% and _ and \\ in a search are signs like others, on PostgreSQL as on SQLite."""
    titles = ["100% Café", "100 Cafés", "snake_case", "snakescase", "back\\slash"]
    assert [bring(client, title) for title in titles] == [303] * len(titles)
    expected = {
        "0% cafe": ["100% Café"],
        "%c": [],
        "snake_CASE": ["snake_case"],
        "k\\s": ["back\\slash"],
        "\0": [],
    }
    assert {each: search(client, each) for each in expected} == expected


@step(6)
def test_the_same_book_is_refused(client, chance):
    """The form refuses a book that is there already, with or without capitals and accents, and
    takes one of the same title by somebody else."""
    title, author = f"Les Misérables {chance.randrange(999)}", "Victor Hugo"
    assert bring(client, title, author) == 303
    for each in (title, title.upper(), title.replace("é", "e"), title.replace("i", "î")):
        answer = client.post("/books/new", data={"title": each, "author": author})
        assert answer.status_code == 422, each
        assert "This book stands on the Shelf already." in answer.text
    assert bring(client, title, "Somebody Else") == 303
    assert bring(client, f"{title}1", author) == 303


@step(6)
def test_a_title_is_noted_plain(at, kept, models):
    """`plain_title` follows each title that is set."""
    database = at("heads")
    with kept.app_context():
        book = models.Book(title="Émile", author="J.-J. Rousseau")
        models.db.session.add(book)
        models.db.session.commit()
        assert folded(database, "plain_title") == {"Émile": "emile"}
        book.title = "Là-bas"
        models.db.session.commit()
    assert folded(database, "plain_title") == {"Là-bas": "la-bas"}


@step(6)
@pytest.mark.parametrize("command", ["fake", "seed"])
def test_many_books_are_noted_plain(at, do, models, command):
    """`flask shelf fake` and `flask shelf seed` note the plain title of each book, too."""
    database = at("heads")
    do("shelf", command)
    found = folded(database, "plain_title")
    assert len(found) > 90
    assert found == {title: models.plain(title) for title in found}


@step(6)
def test_0014_fills_what_is_empty(at, fill, do):
    """0014 notes the plain title of each book that has none, and changes nothing else."""
    database = at("0013")
    titles = fill(database, 24)
    database.change("UPDATE book SET plain_title = 'as it was' WHERE number = 2")
    schema, rows = database.schema(), database.rows("plain_title")
    do("db", "upgrade", "0014")
    expected = titles | {list(titles)[1]: "as it was"}
    assert folded(database, "plain_title") == expected
    assert (database.schema(), database.rows("plain_title")) == (schema, rows)
    assert database.version() == ["0014"]


STOP = {
    "sqlite": [
        "CREATE TRIGGER stop BEFORE UPDATE ON book WHEN NEW.number = {}"
        " BEGIN SELECT RAISE(ABORT, 'the power fails'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RAISE EXCEPTION 'the power fails'; END$$",
        "CREATE TRIGGER stop BEFORE UPDATE ON book FOR EACH ROW WHEN (NEW.number = {})"
        " EXECUTE FUNCTION stop()",
    ],
}
GO_ON = {"sqlite": "DROP TRIGGER stop", "postgresql": "DROP TRIGGER stop ON book"}


@step(6)
@pytest.mark.parametrize("way, column", [("upgrade", "plain_title"), ("downgrade", "folded_title")])
def test_a_filling_that_fails_goes_on_where_it_was(at, fill, kept, do, way, column, chance):
    """0014 fills in batches, up and down: when one fails, those before it stay, with nothing of
    this one; the next try does the rest."""
    revision, goal = ("0013", "0014") if way == "upgrade" else ("0014", "0013")
    database = at(revision)
    titles = fill(database, 2500)
    if way == "downgrade":
        database.change("UPDATE book SET plain_title = 'x', folded_title = NULL")
        titles = {title: title.casefold() for title in titles}
    for statement in STOP[database.kind]:
        database.change(statement.format(chance.randint(2100, 2500)))
    result = kept.test_cli_runner().invoke(args=["db", way, goal])
    assert "the power fails" in str(result.exception), result.output
    found = folded(database, column)
    done = {title: found[title] for title in found if found[title] is not None}
    said = [int(number) for number in re.findall(r"^filled (\d+)$", result.output, re.MULTILINE)]
    assert 0 < len(done) < 2100, "Each batch is committed, and none holds all books."
    assert (done, sum(said)) == ({title: titles[title] for title in done}, len(done))
    assert database.version() == [revision]
    database.change(GO_ON[database.kind])
    do("db", way, goal)
    assert (folded(database, column), database.version()) == (titles, [goal])


@step(6)
def test_0015_fills_the_rest(at, fill, do):
    """0015 notes the plain titles that are missing still, demands them from then on, and drops
    folded_title; nothing else changes."""
    database = at("0014")
    titles = fill(database, 24)
    database.change("UPDATE book SET plain_title = 'as it was' WHERE number = 2")
    schema, rows = database.schema(), database.rows("plain_title", "folded_title")
    do("db", "upgrade", "0015")
    assert folded(database, "plain_title") == titles | {list(titles)[1]: "as it was"}
    text, *_ = schema["book"].pop("folded_title")
    schema["book"]["plain_title"] = (text, False, None)
    assert (database.schema(), database.rows("plain_title")) == (schema, rows)
    assert database.refuses("INSERT INTO book (title) VALUES ('Emma')")


@step(6)
def test_without_books_there_is_nothing_to_fill(at, do):
    """On a Shelf without books, 0014 and 0015 go up and down, too."""
    database = at("0013")
    before = database.schema()
    do("db", "upgrade", "0015")
    do("db", "downgrade", "0013")
    assert (database.schema(), database.version()) == (before, ["0013"])


@step(6)
@on_postgres
def test_0015_waits_for_who_is_adding_a_book(at, fill, upgrading):
    """If somebody is about to add a book without a plain title, 0015 waits until they are done,
    and only then looks for what is missing: LOCK TABLE."""
    database = at("0014")
    fill(database)
    with database.busy(A_BOOK) as other:
        done = upgrading("0015")
        assert database.someone_waits(until=done.done), "It does not wait."
        other.commit()
        done.result(timeout=10)
    assert folded(database, "plain_title")["À propos"] == "a propos"
    assert database.version() == ["0015"]


@step(6)
def test_no_title_is_lost_on_any_way(at, fill, do):
    """From 0012 up to 0015, down, and up again, tables and rows are the same each time."""
    database = at("0012")
    titles = fill(database, 20)
    before = database.schema(), database.rows()
    do("db", "upgrade", "0015")
    after = database.schema(), database.rows()
    assert folded(database, "plain_title") == titles
    do("db", "downgrade", "0012")
    assert (database.schema(), database.rows()) == before
    do("db", "upgrade", "0015")
    assert (database.schema(), database.rows()) == after


@pytest.fixture
def old(uri, at):
    """A visitor of the Shelf of lesson 13, with the same database."""
    with modules_of_another(ROOT / "lessons" / "13_data_migrations") as load:
        own = {"SECRET_KEY": "of the tests", "WTF_CSRF_ENABLED": False}
        app = load("shelf").create_app(own | {"SQLALCHEMY_DATABASE_URI": uri})
        db = load("shelf.models").db
    yield app.test_client()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def new(kept):
    """A visitor of the app under test, with the same database."""
    kept.config.update(WTF_CSRF_ENABLED=False, TESTING=False)
    return kept.test_client()


@step(6)
def test_both_codes_live_with_the_tables_between(at, do, old, new):
    """The careful way: at 0014 the code of lesson 13 reads, searches and takes in books, and so
    does yours, at the same time. After 0015, yours finds what either has taken in."""
    at("0012")
    assert (bring(old, "Père Goriot"), search(old, "PÈRE")) == (303, ["Père Goriot"])
    do("db", "upgrade", "0014")
    assert (bring(old, "Thérèse Raquin"), search(old, "raquin")) == (303, ["Thérèse Raquin"])
    assert (bring(new, "La Bête humaine"), search(new, "bete")) == (303, ["La Bête humaine"])
    assert [client.get("/").status_code for client in (old, new)] == [200, 200]
    assert search(new, "PERE") == ["Père Goriot"]
    do("db", "upgrade", "0015")
    assert (bring(new, "Béatrix"), search(new, "beatrix")) == (303, ["Béatrix"])
    assert search(new, "therese") == ["Thérèse Raquin"]
    assert search(new, "") == ["Père Goriot", "Thérèse Raquin", "La Bête humaine", "Béatrix"]


@step(6)
def test_the_way_back_is_the_same_in_the_mirror(at, do, old, new):
    """Back at 0013, both codes live with the tables, and the code of lesson 13 finds what yours
    took in before; then 0012 follows."""
    at("0015")
    assert bring(new, "La Bête humaine") == 303
    do("db", "downgrade", "0013")
    assert (bring(new, "Béatrix"), search(new, "beatrix")) == (303, ["Béatrix"])
    assert search(old, "bête") == ["La Bête humaine"]
    assert (bring(old, "Père Goriot"), search(old, "père")) == (303, ["Père Goriot"])
    do("db", "downgrade", "0012")
    assert (search(old, "béatrix"), bring(old, "Nana")) == (["Béatrix"], 303)


@step(6)
def test_the_naive_way_fails(at, old, new):
    """At 0015, the column that the old code asks for is gone: with it, each page is a 500. Yours
    works."""
    at("0015")
    assert [old.get("/?q=emma").status_code, bring(old, "Emma")] == [500, 500]
    assert (bring(new, "Emma"), search(new, "emma")) == (303, ["Emma"])


@step(6)
@on_sqlite
def test_the_model_and_the_scripts_agree(at, make, tmp_path):
    """At 0015, the table of the books is what `Book` describes."""
    described = databases.Database(f"sqlite:///{tmp_path}/described.db")
    make(SQLALCHEMY_DATABASE_URI=described.uri)
    expected, found = described.schema(), at("0015").schema()
    for each in ("book", "rules of book", "indexes of book"):
        assert found[each] == expected[each]


# Your turn


@step(YOUR_TURN)
def test_two_scripts_follow(history):
    """0016 comes after 0015, 0017 after 0016, and it is the last."""
    assert history.get_revision("0016").down_revision == "0015"
    assert history.get_revision("0017").down_revision == "0016"
    assert history.get_heads() == ["0017"]


@step(YOUR_TURN)
@pytest.mark.parametrize("revision", ["0016", "0017"])
def test_no_loan_is_due_before_it_begins(at, fill, revision):
    """From 0016 on, the database refuses a loan that is due before it begins, by the CHECK
    ck_loan_due_on; it may be due on the same day."""
    database = at(revision)
    fill(database)
    day = "'2026-01-03'"
    statement = LOAN.format(lent_on="2026-03-02", due_on="2026-03-01", back_on=day)
    assert database.refuses(statement)
    assert database.refuses("UPDATE loan SET due_on = '1999-01-01'")
    lend(database, "2026-03-02", "2026-03-02")
    lend(database, "2026-03-02", "2026-03-03")
    assert "ck_loan_due_on" in database.schema()["rules of loan"]


@step(YOUR_TURN)
def test_the_check_comes_and_nothing_else(at, fill, do):
    """0016 and 0017 add the CHECK and nothing else; back at 0015, all is as it was."""
    database = at("0015")
    fill(database)
    schema, rows = database.schema(), database.rows()
    do("db", "upgrade", "0017")
    after = database.schema()
    assert (database.version(), database.rows()) == (["0017"], rows)
    do("db", "downgrade", "0015")
    assert (database.schema(), database.rows(), database.version()) == (schema, rows, ["0015"])
    do("db", "upgrade", "0017")
    assert database.schema() == after
    rule = after["rules of loan"].pop("ck_loan_due_on")
    assert "due_on >= lent_on" in rule
    assert after == schema


@pytest.fixture
def validated():
    """Return whether PostgreSQL has looked through all rows for the CHECK."""

    def validated(database):
        question = "SELECT convalidated FROM pg_constraint WHERE conname = 'ck_loan_due_on'"
        [[found]] = database.ask(question)
        return found

    return validated


@step(YOUR_TURN)
@on_postgres
def test_old_loans_do_not_stop_the_check(at, fill, do, refused, validated):
    """On PostgreSQL, 0016 adds the CHECK as NOT VALID, whatever the old rows are. 0017 looks
    through them: it fails while one breaks the rule, and makes the CHECK valid when none does."""
    database = at("0015")
    fill(database)
    lend(database, "2026-03-02", "2026-03-01")
    do("db", "upgrade", "0016")
    assert (validated(database), database.version()) == (False, ["0016"])
    assert database.refuses(LOAN.format(lent_on="2026-03-02", due_on="2026-03-01", back_on="NULL"))
    assert "ck_loan_due_on" in refused("db", "upgrade", "0017")
    assert (validated(database), database.version()) == (False, ["0016"])
    database.change("UPDATE loan SET due_on = lent_on WHERE due_on < lent_on")
    do("db", "upgrade", "0017")
    assert (validated(database), database.version()) == (True, ["0017"])


@step(YOUR_TURN)
@on_postgres
def test_the_look_shuts_nobody_out(at, fill, do, validated):
    """While 0017 looks through the loans, others write loans: neither waits for the other."""
    database = at("0016")
    fill(database)
    with database.busy(A_LOAN) as other:
        do("db", "upgrade", "0017")
        other.commit()
    assert validated(database) is True


@step(YOUR_TURN)
@on_sqlite
def test_0017_does_nothing_on_sqlite(at, fill, do, uri):
    """On SQLite, whose CHECK holds for all rows at once, 0017 changes nothing, up or down."""
    database = at("0016")
    fill(database)
    before = dump(uri)
    do("db", "upgrade", "0017")
    assert database.version() == ["0017"]
    assert [line.replace("'0017'", "'0016'") for line in dump(uri)] == before
    do("db", "downgrade", "0016")
    assert dump(uri) == before


@step(YOUR_TURN)
def test_the_model_has_the_check_too(app, models, books):
    """`Loan` has the CHECK ck_loan_due_on in its `__table_args__`, for who makes the tables from
    the models, as tests do."""
    with app.app_context():
        names = [each["name"] for each in inspect(models.db.engine).get_check_constraints("loan")]
        assert names == ["ck_loan_due_on"]
        day, reader = date(2026, 3, 2), models.Reader(name="Ann")
        loan = models.Loan(book_number=7, reader=reader, lent_on=day, due_on=day)
        models.db.session.add(loan)
        models.db.session.commit()
        loan.due_on -= timedelta(days=1)
        with pytest.raises(IntegrityError, match="ck_loan_due_on"):
            models.db.session.commit()
        models.db.session.rollback()


@step(YOUR_TURN)
def test_the_whole_history_goes_up_and_down(at, do, history):
    """All scripts go up, down to none, and up again, to the same tables: those that the models
    describe, as `flask db check` finds."""
    database = at("heads")
    before = database.schema()
    assert database.version() == history.get_heads()
    do("db", "check")
    do("db", "downgrade", "base")
    assert (database.tables(), database.version()) == ([], [])
    do("db", "upgrade")
    assert database.schema() == before


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
    """What lesson 10 promised, as lesson 13 kept it."""

    def test_a_title_is_folded(self, app, models, chance):
        """`plain_title` follows each title that is set, without capitals and accents."""
        # What lesson 10 promised can hold no longer: accents go, too, and folded_title is gone.
        title = chance.choice(list(PLAIN))
        with app.app_context():
            book = models.Book(title="Kim", author="R. Kipling")
        before = book.plain_title
        book.title = title
        assert (before, book.title, book.plain_title) == ("kim", title, PLAIN[title])
        assert not hasattr(book, "folded_title")


@step(6)
class TestLoans(Loans):
    """What lesson 11 promised."""

    @pytest.fixture
    def shelf(self, app, models):
        """Return the books: number, title, plain title, author, year."""

        def shelf(app=app):
            Book, db = models.Book, models.db
            with app.app_context():
                found = db.session.scalars(db.select(Book).order_by(Book.number))
                return [(b.number, b.title, b.plain_title, b.author, b.year) for b in found]

        return shelf
