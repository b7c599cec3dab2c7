"""Lesson 4: the Shelf on Flask."""

from itertools import pairwise
from urllib.parse import quote

import pytest
from conftest import YOUR_TURN
from contract import Contract, links
from werkzeug.exceptions import NotFound

step = pytest.mark.step


def html(title, *lines):
    """Return the page that the Shelf makes of a title and the lines below it."""
    return "\n".join(
        ["<!doctype html>", f"<title>{title}</title>", f"<h1>{title}</h1>", *lines, ""]
    )


def item(address, text):
    """Return a line of a list: a link."""
    return f'<li><a href="{address}">{text}</a></li>'


@pytest.fixture
def urls(app):
    """The app's map of addresses, as it stands at the root of a server."""
    return app.url_map.bind("localhost")


@step(1)
def test_the_list_shows_every_book(visit, books):
    """The address / must answer with the page "The Shelf" and a list of all books, one a line."""
    items = [item(f"/books/{number}", book["title"]) for number, book in books.items()]
    assert visit("/").text == html("The Shelf", "<ul>", *items, "</ul>")


@step(1)
def test_the_query_string_chooses_books(visit, books, chance):
    """/?q= and a title must list that book alone: search for request.args.get("q", "")."""
    title = chance.choice([book["title"] for book in books.values()])
    assert [text for _, text in links(visit("/", query_string={"q": title}).text)] == [title]


@step(1)
def test_a_book_has_its_own_page(visit, books):
    """/books/ and a number must answer with the title, then "by" and a link to the author."""
    for number, book in books.items():
        response = visit(f"/books/{number}")
        assert response.status == "200 OK"
        [(address, author)] = links(response.text)
        assert author == book["author"]
        assert address.startswith("/authors/"), f"The link leads to {address}."
        link = f'<a href="{address}">{author}</a>'
        assert response.text == html(book["title"], f"<p>by {link}</p>")


@step(1)
def test_an_author_has_a_list_of_books(visit, books):
    """The address /authors/ and a name must answer with a list of that author's books."""
    for author in {book["author"] for book in books.values()}:
        items = [
            item(f"/books/{number}", book["title"])
            for number, book in books.items()
            if book["author"] == author
        ]
        response = visit("/authors/" + quote(author))
        assert response.text == html(author, "<ul>", *items, "</ul>")


@step(1)
def test_what_is_not_there_is_not_found(visit, books):
    """An unknown book, author or address must answer 404: by abort(404), a book from step 3 on by
    `to_python` and its rule, /books/<book:number>; `not_found` must return 404 behind its page."""
    for path in (f"/books/{max(books) + 1}", "/books/emma", "/authors/Nobody%20Else", "/nowhere"):
        assert visit(path).status == "404 NOT FOUND", path


@step(1)
def test_not_found_has_a_page_of_the_shelf(visit):
    """A 404 must show the page "Not found" that `not_found` returns, not Werkzeug's own."""
    page = html("Not found", "<p>No such page on the Shelf.</p>")
    assert visit("/nowhere").text == visit("/authors/Nobody%20Else").text == page


@step(1)
def test_the_endpoints_are_the_names_of_the_views(urls, books):
    """The views must be called list_page, book_page and author_page: `url_for` asks for them."""
    number = next(iter(books))
    paths = ("/", f"/books/{number}", "/authors/X")
    found = [urls.match(path) for path in paths]
    assert found == [
        ("list_page", {}),
        ("book_page", {"number": number}),
        ("author_page", {"author": "X"}),
    ]


@step(2)
class TestContract(Contract):
    """The app answers as every layer's must."""


@step(3)
def test_no_rule_matches_a_book_that_is_not_there(urls, books):
    """The rule itself must refuse an unknown number: BookNumber raises ValidationError."""
    unknown = max(books) + 1
    with pytest.raises(NotFound):
        found = urls.match(f"/books/{unknown}")
        pytest.fail(f"/books/{unknown} matched, and led to {found}")


@step(3)
def test_the_converter_hands_the_view_a_number(urls, books):
    """The converter must return the number as an int: take it from super().to_python(value)."""
    for number in books:
        assert urls.match(f"/books/{number}") == ("book_page", {"number": number})


@step(3)
def test_no_other_rule_is_tried_for_an_unknown_book(app, visit, books):
    """An unknown number must be 404, even if a rule below would take any word there."""
    app.add_url_rule("/books/<word>", "word", lambda word: word)
    assert visit("/books/emma").text == "emma"
    assert visit(f"/books/{max(books) + 1}").status == "404 NOT FOUND"


@step(3)
def test_a_post_to_a_book_is_not_allowed(visit, books):
    """POST to a book must answer 405, known or not: methods are compared before converters run."""
    for number in (max(books), max(books) + 1):
        assert visit(f"/books/{number}", method="POST").status == "405 METHOD NOT ALLOWED"


@step(3)
def test_the_converter_asks_the_shelf_each_time(visit, books):
    """A book that is put on the shelf later must have a page at once, and none when it is gone."""
    books[70] = {"title": "Walden", "author": "Henry David Thoreau"}
    assert visit("/books/70").status == "200 OK"
    del books[70]
    assert visit("/books/70").status == "404 NOT FOUND"


@step(4)
def test_authors_are_listed_once_each(visit, books):
    """The address /authors/ must list every author once, in order of the alphabet, each a link."""
    for number, name in enumerate(["Zola", "Austen", "Joyce", "Verne", "Kafka", "Gogol"], 50):
        books[number] = {"title": "A book", "author": name}
    items = [
        item("/authors/" + quote(name, safe="&"), name)
        for name in sorted({book["author"] for book in books.values()})
    ]
    assert visit("/authors/").text == html("Authors", "<ul>", *items, "</ul>")


