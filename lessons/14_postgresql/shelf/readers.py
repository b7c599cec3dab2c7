"""The pages about the people who come to the Shelf."""

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_wtf import FlaskForm

from .forms import NameForm
from .loans import register, visitor
from .models import Book, db

bp = Blueprint("readers", __name__)


@bp.route("/me", methods=["GET", "POST"])
def me():
    """Ask for the visitor's name, and remember it."""
    form = NameForm(request.form)
    if form.validate_on_submit():
        session.permanent = True
        session["name"] = form.name.data
        register(form.name.data)
        flash(f"Welcome, {form.name.data}.")
        return redirect(url_for("books.index"), 303)
    visited = [db.session.get(Book, number) for number in session.get("visited", [])]
    reader = visitor()
    page = render_template(
        "me.html",
        form=form,
        visited=[book for book in visited if book],
        borrowed=[loan.book for loan in reader.loans if loan.back_on is None] if reader else [],
    )
    return page, 422 if form.is_submitted() else 200


@bp.post("/forget")
def forget():
    """Forget the visitor."""
    if not FlaskForm(request.form).validate_on_submit():
        abort(400)
    session.clear()
    flash("The Shelf has forgotten you.")
    return redirect(url_for("readers.me"), 303)
