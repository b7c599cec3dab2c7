"""What the Shelf promises as a web site, from lesson 6 on; see also `contract`."""

import re
from html import escape
from urllib.parse import quote

HOSTILE = "<script>alert(1)</script>"


def main_part(html):
    """Return what stands in a page's <main>."""
    return re.search(r"<main>(.*)</main>", html, re.DOTALL)[1]


def links(html):
    """Return the links of the main part: address and text."""
    return re.findall(r'<a href="([^"]*)">([^<]*)</a>', main_part(html))


def rows(html):
    """Return the cells of a page's table, row by row, as texts."""
    body = re.search(r"<tbody>(.*)</tbody>", html, re.DOTALL)[1]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in body.split("</tr>")]
    return [[re.sub("<[^>]*>", "", cell) for cell in row] for row in cells if row]


class Addresses:
    """Inherit this to hold an app to the addresses that do not depend on templates."""

    def test_what_is_not_there_is_not_found(self, visit, books):
        """An unknown book, author or address must answer 404, with a page that says so."""
        for path in (f"/books/{max(books) + 1}", "/books/emma", "/authors/Nobody%20Else", "/no"):
            response = visit(path)
            assert (response.status_code, response.mimetype) == (404, "text/html"), path
            assert "No such page on the Shelf." in response.text

    def test_programs_get_json(self, visit, books):
        """Below /api/ the answers must be JSON, the 404 too; /apiary is not below /api/."""
        assert visit("/apiary").mimetype == "text/html"
        number, book = next(iter(books.items()))
        assert visit(f"/api/books/{number}").json == book
        response = visit(f"/api/books/{max(books) + 1}")
        assert (response.status_code, response.json) == (404, {"error": "not found"})
        response = visit("/api/nowhere")
        assert (response.status_code, response.json) == (404, {"error": "not found"})

    def test_the_newest_and_the_next_book_have_addresses(self, visit, books):
        """/newest must redirect to the highest number, /books/<number>/next to the next one."""
        first, second, *_ = books
        assert visit("/newest").headers.get("Location") == f"/books/{max(books)}"
        assert visit(f"/books/{first}/next").headers.get("Location") == f"/books/{second}"
        assert visit(f"/books/{max(books)}/next").status_code == 404

    def test_other_methods_are_not_allowed(self, visit):
        """POST to / must answer 405."""
        assert visit("/", method="POST", data={"title": "Emma"}).status_code == 405

    def test_a_visit_is_timed(self, visit):
        """Every response must say in Server-Timing how long it took to begin."""
        assert re.fullmatch(r"app;dur=\d+\.\d", visit("/newest").headers.get("Server-Timing", ""))

    def test_a_visit_is_logged(self, visit, caplog):
        """The app's log must get a line about each visit, with method, path and status."""
        visit("/nowhere", method="HEAD")
        assert re.search(r"HEAD '/nowhere' 404", caplog.text)


