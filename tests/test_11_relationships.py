"""Lesson 11: readers, loans, and a Shelf that stays fast."""

from datetime import date

import database_fixtures as fixtures
import pytest
from conftest import YOUR_TURN
from contract_database import Database
from contract_forms import Forms
from contract_loans import (
    Borrowing,
    Fakes,
    Lent,
    Neighbours,
    Paging,
    Race,
    Readers,
    Refusals,
    Returning,
    WhoHasIt,
    plans_of,
)
from contract_pages import Pages
from contract_sessions import Sessions
from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex

environment = fixtures.environment
settings = fixtures.settings
load = fixtures.load
models = fixtures.models
make = fixtures.make
app = fixtures.app
books = fixtures.books
typed = fixtures.typed
file = fixtures.file
stored = fixtures.stored
step = pytest.mark.step


@pytest.fixture
def database(app, models):
    """The database, as it tells about itself."""
    with app.app_context():
        yield inspect(models.db.engine)


@pytest.fixture
def session(app, models):
    """The app's session, with two books and two readers in the database."""
    with app.app_context():
        for number in (1, 2):
            models.db.session.add(models.Book(number=number, title=f"T{number}", author="A"))
            models.db.session.add(models.Reader(number=number, name=f"Reader {number}"))
        models.db.session.commit()
        yield models.db.session
        models.db.session.rollback()


def columns(database, table):
    """Return the columns of a table, by name, and whether each may be empty."""
    return {each["name"]: each["nullable"] for each in database.get_columns(table)}


