"""The pages about books and authors."""

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
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from werkzeug.routing import IntegerConverter

from . import covers
from .forms import BookForm, CoverForm
from .models import LARGEST, Author, Book, Loan, db, plain, wrote

bp = Blueprint("books", __name__)


class BookNumber(IntegerConverter):
    """A number that any database can hold."""

    def __init__(self, url_map):
        super().__init__(url_map, max=LARGEST)


@bp.get("/")
def index():
    """Show the first books that match the query string, after a number."""
    after = request.args.get("after", 0, type=int)
    if not 0 <= after <= LARGEST:
        abort(404)
    words = plain(request.args.get("q", "")[:1000].replace("\0", "\ufffd"))
    found = (
        select(Book)
        .where(Book.plain_title.contains(words, autoescape=True), Book.number > after)
        .order_by(Book.number)
        .limit(PAGE + 1)
        .options(WHO_HAS_IT)
    )
    books = db.session.scalars(found).all()
    return render_template("list.html", books=books[:PAGE], more=len(books) > PAGE)


@bp.get("/books/<book:number>")
def show(number):
    """Show one book, and what else its author wrote."""
    book = db.get_or_404(Book, number)
    if "name" in session:
        earlier = [each for each in session.get("visited", []) if each != number]
        session["visited"] = [number, *earlier][:3]
    same = [author.number for author in book.authors]
    others = select(Book).where(Book.authors.any(Author.number.in_(same)), Book.number != number)
    return render_template(
        "book.html",
        book=book,
        others=db.session.scalars(others.order_by(Book.number)).all(),
        form=FlaskForm() if "name" in session else None,
    )


@bp.get("/authors/<author>")
def author(author):
    """Show the books of one author."""
    if "\0" in author:
        abort(404)
    found = select(Book).join(Book.authors).where(Author.name == author)
    books = db.session.scalars(found.order_by(Book.number).options(WHO_HAS_IT)).all()
    if not books:
        abort(404)
    return render_template("author.html", author=author, books=books)


@bp.get("/authors/")
def authors():
    """Show every author once, and how many books there are of each."""
    numbers = select(Author.name, func.count()).join(wrote).group_by(Author.name)
    authors = db.session.execute(numbers.order_by(Author.name)).all()
    return render_template("authors.html", authors=authors)


@bp.get("/newest")
def newest():
    """Send the browser on to the book that came last."""
    book = db.first_or_404(select(Book).order_by(Book.number.desc()))
    return redirect(url_for("books.show", number=book.number))


@bp.get("/books/<book:number>/next")
def following(number):
    """Send the browser on to the book with the next higher number, or say 404."""
    book = db.get_or_404(Book, number)
    later = select(Book).where(Book.number > book.number).order_by(Book.number)
    return redirect(url_for("books.show", number=db.first_or_404(later).number))


@bp.route("/books/new", methods=["GET", "POST"])
def new():
    """Show the form for a new book, or take in what it sends."""
    form = BookForm(request.form)
    if form.validate_on_submit():
        try:
            book = Book(title=form.title.data, author=form.author.data)
            db.session.add(book)
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            words = "Somebody else named this author in the same moment. Send it again, please."
            return render_template("error.html", title="Not done", words=words), 409
        flash(f"“{book.title}” stands on the Shelf.")
        return redirect(url_for("books.show", number=book.number), 303)
    return render_template("new.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/books/<book:number>/cover/new", methods=["GET", "POST"])
def new_cover(number):
    """Show the form for a picture of a book's cover, or take in what it sends."""
    book = db.get_or_404(Book, number)
    form = CoverForm(request.files | request.form)
    if form.validate_on_submit():
        old, book.cover = book.cover, covers.save(form.cover.data, current_app.config["COVERS"])
        db.session.commit()
        if old:
            covers.remove(old, current_app.config["COVERS"])
        flash("The cover is there.")
        return redirect(url_for("books.show", number=number), 303)
    page = render_template("new_cover.html", form=form, book=book)
    return page, 422 if form.is_submitted() else 200


@bp.get("/books/<book:number>/cover")
def cover(number):
    """Send the picture of a book's cover."""
    book = db.get_or_404(Book, number)
    if not book.cover:
        abort(404)
    return send_from_directory(current_app.config["COVERS"], book.cover)


WHO_HAS_IT = joinedload(Book.open_loan).joinedload(Loan.reader)
PAGE = 20  # books