class Layout:
    """Inherit this to hold an app to what all its pages share."""

    def test_every_page_is_a_whole_page(self, visit, books):
        """Each page must have its language, its title as <title> and as <h1>, and a <main>."""
        number, book = next(iter(books.items()))
        author = book["author"]
        titles = {
            "/": "The Shelf",
            f"/books/{number}": book["title"],
            "/authors/": "Authors",
            "/authors/" + quote(author): author,
            "/nowhere": "Not found",
        }
        for path, title in titles.items():
            html = visit(path).text
            assert html.startswith('<!doctype html>\n<html lang="en">\n'), path
            assert f"<title>{escape(title)}</title>" in html
            assert f"<h1>{escape(title)}</h1>" in main_part(html)
            assert html.rstrip().endswith("</html>")

    def test_every_page_fits_a_phone(self, visit):
        """Each page must name its encoding, and ask for the width of the device."""
        for path in ("/", "/authors/", "/nowhere"):
            html = visit(path).text
            assert '<meta charset="utf-8">' in html
            assert '<meta name="viewport" content="width=device-width">' in html

    def test_every_page_leads_to_books_and_authors(self, visit):
        """Each page's <nav> must link to the books and the authors, and mark the page one is on."""
        for path, current in (("/", "/"), ("/authors/", "/authors/"), ("/nowhere", None)):
            html = visit(path, base_url="http://localhost/shelf/").text
            nav = re.search(r"<header>\s*<nav>(.*)</nav>", html, re.DOTALL)[1]
            found = re.findall(r'<a href="([^"]*)"( aria-current="page")?>([^<]*)</a>', nav)
            assert [(href, text) for href, _, text in found][:2] == [
                ("/shelf/", "Books"),
                ("/shelf/authors/", "Authors"),
            ]
            marked = [href for href, mark, _ in found if mark]
            assert marked == (["/shelf" + current] if current else [])

    def test_titles_are_text(self, visit, books):
        """A title or author with < and & must come as text, wherever it is shown."""
        author = '<b> " onclick="alert(2)'
        books.clear()
        books.update({n: {"title": HOSTILE, "author": author} for n in (4, 5)})
        for path in ("/", "/books/4", "/authors/", "/authors/" + quote(author, safe="")):
            response = visit(path)
            assert response.status_code == 200, path
            assert HOSTILE not in response.text, path
            assert "<b>" not in response.text and 'onclick="' not in response.text, path
        assert escape(HOSTILE) in visit("/").text
        assert f"<title>{escape(HOSTILE)}</title>" in visit("/books/4").text

    def test_a_book_links_to_its_author(self, visit, books):
        """A book's page must link to its author's page."""
        number, book = next(iter(books.items()))
        [(href, text)] = [
            link for link in links(visit(f"/books/{number}").text) if "/authors/" in link[0]
        ]
        assert text == escape(book["author"])
        assert visit(href.replace("&amp;", "&")).status_code == 200

    def test_links_carry_the_prefix(self, visit, books):
        """Under a prefix (SCRIPT_NAME), every address on a page must begin with it."""
        number, book = next(iter(books.items()))
        author = "/authors/" + quote(book["author"])
        for path in ("/", f"/books/{number}", "/authors/", author, "/nowhere"):
            html = visit(path, base_url="http://localhost/shelf/").text
            found = re.findall(r'(?:href|action|src)="([^"]*)"', html)
            assert [each for each in found if not each.startswith("/shelf/")] == []

    def test_the_style_sheet_is_there(self, visit):
        """Each page must link to a style sheet, which is sent as text/css and may be asked anew."""
        for path in ("/", "/nowhere"):
            [href] = re.findall(r'<link rel="stylesheet" href="([^"]*)">', visit(path).text)
            response = visit(href)
            assert (response.status_code, response.mimetype) == (200, "text/css")
            assert response.headers.get("Cache-Control", "") == "no-cache"
            again = visit(href, headers={"If-None-Match": response.headers.get("ETag", "")})
            assert again.status_code == 304

    def test_the_style_sheet_serves_light_and_dark_and_a_phone(self, visit):
        """The style sheet must leave colours to the browser, and let all fit a narrow window."""
        lines = [line.strip() for line in visit("/static/style.css").text.splitlines()]
        fit = ["overflow-wrap: anywhere;", "flex-wrap: wrap;", "max-width: 40rem;"]
        for needed in ("color-scheme: light dark;", *fit, "width: 100%;", "max-width: 100%;"):
            assert needed in lines
        assert [line for line in lines if line.startswith(("color:", "background"))] == []


