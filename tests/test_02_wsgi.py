"""Lesson 2: the Shelf as a bare WSGI application, and middleware."""

import contextlib
import io
import re

import pytest
from conftest import YOUR_TURN
from contract import Contract, Middleware, Numbered, ask
from werkzeug.test import Client

step = pytest.mark.step


@pytest.fixture
def served(load, monkeypatch):
    """Load a module that serves, with a server that only notes what it would have served."""

    def served(name):
        notes = {}

        class Server:
            def __init__(self, host, port, app):
                assert not notes, "Two servers in one file: the first serves for ever. Delete one."
                notes.update(host=host, port=port, app=app)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                notes["closed"] = True

            def serve_forever(self):
                notes["served"] = True

        monkeypatch.setattr("wsgiref.simple_server.make_server", Server)
        load(name)
        assert "host" in notes, f"{name}.py has made no server."
        assert "served" in notes, f"{name}.py must call server.serve_forever, with () behind it."
        assert "closed" in notes, f"{name}.py must close its server: with make_server(…) as server:"
        return notes

    return served


@pytest.fixture
def hello(load, titles):
    """Lesson 1's app in this lesson's folder, with random books."""
    module = load("hello")
    module.BOOKS[:] = titles
    return module.app


@step(1)
def test_the_application_answers(load):
    """`application` must call start_response("200 OK", …) and return a list with bytes in it."""
    response = ask(load("app").application, "/")
    assert response.status == "200 OK"
    assert response.data


@step(1)
def test_the_application_names_its_type(load):
    """The headers must hold a Content-Type with charset=utf-8."""
    response = ask(load("app").application, "/")
    kind = response.headers.get("Content-Type", "")
    assert kind.endswith("; charset=utf-8"), f"The Content-Type is {kind!r}."


@step(1)
def test_serve_listens_on_8002(served):
    """serve.py must serve on 127.0.0.1, port 8002, until it is stopped."""
    notes = served("serve")
    assert (notes["host"], notes["port"]) == ("127.0.0.1", 8002)


@step(2)
def test_the_validator_stands_around_the_app(served):
    """serve.py must hand validator(…) to the server, so that slips are named."""
    _must_be_validated(served("serve")["app"])


@step(3)
def test_look_repeats_the_request(load, chance):
    """`look` must show the method, the path, the query string and the body, as the page does."""
    word = "".join(chance.sample("abcdefgh", 4))
    response = ask(load("look").look, f"/a/{word}?q={word}", method="POST", data=word.encode())
    assert response.status == "200 OK"
    assert response.headers.get("Content-Type", "") == "text/plain; charset=utf-8"
    assert response.text.splitlines() == [
        "REQUEST_METHOD is 'POST'",
        "SCRIPT_NAME is ''",
        f"PATH_INFO is '/a/{word}'",
        f"QUERY_STRING is 'q={word}'",
        "CONTENT_LENGTH is '4'",
        f"wsgi.input holds {word.encode()!r}",
    ]
    assert response.text.endswith("\n")


@step(3)
@pytest.mark.parametrize("length", [None, ""])
def test_look_takes_a_request_with_no_body(load, length):
    """CONTENT_LENGTH may be missing or empty: both mean that there is no body to read."""
    environ = {"wsgi.input": io.BytesIO(b"of the next request")}
    environ |= {} if length is None else {"CONTENT_LENGTH": length}
    app = load("look").look
    response = ask(lambda e, s: app(_without(e, "CONTENT_LENGTH") | environ, s), "/")
    assert response.text.splitlines()[4:] == [
        f"CONTENT_LENGTH is {length!r}",
        "wsgi.input holds b''",
    ]


@step(3)
def test_serve_look_serves_look(served):
    """serve_look.py must serve `look`, with the validator around it, on port 8002."""
    notes = served("serve_look")
    assert (notes["host"], notes["port"]) == ("127.0.0.1", 8002)
    _must_be_validated(notes["app"])
    with Client(notes["app"]).get("/x") as response:
        assert "PATH_INFO is '/x'" in response.text


@step(3)
def test_serve_serves_the_shelf_still(served):
    """serve.py must serve `application` still: the listing with `look` is for serve_look.py."""
    found = []
    # What else is wrong there, other tests tell.
    with contextlib.suppress(Exception), Client(served("serve")["app"]).get("/") as response:
        found.append(response.text)
    assert "wsgi.input holds" not in "".join(found), "serve.py serves `look`."


@step(4)
class TestPages:
    """What the contract asks of the pages, before methods, search and prefix come in."""

    test_the_list = Contract.test_the_list_names_every_book
    test_the_type = Contract.test_the_list_is_html_in_utf_8
    test_a_book = Contract.test_a_book_has_a_page
    test_a_book_links_to_its_author = Contract.test_a_book_links_to_its_author
    test_an_author = Contract.test_an_author_has_a_page
    test_percent_encoding = Contract.test_a_percent_encoded_letter_is_the_letter
    test_an_unknown_book = Contract.test_an_unknown_book_is_not_found
    test_a_word = Contract.test_a_word_is_no_number_of_a_book
    test_an_unknown_author = Contract.test_an_unknown_author_is_not_found
    test_an_unknown_address = Contract.test_an_unknown_address_is_not_found
    test_content_length = Contract.test_content_length_counts_bytes
    test_the_three_books = Contract.test_the_shelf_begins_with_three_books


