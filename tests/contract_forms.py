"""What the Shelf promises about its form for a new book, from lesson 7 on; see `contract`."""

import re
import time
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import quote

from werkzeug.test import Client

NEW = "/books/new"
FORM = "application/x-www-form-urlencoded"
HOSTILE = '"><script>alert(1)</script>&amp;'
STALE = "This form was open for too long. Send it again, please."


def fields(html):
    """Return the attributes of the <input> elements of a page, by their name."""
    found = {}

    class Inputs(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag == "input":
                found[dict(attributes).get("name", "")] = dict(attributes)

    Inputs().feed(html)
    return found


def hidden(visit, **more):
    """Ask for the form as a browser does, and return what it hides."""
    inputs = fields(visit(NEW, **more).text)
    return {n: each.get("value", "") for n, each in inputs.items() if each.get("type") == "hidden"}


def send(visit, title, author, **more):
    """Ask for the form, fill it in, and send it with all that it hides."""
    return visit(NEW, "POST", data={**hidden(visit), "title": title, "author": author}, **more)


def arrive(visit, response):
    """Go where a response sends the browser, if it does."""
    place = response.headers.get("Location", "")
    return visit(place) if place else response


def values(html):
    """Return what the form's two fields hold."""
    return [fields(html)[name].get("value", "") for name in ("title", "author")]


def stock(books):
    """Return title and author of all books."""
    return [(book["title"], book["author"]) for book in books.values()]


def described(html, name):
    """Return the text of the element that describes a field."""
    place = re.escape(fields(html)[name].get("aria-describedby") or "no description")
    found = re.search(rf'<(\w+) id="{place}">(.*?)</\1>', html)
    return unescape(found[2]) if found else ""


def restless(books):
    """Return a kind of text and one of number that add a book whenever they are looked at."""

    def another():
        books[max(map(int, books)) + 1] = {"title": "Another", "author": "Somebody"}

    class Text(str):
        def casefold(self):
            another()
            return super().casefold()

        def __eq__(self, other):
            another()
            return super().__eq__(other)

        def __hash__(self):
            another()
            return super().__hash__()

    class Number(int):
        def __gt__(self, other):
            another()
            return int(self) > other

    return Text, Number


class Form:
    """Inherit this to hold an app to a form that takes in a book."""

    def test_there_is_a_form_for_a_new_book(self, visit):
        """/books/new must show a form that is sent as POST, to the page's own address."""
        response = visit(NEW)
        assert (response.status_code, response.mimetype) == (200, "text/html")
        assert "<h1>New book</h1>" in response.text
        assert '<form method="post">' in response.text

    def test_each_field_has_its_label(self, visit):
        """The form must have the fields title and author, each with a <label> for its id."""
        html = visit(NEW).text
        labels = dict(re.findall(r'<label for="([^"]*)">([^<]*)</label>', html))
        found = {name: labels.get(each.get("id")) for name, each in fields(html).items()}
        assert (found.get("title"), found.get("author")) == ("Title", "Author")

    def test_the_menu_leads_to_the_form(self, visit):
        """Each page's <nav> must link to /books/new, and mark it there with aria-current."""
        link = '<a href="/books/new"{}>New book</a>'
        for path, mark in (("/", ""), (NEW, ' aria-current="page"')):
            nav = re.search(r"<nav>(.*)</nav>", visit(path).text, re.DOTALL)[1]
            assert link.format(mark) in nav, path

    def test_a_book_is_taken_in(self, visit, books, chance):
        """What the form sends, hidden fields and all, must stand on the Shelf, and be shown."""
        before = stock(books)
        title, author = f"Volume {chance.randrange(1000)}", f"Éva {chance.randrange(1000)} & Co"
        response = arrive(visit, send(visit, title, author))
        assert response.status_code == 200
        assert stock(books) == [*before, (title, author)]
        assert f"<h1>{title}</h1>" in response.text

    def test_a_new_book_has_the_next_number(self, visit, books):
        """A new book's number must be the highest so far and one; on an empty Shelf, 1."""
        del books[min(books)]
        highest = max(books)
        send(visit, "Germinal", "Zola")
        assert max(books) == highest + 1
        books.clear()
        send(visit, "Germinal", "Zola")
        assert list(books) == [1]

    def test_what_was_sent_is_shown_as_text(self, visit, books):
        """A title with quotes, < and & must come back as text, wherever it is shown."""
        response = arrive(visit, send(visit, HOSTILE, "Stranger"))
        assert response.status_code == 200
        assert "<script>" not in response.text + visit("/").text
        assert stock(books)[-1] == (HOSTILE, "Stranger")

    def test_asking_adds_nothing(self, visit, books):
        """GET and HEAD must add no book, whatever their query string says."""
        before = stock(books)
        for method in ("GET", "HEAD"):
            assert visit(f"{NEW}?title=Germinal&author=Zola", method).status_code == 200
        assert stock(books) == before

    def test_a_missing_field_is_the_visitors_mistake(self, visit, books):
        """A POST without title or author must be answered with 400 or 422, and add nothing."""
        before = stock(books)
        answers = [
            visit(NEW, "POST", data={**hidden(visit), **sent}).status_code
            for sent in ({}, {"title": "Germinal"}, {"author": "Zola"})
        ]
        assert [each for each in answers if each not in (400, 422)] == []
        assert stock(books) == before

    def test_only_get_and_post_are_allowed(self, visit):
        """PUT and DELETE at /books/new must be answered with 405."""
        assert [visit(NEW, method).status_code for method in ("PUT", "DELETE")] == [405, 405]


class Shared:
    """Inherit this to hold an app to a BOOKS that several threads read and change at once."""

    def test_a_book_may_come_while_others_are_read(self, visit, books):
        """Go through BOOKS.copy(): while a view goes through BOOKS, another may add a book."""
        text, number = restless(books)
        books.clear()
        books.update({number(n): {"title": text(f"T{n}"), "author": text("A")} for n in (1, 2)})
        paths = ("/?q=T", "/books/1", "/authors/A", "/authors/", "/books/1/next")
        answers = {path: visit(path).status_code for path in paths}
        assert answers == dict.fromkeys(paths, 200) | {"/books/1/next": 302}


class Redirect:
    """Inherit this to hold an app to a redirect after each POST that did something."""

    def test_taking_in_a_book_redirects(self, visit, books):
        """A POST that adds a book must answer 303, with the book's address as Location."""
        response = send(visit, "Germinal", "Zola")
        assert response.status_code == 303
        assert response.headers.get("Location", "") == f"/books/{max(books)}"

    def test_the_redirect_carries_the_prefix(self, visit, books):
        """Under a prefix (SCRIPT_NAME), the redirect must lead to an address below it."""
        base = {"base_url": "http://localhost/shelf/"}
        sent = {**hidden(visit, **base), "title": "Germinal", "author": "Zola"}
        response = visit(NEW, "POST", data=sent, **base)
        assert response.headers.get("Location", "") == f"/shelf/books/{max(books)}"


class Checks:
    """Inherit this to hold an app to say what is wrong, and to keep what was typed."""

    def test_a_book_needs_a_title(self, visit, books):
        """An empty title must be answered with 422 and: A book needs a title."""
        before = stock(books)
        response = send(visit, "", "Zola")
        assert response.status_code == 422
        assert "A book needs a title." in response.text
        assert "A book needs an author." not in response.text
        assert stock(books) == before

    def test_a_book_needs_an_author(self, visit, books):
        """An empty author must be answered with 422 and: A book needs an author."""
        before = stock(books)
        response = send(visit, "Germinal", "")
        assert response.status_code == 422
        assert "A book needs an author." in response.text
        assert "A book needs a title." not in response.text
        assert stock(books) == before

    def test_spaces_are_nothing(self, visit, books):
        """Only spaces, or a field that is missing, must count as empty: 422 with the message."""
        before = stock(books)
        for title in ("   ", "\u3000\u00a0", []):
            response = send(visit, title, title)
            assert response.status_code == 422
            assert "A book needs a title." in response.text
            assert "A book needs an author." in response.text
        assert stock(books) == before

    def test_what_was_typed_is_kept(self, visit, chance):
        """With a mistake, the form must come back with what was typed in the other field."""
        typed = f"Zola {chance.randrange(1000)}"
        assert values(send(visit, "", typed).text) == ["", typed]
        assert values(send(visit, typed, "").text) == [typed, ""]

    def test_what_was_typed_is_kept_as_text(self, visit):
        """Quotes, < and & must stand in the field as they were typed, and end no attribute."""
        html = send(visit, HOSTILE, "").text
        assert "<script>" not in html
        assert values(html) == [HOSTILE, ""]

    def test_a_fresh_form_has_no_messages(self, visit):
        """GET must show an empty form with status 200, and no message."""
        response = visit(NEW)
        assert (response.status_code, values(response.text)) == (200, ["", ""])
        assert "A book needs" not in response.text

    def test_a_form_with_a_mistake_is_a_whole_page(self, visit):
        """The page with the messages must have its title, and the form to send again."""
        html = send(visit, "", "").text
        assert "<title>New book</title>" in html
        assert '<form method="post">' in html

    def test_spaces_at_the_ends_are_left_out(self, visit, books):
        """Spaces before and behind a title or author must not be stored."""
        assert send(visit, "  Le  Père ", "\tBalzac \n").status_code == 303
        assert stock(books)[-1] == ("Le  Père", "Balzac")


class Fields:
    """Inherit this to hold an app to fields that say to everybody what is wrong with them."""

    def test_a_wrong_field_says_so(self, visit):
        """A wrong field must have aria-invalid="true", and be described by its message."""
        html = send(visit, "", "Zola").text
        found = fields(html)
        assert found["title"].get("aria-invalid") == "true"
        assert described(html, "title") == "A book needs a title."
        assert [name for name in found["author"] if name.startswith("aria-")] == []
        html = send(visit, "Germinal", "").text
        assert fields(html)["author"].get("aria-invalid") == "true"
        assert described(html, "author") == "A book needs an author."

    def test_the_first_wrong_field_has_the_focus(self, visit):
        """The first wrong field must have autofocus, and no other; without mistakes, none."""

        def focused(html):
            return [name for name, each in fields(html).items() if "autofocus" in each]

        assert focused(send(visit, "", "Zola").text) == ["title"]
        assert focused(send(visit, "", "").text) == ["title"]
        assert focused(send(visit, "Germinal", "").text) == ["author"]
        assert focused(visit(NEW).text) == []

    def test_browsers_ask_for_both_fields(self, visit):
        """Both fields must be `required`, so that a browser asks for them before it sends."""
        for html in (visit(NEW).text, send(visit, "", "").text):
            asked = [name for name, each in fields(html).items() if "required" in each]
            assert asked == ["title", "author"]


class Token:
    """Inherit this to hold an app to take books from its own pages only."""

    def test_another_page_cannot_add_a_book(self, visit, books):
        """A POST without the form's token must be answered with 422, and add no book."""
        visit(NEW)
        before = stock(books)
        sent = {"title": "Buy my book", "author": "Stranger"}
        response = visit(NEW, "POST", data=sent, headers={"Origin": "http://127.0.0.1:8097"})
        assert stock(books) == before
        assert response.status_code == 422

    def test_a_token_that_was_made_up_is_no_token(self, visit, books):
        """A POST with a token that is not the form's must be answered with 422, and add nothing."""
        token = hidden(visit).get("csrf_token", "")
        before = stock(books)
        for false in ("", "token", "é\0", token[:-1], token.swapcase(), [], ["x", token]):
            sent = {"title": "Germinal", "author": "Zola", "csrf_token": false}
            assert visit(NEW, "POST", data=sent).status_code == 422, false
        assert stock(books) == before

    def test_somebody_elses_token_is_no_token(self, app, visit, books):
        """A token that another visitor got with the form must be refused like none."""
        token = fields(Client(app).get(NEW).text)["csrf_token"].get("value", "")
        visit(NEW)
        before = stock(books)
        sent = {"title": "Germinal", "author": "Zola", "csrf_token": token}
        assert visit(NEW, "POST", data=sent).status_code == 422
        assert stock(books) == before

    def test_nothing_that_was_typed_is_lost(self, visit, books):
        """With a stale token, the form must say so, keep what was typed, and bring a new token."""
        html = visit(NEW, "POST", data={"title": "Germinal", "author": "Zola"}).text
        assert f'<p role="alert">{STALE}</p>' in html
        assert values(html) == ["Germinal", "Zola"]
        again = {name: each.get("value", "") for name, each in fields(html).items()}
        assert visit(NEW, "POST", data=again).status_code == 303
        assert stock(books)[-1] == ("Germinal", "Zola")

    def test_a_token_lasts_an_hour(self, visit, monkeypatch):
        """A form must be taken in after 50 minutes, and be stale after 70."""
        start, brought = time.time(), hidden(visit)
        monkeypatch.setattr(time, "time", lambda: start + 50 * 60)
        sent = {**brought, "title": "Germinal", "author": "Zola"}
        assert visit(NEW, "POST", data=sent).status_code == 303
        monkeypatch.setattr(time, "time", lambda: start + 70 * 60)
        assert STALE in visit(NEW, "POST", data={**sent, "title": "Nord"}).text

    def test_a_good_token_gets_no_message(self, visit):
        """Without a stale token, no page may say that the form was open for too long."""
        assert STALE not in visit(NEW).text
        assert STALE not in send(visit, "", "Zola").text

    def test_browsers_are_told_about_forms_and_frames(self, visit):
        """The Content-Security-Policy must have form-action 'self' and frame-ancestors 'none'."""
        for path in ("/", NEW, "/nowhere"):
            policy = visit(path).headers.get("Content-Security-Policy", "")
            assert policy.split("; ") == [
                "default-src 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            ]


class Hostile:
    """Inherit this to hold an app to answer hostile text with words, or to show it as text."""

    def refused(self, visit, books, title, author, words):
        """Say which of the two fields are described by these words; nothing may be added."""
        before = stock(books)
        response = send(visit, title, author)
        assert response.status_code == 422
        assert stock(books) == before
        return [name for name in ("title", "author") if described(response.text, name) == words]

    def test_a_text_has_at_most_200_characters(self, visit, books):
        """201 characters must be refused with: At most 200 characters, please. 200 are enough."""
        words = "At most 200 characters, please."
        assert self.refused(visit, books, "雪" * 201, "Zola", words) == ["title"]
        assert self.refused(visit, books, "Germinal", "é" * 201, words) == ["author"]
        assert send(visit, "📚" * 200, "é" * 200).status_code == 303
        assert stock(books)[-1] == ("📚" * 200, "é" * 200)
        lengths = [fields(visit(NEW).text)[name].get("maxlength") for name in ("title", "author")]
        assert lengths == ["200", "200"]

    def test_control_characters_are_no_text(self, visit, books):
        """NUL, a line's end and the like must be refused: Only letters, digits, signs and …"""
        words = "Only letters, digits, signs and spaces, please."
        for sign in "\0\n\x1b\x7f\x9f":
            assert self.refused(visit, books, f"Em{sign}ma", "Zola", words) == ["title"]
            assert self.refused(visit, books, "Germinal", f"Zo{sign}la", words) == ["author"]

    def test_one_message_is_enough(self, visit, books):
        """A field with several mistakes must show one message, that of the first check."""
        words = "At most 200 characters, please."
        assert self.refused(visit, books, "\0" * 201, "/" * 201, words) == ["title", "author"]

    def test_a_name_has_no_slash(self, visit, books):
        """A slash in a name must be refused, since it parts an address; in a title it is fine."""
        words = "A name without a slash, please."
        assert self.refused(visit, books, "Germinal", "Zo/la", words) == ["author"]
        assert self.refused(visit, books, "Germinal", "/", words) == ["author"]
        assert send(visit, "Either/or", "Kierkegaard").status_code == 303

    def test_every_author_has_a_page(self, visit):
        """Whatever an author is called, the link on the book's page must lead to their page."""
        for author in ("?", "#1", "a%2Fb", "\\", "a;b", "new", "&amp;", "雪 📚"):
            html = arrive(visit, send(visit, f"About {author}", author)).text
            [place] = re.findall(r'<a href="(/authors/[^"]+)">', html)
            assert visit(unescape(place)).status_code == 200, author

    def test_any_other_text_is_text(self, visit, books):
        """Emoji, marks and signs of all kinds must be stored as they are, and be shown."""
        texts = ("📚👩‍👩‍👧", "\u202eEmma", "שלום", "Z̷͉̈a", "{{ 7 * 7 }}", "'; DROP", "%00", "\u200b")
        for text in texts:
            assert send(visit, text, text).status_code == 303, text
            assert stock(books)[-1] == (text, text)
        assert "{{ 7 * 7 }}" in visit("/").text

    def test_text_that_runs_from_right_to_left_turns_no_neighbour(self, visit, books):
        """Titles and authors in the middle of a line must stand in <bdi>."""
        books.clear()
        for title in ("\u202eEmma", "\u202eNana"):
            assert send(visit, title, "\u202eZola").status_code == 303
        html = visit("/books/1").text
        author = "/authors/" + quote("\u202eZola")
        assert f'<bdi><a href="{author}">\u202eZola</a></bdi>' in html
        assert '<bdi><a href="/books/2">\u202eNana</a></bdi>' in html
        assert f'<bdi><a href="{author}">\u202eZola</a></bdi>' in visit("/authors/").text

    def test_the_first_of_two_counts(self, visit, books):
        """A field that comes twice must count as the first says."""
        assert send(visit, ["Emma", "Germinal"], ["Austen", "Zola"]).status_code == 303
        assert stock(books)[-1] == ("Emma", "Austen")
        assert send(visit, ["", "Germinal"], "Zola").status_code == 422

    def test_bytes_that_are_not_utf_8_are_no_failure(self, visit, books):
        """What is not UTF-8 must be shown as it was spelled, or be refused with 422."""
        token = hidden(visit).get("csrf_token", "")
        before = stock(books)
        spelled = f"csrf_token={token}&title=Bront%EB&author=Z"
        assert visit(NEW, "POST", data=spelled, content_type=FORM).status_code == 303
        assert stock(books) == [*before, ("Bront%EB", "Z")]
        raw = spelled.replace("%EB", "\xeb").encode("latin-1")
        assert visit(NEW, "POST", data=raw, content_type=FORM).status_code == 422
        part = '--B\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        sent = {"csrf_token": token, "title": "Bront\xeb", "author": "Y"}
        parts = "".join(part.format(*each) for each in sent.items()) + "--B--\r\n"
        more = {"data": parts.encode("latin-1"), "content_type": "multipart/form-data; boundary=B"}
        response = visit(NEW, "POST", **more)
        assert response.status_code == 422
        assert described(response.text, "title").startswith("Only letters")
        assert stock(books) == [*before, ("Bront%EB", "Z")]

    def test_what_is_no_form_is_no_failure(self, visit, books):
        """A file, JSON or anything else in the form's place must be answered with 422."""
        before = stock(books)
        for name in ("title", "author", "csrf_token"):
            sent = {**hidden(visit), "title": "Germinal", "author": "Zola"}
            sent |= {name: (BytesIO(b"Emma"), "emma.txt")}
            assert visit(NEW, "POST", data=sent).status_code == 422, name
        for thing in ([1], 5, None, {"title": 5}, {"title": "Nord", "author": "Zola"}, "title=A"):
            assert visit(NEW, "POST", json=thing).status_code == 422, thing
        sent = {"title": "Nord", "author": "Zola"}
        assert visit(NEW, "POST", data=hidden(visit), query_string=sent).status_code == 422
        for kind in ("", "text/plain", "application/json", "multipart/form-data", f"{FORM}; x"):
            assert visit(NEW, "POST", data=b"{\xff", content_type=kind).status_code == 422, kind
        assert stock(books) == before

    def test_10_mb_are_too_much(self, visit, books):
        """10 MB must be answered with 413, and a page that says so."""
        before = stock(books)
        response = send(visit, "x" * 10_000_000, "Zola")
        assert (response.status_code, response.mimetype) == (413, "text/html")
        assert "<h1>Too large</h1>" in response.text
        words = "That is more than the Shelf takes in at once. Go back, and send less."
        assert f"<p>{words}</p>" in response.text
        assert stock(books) == before


class Doubles:
    """Inherit this to hold an app to lesson 7's tasks."""

    def test_dots_are_no_name(self, visit, books):
        """An author made only of dots must be refused: A name, please, not only dots."""
        before = stock(books)
        for author in (".", "..", "...", " .. "):
            response = send(visit, "Germinal", author)
            assert response.status_code == 422
            assert described(response.text, "author") == "A name, please, not only dots."
        assert stock(books) == before
        for author in ("J. R.", ".Z", "Z..", "..é", "X.", ". ."):
            assert send(visit, f"About {author}", author).status_code == 303, author

    def test_a_book_stands_there_once(self, visit, books, chance):
        """The same title and author must be refused: This book stands on the Shelf already."""
        books[1] = {"title": "Das Schloß", "author": "Kafka"}
        title, author = chance.choice(stock(books))
        before = stock(books)
        assert send(visit, "DAS SCHLOSS", "kafka").status_code == 422
        for case in (str, str.upper, str.casefold):
            response = send(visit, f" {case(title)}", case(author))
            assert response.status_code == 422
            assert described(response.text, "title") == "This book stands on the Shelf already."
            assert "aria-invalid" not in fields(response.text)["author"]
        assert stock(books) == before

    def test_another_book_is_another_book(self, visit, books):
        """The same title by somebody else, or another title by the same author, must be taken."""
        (title, author), (_, other) = stock(books)[:2]
        assert send(visit, title, f"{other} II").status_code == 303
        assert send(visit, f"{title} II", author).status_code == 303
        books.clear()
        books.update({1: {"title": "A", "author": "B"}, 2: {"title": "C", "author": "D"}})
        assert send(visit, "A", "D").status_code == 303

    def test_an_empty_form_is_still_no_failure(self, visit):
        """With a field left empty, the form must say what a book needs, as before."""
        html = send(visit, "", "").text
        assert [described(html, name) for name in ("title", "author")] == [
            "A book needs a title.",
            "A book needs an author.",
        ]


class SharedChecks:
    """Inherit this to hold an app to the same where a new book is compared with the others."""

    def test_a_book_may_come_while_this_one_is_checked(self, visit, books):
        """Go through BOOKS.copy() here, too: meanwhile, another may add a book."""
        text, _ = restless(books)
        for book in books.values():
            book["title"] = text(book["title"])
        assert send(visit, "Germinal", "Zola").status_code == 303


class Forms(Form, Redirect, Checks, Fields, Token, Hostile, Doubles):
    """Inherit this to hold an app to all that lesson 7 promises."""
