"""Lesson 9: the Shelf as a package, with a factory, blueprints, commands and an extension."""

import logging
import os
import re
import threading
import time

import click
import pytest
from conftest import YOUR_TURN
from contract_forms import Forms, Shared, SharedChecks
from contract_pages import Pages
from contract_sessions import Sessions
from flask import Flask, render_template_string, url_for
from jinja2 import UndefinedError

from course.replay import copy_app

step = pytest.mark.step


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment with no variable for Flask or the Shelf, but those that a test sets."""
    for name in list(os.environ):
        if name.startswith(("FLASK_", "SHELF_")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def settings(tmp_path):
    """What a test tells its app."""
    return {"TESTING": True, "SECRET_KEY": "of the tests", "COVERS": str(tmp_path / "covers")}


@pytest.fixture
def books(load, titles, request):
    """Random books, by number, on the one shelf that all apps share."""
    books = load("shelf.stock").BOOKS
    books.clear()
    for number, title in enumerate(titles, 7):
        books[number] = {"title": title, "author": "Čapek & Söhne" if number % 2 else "A. Nobody"}
    request.node.shelf = books
    return books


@pytest.fixture
def make(load, settings, books):
    """Make an app with a test's settings; before step 4, take the one that there is."""

    def make(**more):
        create_app = getattr(load("shelf"), "create_app", None)
        if create_app is None:
            app = load("app").app
            app.config.update(settings | more)
            return app
        app = create_app(settings | more)
        assert isinstance(app, Flask), "create_app must return the app that it makes"
        return app

    return make


@pytest.fixture
def app(make):
    """An app of the test's own."""
    return make()


@pytest.fixture
def another(load, settings, books):
    """An app that the Shelf has never seen, with the blueprints under other prefixes."""
    app = Flask("another")
    app.config.update(settings)
    app.url_map.converters["book"] = load("shelf.books").BookNumber
    for name in ("books", "readers", "api"):
        app.register_blueprint(load(f"shelf.{name}").bp, url_prefix=f"/other/{name}")
    return app


def addresses(app, number):
    """Return the address of each view that a visitor knows, by endpoint."""
    some = {"number": number, "author": "A. Nobody"}
    endpoints = {
        "books.index": [],
        "books.show": ["number"],
        "books.author": ["author"],
        "books.authors": [],
        "books.newest": [],
        "books.following": ["number"],
        "books.new": [],
        "books.new_cover": ["number"],
        "books.cover": ["number"],
        "readers.me": [],
        "readers.forget": [],
        "api.show": ["number"],
    }
    with app.test_request_context():
        return {e: url_for(e, **{n: some[n] for n in names}) for e, names in endpoints.items()}


# Step 2: a package


@step(2)
def test_every_view_belongs_to_a_blueprint(app):
    """An endpoint must begin with its blueprint's name and a dot, all but Flask's own `static`."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert [each for each in endpoints if "." not in each] == ["static"]


@step(2)
def test_the_views_keep_their_addresses(app, books):
    """Each view must be found under its blueprint's name and its own, at its old address."""
    number = max(books)
    assert addresses(app, number) == {
        "books.index": "/",
        "books.show": f"/books/{number}",
        "books.author": "/authors/A.%20Nobody",
        "books.authors": "/authors/",
        "books.newest": "/newest",
        "books.following": f"/books/{number}/next",
        "books.new": "/books/new",
        "books.new_cover": f"/books/{number}/cover/new",
        "books.cover": f"/books/{number}/cover",
        "readers.me": "/readers/me",
        "readers.forget": "/readers/forget",
        "api.show": f"/api/books/{number}",
    }


@step(2)
def test_every_page_is_shown(app, visit, books):
    """Each page must be shown: in views and templates, an endpoint needs its blueprint's name."""
    pages = addresses(app, min(books))
    gone = {"books.cover": 404, "readers.forget": 405, "books.newest": 302, "books.following": 302}
    expected = {path: gone.get(endpoint, 200) for endpoint, path in pages.items()}
    assert {path: visit(path).status_code for path in expected} == expected


