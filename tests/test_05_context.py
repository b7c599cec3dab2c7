"""Lesson 5: contexts, hooks, and the Shelf that says who asked what."""

import logging
import threading
import time
from urllib.parse import quote

import pytest
from conftest import YOUR_TURN
from contract import Contract, Middleware, Numbered, links
from flask import Flask, request

step = pytest.mark.step


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when a test moves it."""

    class Clock:
        now = 1.0

    monkeypatch.setattr(time, "perf_counter", lambda: Clock.now)
    return Clock


@pytest.fixture
def log(caplog):
    """What the module `visits` wrote into the logs, line by line."""

    def lines():
        return [record.getMessage() for record in caplog.records if record.module == "visits"]

    return lines


@pytest.fixture
def printed(load, capsys, monkeypatch):
    """Run a file of the lesson, and return the lines that it prints.

    If a thread or a view ends with an error, that is raised, and not what follows from it.
    """
    errors = []

    def note(_, found):
        if found[0] is not ZeroDivisionError:  # that of /share/0 is meant
            errors.append(found[1])

    def run(name):
        monkeypatch.setattr(Flask, "log_exception", note)
        monkeypatch.setattr(threading, "excepthook", lambda found: errors.append(found.exc_value))
        try:
            load(name)
        finally:
            if errors:
                raise errors[0]
        return capsys.readouterr().out.splitlines()

    return run


@step(1)
class TestMiddleware(Middleware, Numbered):
    """middleware.py must be lesson 2's finished one."""


@step(1)
class TestContract(Contract):
    """The app answers as every layer's must."""

    @pytest.fixture(autouse=True)
    def still(self, clock):
        """Two answers may take different times; the contract is not about that."""


@step(1)
class TestLesson4:
    """What the app could do when you copied it."""

    def test_the_titles_stand(self, visit):
        """The list and the page of authors must keep their titles."""
        assert "<title>The Shelf</title>\n<h1>The Shelf</h1>" in visit("/").text
        assert "<title>Authors</title>\n<h1>Authors</h1>" in visit("/authors/").text

    def test_a_book_and_a_list_are_html(self, visit, books):
        """A book's page must begin with its doctype; a list must have an item for each book."""
        number, book = next(iter(books.items()))
        text = visit(f"/books/{number}").text
        assert text.startswith(f"<!doctype html>\n<title>{book['title']}</title>\n")
        assert "<p>by <a href=" in text
        assert text.endswith("</a></p>\n")
        items = [f'<li><a href="/books/{n}">{b["title"]}</a></li>' for n, b in books.items()]
        assert visit("/").text.endswith("<ul>\n" + "\n".join(items) + "\n</ul>\n")

    def test_all_authors_are_listed(self, visit, books):
        """The address /authors/ must list every author once, in order."""
        authors = sorted({book["author"] for book in books.values()})
        text = visit("/authors/").text
        assert links(text) == [(f"/authors/{quote(name, safe='&')}", name) for name in authors]
        assert text.count("</li>\n<li>") == len(authors) - 1
        assert "<ul>\n<li>" in text
        assert text.endswith("</li>\n</ul>\n")

    def test_the_newest_book_has_an_address(self, visit, books):
        """The address /newest must redirect to the book with the highest number."""
        response = visit("/newest")
        assert response.status_code == 302
        assert response.headers.get("Location", "") == f"/books/{max(books)}"

    def test_a_book_leads_to_the_next(self, visit, books):
        """/books/<number>/next must redirect to the next number; after the last, answer 404."""
        first, second, *_ = books
        assert visit(f"/books/{first}/next").headers.get("Location", "") == f"/books/{second}"
        assert visit(f"/books/{max(books)}/next").status_code == 404

    def test_programs_get_json(self, visit, books):
        """Below /api/ the answers must be JSON, the 404 too."""
        number, book = next(iter(books.items()))
        assert visit(f"/api/books/{number}").json == book
        response = visit("/api/books/1000")
        assert response.status_code == 404
        assert response.json == {"error": "not found"}

    def test_people_get_a_page(self, visit):
        """An unknown address must answer 404 with the Shelf's own page."""
        text = visit("/nowhere").text
        assert "<h1>Not found</h1>\n<p>No such page on the Shelf.</p>\n" in text


@step(1)
def test_two_requests_are_inside_at_once(printed):
    """two.py must start both threads before it joins one, and print what each request saw."""
    assert printed("two")[:2] == ["ann asked for /wait/ann", "bob asked for /wait/bob"]


@step(1)
def test_each_view_waits_for_the_other(printed, monkeypatch):
    """Each view must call both_inside.wait(), so that neither goes on before both are inside."""
    waits = []

    class Barrier(threading.Barrier):
        def wait(self):
            waits.append(super().wait())

    monkeypatch.setattr(threading, "Barrier", Barrier)
    printed("two")
    assert sorted(waits) == [0, 1]


