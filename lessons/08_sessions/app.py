import os
import secrets
from collections import Counter
from datetime import timedelta

import covers
from flask import (
    Flask,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from flask_wtf import FlaskForm
from forms import BookForm, CoverForm, NameForm
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
    if "name" in session:
        earlier = [each for each in session.get("visited", []) if each != number]
        session["visited"] = [number, *earlier][:3]
    others = {n: each for n, each in by_author(book["author"]).items() if n != number}
    return render_template("book.html", number=number, book=book, others=others)


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
    """Tell the browser to load, run and frame nothing else, and not to guess types."""
    policy = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@app.route("/books/new", methods=["GET", "POST"])
def new_book():
    """Show the form for a new book, or take in what it sends."""
    form = BookForm(request.form)
    if form.validate_on_submit():
        number = add(form.title.data, form.author.data)
        flash(f"“{form.title.data}” stands on the Shelf.")
        return redirect(url_for("book_page", number=number), 303)
    return render_template("new.html", form=form), 422 if form.is_submitted() else 200


app.config["SECRET_KEY"] = os.environ.get("SHELF_KEY") or secrets.token_hex()
app.config["MAX_CONTENT_LENGTH"] = 2_000_000


@app.errorhandler(413)
def too_large(error):
    """Answer a request that is larger than the Shelf allows."""
    words = "That is more than the Shelf takes in at once. Go back, and send less."
    return render_template("error.html", title="Too large", words=words), 413


@app.route("/readers/me", methods=["GET", "POST"])
def me():
    """Ask for the visitor's name, and remember it."""
    form = NameForm(request.form)
    if form.validate_on_submit():
        session.permanent = True
        session["name"] = form.name.data
        flash(f"Welcome, {form.name.data}.")
        return redirect(url_for("list_page"), 303)
    visited = {n: BOOKS[n] for n in session.get("visited", []) if n in BOOKS}
    page = render_template("me.html", form=form, visited=visited)
    return page, 422 if form.is_submitted() else 200


app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=30)


@app.post("/readers/forget")
def forget():
    """Forget the visitor."""
    if not FlaskForm(request.form).validate_on_submit():
        abort(400)
    session.clear()
    flash("The Shelf has forgotten you.")
    return redirect(url_for("me"), 303)


@app.errorhandler(400)
def bad_request(error):
    """Answer a request that cannot be taken as it is."""
    words = "That did not come from a page of the Shelf. Load the page again, and repeat it."
    return render_template("error.html", title="Not done", words=words), 400


app.config["SECRET_KEY_FALLBACKS"] = os.environ.get("SHELF_OLD_KEYS", "").split()
app.config["COVERS"] = f"{app.instance_path}/covers"


@app.route("/books/<book:number>/cover/new", methods=["GET", "POST"])
def new_cover(number):
    """Show the form for a picture of a book's cover, or take in what it sends."""
    form = CoverForm(request.files | request.form)
    if form.validate_on_submit():
        old = BOOKS[number].get("cover")
        BOOKS[number]["cover"] = covers.save(form.cover.data, app.config["COVERS"])
        if old:
            covers.remove(old, app.config["COVERS"])
        flash("The cover is there.")
        return redirect(url_for("book_page", number=number), 303)
    page = render_template("new_cover.html", form=form, book=BOOKS[number])
    return page, 422 if form.is_submitted() else 200


@app.get("/books/<book:number>/cover")
def cover(number):
    """Send the picture of a book's cover."""
    if "cover" not in BOOKS[number]:
        abort(404)
    return send_from_directory(app.config["COVERS"], BOOKS[number]["cover"])
