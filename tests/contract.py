"""What several lessons promise alike.

`Contract` is what a browser sees of the Shelf, whichever layer made it: lessons 2 to 5
answer to it. `Middleware` and `Numbered` are what lesson 2's middleware promises. A
lesson's tests inherit the class, and say from which step on the app keeps it.
"""

import re
from urllib.parse import quote
from wsgiref.validate import validator

from werkzeug.test import Client


def links(html):
    """Return the links of a page: address and text."""
    return re.findall(r'<a href="([^"]*)">([^<]*)</a>', html)


def inner(environ, start_response):
    """A small application for middleware to wrap; it says where it stands and what is asked."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Inner", "yes")])
    return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode("latin-1")]


def exc_info_that_arrives(middleware):
    """Return the exc_info that reaches the server from an app wrapped in the middleware."""
    arrived = []

    def failing(environ, start_response):
        start_response("500 Oh", [("Content-Type", "text/plain")], "an error")
        return [b"sorry"]

    def start_response(status, headers, exc_info):
        arrived.append(exc_info)

    middleware(failing)({}, start_response)
    return arrived[0]


def ask(app, path, **more):
    """Ask an app for a path, with the validator between."""
    with Client(validator(app)).open(path, **more) as response:
        response.get_data()
        return response


class Contract:
    """Inherit this to hold an app to the contract."""

    def test_the_list_names_every_book(self, visit, books):
        """The address / must answer 200 with every title, each a link to /books/ and its number."""
        response = visit("/")
        assert response.status_code == 200
        assert links(response.text) == [
            (f"/books/{number}", book["title"]) for number, book in books.items()
        ]

    def test_the_list_is_html_in_utf_8(self, visit):
        """Content-Type must be text/html; charset=utf-8, or browsers guess at ë and 雪."""
        assert visit("/").headers.get("Content-Type", "") == "text/html; charset=utf-8"

    def test_a_book_has_a_page(self, visit, books):
        """The address /books/ and a number must show that book's title and author."""
        for number, book in books.items():
            response = visit(f"/books/{number}")
            assert response.status_code == 200
            assert f"<h1>{book['title']}</h1>" in response.text
            assert book["author"] in response.text

    def test_a_book_links_to_its_author(self, visit, books):
        """A book's page must link to the author's, with the name percent-encoded in the address."""
        number, book = next(iter(books.items()))
        address = "/authors/" + quote(book["author"], safe="&")
        [(href, text)] = links(visit(f"/books/{number}").text)
        assert text == book["author"]
        told = f"The link leads to {href}, and must lead to {address}."
        assert href in (address, address.replace("&", "%26")), told

    def test_an_author_has_a_page(self, visit, books):
        """The address /authors/ and a percent-encoded name must list that author's books. (404 for
        letters like č alone? In lesson 2, `path_of` encodes PATH_INFO, then decodes it.)"""
        author = next(iter(books.values()))["author"]
        response = visit("/authors/" + quote(author))
        assert response.status_code == 200
        assert f"<h1>{author}</h1>" in response.text
        assert [text for _, text in links(response.text)] == [
            book["title"] for book in books.values() if book["author"] == author
        ]

    def test_a_percent_encoded_letter_is_the_letter(self, visit, books):
        """/book%73/7 is another way to write /books/7: compare the decoded path."""
        assert visit(f"/book%73/{next(iter(books))}").status_code == 200

    def test_an_unknown_book_is_not_found(self, visit, books):
        """A number that no book has must answer 404."""
        assert visit(f"/books/{max(books) + 1}").status_code == 404

    def test_a_word_is_no_number_of_a_book(self, visit):
        """A word where a number belongs must answer 404, and not fail with ValueError."""
        assert visit("/books/emma").status_code == 404
        assert visit("/books/-7").status_code == 404
        assert visit("/books/²").status_code == 404

    def test_an_unknown_author_is_not_found(self, visit):
        """An author of no book on the shelf must answer 404."""
        assert visit("/authors/Nobody%20Else").status_code == 404

    def test_an_unknown_address_is_not_found(self, visit):
        """Any other address must answer 404, with a page that says so."""
        for path in ("/nowhere", "/books/7/more", "/nowhere/else/at/all"):
            response = visit(path)
            assert response.status_code == 404, path
            assert "<h1>Not found</h1>" in response.text

    def test_other_methods_are_not_allowed(self, visit):
        """POST to / must answer 405, and the header Allow must name GET and HEAD; PUT, too."""
        assert visit("/", method="PUT", data={"title": "Emma"}).status_code == 405
        response = visit("/", method="POST", data={"title": "Emma"})
        assert response.status_code == 405
        allow = response.headers.get("Allow", "")
        told = f"The header Allow is {allow!r}. (In lesson 2: does `application` say `+=`?)"
        assert {"GET", "HEAD"} <= set(re.split(", *", allow)), told
        assert "POST" not in allow

    def test_head_is_get_without_the_body(self, visit, books):
        """HEAD must answer with the status and headers of GET, and send no body."""
        for path in ("/", f"/books/{next(iter(books))}", "/nowhere"):
            get, head = visit(path), visit(path, method="HEAD")
            assert head.status == get.status
            assert dict(head.headers) == dict(get.headers)
            assert head.data == b""

    def test_content_length_counts_bytes(self, visit):
        """Content-Length must be the number of bytes that are sent, not of letters."""
        response = visit("/")
        assert response.headers.get("Content-Length", "") == str(len(response.data))

    def test_the_query_string_searches_titles(self, visit, books):
        """/?q= and part of a title, in capitals or not, must list the titles with it, no others."""
        for words in (next(iter(books.values()))["title"][:3].upper(), "雪", "è", "no such title"):
            found = [text for _, text in links(visit("/", query_string={"q": words}).text)]
            titles = [book["title"] for book in books.values()]
            assert found == [each for each in titles if words.casefold() in each.casefold()]

    def test_the_first_of_two_questions_counts(self, visit, books):
        """/?q=…&q=… asks twice: the first must count."""
        title = next(iter(books.values()))["title"]
        response = visit("/", query_string=[("q", title), ("q", "no such title")])
        assert [text for _, text in links(response.text)] == [title]

    def test_a_query_string_about_something_else_is_ignored(self, visit, books):
        """/?colour=red asks for nothing that the Shelf knows: it must list every book."""
        assert len(links(visit("/?colour=red").text)) == len(books)
        assert len(links(visit("/?q=").text)) == len(books)

    def test_links_carry_the_prefix(self, visit, books):
        """Under a prefix (SCRIPT_NAME), every link must begin with it: in lesson 2, see `link`."""
        number = next(iter(books))
        for path in ("/", f"/books/{number}", "/authors/A.%20Nobody"):
            response = visit(path, base_url="http://localhost/shelf/")
            assert response.status_code == 200
            assert links(response.text)
            for href, _ in links(response.text):
                assert href.startswith("/shelf/"), f"It does not begin with /shelf/: {href}"

    def test_the_shelf_begins_with_three_books(self, load):
        """shelf.py must hold the three books that lesson 2 put there, with their numbers."""
        assert load("shelf").BOOKS == {
            1: {"title": "Emma", "author": "Jane Austen"},
            2: {"title": "Jane Eyre", "author": "Charlotte Brontë"},
            3: {"title": "L’Île mystérieuse", "author": "Jules Verne"},
        }