@step(2)
def test_people_get_a_page(visit, books):
    """Outside of /api/ a 404 must be a page, also where the path begins alike."""
    for path in ("/nowhere", "/apiary", f"/books/{max(books) + 1}", "/authors/Nobody%20Else"):
        response = visit(path)
        assert (path, response.status_code, response.mimetype) == (path, 404, "text/html")


@step(2)
def test_the_shelf_begins_with_three_books(load):
    """shelf/stock.py must be lesson 8's shelf.py, with its three books."""
    assert load("shelf.stock").BOOKS == {
        1: {"title": "Emma", "author": "Jane Austen"},
        2: {"title": "Jane Eyre", "author": "Charlotte Brontë"},
        3: {"title": "L’Île mystérieuse", "author": "Jules Verne"},
    }


@step(2)
def test_flask_run_finds_the_app(load, environment):
    """app.py must still hold the app, under the name `app`, or `flask run` does not find it."""
    environment.setenv("FLASK_SECRET_KEY", "of the tests")
    app = load("app").app
    assert isinstance(app, Flask)
    assert app.test_client().get("/readers/me").status == "200 OK"


@step(2)
def test_a_blueprint_works_in_any_app(another, books):
    """The blueprints must name no app, so that another app can have them, under other prefixes."""
    number = max(books)
    assert addresses(another, number)["readers.me"] == "/other/readers/me"
    assert addresses(another, number)["books.show"] == f"/other/books/books/{number}"
    assert another.test_client().get(f"/other/api/books/{number}").json == books[number]


@step(2)
def test_each_page_marks_where_one_is(visit):
    """The <nav> must mark the page that one is on, those for a new book and the name, too."""
    for path in ("/", "/authors/", "/books/new", "/readers/me"):
        assert re.findall(r'<a href="([^"]*)" aria-current="page">', visit(path).text) == [path]


@step(2)
def test_a_misspelled_variable_is_an_error(app):
    """jinja_env.undefined must be StrictUndefined: in a template, an unknown name is an error."""
    with app.test_request_context("/"), pytest.raises(UndefinedError):
        render_template_string("{{ no_such_name }}")


@step(2)
def test_a_failure_is_logged(app, caplog):
    """An exception must still write one line at level ERROR: method, path, `failed:`, itself."""

    @app.get("/fails")
    def fails():
        raise KeyError("no such neighbour")

    with pytest.raises(KeyError):
        app.test_client().get("/fails")
    lines = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert lines == ["GET '/fails' failed: KeyError('no such neighbour')"]


@step(2)
class TestPages(Pages):
    """What lesson 6 promised."""


@step(2)
class TestForms(Forms, Shared, SharedChecks):
    """What lesson 7 promised."""


@step(2)
class TestSessions(Sessions):
    """What lesson 8 promised."""


# Step 3: an error handler of its own


def answer(response):
    """Return what matters of an answer to a program."""
    return response.status_code, response.mimetype, response.json


@step(3)
def test_programs_read_that_a_book_is_not_there(visit, books):
    """Below /api/, the view of a book must say 404 for an unknown number, as JSON."""
    for number in (max(books) + 1, 0, 10**30):
        assert answer(visit(f"/api/books/{number}")) == (
            404,
            "application/json",
            {"error": "not found"},
        )


@step(3)
def test_programs_read_that_an_address_is_not_there(visit):
    """Any other address below /api/ must be caught by a rule, so that the answer is JSON."""
    for path in ("/api/", "/api/nowhere", "/api/no/such/thing", "/api/books/emma", "/api/books/"):
        expected = (404, "application/json", {"error": "not found"})
        assert (path, *answer(visit(path))) == (path, *expected)


