"""The pages about books and authors."""

from collections import Counter

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from werkzeug.routing import IntegerConverter, ValidationError

from . import covers
from .forms import BookForm, CoverForm
from .stock import BOOKS, add, by_author, search

bp = Blueprint("books", __name__)


class BookNumber(IntegerConverter):
    """The number of a book that stands on the Shelf."""

    def to_python(self, value):
        """Return the number, or raise ValidationError if no book has it."""
        number = super().to_python(value)
        if number not in BOOKS:
            raise ValidationError()
        return number


@bp.get("/")
def index():
    """Show the books that match the query string, or all."""
    return render_template("list.html", books=search(request.args.get("q", "")))


@bp.get("/books/<book:number>")
def show(number):
    """Show one book, and what else its author wrote."""
    book = BOOKS[number]
    if "name" in session:
        earlier = [each for each in session.get("visited", []) if each != number]
        session["visited"] = [number, *earlier][:3]
    others = {n: each for n, each in by_author(book["author"]).items() if n != number}
    return render_template("book.html", number=number, book=book, others=others)


@bp.get("/authors/<author>")
def author(author):
    """Show the books of one author."""
    if not by_author(author):
        abort(404)
    return render_template("author.html", author=author, books=by_author(author))


@bp.get("/authors/")
def authors():
    """Show every author once, and how many books there are of each."""
    numbers = Counter(book["author"] for book in BOOKS.copy().values())
    return render_template("authors.html", authors=sorted(numbers.items()))


@bp.get("/newest")
def newest():
    """Send the browser on to the book that came last."""
    return redirect(url_for("books.show", number=max(BOOKS)))


@bp.get("/books/<book:number>/next")
def following(number):
    """Send the browser on to the book with the next higher number, or say 404."""
    later = [each for each in BOOKS.copy() if each > number]
    if not later:
        abort(404)
    return redirect(url_for("books.show", number=min(later)))


@bp.route("/books/new", methods=["GET", "POST"])
def new():
    """Show the form for a new book, or take in what it sends."""
    form = BookForm(request.form)
    if form.validate_on_submit():
        number = add(form.title.data, form.author.data)
        flash(f"“{form.title.data}” stands on the Shelf.")
        return redirect(url_for("books.show", number=number), 303)
    return render_template("new.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/books/<book:number>/cover/new", methods=["GET", "POST"])
def new_cover(number):
    """Show the form for a picture of a book's cover, or take in what it sends."""
    form = CoverForm(request.files | request.form)
    if form.validate_on_submit():
        old = BOOKS[number].get("cover")
        BOOKS[number]["cover"] = covers.save(form.cover.data, current_app.config["COVERS"])
        if old:
            covers.remove(old, current_app.config["COVERS"])
        flash("The cover is there.")
        return redirect(url_for("books.show", number=number), 303)
    page = render_template("new_cover.html", form=form, book=BOOKS[number])
    return page, 422 if form.is_submitted() else 200


@bp.get("/books/<book:number>/cover")
def cover(number):
    """Send the picture of a book's cover."""
    if "cover" not in BOOKS[number]:
        abort(404)
    return send_from_directory(current_app.config["COVERS"], BOOKS[number]["cover"])
