"""What a browser sees of the Shelf, whichever layer made it: lessons 2 to 5 answer to this.

A lesson's tests inherit `Contract`, and say from which step on the app keeps it.
"""

import re
from urllib.parse import quote


def links(html):
    """Return the links of a page: address and text."""
    return re.findall(r'<a href="([^"]*)">([^<]*)</a>', html)


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
        assert visit("/").headers["Content-Type"] == "text/html; charset=utf-8"

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
        assert href in (address, address.replace("&", "%26"))

    def test_an_author_has_a_page(self, visit, books):
        """The address /authors/ and a percent-encoded name must list that author's books."""
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
        """POST to / must answer 405, and the header Allow must name GET and HEAD."""
        response = visit("/", method="POST", data={"title": "Emma"})
        assert response.status_code == 405
        assert {"GET", "HEAD"} <= set(re.split(", *", response.headers["Allow"]))
        assert "POST" not in response.headers["Allow"]

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
        assert response.headers["Content-Length"] == str(len(response.data))

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
        """Under a prefix (SCRIPT_NAME), every link must begin with it."""
        number = next(iter(books))
        for path in ("/", f"/books/{number}", "/authors/A.%20Nobody"):
            response = visit(path, base_url="http://localhost/shelf/")
            assert response.status_code == 200
            assert links(response.text)
            assert all(href.startswith("/shelf/") for href, _ in links(response.text))

    def test_the_shelf_begins_with_three_books(self, load):
        """shelf.py must hold the three books that lesson 2 put there, with their numbers."""
        assert load("shelf").BOOKS == {
            1: {"title": "Emma", "author": "Jane Austen"},
            2: {"title": "Jane Eyre", "author": "Charlotte Brontë"},
            3: {"title": "L’Île mystérieuse", "author": "Jules Verne"},
        }