@step(3)
def test_programs_only_read(visit, books):
    """Below /api/, no rule must allow POST, so that the answer is 405."""
    for path in (f"/api/books/{min(books)}", "/api/nowhere"):
        assert (path, visit(path, method="POST").status_code) == (path, 405)


@step(3)
def test_the_handler_belongs_to_the_blueprint(another, books):
    """api.py must answer for itself: in another app, too, where no handler looks at the path."""
    client = another.test_client()
    for path in (f"/other/api/books/{max(books) + 1}", "/other/api/nowhere"):
        response = client.get(path)
        expected = (404, "application/json", {"error": "not found"})
        assert (path, response.status_code, response.mimetype, response.json) == (path, *expected)


@step(3)
def test_the_pages_know_nothing_of_programs(load, settings, books):
    """`not_found` in pages.py must make a page, and leave it to api.py to speak to programs."""
    app = Flask("shelf")
    app.config.update(settings)
    app.url_map.converters["book"] = load("shelf.books").BookNumber
    app.register_blueprint(load("shelf.books").bp)
    app.register_blueprint(load("shelf.readers").bp)
    load("shelf.pages").init_app(app)
    response = app.test_client().get("/api/nowhere")
    assert (response.status_code, response.mimetype) == (404, "text/html")


# Step 4: a function that makes an app


@pytest.fixture
def create_app(load):
    """The function `create_app` of the package."""
    found = getattr(load("shelf"), "create_app", None)
    assert found, "shelf/__init__.py must define `create_app`"
    return found


@step(4)
def test_each_call_makes_an_app(create_app, settings):
    """Each call of `create_app` must make another app, and return it."""
    one, other = create_app(settings), create_app(settings)
    assert [isinstance(each, Flask) for each in (one, other)] == [True, True]
    assert one is not other


@step(4)
def test_two_apps_have_two_limits(make, chance):
    """Two apps of one process must each keep to the settings that they were made with."""
    limits = chance.sample(range(100, 900), 2)
    clients = {limit: make(MAX_CONTENT_LENGTH=limit).test_client() for limit in limits}
    for limit in [*limits, *limits]:
        for size, status in ((limit - 5, 422), (limit, 413)):
            response = clients[limit].post("/readers/me", data={"name": "A" * size})
            assert (limit, size, response.status_code) == (limit, size, status)


class Copied:
    """Tests for which no file counts that lies in the app's instance folder already."""

    @pytest.fixture
    def folder(self, folder, tmp_path):
        """A copy of the app, so that a test may write a file beside it."""
        copy_app(folder, tmp_path / folder.name)
        return tmp_path / folder.name


@step(4)
class TestDefaults(Copied):
    """What holds where nobody says otherwise."""

    def test_without_settings_the_defaults_hold(self, create_app, load, environment, chance):
        """Without settings, the values of shelf/defaults.py must hold."""
        environment.setenv("FLASK_SECRET_KEY", "of the tests")
        limit = chance.randrange(1000, 9000)
        environment.setattr(load("shelf.defaults"), "MAX_CONTENT_LENGTH", limit)
        config = create_app().config
        assert config["MAX_CONTENT_LENGTH"] == limit
        assert config["SESSION_COOKIE_SAMESITE"] == "Lax"
        assert config["PERMANENT_SESSION_LIFETIME"].days == 30


@step(4)
def test_the_defaults_are_those_of_lesson_8(load):
    """shelf/defaults.py must hold lesson 8's limit: 2,000,000 bytes."""
    assert load("shelf.defaults").MAX_CONTENT_LENGTH == 2_000_000


@step(4)
def test_the_callers_settings_win(make):
    """What the caller says must win over shelf/defaults.py."""
    assert make(SESSION_COOKIE_SAMESITE="Strict").config["SESSION_COOKIE_SAMESITE"] == "Strict"


@step(4)
def test_covers_have_a_folder(create_app, settings):
    """Covers must go to the instance folder, into `covers`, unless a setting says otherwise."""
    assert create_app(settings).config["COVERS"] == settings.pop("COVERS")
    app = create_app(settings)
    assert app.config["COVERS"] == f"{app.instance_path}/covers"