@step(1)
def test_there_are_three_tables(make, models, typed, tmp_path):
    """`flask shelf create` makes the tables book, loan and reader."""
    app = make(tables=False, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/new.db")
    result = typed("shelf", "create", app=app)
    assert result.exit_code == 0, result.output
    with app.app_context():
        assert sorted(inspect(models.db.engine).get_table_names()) == ["book", "loan", "reader"]


@step(1)
def test_a_book_has_no_new_column(database):
    """The table of books is as before: who has a book does not stand in it."""
    found = sorted(columns(database, "book"))
    assert found == ["author", "cover", "folded_title", "number", "title", "year"]


@step(1)
def test_a_reader_is_a_row(database):
    """A reader has a number and a name of at most 40 characters, and lacks neither."""
    assert columns(database, "reader") == {"number": False, "name": False}
    [name] = [each for each in database.get_columns("reader") if each["name"] == "name"]
    assert getattr(name["type"], "length", None) == 40


@step(1)
def test_a_loan_is_a_row(database):
    """A loan has a book, a reader and a first day; as long as it is open, it has no last day."""
    assert columns(database, "loan") == {
        "number": False,
        "book_number": False,
        "reader_number": False,
        "lent_on": False,
        "back_on": True,
    }
    days = [c for c in database.get_columns("loan") if c["name"] in ("lent_on", "back_on")]
    assert [str(day["type"]) for day in days] == ["DATE", "DATE"]


@step(1)
def test_a_loan_points_to_its_book_and_its_reader(database):
    """The foreign keys of a loan are the numbers of a book and a reader, with their names."""
    found = {
        key["name"]: (key["constrained_columns"], key["referred_table"], key["referred_columns"])
        for key in database.get_foreign_keys("loan")
    }
    assert found == {
        "fk_loan_book_number": (["book_number"], "book", ["number"]),
        "fk_loan_reader_number": (["reader_number"], "reader", ["number"]),
    }


@step(1)
def test_two_readers_have_two_names(database, session, models):
    """No two readers have the same name: the constraint is called uq_reader_name."""
    session.add(models.Reader(name="Reader 1"))
    with pytest.raises(IntegrityError):
        session.commit()
    found = [(u["name"], u["column_names"]) for u in database.get_unique_constraints("reader")]
    assert found == [("uq_reader_name", ["name"])]


@step(1)
def test_a_loan_begins_today(session, models):
    """A loan begins on the day when it is made, unless another is given: `date.today` itself."""
    before = date.today()
    session.add(models.Loan(book_number=1, reader_number=1))
    session.add(models.Loan(book_number=2, reader_number=1, lent_on=date(2020, 2, 29)))
    session.commit()
    first, second = session.scalars(models.db.select(models.Loan).order_by(models.Loan.number))
    assert before <= first.lent_on <= date.today()
    assert (second.lent_on, first.back_on) == (date(2020, 2, 29), None)
    default = models.Loan.__table__.c.lent_on.default
    assert default.is_callable, "date.today() is the day when the app was started"


@step(1)
@pytest.mark.parametrize("wrong", ["book_number", "reader_number"])
def test_foreign_keys_are_obeyed(session, models, wrong):
    """A loan of a book or a reader that is not there is refused: have SQLite obey."""
    session.add(models.Loan(**{"book_number": 1, "reader_number": 1, wrong: 4711}))
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        session.commit()


@step(1)
def test_every_connection_obeys(make, models, tmp_path):
    """SQLite forgets with each connection that it shall obey foreign keys: ask at each."""
    app = make(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/kept.db")
    asked = models.db.text("PRAGMA foreign_keys")
    with app.app_context():
        engine = models.db.engine
        with engine.connect() as one, engine.connect() as two, engine.connect() as three:
            assert [each.execute(asked).scalar() for each in (one, two, three)] == [1, 1, 1]


@step(1)
def test_a_relationship_has_two_sides(session, models):
    """What is said on one side of a relationship is known on the other, before it is sent."""
    book, reader = models.Book(title="Kim", author="R. Kipling"), models.Reader(name="Cy")
    loan = models.Loan(book=book, reader=reader)
    assert (book.loans, reader.loans) == ([loan], [loan])
    book, reader = session.get(models.Book, 1), session.get(models.Reader, 2)
    loan = models.Loan(book=book, reader=reader)
    session.add(loan)
    assert (book.loans, reader.loans) == ([loan], [loan])
    later = models.Loan()
    book.loans.append(later)
    reader.loans.append(later)
    assert (later.book, later.reader) == (book, reader)
    assert (book.loans, reader.loans) == ([loan, later], [loan, later])


@step(1)
def test_a_relationship_is_stored(session, models):
    """A loan finds its book and its reader in the database, and they find their loans."""
    for book, reader in ((2, 1), (1, 1), (1, 2)):
        day = date(2020, 1, book)
        session.add(models.Loan(book_number=book, reader_number=reader, back_on=day))
        session.commit()
    session.expire_all()
    found = session.scalars(models.db.select(models.Loan).order_by(models.Loan.number)).all()
    assert [(loan.book.number, loan.reader.number) for loan in found] == [(2, 1), (1, 1), (1, 2)]
    assert session.get(models.Book, 1).loans == found[1:]
    assert session.get(models.Reader, 1).loans == found[:2]


@step(1)
@pytest.mark.parametrize("kind", ["Book", "Reader"])
def test_loans_come_in_the_order_of_their_numbers(session, models, kind):
    """`loans` come in the order of their numbers, on either side."""
    for number in (30, 10, 20):
        day = date(2020, 1, number)
        loan = models.Loan(number=number, book_number=1, reader_number=1, back_on=day)
        loan.lent_on = date(2019, 1, 31 - number)
        session.add(loan)
        session.commit()
    wanted = models.db.select(models.Loan.number, models.Loan.back_on)
    assert len(session.execute(wanted).all()) == 3
    session.expire_all()
    found = [loan.number for loan in session.get(getattr(models, kind), 1).loans]
    ordered = inspect(getattr(models, kind)).relationships["loans"].order_by
    assert (found, [str(each) for each in ordered or []]) == ([10, 20, 30], ["loan.number"])


@step(1)
def test_a_deleted_book_takes_its_loans_along(session, models):
    """A book that is deleted takes its loans along, and neither its readers nor others' loans."""
    for book, reader in ((1, 1), (1, 2), (2, 1)):
        day = date(2020, 1, 1)
        session.add(models.Loan(book_number=book, reader_number=reader, back_on=day))
    session.commit()
    session.delete(session.get(models.Book, 1))
    session.commit()
    assert [loan.book_number for loan in session.scalars(models.db.select(models.Loan))] == [2]
    assert len(session.scalars(models.db.select(models.Reader)).all()) == 2


@step(1)
def test_a_loan_that_is_taken_off_is_deleted(session, models):
    """A loan that is taken off its book's list is deleted, since no loan is without a book."""
    session.add(models.Loan(book_number=1, reader_number=1))
    session.commit()
    book = session.get(models.Book, 1)
    book.loans.clear()
    session.commit()
    assert session.scalars(models.db.select(models.Loan)).all() == []


@step(1)
def test_a_reader_with_loans_stays(session, models):
    """A reader with loans cannot be deleted, even if the books are back; one without can."""
    session.add(models.Loan(book_number=1, reader_number=1, back_on=date(2020, 1, 2)))
    session.commit()
    session.delete(session.get(models.Reader, 1))
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    session.delete(session.get(models.Reader, 2))
    session.commit()
    assert [loan.reader.name for loan in session.scalars(models.db.select(models.Loan))] == [
        "Reader 1"
    ]


@step(2)
def test_a_book_knows_its_open_loan(session, models):
    """`Book.open_loan` is the loan that has no last day, or None; it can only be read."""
    day = date(2020, 1, 1)
    session.add(models.Loan(number=7, book_number=1, reader_number=1, back_on=day))
    session.add(models.Loan(number=8, book_number=1, reader_number=2))
    session.add(models.Loan(number=9, book_number=2, reader_number=1, back_on=day))
    session.commit()
    lent, there = session.get(models.Book, 1), session.get(models.Book, 2)
    assert getattr(lent.open_loan, "number", None) == 8
    assert there.open_loan is None
    assert inspect(models.Book).relationships["open_loan"].viewonly
    lent.open_loan.back_on = day
    session.commit()
    assert lent.open_loan is None


@step(2)
class TestReaders(Readers):
    """Who gives a name is a reader."""


@step(2)
class TestBorrowing(Borrowing):
    """Who has a name borrows a book that nobody has."""


@step(2)
class TestRefusals(Refusals):
    """What does not come from the Shelf's forms is refused."""


@step(2)
class TestReturning(Returning):
    """Who has a book brings it back."""


@step(3)
def test_a_book_has_one_open_loan(session, models):
    """The database refuses a second open loan of a book, whoever writes it."""
    session.add(models.Loan(book_number=1, reader_number=1))
    session.commit()
    session.add(models.Loan(book_number=1, reader_number=2))
    with pytest.raises(IntegrityError, match="UNIQUE"):
        session.commit()


@step(3)
def test_a_book_has_any_number_of_old_loans(session, models):
    """Loans that are over do not count: a book has as many as it likes, and one that is open."""
    for _ in range(3):
        session.add(models.Loan(book_number=1, reader_number=1, back_on=date(2020, 1, 1)))
    session.add(models.Loan(book_number=1, reader_number=1))
    session.add(models.Loan(book_number=2, reader_number=1))
    session.commit()
    assert len(session.get(models.Book, 1).loans) == 4


@step(3)
@pytest.mark.parametrize("dialect", [sqlite, postgresql], ids=["SQLite", "PostgreSQL"])
def test_the_index_holds_open_loans_only(models, dialect):
    """The unique index is called uq_loan_open, and holds open loans only, in both databases."""
    indexes = {index.name: index for index in models.Loan.__table__.indexes}
    assert "uq_loan_open" in indexes
    index = indexes["uq_loan_open"]
    assert ([column.name for column in index.columns], index.unique) == (["book_number"], True)
    statement = str(CreateIndex(index).compile(dialect=dialect.dialect()))
    assert statement.partition(" WHERE ")[2] == "back_on IS NULL"


@step(3)
class TestRace(Race):
    """One gets the book, however many want it."""


@step(4)
class TestWhoHasIt(WhoHasIt):
    """Lists say who has a book."""


@step(5)
class TestPaging(Paging):
    """The list comes in pages."""


@step(5)
class TestFakes(Fakes):
    """Books can be invented."""


@step(6)
def test_the_indexes(database):
    """Authors, and the two foreign keys, have indexes, named by the naming convention."""
    found = {
        index["name"]: (index["column_names"], bool(index["unique"]))
        for table in ("book", "loan")
        for index in database.get_indexes(table)
    }
    assert found == {
        "ix_book_author": (["author"], False),
        "ix_loan_book_number": (["book_number"], False),
        "ix_loan_reader_number": (["reader_number"], False),
        "uq_loan_open": (["book_number"], True),
    }


@step(6)
def test_an_author_has_a_length_still(database):
    """With its index, too, an author has at most 200 characters."""
    [author] = [each for each in database.get_columns("book") if each["name"] == "author"]
    assert getattr(author["type"], "length", None) == 200


@step(6)
class TestIndexes(Neighbours):
    """The database uses the indexes."""

    def test_an_author_is_found_by_the_index(self, app, visit, books, models, statements):
        """For an author's page, SQLite looks the author up in ix_book_author."""
        statements.clear()
        assert visit("/authors/A. Nobody").status_code == 200
        assert "USING INDEX ix_book_author (author=?)" in "\n".join(
            plans_of(app, models, statements)
        )

    def test_what_else_an_author_wrote(self, app, visit, books, models, statements, number):
        """For a book's page, SQLite looks up the author's other books in ix_book_author."""
        statements.clear()
        assert visit(f"/books/{number}").status_code == 200
        assert "USING INDEX ix_book_author (author=?" in "\n".join(
            plans_of(app, models, statements)
        )


@step(6)
@pytest.mark.usefixtures("books")
class TestPages(Pages):
    """What lesson 6 promised."""


@step(6)
@pytest.mark.usefixtures("books")
class TestForms(Forms):
    """What lesson 7 promised."""


@step(6)
@pytest.mark.usefixtures("books")
class TestSessions(Sessions):
    """What lesson 8 promised."""


@step(6)
class TestDatabase(Database):
    """What lesson 10 promised."""


@step(YOUR_TURN)
class TestLent(Lent):
    """Lists of what is lent."""