@step(4)
def test_a_page_is_whole(visit, books):
    """A page must be the HTML that the step shows: doctype, title, heading, body."""
    number, book = next(iter(books.items()))
    heading = re.escape(book["title"])
    assert re.fullmatch(
        rf"<!doctype html>\n<title>{heading}</title>\n<h1>{heading}</h1>\n<p>by <a .*</a></p>\n",
        visit(f"/books/{number}").text,
    )
    assert visit("/").text.startswith("<!doctype html>\n<title>The Shelf</title>\n<h1>The Shelf<")
    assert visit("/nowhere").text.endswith("\n<p>No such page on the Shelf.</p>\n")


@step(4)
def test_a_list_has_an_item_a_line(visit, books):
    """A list must have one <li> a line, between <ul> and </ul>."""
    lines = visit("/").text.splitlines()
    assert lines[3] == "<ul>" and lines[-1] == "</ul>"
    assert len(lines[4:-1]) == len(books)
    for line in lines[4:-1]:
        assert re.fullmatch(r"<li><a .*</a></li>", line)


@step(4)
def test_not_found_has_its_words(visit):
    """The status of a page that is not there must be the text "404 Not Found"."""
    assert visit("/nowhere").status == "404 Not Found"


@step(4)
def test_bytes_that_are_no_text_are_not_found(visit):
    """A path that is not UTF-8 must answer 404, not fail with UnicodeDecodeError."""
    response = visit("/", environ_overrides={"PATH_INFO": "/authors/\xff"})
    assert response.status_code == 404


@step(4)
def test_a_number_of_any_length_is_no_error(visit):
    """A number with 5,000 digits is no book's: it must answer 404, not fail in int()."""
    assert visit("/books/" + "9" * 5000).status_code == 404


@step(5)
class TestMethodsAndSearch:
    """What the contract asks of methods and the query string."""

    test_post = Contract.test_other_methods_are_not_allowed
    test_head = Contract.test_head_is_get_without_the_body
    test_search = Contract.test_the_query_string_searches_titles
    test_no_search = Contract.test_a_query_string_about_something_else_is_ignored


@step(5)
def test_a_refused_method_says_so(visit):
    """The 405 must carry a page that says why, and Allow: GET, HEAD."""
    response = visit("/", method="POST")
    assert response.status == "405 Method Not Allowed"
    assert response.headers.get("Allow", "") == "GET, HEAD"
    assert "<h1>Method not allowed</h1>\n<p>You can only read here.</p>\n" in response.text


@step(6)
class TestMiddleware(Middleware):
    """`timed` and `prefixed` fit any app."""


@step(6)
def test_serve_wraps_the_shelf(served):
    """serve.py must serve timed(prefixed(application, "/shelf")): a 404 has Server-Timing, too."""
    app = served("serve")["app"]
    with Client(app).get("/shelf/") as response:
        assert "Emma" in response.text
        assert "Server-Timing" in response.headers, "There is no header Server-Timing."
    with Client(app).get("/") as response:
        assert response.status_code == 404
        assert "Server-Timing" in response.headers, "There is no header Server-Timing."


@step(6)
class TestContract(Contract):
    """From here on the app keeps the whole contract."""


@step(7)
def test_hello_is_lesson_1s_app(hello, titles):
    """hello.py must be lesson 1's app: at / it says how many books there are."""
    response = ask(hello, "/")
    assert response.text == f"{len(titles)} books on the shelf\n"


@step(7)
def test_hello_has_lesson_1s_books(load):
    """hello.py must hold lesson 1's three books."""
    assert load("hello").BOOKS == ["Emma", "Jane Eyre", "Walden"]


@step(7)
def test_serve_hello_wraps_flask(served):
    """serve_hello.py must serve lesson 1's app below "/hello" (no slash at its end), timed and
    validated, on port 8002."""
    notes = served("serve_hello")
    assert (notes["host"], notes["port"]) == ("127.0.0.1", 8002)
    _must_be_validated(notes["app"])
    with Client(notes["app"]).get("/hello/") as response:
        assert response.text == "3 books on the shelf\n"
        assert "Server-Timing" in response.headers, "There is no header Server-Timing."
    with Client(notes["app"]).get("/") as response:
        assert response.status_code == 404
        assert "Server-Timing" in response.headers, "The 404 has no header Server-Timing."


@step(YOUR_TURN)
class TestNumbered(Numbered):
    """`numbered` fits any app, and counts for each."""


def _must_be_validated(app):
    """Fail unless the validator is outermost: it alone takes, and refuses, one argument more."""
    with contextlib.suppress(Exception):
        try:
            app({}, lambda *_: None, more=None)
        except AssertionError:
            return
    pytest.fail(
        "There is no validator around what the server got: hand it validator(…), with all in it."
    )


def _without(environ, key):
    return {name: value for name, value in environ.items() if name != key}