@step(4)
def test_app_py_calls_the_factory(load, environment):
    """app.py must make its app with `create_app`, and leave the rest to the package."""
    environment.setenv("FLASK_SECRET_KEY", "of the tests")
    environment.setattr(load("shelf"), "create_app", lambda: "an app")
    assert load("app").app == "an app"


# Step 5: commands


def run(app, *arguments):
    """Run a command of an app, and return its exit status and what it printed, line by line."""
    result = app.test_cli_runner().invoke(args=arguments)
    return result.exit_code, result.output.splitlines()


def listed(books):
    """Return the lines that `flask shelf list` prints for books."""
    return [f"{n} {book['title']}, by {book['author']}" for n, book in books.items()]


@step(5)
def test_a_command_lists_the_books(app, books):
    """`flask shelf list` must print a line for each book: number, title, a comma, by, author."""
    assert run(app, "shelf", "list") == (0, listed(books))


@step(5)
def test_a_command_shows_the_settings(app):
    """`flask settings` must print each setting that is no secret, sorted: NAME = value, as repr."""
    status, lines = run(app, "settings")
    assert status == 0
    shown = [line for line in lines if "SECRET" not in line]
    assert shown == [f"{n} = {v!r}" for n, v in sorted(app.config.items()) if "SECRET" not in n]


@step(5)
def test_no_command_shows_a_secret(make, chance):
    """`flask settings` must print (secret) for a key that is set, old keys too, not the key."""
    key, old = f"key {chance.random()}", f"old {chance.random()}"
    _, lines = run(make(SECRET_KEY=key, SECRET_KEY_FALLBACKS=[old]), "settings")
    assert [line for line in lines if "SECRET" in line] == [
        "SECRET_KEY = (secret)",
        "SECRET_KEY_FALLBACKS = (secret)",
    ]
    _, lines = run(make(SECRET_KEY_FALLBACKS=None), "settings")
    assert "SECRET_KEY_FALLBACKS = None" in lines


@step(5)
def test_each_app_has_the_commands(make, books):
    """Two apps of one process must both have the commands, each with its own settings."""
    for app in (make(MAX_CONTENT_LENGTH=111), make(MAX_CONTENT_LENGTH=222)):
        assert run(app, "shelf", "list") == (0, listed(books))
        limit = app.config["MAX_CONTENT_LENGTH"]
        assert f"MAX_CONTENT_LENGTH = {limit}" in run(app, "settings")[1]


@step(5)
def test_the_commands_say_what_they_are_for(app):
    """The group and its commands must each have a line of help."""
    shelf = "\n".join(run(app, "shelf", "--help")[1])
    assert "  Look after the books.\n" in shelf
    assert re.search(r"^  list +\S", shelf, re.MULTILINE), shelf
    assert "Say what this app's configuration is" in "\n".join(run(app, "settings", "--help")[1])


# Step 6: configuration in layers


