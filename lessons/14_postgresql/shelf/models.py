"""What the Shelf remembers, and how the database holds it."""

import re
import sqlite3
import unicodedata
from datetime import date, timedelta

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    CheckConstraint,
    Column,
    Engine,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    event,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates


class Base(DeclarativeBase):
    """What all models share: a rule by which the database's constraints get their names."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)
LARGEST = 2**31 - 1  # number that an int column holds, whatever the database


class Book(db.Model):
    """A book on the Shelf."""

    number: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    year: Mapped[int | None]
    cover: Mapped[str | None]
    plain_title: Mapped[str]
    pages: Mapped[int | None] = mapped_column(CheckConstraint("pages > 0", name="pages"))
    condition: Mapped[str] = mapped_column(
        Enum(
            "good",
            "worn",
            "damaged",
            name="condition",
            native_enum=False,
            create_constraint=True,
        ),
        server_default="good",
    )
    authors: Mapped[list["Author"]] = relationship(
        secondary="wrote", order_by="wrote.c.number", lazy="selectin"
    )
    loans: Mapped[list["Loan"]] = relationship(
        back_populates="book", cascade="all, delete-orphan", order_by="Loan.number"
    )
    open_loan: Mapped["Loan | None"] = relationship(
        primaryjoin="and_(Book.number == Loan.book_number, Loan.back_on.is_(None))",
        viewonly=True,
    )

    @validates("title")
    def note_plain_title(self, key, title):
        """Note how the title is searched."""
        self.plain_title = plain(title)
        return title

    @property
    def author(self):
        """The names of the authors, as one text."""
        return " and ".join(author.name for author in self.authors)

    @author.setter
    def author(self, names):
        self.authors = [Author.named(name) for name in names_in(names)]


class Reader(db.Model):
    """A neighbour who borrows books."""

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    mobile: Mapped[str | None] = mapped_column(String(20))
    loans: Mapped[list["Loan"]] = relationship(back_populates="reader", order_by="Loan.number")


class Loan(db.Model):
    """A book in a reader's hands, from one day on, until another or still."""

    number: Mapped[int] = mapped_column(primary_key=True)
    book_number: Mapped[int] = mapped_column(ForeignKey("book.number"))
    reader_number: Mapped[int] = mapped_column(ForeignKey("reader.number"), index=True)
    lent_on: Mapped[date] = mapped_column(default=date.today)
    back_on: Mapped[date | None]
    due_on: Mapped[date] = mapped_column(default=lambda: date.today() + timedelta(days=28))
    book: Mapped[Book] = relationship(back_populates="loans")
    reader: Mapped[Reader] = relationship(back_populates="loans")

    __table_args__ = (
        CheckConstraint("due_on >= lent_on", name="due_on"),
        Index("ix_loan_book_number", "book_number"),
        Index(
            "uq_loan_open",
            "book_number",
            unique=True,
            sqlite_where=text("back_on IS NULL"),
            postgresql_where=text("back_on IS NULL"),
        ),
    )


@event.listens_for(Engine, "connect")
def obey_foreign_keys(connection, record):
    """Have SQLite obey foreign keys, which it does only when asked, at each connection."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")


class Author(db.Model):
    """Somebody who wrote books."""

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)

    @classmethod
    def named(cls, name):
        """Return the author of this name, a new one if there is none."""
        author = db.session.scalar(select(cls).where(cls.name == name))
        if author is None:
            author = cls(name=name)
            db.session.add(author)
        return author


wrote = db.Table(
    "wrote",
    Column("number", Integer, primary_key=True),
    Column("book_number", ForeignKey("book.number"), nullable=False),
    Column("author_number", ForeignKey("author.number"), nullable=False, index=True),
    UniqueConstraint("book_number", "author_number"),
)


def names_in(names):
    """Return the names in a text, each once: “Last, First” becomes “First Last”."""
    parts = [part.strip() for part in names.split(" and ")]
    turned = [re.sub(r"^([^,]+?) *, *([^,]+)$", r"\2 \1", part) for part in parts if part]
    return list(dict.fromkeys(turned)) or [names.strip()] * bool(names.strip())


Index("ix_book_year", Book.year)


def plain(text):
    """Return a text as it is searched: without capitals and, where it goes, without accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(each for each in letters if not unicodedata.combining(each))
