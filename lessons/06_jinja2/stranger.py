"""The Shelf with a fourth book, which a stranger has brought."""

from app import app
from shelf import BOOKS

BOOKS[4] = {"title": "<script>alert(1)</script>", "author": "A. Stranger"}
app.logger.warning("A stranger has put a book on the Shelf.")