@step(6)
class TestLayers(Copied):
    """Defaults, the key for development, the instance's file, the environment, the caller."""

    @pytest.fixture
    def write(self, folder):
        """Write the instance's file."""

        def write(text):
            (folder / "instance").mkdir(exist_ok=True)
            (folder / "instance" / "config.py").write_text(text, encoding="utf-8")

        return write

    def test_without_a_key_no_app_is_made(self, create_app, folder):
        """Without SECRET_KEY, create_app must stop with a sentence that names both ways out."""
        for settings in (None, {}, {"SECRET_KEY": ""}):
            with pytest.raises(click.ClickException) as stopped:
                create_app(settings)
            message = stopped.value.format_message()
            assert "The Shelf needs a SECRET_KEY" in message
            assert "FLASK_SECRET_KEY" in message
            assert message.endswith(f" {folder / 'instance' / 'config.py'}.")

    def test_in_development_there_is_a_key(self, create_app, environment):
        """With --debug (FLASK_DEBUG=1) a key must be there by itself, the same at each start."""
        environment.setenv("FLASK_DEBUG", "1")
        keys = [create_app().config["SECRET_KEY"] for _ in range(2)]
        assert keys[0] and keys[0] == keys[1]

    @pytest.mark.parametrize("no", ["0", "False", "no"])
    def test_only_in_development(self, create_app, environment, no):
        """With FLASK_DEBUG=0, or False, or no, the key of the development must not be used."""
        environment.setenv("FLASK_DEBUG", no)
        with pytest.raises(click.ClickException):
            create_app()

    def test_a_key_may_come_from_each_layer(self, create_app, write, environment):
        """The file, the environment and the caller must each be able to bring the key."""
        assert create_app({"SECRET_KEY": "c"}).config["SECRET_KEY"] == "c"
        environment.setenv("FLASK_SECRET_KEY", "e")
        assert create_app().config["SECRET_KEY"] == "e"
        environment.delenv("FLASK_SECRET_KEY")
        write('SECRET_KEY = "f"')
        assert create_app().config["SECRET_KEY"] == "f"

    def test_each_layer_replaces_the_key_for_development(self, create_app, write, environment):
        """With --debug, too, a key from the file, the environment or the caller must count."""
        environment.setenv("FLASK_DEBUG", "1")
        write('SECRET_KEY = "f"')
        assert create_app().config["SECRET_KEY"] == "f"
        environment.setenv("FLASK_SECRET_KEY", "e")
        assert create_app().config["SECRET_KEY"] == "e"
        assert create_app({"SECRET_KEY": "c"}).config["SECRET_KEY"] == "c"

    def test_the_file_wins_over_the_defaults(self, create_app, settings, write, chance):
        """What instance/config.py says must win over shelf/defaults.py."""
        limit = chance.randrange(1000)
        write(f"MAX_CONTENT_LENGTH = {limit}\nlower_case = 1\n")
        config = create_app(settings).config
        assert config["MAX_CONTENT_LENGTH"] == limit
        assert config["SESSION_COOKIE_SAMESITE"] == "Lax"

    def test_the_environment_wins_over_the_file(
        self, create_app, settings, write, environment, chance
    ):
        """A variable FLASK_… must win over instance/config.py."""
        limit = chance.randrange(1000)
        write("MAX_CONTENT_LENGTH = 2000")
        environment.setenv("FLASK_MAX_CONTENT_LENGTH", str(limit))
        assert create_app(settings).config["MAX_CONTENT_LENGTH"] == limit

    def test_the_caller_wins_over_all(self, create_app, settings, write, environment, chance):
        """What the caller says must win over the environment and the file."""
        limit = chance.randrange(1000)
        write("MAX_CONTENT_LENGTH = 2000")
        environment.setenv("FLASK_MAX_CONTENT_LENGTH", "3000")
        app = create_app(settings | {"MAX_CONTENT_LENGTH": limit})
        assert app.config["MAX_CONTENT_LENGTH"] == limit

    def test_covers_may_lie_elsewhere(self, create_app, settings, environment):
        """The folder for covers must come from the environment, if that names one."""
        environment.setenv("FLASK_COVERS", "/elsewhere")
        assert create_app({"SECRET_KEY": "c"}).config["COVERS"] == "/elsewhere"

    def test_variables_are_read_as_json(self, create_app, settings, environment):
        """Variables must be read with from_prefixed_env: JSON where it is JSON, else a string."""
        environment.setenv("FLASK_SESSION_COOKIE_SECURE", "true")
        environment.setenv("FLASK_SECRET_KEY_FALLBACKS", '["old key"]')
        environment.setenv("FLASK_SESSION_COOKIE_NAME", "shelf")
        config = create_app(settings).config
        assert config["SESSION_COOKIE_SECURE"] is True
        assert config["SECRET_KEY_FALLBACKS"] == ["old key"]
        assert config["SESSION_COOKIE_NAME"] == "shelf"

    def test_app_py_stops_without_a_key(self, load):
        """`flask run` without a key must stop with the sentence, so app.py must pass it on."""
        with pytest.raises(click.ClickException, match="The Shelf needs a SECRET_KEY"):
            load("app")


