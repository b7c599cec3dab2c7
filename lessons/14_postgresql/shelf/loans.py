"""Lending books, and taking them back."""

from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .models import Book, Loan, Reader, db

bp = Blueprint("loans", __name__)


def visitor():
    """Return the reader whose name the visitor gave, or None."""
    return db.session.scalar(select(Reader).where(Reader.name == session.get("name")))


def register(name):
    """Make sure that there is a reader of this name."""
    if db.session.scalar(select(Reader).where(Reader.name == name)) is None:
        db.session.add(Reader(name=name))
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()


@bp.before_request
def demand_token():
    """Refuse what does not come from a form of the Shelf."""
    if not FlaskForm(request.form).validate_on_submit():
        abort(400)


@bp.post("/books/<book:number>/borrow")
def borrow(number):
    """Lend a book to the visitor, if nobody has it."""
    book, reader = db.get_or_404(Book, number), visitor()
    if reader is None:
        flash("Who borrows it? Give your name first.")
        return redirect(url_for("readers.me"), 303)
    db.session.add(Loan(book=book, reader=reader))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        words = f"Somebody was faster: “{book.title}” is lent already."
        return render_template("error.html", title="Not lent", words=words), 409
    flash(f"You have “{book.title}” now. Bring it back when you have read it.")
    return redirect(url_for("books.show", number=number), 303)


@bp.post("/books/<book:number>/return")
def bring_back(number):
    """Take a book back from the visitor."""
    book, reader = db.get_or_404(Book, number), visitor()
    if reader is None or book.open_loan is None or book.open_loan.reader is not reader:
        flash(f"You do not have “{book.title}”.")
    else:
        book.open_loan.back_on = date.today()
        db.session.commit()
        flash(f"“{book.title}” is back on the Shelf. Thank you.")
    return redirect(url_for("books.show", number=number), 303)