class Middleware:
    """Inherit this to hold lesson 2's `timed` and `prefixed` to what they promise."""

    def test_timed_adds_a_header(self, load, monkeypatch):
        """`timed` must add Server-Timing with the milliseconds, and keep the app's own headers."""
        clock = iter([1.0, 3.50004])
        monkeypatch.setattr("time.perf_counter", lambda: next(clock))
        response = ask(load("middleware").timed(inner), "/")
        assert response.status == "200 OK"
        assert response.headers.get("Server-Timing", "") == "app;dur=2500.0"
        assert response.headers.get("X-Inner", "") == "yes"
        assert response.text == "|/"

    def test_timed_passes_on_exc_info(self, load):
        """`timed` must hand exc_info on to start_response, or a second response gets lost."""
        assert exc_info_that_arrives(load("middleware").timed) == "an error"

    def test_timed_hands_back_write(self, load):
        """`timed` must return what start_response returns, a function: PEP 3333 calls it write."""
        handed = []

        def app(environ, start_response):
            handed.append(start_response("200 OK", []))
            return []

        load("middleware").timed(app)({}, lambda *_: "write")
        assert handed == ["write"]

    def test_prefixed_moves_the_prefix(self, load):
        """`prefixed` must take the prefix off PATH_INFO and add it to SCRIPT_NAME."""
        prefixed = load("middleware").prefixed
        assert ask(prefixed(inner, "/shelf"), "/shelf/books/1").text == "/shelf|/books/1"
        assert ask(prefixed(inner, "/shelf"), "/shelf/shelf/").text == "/shelf|/shelf/"
        twice = prefixed(prefixed(inner, "/b"), "/a")
        assert ask(twice, "/a/b/c").text == "/a/b|/c"

    def test_prefixed_answers_nowhere_else(self, load):
        """Outside the prefix, `prefixed` must answer 404 itself; /shelfish is outside of /shelf."""
        for path in ("/", "/shelfish", "/books/1"):
            response = ask(load("middleware").prefixed(inner, "/shelf"), path)
            assert response.status == "404 Not Found"
            assert response.headers.get("Content-Type", "") == "text/plain; charset=utf-8"
            assert response.text == "Nothing here. Is the prefix missing?\n"


class Numbered:
    """Inherit this to hold lesson 2's task `numbered` to what it promises."""

    def test_numbered_counts_responses(self, load):
        """`numbered` must add X-Request-Number: 1 to the first response, 2 to the second, …"""
        app = load("middleware").numbered(inner)
        answers = [ask(app, "/") for _ in range(3)]
        assert [each.headers.get("X-Request-Number", "") for each in answers] == ["1", "2", "3"]
        assert answers[0].headers.get("X-Inner", "") == "yes"
        assert answers[0].text == "|/"

    def test_numbered_counts_for_each_app(self, load):
        """Each app that `numbered` wraps must have a count of its own."""
        numbered = load("middleware").numbered
        first, second = numbered(inner), numbered(inner)
        ask(first, "/")
        assert ask(second, "/").headers.get("X-Request-Number", "") == "1"

    def test_numbered_passes_on_exc_info(self, load):
        """`numbered` must hand exc_info on to start_response, or a second response gets lost."""
        assert exc_info_that_arrives(load("middleware").numbered) == "an error"
