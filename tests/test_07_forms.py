"""Lesson 7: a form that takes in a book, from the Shelf's own pages only."""

import sys
import threading

import pytest
from conftest import YOUR_TURN
from contract_forms import (
    Checks,
    Doubles,
    Fields,
    Form,
    Hostile,
    Redirect,
    Shared,
    SharedChecks,
    Token,
    fields,
)
from contract_pages import Pages
from flask import request

step = pytest.mark.step


@step(1)
class TestPages(Pages):
    """What the app could do when you copied it, and still can."""


@step(1)
class TestForm(Form, Shared):
    """A form that takes in a book."""


@step(1)
def test_two_who_send_at_once_get_two_numbers(load, monkeypatch):
    """`add` must hold the lock while it looks for the highest number, until the book is there."""

    class Watched:
        held = False

        def __enter__(self):
            Watched.held = True

        def __exit__(self, *_):
            Watched.held = False

    seen = []

    class Books(dict):
        def __iter__(self):
            seen.append(("looked", Watched.held))
            return super().__iter__()

        def __setitem__(self, number, book):
            seen.append(("put", Watched.held))
            super().__setitem__(number, book)

    monkeypatch.setattr(threading, "Lock", Watched)
    shelf = load("shelf")
    monkeypatch.setattr(shelf, "BOOKS", Books({4: {}}))
    assert shelf.add("Nana", "Zola") == 5
    assert seen == [("looked", True), ("put", True)]
    assert not Watched.held


@step(2)
class TestRedirect(Redirect):
    """A redirect after each POST that did something."""


@step(3)
class TestChecks(Checks):
    """What is wrong is said, and what was typed is kept."""


@step(4)
class TestFields(Fields):
    """Fields that say to everybody what is wrong with them."""


@step(5)
class TestToken(Token):
    """Books come from the Shelf's own pages only."""


@step(5)
def test_the_trap_sends_a_book(folder):
    """trap/index.html must send a title and an author, both hidden, to the Shelf's form."""
    html = (folder / "trap" / "index.html").read_text(encoding="utf-8")
    assert '<form method="post" action="http://127.0.0.1:8007/books/new">' in html
    found = {name: (each.get("type"), each.get("value")) for name, each in fields(html).items()}
    assert found == {"title": ("hidden", "Buy my book"), "author": ("hidden", "A. Stranger")}


@step(5)
def test_nobody_guesses_the_key(load):
    """SECRET_KEY must be a random text, another at each start, from secrets.token_hex()."""
    first = load("app").app.config["SECRET_KEY"]
    del sys.modules["app"]
    second = load("app").app.config["SECRET_KEY"]
    assert first != second
    assert len(first) >= 32


@step(6)
class TestHostile(Hostile):
    """Hostile text is answered with words, or shown as text."""


@step(6)
def test_a_form_is_small(visit):
    """MAX_CONTENT_LENGTH must allow no more than 50,000 bytes, and the form's two full fields."""
    full = {"title": "📚" * 200, "author": "雪" * 200, "csrf_token": "x" * 200}
    assert visit("/books/new", "POST", data=full).status_code == 422
    for length, status in ((50_000, 422), (50_001, 413)):
        title = "x" * (length - len("title="))
        assert visit("/books/new", "POST", data={"title": title}).status_code == status


ANSWERS = """\
422 an empty title
422 only spaces
422 no title
303 two titles
422 201 letters
413 10 MB
422 a NUL
303 right to left
303 an emoji
303 not UTF-8
422 a file
422 a slash
422 JSON
"""


@step(6)
def test_the_worst_is_answered(load, capsys):
    """hostile.py must send 13 bodies, and print the answer to each: 422, 413 or 303."""
    load("hostile")
    assert capsys.readouterr().out.splitlines() == ANSWERS.splitlines()


@step(6)
def test_the_worst_is_what_it_says(app, load, caplog):
    """hostile.py must send what it prints, as in the page's listing, and silence the app's log."""
    titles, rest = [], []

    @app.before_request
    def note():
        if request.content_length > 1_000_000:  # too long to look through at each save
            titles.append([request.content_length - len("title=&author=Stranger")])
            return
        titles.append(request.form.getlist("title"))
        files = [(name, file.filename, file.read()) for name, file in request.files.items()]
        rest.append((request.form.get("author"), *files, request.get_json(silent=True)))

    load("hostile")
    texts = ["Na\0na"], ["\u202eNana"], ["📚"], ["Bront%EB"]
    long = ["x" * 201], [10_000_000]
    assert titles == [[""], ["   "], [], ["Nana", "Nord"], *long, *texts, [], ["Nana"], []]
    file = ("title", "nana.txt", b"Nana")
    last = ("Stranger", file, None), ("a/b", None), (None, {"title": 7})
    assert rest == [("Stranger", None)] * 9 + [*last]
    assert not caplog.records


@step(YOUR_TURN)
class TestDoubles(Doubles, SharedChecks):
    """The tasks."""
