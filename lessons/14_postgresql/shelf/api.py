"""Addresses for programs: they answer in JSON."""

from flask import Blueprint, abort

from .models import LARGEST, Book, db

bp = Blueprint("api", __name__)


@bp.get("/books/<int:number>")
def show(number):
    """Return one book as JSON."""
    if number > LARGEST:
        abort(404)
    book = db.get_or_404(Book, number)
    return {"title": book.title, "author": book.author}


@bp.errorhandler(404)
def not_found(error):
    """Answer a program as it expects."""
    return {"error": "not found"}, 404


@bp.get("/")
@bp.get("/<path:anything>")
def nothing(anything=""):
    """Catch the other addresses, so that this blueprint's handler answers."""
    abort(404)
