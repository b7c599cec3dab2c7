"""The form that takes in a book."""

import unicodedata

from flask_wtf import FlaskForm
from shelf import BOOKS
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Regexp, ValidationError


def tidy(text):
    """Take off the spaces at both ends; what is missing becomes an empty text."""
    return (text or "").strip()


def plain_text(form, field):
    """Refuse control characters, and what stands for bytes that were not UTF-8."""
    if any(unicodedata.category(each) == "Cc" or each == "\ufffd" for each in field.data):
        raise ValidationError("Only letters, digits, signs and spaces, please.")


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
        """Refuse a book that stands on the Shelf already, in capitals or not."""
        wanted = (field.data.casefold(), self.author.data.casefold())
        books = BOOKS.copy().values()
        if wanted in [(book["title"].casefold(), book["author"].casefold()) for book in books]:
            raise ValidationError("This book stands on the Shelf already.")

    def validate_author(self, field):
        """Refuse a name such as .., with which an address leads elsewhere."""
        if not field.data.strip("."):
            raise ValidationError("A name, please, not only dots.")