@step(1)
def test_one_name_is_one_object(printed):
    """two.py must print whether id(request) was the same in both threads: it was."""
    assert printed("two")[2:] == ["one object: True"]


@step(1)
@pytest.mark.parametrize("ids", [{"ann": 1, "bob": 2}, {"ann": 2, "bob": 1}])
def test_two_objects_would_be_told_apart(printed, monkeypatch, ids):
    """two.py must compare the two ids: if they differed, it would have to print False."""

    def id_of(thing):
        return ids[thing.path[-3:]] if thing is request else real(thing)

    real = id
    monkeypatch.setattr("builtins.id", id_of)
    assert printed("two")[2:] == ["one object: False"]


def part(lines, address):
    """Return what hooks.py printed for one address."""
    found = []
    for line in lines[lines.index(address) + 1 :]:
        if line.startswith("/"):
            break
        found.append(line)
    return found


@step(3)
def test_the_four_addresses_are_asked(printed):
    """hooks.py must print and ask /share/3, /closed, /nowhere and /share/0, in this order."""
    paths = [line for line in printed("hooks") if line.startswith("/")]
    assert paths == ["/share/3", "/closed", "/nowhere", "/share/0"]


@step(3)
def test_hooks_stand_round_the_view(printed):
    """Two hooks of each kind must run: before in order, after and teardown in reverse. (Is the
    view missing? A `before_request` hook answered, which it may at /closed only.)"""
    assert part(printed("hooks"), "/share/3") == [
        "  first before_request",
        "  second before_request",
        "  the view",
        "  second after_request, 200 OK",
        "  first after_request, 200 OK",
        "  second teardown_request, None",
        "  first teardown_request, None",
    ]


@step(3)
def test_a_before_hook_may_answer(printed):
    """For /closed, the first before_request hook must return the answer, and end the way in."""
    assert part(printed("hooks"), "/closed") == [
        "  first before_request",
        "  second after_request, 200 OK",
        "  first after_request, 200 OK",
        "  second teardown_request, None",
        "  first teardown_request, None",
    ]


@step(3)
def test_not_found_is_an_answer(printed):
    """For /nowhere, every hook must run, and teardown must get None: 404 is no failure."""
    assert part(printed("hooks"), "/nowhere") == [
        "  first before_request",
        "  second before_request",
        "  second after_request, 404 NOT FOUND",
        "  first after_request, 404 NOT FOUND",
        "  second teardown_request, None",
        "  first teardown_request, None",
    ]


@step(3)
def test_teardown_gets_the_exception(printed):
    """For /share/0 the view must raise; after hooks see the 500, teardown the exception."""
    assert part(printed("hooks"), "/share/0") == [
        "  first before_request",
        "  second before_request",
        "  the view",
        "  second after_request, 500 INTERNAL SERVER ERROR",
        "  first after_request, 500 INTERNAL SERVER ERROR",
        "  second teardown_request, ZeroDivisionError('division by zero')",
        "  first teardown_request, ZeroDivisionError('division by zero')",
    ]


@step(3)
def test_the_answers_of_hooks_py(load):
    """A share of three books, and what the hook answers at /closed, must reach the browser."""
    client = load("hooks").client
    assert client.get("/share/2").text == "1.5 books each\n"
    assert client.get("/closed").text == "Come back tomorrow.\n"
    assert "<h1>The Shelf</h1>" in client.get("/").text


