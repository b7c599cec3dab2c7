from flask import Flask, abort, redirect, request, url_for
from shelf import BOOKS, by_author, search
from werkzeug.routing import IntegerConverter, ValidationError

app = Flask(__name__)


class BookNumber(IntegerConverter):
    """The number of a book that stands on the Shelf."""

    def to_python(self, value):
        """Return the number, or raise ValidationError if no book has it."""
        number = super().to_python(value)
        if number not in BOOKS:
            raise ValidationError()
        return number


app.url_map.converters["book"] = BookNumber


def page(title, body):
    """Return a whole HTML page."""
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{body}\n"


def book_list(books):
    """Return books as an HTML list, each title a link."""
    items = [
        f'<li><a href="{url_for("book_page", number=number)}">{book["title"]}</a></li>'
        for number, book in books.items()
    ]
    return "<ul>\n" + "\n".join(items) + "\n</ul>"


@app.get("/")
def list_page():
    """Show the books that match the query string, or all."""
    return page("The Shelf", book_list(search(request.args.get("q", ""))))


@app.get("/books/<book:number>")
def book_page(number):
    """Show one book."""
    book = BOOKS[number]
    link = url_for("author_page", author=book["author"])
    return page(book["title"], f'<p>by <a href="{link}">{book["author"]}</a></p>')


@app.get("/authors/<author>")
def author_page(author):
    """Show the books of one author."""
    if not by_author(author):
        abort(404)
    return page(author, book_list(by_author(author)))


@app.errorhandler(404)
def not_found(error):
    """Answer an address that is not there: JSON below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return {"error": "not found"}, 404
    return page("Not found", "<p>No such page on the Shelf.</p>"), 404


@app.get("/authors/")
def authors_page():
    """Show every author once."""
    names = sorted({book["author"] for book in BOOKS.values()})
    items = [f'<li><a href="{url_for("author_page", author=n)}">{n}</a></li>' for n in names]
    return page("Authors", "<ul>\n" + "\n".join(items) + "\n</ul>")


@app.get("/newest")
def newest():
    """Send the browser on to the book that came last."""
    return redirect(url_for("book_page", number=max(BOOKS)))


@app.get("/api/books/<book:number>")
def book_json(number):
    """Return one book as JSON."""
    return BOOKS[number]


@app.get("/books/<book:number>/next")
def next_book(number):
    """Send the browser on to the book with the next higher number, or say 404."""
    later = [each for each in BOOKS if each > number]
    if not later:
        abort(404)
    return redirect(url_for("book_page", number=min(later)))
