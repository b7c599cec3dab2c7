"""Commands for the terminal: `flask shelf …` and `flask settings`."""

import csv
import sys
from itertools import islice
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from flask_migrate import upgrade
from sqlalchemy import insert, make_url, select

from . import fakes, seeds
from .models import LARGEST, Author, Book, Loan, Reader, db, wrote
from .pages import counted

shelf = AppGroup("shelf", help="Look after the books.")


@shelf.command("create")
def create():
    """Make the tables, or bring them up to date."""
    upgrade()


@shelf.command("list")
@click.option("--author")
def list_books(author):
    """List the books by number."""
    found = select(Book).order_by(Book.number)
    if author is not None:
        found = found.join(Book.authors).where(Author.name == author)
    books = db.session.scalars(found).all()
    if author is not None and not books:
        raise click.ClickException(f"No book by {author} stands on the Shelf.")
    for book in books:
        click.echo(f"{book.number} {book.title}, by {book.author}")


def init_app(app):
    """Give an app its commands."""
    app.cli.add_command(shelf)

    @app.cli.command("settings")
    def settings():
        """Say what this app's configuration is, but for secrets."""
        for name, value in sorted(current_app.config.items()):
            if name == "SQLALCHEMY_DATABASE_URI":
                value = make_url(value).render_as_string()
            secret = value and "SECRET" in name
            click.echo(f"{name} = {'(secret)' if secret else repr(value)}")


@shelf.command("seed")
@click.argument("file", type=Path, default=seeds.FILE)
def seed(file):
    """Put the books of a CSV file on the Shelf, all or none."""
    try:
        added = seeds.load(file)
    except seeds.BadFile as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{counted(added, 'book')} added.")


@shelf.command("export")
def export():
    """Print all books, as seed reads them."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["title", "author", "year"])
    for book in db.session.scalars(select(Book).order_by(Book.number)):
        rows.writerow([book.title, book.author, book.year])


@shelf.command("fake")
@click.option("--books", "number", type=click.IntRange(1), default=1000)
def fake(number):
    """Add invented books."""
    rows = fakes.invent(number)
    authors = {name: Author.named(name) for name in fakes.names()}
    db.session.flush()
    numbers = {name: author.number for name, author in authors.items()}
    with click.progressbar(length=number, label="Books") as bar:
        while batch := list(islice(rows, 5000)):
            by = [numbers[row.pop("author")] for row in batch]
            books = db.session.scalars(insert(Book).returning(Book.number), batch)
            pairs = zip(books, by, strict=True)
            db.session.execute(
                insert(wrote), [{"book_number": b, "author_number": a} for b, a in pairs]
            )
            db.session.commit()
            bar.update(len(batch))


@shelf.command("lent")
def lent():
    """List the books that are lent, the longest first."""
    loans = select(Loan).where(Loan.back_on.is_(None)).order_by(Loan.lent_on, Loan.number)
    for loan in db.session.scalars(loans):
        phone = f" ({loan.reader.mobile})" if loan.reader.mobile else ""
        click.echo(f"{loan.lent_on} {loan.book.title}: {loan.reader.name}{phone}")


@shelf.command("phone")
@click.argument("name")
@click.argument("phone")
def note_phone(name, phone):
    """Note the phone number of a reader."""
    reader = db.session.scalar(select(Reader).where(Reader.name == name))
    if reader is None:
        raise click.ClickException(f"There is no reader called {name}.")
    if len(phone) > 20:
        raise click.ClickException("A phone number has at most 20 characters.")
    reader.mobile = phone
    db.session.commit()


@shelf.command("pages")
@click.argument("number", type=click.IntRange(1, LARGEST))
@click.argument("pages", type=click.IntRange(1, LARGEST))
def note_pages(number, pages):
    """Note how many pages a book has."""
    book = db.session.get(Book, number)
    if book is None:
        raise click.ClickException(f"There is no book {number}.")
    book.pages = pages
    db.session.commit()


@shelf.command("condition")
@click.argument("number", type=click.IntRange(1, LARGEST))
@click.argument("condition", type=click.Choice(["good", "worn", "damaged"]))
def note_condition(number, condition):
    """Note in which condition a book is."""
    book = db.session.get(Book, number)
    if book is None:
        raise click.ClickException(f"There is no book {number}.")
    book.condition = condition
    db.session.commit()


@shelf.command("year")
@click.argument("year", type=click.IntRange(-LARGEST, LARGEST))
def list_year(year):
    """List the books of a year by number."""
    found = select(Book).where(Book.year == year).order_by(Book.number)
    for book in db.session.scalars(found):
        click.echo(f"{book.number} {book.title}, by {book.author}")
