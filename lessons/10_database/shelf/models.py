"""What the Shelf remembers, and how the database holds it."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates


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
    author: Mapped[str] = mapped_column(String(200))
    year: Mapped[int | None]
    cover: Mapped[str | None]
    folded_title: Mapped[str]

    @validates("title")
    def fold(self, key, title):
        """Note how the title is searched: SQLite knows capitals of ASCII letters only."""
        self.folded_title = title.casefold()
        return title
