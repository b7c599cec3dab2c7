import secrets
from collections import Counter

from flask import Flask, abort, redirect, render_template, request, url_for
from forms import BookForm
from jinja2 import StrictUndefined
from middleware import timed
from shelf import BOOKS, add, by_author, search
from visits import init_app
from werkzeug.routing import IntegerConverter, ValidationError

app = Flask(__name__)
app.jinja_env.undefined = StrictUndefined


class BookNumber(IntegerConverter):
    """The number of a book that stands on the Shelf."""

    def to_python(self, value):
        """Return the number, or raise ValidationError if no book has it."""
        number = super().to_python(value)
        if number not in BOOKS:
            raise ValidationError()
        return number


app.url_map.converters["book"] = BookNumber


@app.context_processor
def count_books():
    """Tell every template how many books there are."""
    return {"number_of_books": len(BOOKS)}


@app.get("/")
def list_page():
    """Show the books that match the query string, or all."""
    return render_template("list.html", books=search(request.args.get("q", "")))


@app.get("/books/<book:number>")
def book_page(number):
    """Show one book, and what else its author wrote."""
    book = BOOKS[number]
    others = {n: each for n, each in by_author(book["author"]).items() if n != number}
    return render_template("book.html", book=book, others=others)


@app.get("/authors/<author>")
def author_page(author):
    """Show the books of one author."""
    if not by_author(author):
        abort(404)
    return render_template("author.html", author=author, books=by_author(author))


@app.errorhandler(404)
def not_found(error):
    """Answer an address that is not there: JSON below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return {"error": "not found"}, 404
    return render_template("not_found.html"), 404


@app.get("/authors/")
def authors_page():
    """Show every author once, and how many books there are of each."""
    numbers = Counter(book["author"] for book in BOOKS.copy().values())
    return render_template("authors.html", authors=sorted(numbers.items()))


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
    later = [each for each in BOOKS.copy() if each > number]
    if not later:
        abort(404)
    return redirect(url_for("book_page", number=min(later)))


init_app(app)
app.wsgi_app = timed(app.wsgi_app)


@app.template_filter()
def counted(number, noun):
    """Return how many there are, in words that agree: 1 book, 2 books."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@app.after_request
def allow_own_files_only(response):
    """Tell the browser to load and run only the Shelf's files, and to keep it out of frames."""
    policy = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = policy
    return response


@app.route("/books/new", methods=["GET", "POST"])
def new_book():
    """Show the form for a new book, or take in what it sends."""
    form = BookForm(request.form)
    if form.validate_on_submit():
        number = add(form.title.data, form.author.data)
        return redirect(url_for("book_page", number=number), 303)
    return render_template("new.html", form=form), 422 if form.is_submitted() else 200


app.config["SECRET_KEY"] = secrets.token_hex()
app.config["MAX_CONTENT_LENGTH"] = 50_000


@app.errorhandler(413)
def too_large(error):
    """Answer a request that is larger than the Shelf allows."""
    words = "That is more than the Shelf takes in at once. Go back, and send less."
    return render_template("error.html", title="Too large", words=words), 413
