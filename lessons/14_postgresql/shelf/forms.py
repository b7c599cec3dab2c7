"""What the Shelf takes in."""

import unicodedata

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Regexp, StopValidation, ValidationError

from .covers import ending_of
from .models import Book, db, names_in, plain


def tidy(text):
    """Take off the spaces at both ends; what is missing becomes an empty text."""
    return (text or "").strip()


def plain_text(form, field):
    """Refuse control characters, and what stands for bytes that were not UTF-8."""
    if any(unicodedata.category(each) == "Cc" or each == "\ufffd" for each in field.data):
        raise StopValidation("Only letters, digits, signs and spaces, please.")


short = Length(max=200, message="At most 200 characters, please.")


class BookForm(FlaskForm):
    """Title and author of a new book."""

    title = StringField(
        "Title",
        filters=[tidy],
        validators=[DataRequired("A book needs a title."), short, plain_text],
    )
    author = StringField(
        "Author",
        filters=[tidy],
        validators=[
            DataRequired("A book needs an author."),
            short,
            plain_text,
            Regexp("[^/]*$", message="A name without a slash, please."),
        ],
    )

    def validate_title(self, field):
        """Refuse a book that stands on the Shelf already, with or without capitals and accents."""
        same = select(Book).where(Book.plain_title == plain(field.data))
        authors = [book.author.casefold() for book in db.session.scalars(same)]
        if " and ".join(names_in(self.author.data)).casefold() in authors:
            raise ValidationError("This book stands on the Shelf already.")

    def validate_author(self, field):
        """Refuse a name such as .., with which an address leads elsewhere."""
        if not all(name.strip(".") for name in names_in(field.data)):
            raise ValidationError("A name, please, not only dots.")


class NameForm(FlaskForm):
    """The name of a visitor."""

    name = StringField(
        "Your name",
        filters=[tidy],
        validators=[
            DataRequired("What shall we call you?"),
            Length(max=40, message="At most 40 characters, please."),
            plain_text,
        ],
    )


def picture(form, field):
    """Refuse a file that does not begin as a PNG or JPEG picture does."""
    if not ending_of(field.data):
        raise ValidationError("A picture as PNG or JPEG, please.")


class CoverForm(FlaskForm):
    """The picture of a book's cover."""

    cover = FileField(
        "A picture, PNG or JPEG", validators=[FileRequired("Choose a file."), picture]
    )
