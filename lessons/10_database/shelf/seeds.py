"""Fill the Shelf from a CSV file with the columns title, author and year."""

import csv
import re
from pathlib import Path

from sqlalchemy import select

from .models import Book, db

FILE = Path(__file__).parent / "books.csv"


class BadFile(Exception):
    """A file that cannot be loaded; the text says why, and the line if that is known."""


def load(path):
    """Add the books that are not there yet, and return how many those are."""
    there = set(db.session.execute(select(Book.title, Book.author)))
    books = {(book.title, book.author): book for book in read(path)}
    new = [book for key, book in books.items() if key not in there]
    db.session.add_all(new)
    db.session.commit()
    return len(new)


def read(path):
    """Yield a book for each row of the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            for row in rows:
                yield book_of(row, f"{path.name}, line {rows.line_num}")
    except (OSError, ValueError, csv.Error) as error:
        raise BadFile(f"{path.name} cannot be read: {error}") from error


def book_of(row, place):
    """Return the book of one row."""
    if list(row) != ["title", "author", "year"] or None in row.values():
        raise BadFile(f"{place}: a row needs a title, an author and a year, and no more.")
    title, author, year = row["title"].strip(), row["author"].strip(), row["year"].strip()
    if not title or max(len(title), len(author)) > 200:
        raise BadFile(f"{place}: a title needs 1 to 200 characters, an author at most 200.")
    if year and not re.fullmatch(r"-?\d{1,4}", year):
        raise BadFile(f"{place}: {year!r} is no year.")
    return Book(title=title, author=author or "Anonymous", year=int(year) if year else None)