# Step 7: an extension


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when a test moves it."""

    class Clock:
        now = 1.0

    monkeypatch.setattr(time, "perf_counter", lambda: Clock.now)
    return Clock


@pytest.fixture
def slow(clock):
    """Give an app a view at /slow that takes as many seconds as asked for."""

    def slow(app, seconds):
        @app.get("/slow")
        def slow_view():
            clock.now += seconds
            return "done"

        return app.test_client()

    return slow


def timings(response):
    """Return the headers of a response that look like a timer's."""
    return [(name, value) for name, value in response.headers if value.startswith("app;dur=")]


@step(7)
def test_the_timer_says_how_long_it_took(app, slow):
    """Each response must have one header Server-Timing, with the milliseconds, and no second."""
    client = slow(app, 0.25)
    assert timings(client.get("/slow")) == [("Server-Timing", "app;dur=250.0")]
    assert timings(client.get("/nowhere")) == [("Server-Timing", "app;dur=0.0")]


@step(7)
def test_two_apps_have_two_timers(make, slow):
    """Two apps of one process must each send the header that their own TIMER_HEADER names."""
    one, other = slow(make(), 0.25), slow(make(TIMER_HEADER="X-Took"), 0.5)
    for _ in range(2):
        assert timings(one.get("/slow")) == [("Server-Timing", "app;dur=250.0")]
        assert timings(other.get("/slow")) == [("X-Took", "app;dur=500.0")]


@step(7)
def test_the_timer_times_any_app(load, slow):
    """`RequestTimer` must work for an app that it has never seen, which knows no TIMER_HEADER."""
    app = Flask("another")
    load("shelf.timer").RequestTimer().init_app(app)
    assert timings(slow(app, 2).get("/slow")) == [("Server-Timing", "app;dur=2000.0")]


@step(7)
def test_the_timer_is_among_the_extensions(make):
    """Each app must keep the timer in `app.extensions`, and all apps the same one."""
    found = [each.extensions.get("request_timer") for each in (make(), make())]
    assert type(found[0]).__name__ == "RequestTimer"
    assert found[0] is found[1]


@step(7)
def test_each_request_has_its_own_clock(app, clock):
    """The start belongs into `g`: in the timer itself, another visitor would overwrite it."""

    @app.get("/slow")
    def slow():
        clock.now += 1
        other = threading.Thread(target=app.test_client().get, args=["/newest"])
        other.start()
        other.join()
        clock.now += 1
        return "done"

    assert timings(app.test_client().get("/slow")) == [("Server-Timing", "app;dur=2000.0")]


class SlowHandler(logging.Handler):
    """Where a line of the log takes a second to write."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def emit(self, record):
        self.clock.now += 1


@step(7)
def test_the_timer_counts_what_other_hooks_do(app, clock, request):
    """The timer must be the first that create_app hands the app, so that it counts other hooks."""

    @app.before_request
    def before():
        clock.now += 0.5

    @app.after_request
    def after(response):
        clock.now += 0.25
        return response

    handler = SlowHandler(clock)
    app.logger.addHandler(handler)
    request.addfinalizer(lambda: app.logger.removeHandler(handler))
    assert timings(app.test_client().get("/")) == [("Server-Timing", "app;dur=1750.0")]


@pytest.fixture
def log(caplog):
    """What the module `visits` wrote into the log, line by line."""

    def lines():
        return [each.getMessage() for each in caplog.records if each.module == "visits"]

    return lines


@step(7)
def test_the_log_says_who_asked_what(app, log, chance):
    """A visit must write one line: address, name in quotes, method, path in quotes, status."""
    name = f"Zoë {chance.randrange(100)}"
    client = app.test_client()
    with client.session_transaction() as session:
        session["name"] = name
    client.get("/books/0?q=x", environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    assert log() == [f"10.0.0.7 {name!r} GET '/books/0' 404"]


@step(7)
def test_the_log_has_its_level(app, caplog):
    """The line must have the level INFO, and init_app must set the app's log to it."""
    app.test_client().get("/newest")
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert app.logger.level == logging.INFO


