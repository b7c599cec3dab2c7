"""What all pages of an app share: filters, headers, error pages."""

from flask import render_template
from sqlalchemy import func, select

from .models import Book, db


def counted(number, noun):
    """Return how many there are, in words that agree: 1 book, 2 books."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def count_books():
    """Tell every template how many books there are."""
    return {"number_of_books": db.session.scalar(select(func.count(Book.number)))}


def allow_own_files_only(response):
    """Tell the browser to load, run and frame nothing else, and not to guess types."""
    policy = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def bad_request(error):
    """Answer a request that cannot be taken as it is."""
    words = "That did not come from a page of the Shelf. Load the page again, and repeat it."
    return render_template("error.html", title="Not done", words=words), 400


def not_found(error):
    """Answer an address that is not there."""
    return render_template("not_found.html"), 404


def too_large(error):
    """Answer a request that is larger than the Shelf allows."""
    words = "That is more than the Shelf takes in at once. Go back, and send less."
    return render_template("error.html", title="Too large", words=words), 413


def init_app(app):
    """Give an app what its pages share."""
    app.add_template_filter(counted)
    app.context_processor(count_books)
    app.after_request(allow_own_files_only)
    app.register_error_handler(400, bad_request)
    app.register_error_handler(404, not_found)
    app.register_error_handler(413, too_large)