@step(4)
def test_a_visit_is_logged(app, clock, log):
    """One request must write one line: who, method, path in quotes, status, milliseconds. (None at
    all? Is `init_app` called, does it register the hooks, and is the log's level INFO?)"""

    @app.get("/slow")
    def slow():
        clock.now += 0.25
        return "done"

    app.test_client().get("/slow?q=x", environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    assert log() == ["10.0.0.7 GET '/slow' 200 250.0 ms"]


@step(4)
def test_a_visit_to_nowhere_is_logged(visit, clock, log):
    """A request that ends in 404 or 405 must be logged like any other, with its status."""
    visit("/nowhere")
    visit("/", method="POST")
    assert [line.split(" ", 1)[1] for line in log()] == [
        "GET '/nowhere' 404 0.0 ms",
        "POST '/' 405 0.0 ms",
    ]


@step(4)
def test_each_request_has_its_own_clock(app, clock, log):
    """The start belongs into `g`: in a global variable, another visitor would overwrite it."""

    @app.get("/slow")
    def slow():
        clock.now += 1
        other = threading.Thread(target=app.test_client().get, args=["/"])
        other.start()
        other.join()
        clock.now += 1
        return "done"

    app.test_client().get("/slow")
    assert [line.split(" ", 1)[1] for line in log()] == [
        "GET '/' 200 0.0 ms",
        "GET '/slow' 200 2000.0 ms",
    ]


@step(4)
def test_no_visitor_forges_a_line(visit, log):
    """A line's end in the address must not end the line of the log: %r writes it as \\n."""
    visit("/%0A10.0.0.7 GET '/' 200 0.1 ms")
    assert len(log()) == 1
    assert "\n" not in log()[0]


@step(4)
def test_the_log_has_its_level(app, caplog, clock):
    """The line must have the level INFO, and init_app must set the app's log to it."""
    app.test_client().get("/")
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert app.logger.level == logging.INFO


@step(4)
def test_any_app_can_be_logged(load, caplog):
    """`init_app` must work for an app that visits.py has never seen: use current_app."""
    app = Flask("another")
    load("visits").init_app(app)
    app.add_url_rule("/there", view_func=lambda: "here")
    assert app.test_client().get("/there").text == "here"
    assert [(record.name, record.module) for record in caplog.records] == [("another", "visits")]


@step(5)
def test_the_response_says_how_long_it_took(app, clock):
    """`app.wsgi_app = timed(app.wsgi_app)` must give every response the header Server-Timing."""

    @app.get("/slow")
    def slow():
        clock.now += 0.25
        return "done"

    client = app.test_client()
    assert client.get("/slow").headers.getlist("Server-Timing") == ["app;dur=250.0"]
    assert client.get("/nowhere").headers.get("Server-Timing", "") == "app;dur=0.0"


@step(5)
def test_the_middleware_is_outside_of_the_hooks(app, clock):
    """The middleware must wrap app.wsgi_app, so that its clock also counts what hooks do."""

    @app.before_request
    def slow_hook():
        clock.now += 0.5

    response = app.test_client().get("/")
    assert response.headers.get("Server-Timing", "") == "app;dur=500.0"


@step(5)
def test_the_app_is_still_a_flask_app(load):
    """The middleware belongs to app.wsgi_app: `app` itself must remain the Flask object."""
    assert isinstance(load("app").app, Flask)


STOPS = """\
 1 flask/app.py: Flask.__call__
 2 flask/app.py: Flask.wsgi_app
 3 flask/ctx.py: RequestContext.push
 4 flask/ctx.py: AppContext.push
 5 werkzeug/routing/map.py: MapAdapter.match
 6 flask/app.py: Flask.preprocess_request
 7 flask/app.py: Flask.dispatch_request
 8 flask/app.py: Flask.make_response
 9 flask/app.py: Flask.process_response
10 flask/ctx.py: RequestContext.pop
"""


@step(6)
def test_the_walk_has_ten_stops(printed):
    """walk.py must print the ten stops with number and file, each once, as they come. (None? Their
    names are qualified, `co_qualname`, and the request stands above `sys.setprofile(None)`. Twice?
    Returns do not count: put `or` in parentheses. Some are missing? See the commas in STOPS.)"""
    assert [line for line in printed("walk") if line[:2].strip()] == STOPS.splitlines()


@step(6)
def test_the_walk_ends(printed, load, capsys):
    """walk.py must end with sys.setprofile(None), or every later request is printed, too."""
    printed("walk")
    load("app").app.test_client().get("/")
    assert capsys.readouterr().out == ""


@step(6)
def test_the_walk_shows_the_shelf_between_the_stops(printed):
    """walk.py must show the Shelf's functions where they run: app, middleware and visits. (More
    come? Put `or` in parentheses.)"""
    after = {}
    for line in printed("walk"):
        if line[:2].strip():
            stop = line[:2].strip()
        elif "log_failure" not in line:  # it is there after "Your turn"
            after.setdefault(stop, []).append(line)
    timed_app = "   middleware.py: timed.<locals>.timed_app"
    assert after == {
        "1": [timed_app],
        "5": ["   app.py: BookNumber.to_python"],
        "6": ["   visits.py: start_clock"],
        "7": ["   app.py: book_page", "   app.py: page"],
        "9": ["   visits.py: log_visit", f"{timed_app}.<locals>.timed_start_response"],
    }


@pytest.fixture
def failing(app):
    """A client of an app with a view that fails, which lets the exception through."""
    app.testing = True

    @app.get("/fails")
    def fails():
        raise KeyError("no such neighbour")

    return app.test_client()


@step(YOUR_TURN)
def test_a_failure_is_logged(failing, caplog):
    """An exception must write one line at level ERROR: the method, the path, `failed:`, it. That is
    a `teardown_request` hook's: without a response, no `after_request` hook is called."""
    with pytest.raises(KeyError):
        failing.get("/fails")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "GET '/fails' failed: KeyError('no such neighbour')")
    ]


@step(YOUR_TURN)
def test_success_is_no_failure(failing, caplog):
    """A request without an exception must write no line at level ERROR; nor must a 404."""
    failing.get("/")
    failing.get("/nowhere")
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