class Tables:
    """Inherit this to hold an app to tables, lists and the search."""

    def test_every_page_counts_the_books(self, visit, books):
        """Each page's <footer> must say how many books there are: 1 book, 2 books."""
        for path in ("/", "/authors/", "/nowhere"):
            assert f"<p>{len(books)} books on the Shelf</p>\n</footer>" in visit(path).text
        for number in list(books)[1:]:
            del books[number]
        assert "<p>1 book on the Shelf</p>\n</footer>" in visit("/").text

    def test_the_list_is_a_table(self, visit, books):
        """The address / must show a table with each book's title and author."""
        books[4] = {"title": "an endless tale " * 9 + "ends", "author": "e. e. nobody"}
        html = visit("/").text
        assert f"<caption>{len(books)} books</caption>" in html
        head = re.search(r"<thead>(.*)</thead>", html, re.DOTALL)[1]
        assert re.findall(r'<th scope="col">(\w+)</th>', head) == ["Title", "Author"]
        assert rows(html) == [
            [escape(book["title"]), escape(book["author"])] for book in books.values()
        ]

    def test_the_table_links_to_books_and_authors(self, visit, books):
        """In the table, each title must be a link to its book, each author to theirs."""
        expected = []
        for number, book in books.items():
            author = "/authors/" + quote(book["author"], safe="")
            expected += [(f"/books/{number}", escape(book["title"]))]
            expected += [(author, escape(book["author"]))]
        found = [(href.replace("&amp;", "%26"), text) for href, text in links(visit("/").text)]
        assert found == expected

    def test_the_table_holds_what_was_searched(self, visit, books):
        """/?q= and part of a title must leave the titles with it in the table, and no others."""
        for words in (next(iter(books.values()))["title"][:3].upper(), "雪", " "):
            wanted = [
                b["title"] for b in books.values() if words.casefold() in b["title"].casefold()
            ]
            found = [row[0] for row in rows(visit(f"/?q={quote(words)}").text)]
            assert found == (list(map(escape, wanted)) or ["No title has these words."])

    def test_an_empty_table_says_so(self, visit, books):
        """A search that finds nothing must say: No title has these words."""
        html = visit("/?q=no+such+title").text
        assert f"<p>{len(books)} books on the Shelf</p>" in html, "the footer counts all books"
        assert rows(html) == [["No title has these words."]]
        assert '<td colspan="2">' in html
        assert "<caption>0 books</caption>" in html

    def test_the_search_form_asks_the_list(self, visit):
        """The list and the page for 404 must have the search form, with a labelled field."""
        for path in ("/", "/nowhere"):
            html = visit(path, base_url="http://localhost/shelf/").text
            assert '<form role="search" action="/shelf/">' in html
            assert re.search(r'<label for="q">[^<]+</label>', html)
            assert re.search(r"<button>[^<]+</button>", html)
            assert re.search(r'<input id="q" name="q" type="search"', html)

    def test_what_was_searched_is_shown_as_text(self, visit):
        """The search field must hold what was asked for, quotes and < included, as text."""
        asked = f" \"'{HOSTILE}&quot;"
        html = visit(f"/?q={quote(asked, safe='')}").text
        shown = escape(asked).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        assert f'value="{shown}"' in html

    def test_a_book_shows_what_else_its_author_wrote(self, visit, books):
        """A book's page must list the author's other books, with commas between them, or say so."""
        books.clear()
        books.update({n: {"title": f"Part {n}", "author": "C. Writer"} for n in (3, 5, 8)})
        books[5]["title"] = "Part 3"
        also = _also(visit("/books/5").text)
        assert " ".join(re.sub("<[^>]*>", "", also).split()) == "Part 3, Part 8"
        assert re.findall(r'<a href="([^"]*)">', also) == ["/books/3", "/books/8"]
        books[9] = {"title": "Alone", "author": "B. Writer"}
        assert _also(visit("/books/9").text).strip() == "nothing"

    def test_an_author_has_a_table(self, visit, books):
        """The address /authors/ and a name must show the table of that author's books alone."""
        author = next(iter(books.values()))["author"]
        html = visit("/authors/" + quote(author)).text
        titles = [escape(b["title"]) for b in books.values() if b["author"] == author]
        assert [row[0] for row in rows(html)] == titles

    def test_all_authors_are_listed(self, visit, books):
        """The address /authors/ must list every author once, in order, each a link."""
        books[1] = {"title": "T", "author": "Z? #1"}
        books[2] = {"title": "T", "author": "b"}
        names = sorted({book["author"] for book in books.values()})
        found = [
            (href.replace("&amp;", "%26"), text) for href, text in links(visit("/authors/").text)
        ]
        assert found == [("/authors/" + quote(n, safe=""), escape(n)) for n in names]


class Policy:
    """Inherit this to hold an app to the header that forbids what is not the Shelf's own."""

    def test_browsers_are_told_to_load_nothing_else(self, visit):
        """Every response must have the header Content-Security-Policy with default-src 'self'."""
        responses = [visit(path) for path in ("/", "/nowhere", "/static/style.css", "/api/nowhere")]
        for response in [*responses, visit("/newest"), visit("/", method="POST")]:
            policy = response.headers.get("Content-Security-Policy", "")
            assert [each for each in policy.split("; ") if each.startswith("default-src")] == [
                "default-src 'self'"
            ]
            assert "unsafe-inline" not in policy and "*" not in policy


class Counts:
    """Inherit this to hold an app to lesson 6's task."""

    def test_authors_are_counted(self, visit, books):
        """/authors/ must say behind each author how many books there are: , 1 book or , 2 books."""
        books.clear()
        books.update({n: {"title": "T", "author": name} for n, name in enumerate("BAB&", 1)})
        items = re.findall(r"<li>(.*?)</li>", visit("/authors/").text, re.DOTALL)
        assert [" ".join(re.sub("<[^>]*>", "", item).split()) for item in items] == [
            "&amp;, 1 book",
            "A, 1 book",
            "B, 2 books",
        ]


class Pages(Addresses, Layout, Tables, Policy, Counts):
    """Inherit this to hold an app to all that lesson 6 promises."""


def _also(html):
    """Return what stands behind “Also by this author:”."""
    found = re.search(r"<p>Also by this author:(.*?)</p>", html, re.DOTALL)
    return found[1] if found else ""