@step(4)
def test_the_links_to_authors_carry_the_prefix(visit):
    """Under a prefix, the links of /authors/ must begin with it: ask url_for for them."""
    found = links(visit("/authors/", base_url="http://localhost/shelf/").text)
    assert found
    for href, _ in found:
        assert href.startswith("/shelf/authors/"), f"This link does not begin with /shelf/: {href}"


@step(4)
def test_authors_without_the_slash_are_sent_on(visit):
    """The rule "/authors/" ends in a slash, so /authors must answer 308 and point to it."""
    response = visit("/authors")
    assert response.status == "308 PERMANENT REDIRECT"
    assert response.location.endswith("/authors/")


@step(4)
def test_the_newest_book_is_a_redirect(visit, books):
    """/newest must answer 302 with the address of the highest number's book as its Location."""
    books[70] = {"title": "Walden", "author": "Henry David Thoreau"}
    books[69] = {"title": "Emma", "author": "Jane Austen"}
    response = visit("/newest")
    assert response.status == "302 FOUND"
    assert response.location == "/books/70"


@step(4)
def test_the_view_is_called_newest(app):
    """The view of /newest must be the function `newest`: step 6 asks for it by that name."""
    assert "newest" in app.view_functions, "No view is called `newest`."


@step(4)
def test_the_redirect_carries_the_prefix(visit, books):
    """Under a prefix, the Location of /newest must begin with it: ask url_for for the address."""
    response = visit("/newest", base_url="http://localhost/shelf/")
    assert response.location == f"/shelf/books/{max(books)}"


@step(4)
def test_newest_has_no_trailing_slash(visit):
    """The rule "/newest" ends in no slash, so /newest/ must answer 404."""
    assert visit("/newest/").status == "404 NOT FOUND"


@step(5)
def test_a_book_can_be_had_as_json(visit, books):
    """The address /api/books/ and a number must answer with the book's dict as JSON."""
    for number, book in books.items():
        response = visit(f"/api/books/{number}")
        assert response.status == "200 OK"
        assert response.mimetype == "application/json"
        assert response.json == book


@step(5)
def test_a_program_gets_json_where_nothing_is(visit, books):
    """Below /api/, a 404 must be JSON: the handler returns {"error": "not found"}, 404."""
    for path in (f"/api/books/{max(books) + 1}", "/api/books/emma", "/api/nowhere", "/api/"):
        response = visit(path)
        assert response.status == "404 NOT FOUND", path
        assert response.mimetype == "application/json"
        assert response.json == {"error": "not found"}


@step(5)
def test_people_still_get_a_page(visit):
    """A 404 at any other address must stay HTML: the path must start with /api/, slash and all."""
    for path in ("/nowhere", "/apiary", "/books/api/", "/authors/api/"):
        response = visit(path)
        assert response.status == "404 NOT FOUND", path
        assert response.mimetype == "text/html"
        assert "<h1>Not found</h1>" in response.text


@step(5)
def test_a_prefix_is_no_part_of_the_path(visit):
    """Under the prefix /api, a page for people must stay one: look at request.path."""
    response = visit("/nowhere", base_url="http://localhost/api/")
    assert response.mimetype == "text/html"


@step(5)
def test_every_address_says_what_it_allows(visit, books):
    """OPTIONS must answer 200, and Allow must name GET, HEAD and OPTIONS: use @app.get."""
    number = next(iter(books))
    paths = ("/", f"/books/{number}", "/authors/X", "/authors/", "/newest", f"/api/books/{number}")
    for path in paths:
        response = visit(path, method="OPTIONS")
        assert response.status == "200 OK", path
        assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"], path


@step(YOUR_TURN)
def test_a_book_leads_to_the_next(visit, urls, books):
    """/books/7/next must redirect (302) to the next higher number that a book has, here 8; the view
    is called `next_book`."""
    numbers = sorted(books)
    assert urls.match(f"/books/{numbers[0]}/next")[0] == "next_book"
    for number, following in pairwise(numbers):
        response = visit(f"/books/{number}/next")
        assert response.status == "302 FOUND"
        assert response.location == f"/books/{following}"


@step(YOUR_TURN)
def test_a_gap_in_the_numbers_is_passed_over(visit, books):
    """Where a number is missing, the next is the next that BOOKS has, in whatever order it is."""
    books[70] = {"title": "Walden", "author": "Henry David Thoreau"}
    books[60] = {"title": "Emma", "author": "Jane Austen"}
    last = max(number for number in books if number < 60)
    assert visit(f"/books/{last}/next").location == "/books/60"
    assert visit("/books/60/next").location == "/books/70"


@step(YOUR_TURN)
def test_after_the_last_book_comes_nothing(visit, books):
    """After the highest number, /next must answer 404, and so must /next of an unknown book."""
    assert visit(f"/books/{max(books)}/next").status == "404 NOT FOUND"
    assert visit(f"/books/{max(books) + 1}/next").status == "404 NOT FOUND"
    assert visit("/books/0/next").status == "404 NOT FOUND"


@step(YOUR_TURN)
def test_the_next_book_carries_the_prefix(visit, books):
    """Under a prefix, the Location of /next must begin with it: ask url_for for the address."""
    first, second = sorted(books)[:2]
    response = visit(f"/books/{first}/next", base_url="http://localhost/shelf/")
    assert response.location == f"/shelf/books/{second}"