@step(7)
def test_the_log_knows_strangers(app, log):
    """Of a visitor without a name, the line must say None; a line's end must not end it."""
    app.test_client().head("/%0Anowhere")
    assert log() == [r"127.0.0.1 None HEAD '/\nnowhere' 404"]


@step(7)
def test_the_style_sheet_is_the_same_for_everybody(app, log):
    """For the style sheet, log_visit must not look into the session: no Vary: Cookie, no name."""
    client = app.test_client()
    with client.session_transaction() as session:
        session["name"] = "Ann"
    with client.get("/static/style.css") as response:
        assert response.headers.get("Vary", "") == ""
    assert log() == ["127.0.0.1 None GET '/static/style.css' 200"]


# Your turn


@step(YOUR_TURN)
def test_an_author_may_be_asked_for(app, books):
    """`flask shelf list --author NAME` must list the books of that author, and no others."""
    for author in {book["author"] for book in books.values()}:
        theirs = {n: book for n, book in books.items() if book["author"] == author}
        assert run(app, "shelf", "list", "--author", author) == (0, listed(theirs))
    assert run(app, "shelf", "list") == (0, listed(books))


@step(YOUR_TURN)
def test_an_author_of_no_book_is_an_error(app, chance):
    """For an author of no book, the command must print the page's sentence, and end with 1."""
    name = f"J. Verne {chance.randrange(100)}"
    for author in (name, ""):
        expected = [f"Error: No book by {author} stands on the Shelf."]
        assert run(app, "shelf", "list", "--author", author) == (1, expected)


@step(YOUR_TURN)
def test_an_empty_shelf_is_no_error(app, books):
    """Without --author, an empty Shelf must print nothing, and end with 0."""
    books.clear()
    assert run(app, "shelf", "list") == (0, [])


def warnings(caplog):
    """Return the lines at level WARNING."""
    return [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]


@step(YOUR_TURN)
def test_a_slow_request_is_a_warning(make, slow, caplog):
    """A request that took more than TIMER_SLOW milliseconds must write one line at WARNING."""
    client = slow(make(TIMER_SLOW=200), 0.25)
    client.get("/slow?q=x")
    client.get("/newest")
    assert warnings(caplog) == ["slow: GET '/slow' took 250.0 ms"]


@step(YOUR_TURN)
def test_slow_means_more_than_the_setting(make, slow, caplog):
    """A request that took as many milliseconds as TIMER_SLOW says is not slow yet."""
    slow(make(TIMER_SLOW=250), 0.25).get("/slow")
    assert warnings(caplog) == []


@step(YOUR_TURN)
def test_slow_is_a_second_unless_somebody_says_otherwise(app, slow, caplog):
    """TIMER_SLOW must be 1000, unless the configuration says otherwise."""
    assert app.config.get("TIMER_SLOW") == 1000
    slow(app, 1.5).get("/slow")
    assert warnings(caplog) == ["slow: GET '/slow' took 1500.0 ms"]


@step(YOUR_TURN)
def test_two_apps_are_slow_each_in_their_way(make, slow, caplog):
    """Two apps of one process must each keep to their own TIMER_SLOW."""
    one, other = slow(make(TIMER_SLOW=100), 0.5), slow(make(TIMER_SLOW=600), 0.5)
    one.get("/slow")
    other.get("/slow")
    assert warnings(caplog) == ["slow: GET '/slow' took 500.0 ms"]
