"""The books in an app's database, as the dictionary of dictionaries that older tests know."""

from collections.abc import Iterator, MutableMapping
from types import ModuleType

from flask import Flask


class Rows(MutableMapping):
    """Books by number. What is read or written goes straight to the database.

    Args:
        app: the app; its tables are there.
        models: the app's module with `Book` and `db`.
    """

    def __init__(self, app: Flask, models: ModuleType) -> None:
        self._app, self._db, self._book = app, models.db, models.Book

    def __getitem__(self, number: int) -> "Row":
        with self._app.app_context():
            book = self._db.session.get(self._book, number)
            if book is None:
                raise KeyError(number)
            return Row(self, number, book)

    def __setitem__(self, number: int, fields: dict) -> None:
        with self._app.app_context():
            old = self._db.session.get(self._book, number)
            if old is not None:
                self._db.session.delete(old)
                self._db.session.flush()
            self._db.session.add(self._book(number=number, **fields))
            self._db.session.commit()

    def __delitem__(self, number: int) -> None:
        with self._app.app_context():
            self._db.session.delete(self._db.get_or_404(self._book, number))
            self._db.session.commit()

    def __iter__(self) -> Iterator[int]:
        with self._app.app_context():
            numbers = self._db.select(self._book.number).order_by(self._book.number)
            return iter(self._db.session.scalars(numbers).all())

    def __len__(self) -> int:
        return len(list(iter(self)))


class Row(dict):
    """A book as a dictionary; what is set in it is set in the database."""

    def __init__(self, rows: Rows, number: int, book: object) -> None:
        known = {name: getattr(book, name) for name in ("title", "author", "cover")}
        super().__init__({name: value for name, value in known.items() if value is not None})
        self._rows, self._number = rows, number

    def __setitem__(self, name: str, value: object) -> None:
        super().__setitem__(name, value)
        self._rows[self._number] = dict(self)
