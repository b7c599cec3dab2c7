"""Lesson 1: the smallest Flask app."""

from wsgiref.validate import validator

import pytest
from conftest import YOUR_TURN
from werkzeug.test import Client

step = pytest.mark.step


@pytest.fixture
def client(load, titles):
    """A client of the app, whose shelf holds random books."""
    module = load("app")
    module.BOOKS[:] = titles
    module.app.testing = True  # a view's error is raised, instead of answered with 500
    return module.app.test_client()


@step(2)
def test_the_shelf_answers(client):
    """The address / must answer with status 200. `@app.get("/")` above the view makes it so."""
    assert client.get("/").status == "200 OK"


@step(2)
def test_the_shelf_counts_its_books(client, titles):
    """The answer must say how many books BOOKS holds now: count them with len(BOOKS)."""
    assert client.get("/").text == f"{len(titles)} books on the shelf\n"


@step(2)
def test_the_app_keeps_to_wsgi(client):
    """The app must keep to PEP 3333, which lesson 2 explains: the view must return text."""
    with Client(validator(client.application)).get("/") as response:
        assert response.status_code == 200


@step(2)
def test_the_view_is_called_shelf(client):
    """The view must be the function `shelf`: its name is the endpoint in `flask routes`."""
    assert "shelf" in client.application.view_functions, (
        "No view is called `shelf`: a function of that name, with its decorator above."
    )


@step(2)
def test_another_address_is_not_found(client):
    """Only the addresses that have a view may answer; any other is 404 NOT FOUND."""
    assert client.get("/nowhere").status == "404 NOT FOUND"


@step(3)
def test_the_books_are_back(load):
    """After step 3, BOOKS must hold the three books of step 2 again."""
    assert load("app").BOOKS == ["Emma", "Jane Eyre", "Walden"]


@step(YOUR_TURN)
def test_the_newest_book_has_an_address(client, load):
    """A view `newest` must answer /newest with the last title in BOOKS and a line's end."""
    assert "newest" in load("app").app.view_functions, (
        "No view is called `newest`: a function of that name, with its decorator above."
    )
    books = load("app").BOOKS
    while books:
        assert client.get("/newest").text == f"{books[-1]}\n"
        books.pop()
