"""Lesson 11's race for a book once more, on SQLite and PostgreSQL, with the last lesson's app."""

from pathlib import Path

import database_fixtures as fixtures
import postgres
import pytest
from contract_loans import Race

from course.lessons import all_lessons

environment = fixtures.environment
settings = fixtures.settings
load = fixtures.load
models = fixtures.models
make = fixtures.make
app = fixtures.app
books = fixtures.books
server = postgres.server
new_database = postgres.new_database


@pytest.fixture(scope="module")
def folder() -> Path:
    """The finished app of the last lesson."""
    return all_lessons()[-1].folder


class TestRace(Race):
    """Of all who want a book in the same moment, one gets it, whatever the database."""

    @pytest.fixture
    def on_disk(self, make, new_database):
        """An app with a database that several threads can use."""
        return make(SQLALCHEMY_DATABASE_URI=new_database())
