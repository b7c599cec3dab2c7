"""What the Shelf remembers, and how the database holds it."""

import sqlite3
from datetime import date

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, ForeignKey, Index, MetaData, String, event, text
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
    author: Mapped[str] = mapped_column(String(200), index=True)
    year: Mapped[int | None]
    cover: Mapped[str | None]
    folded_title: Mapped[str]
    pages: Mapped[str | None] = mapped_column(String(20))
    loans: Mapped[list["Loan"]] = relationship(
        back_populates="book", cascade="all, delete-orphan", order_by="Loan.number"
    )
    open_loan: Mapped["Loan | None"] = relationship(
        primaryjoin="and_(Book.number == Loan.book_number, Loan.back_on.is_(None))",
        viewonly=True,
    )

    @validates("title")
    def fold(self, key, title):
        """Note how the title is searched: SQLite knows capitals of ASCII letters only."""
        self.folded_title = title.casefold()
        return title


class Reader(db.Model):
    """A neighbour who borrows books."""

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    phone: Mapped[str | None] = mapped_column(String(20))
    loans: Mapped[list["Loan"]] = relationship(back_populates="reader", order_by="Loan.number")


class Loan(db.Model):
    """A book in a reader's hands, from one day on, until another or still."""

    number: Mapped[int] = mapped_column(primary_key=True)
    book_number: Mapped[int] = mapped_column(ForeignKey("book.number"))
    reader_number: Mapped[int] = mapped_column(ForeignKey("reader.number"), index=True)
    lent_on: Mapped[date] = mapped_column(default=date.today)
    back_on: Mapped[date | None]
    book: Mapped[Book] = relationship(back_populates="loans")
    reader: Mapped[Reader] = relationship(back_populates="loans")

    __table_args__ = (
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
