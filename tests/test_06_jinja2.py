"""Lesson 6: templates, and a Shelf that is safe from <script>."""

import re
from html import escape

import pytest
from conftest import YOUR_TURN
from contract_pages import HOSTILE, Addresses, Counts, Layout, Policy, Tables
from jinja2 import UndefinedError

step = pytest.mark.step


@step(1)
class TestAddresses(Addresses):
    """What the app could do when you copied it, and still can."""


@step(1)
def test_the_stranger_brings_a_book(load, books, caplog):
    """stranger.py must put a fourth book on the Shelf, whose title is a script."""
    assert load("stranger").app is load("app").app
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [("WARNING", "A stranger has put a book on the Shelf.")]
    assert books[4] == {"title": HOSTILE, "author": "A. Stranger"}


@step(3)
def test_the_list_shows_titles_as_text(visit, books):
    """On the list, a title with < and & must be shown as text."""
    books[4] = {"title": f"{HOSTILE} & more", "author": "A. Stranger"}
    html = visit("/").text
    assert escape(f"{HOSTILE} & more") in html and HOSTILE not in html


@step(3)
def test_the_list_has_its_titles(visit, books):
    """The list must be called The Shelf, and link each title to its book."""
    html = visit("/").text
    assert "<title>The Shelf</title>" in html and "<h1>The Shelf</h1>" in html
    found = re.findall(r'<a href="(/books/\d+)">([^<]*)</a>', html)
    assert found == [(f"/books/{n}", escape(book["title"])) for n, book in books.items()]


@step(3)
def test_the_list_is_made_from_its_template(app, visit):
    """The view `list_page` must render the template list.html."""
    assert "list.html" in app.jinja_env.list_templates()
    visit("/")
    assert "list.html" in [template.name for template in app.jinja_env.cache.values()]


@step(4)
class TestLayout(Layout):
    """What all pages share."""


@step(4)
def test_a_misspelled_variable_is_an_error(app):
    """app.jinja_env.undefined must be StrictUndefined: a name that nobody gave is an error."""
    template = app.jinja_env.from_string("{{ no_such_name }}")
    with pytest.raises(UndefinedError):
        template.render()


@step(4)
def test_each_page_extends_the_layout(app):
    """Only layout.html may hold a doctype: the other pages extend it."""
    loader = app.jinja_env.loader
    sources = {name: loader.get_source(app.jinja_env, name)[0] for name in loader.list_templates()}
    assert [name for name, text in sources.items() if "<!doctype" in text.lower()] == [
        "layout.html"
    ]


@step(5)
class TestTables(Tables):
    """Tables, lists and the search."""


@step(6)
class TestPolicy(Policy):
    """What browsers are told."""


@step(YOUR_TURN)
class TestCounts(Counts):
    """The task."""
