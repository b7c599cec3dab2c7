"""What the Shelf promises to who looks into its database, from lesson 10 on; see also `contract`.

These tests use the fixtures of `database_fixtures`.
"""

import csv
import io
import re
from html import unescape
from pathlib import Path

import pytest
from contract_pages import main_part, rows
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, Table, inspect

PNG = b"\x89PNG\r\n\x1a\n, and a picture"
TOO_LONG = "a title needs 1 to 200 characters, an author at most 200."
NO_ROW = "a row needs a title, an author and a year, and no more."
BAD = {
    "no title": (",A. Nobody,1901", TOO_LONG),
    "only spaces": ("  ,A. Nobody,1901", TOO_LONG),
    "a long title": ("x" * 201 + ",A. Nobody,1901", TOO_LONG),
    "a long author": ("Kim," + "x" * 201 + ",1901", TOO_LONG),
    "words for a year": ("Kim,R. Kipling,soon", "'soon' is no year."),
    "a long year": ("Kim,R. Kipling,12345", "'12345' is no year."),
    "half a year": ("Kim,R. Kipling,1901.5", "'1901.5' is no year."),
    "too little": ("Kim,R. Kipling", NO_ROW),
    "too much": ("Kim,R. Kipling,1901,new", NO_ROW),
}


class Tables:
    """Inherit this to hold an app to how its tables are made, and where they lie."""

    def test_the_number_is_the_primary_key(self, app, models):
        """Books are told apart by their numbers, and the constraint is called pk_book."""
        with app.app_context():
            key = inspect(models.db.engine).get_pk_constraint("book")
        assert (key["constrained_columns"], key["name"]) == (["number"], "pk_book")

    def test_every_constraint_gets_a_name(self, models):
        """Whatever a later model demands gets a name by the rule in `Base.metadata`."""
        metadata = MetaData(naming_convention=models.db.metadata.naming_convention)
        loan = Table(
            "loan",
            metadata,
            Column("number", Integer, primary_key=True),
            CheckConstraint("number > 0", name="positive"),
            Column("book_number", ForeignKey("book.number"), index=True),
            Column("ticket", Integer, unique=True),
        )
        names = {str(each.name) for each in loan.constraints} | {str(i.name) for i in loan.indexes}
        assert sorted(names) == [
            "ck_loan_positive",
            "fk_loan_book_number",
            "ix_loan_book_number",
            "pk_loan",
            "uq_loan_ticket",
        ]

    def test_a_title_is_folded(self, app, models, chance):
        """`folded_title` follows each title that is set, in small letters of any alphabet."""
        title, folded = chance.choice([("Straße", "strasse"), ("ПЁТР", "пётр"), ("ÉMILE", "émile")])
        with app.app_context():  # in which an author may be looked for
            book = models.Book(title="Kim", author="R. Kipling")
        before = book.folded_title
        book.title = title
        assert (before, book.title, book.folded_title) == ("kim", title, folded)

    def test_the_database_lies_in_the_instance_folder(self, load, models, settings):
        """Unless told otherwise, the Shelf keeps its books in the file shelf.db of its instance."""
        del settings["SQLALCHEMY_DATABASE_URI"]
        app = load("shelf").create_app(settings)
        with app.app_context():
            assert Path(models.db.engine.url.database) == Path(app.instance_path, "shelf.db")
            models.db.engine.dispose()

    def test_each_app_has_its_own_database(self, make, models, stored):
        """`create_app` gives each app the database that its settings name."""
        one, other = make(), make()
        with one.app_context():
            models.db.session.add(models.Book(title="Kim", author="R. Kipling"))
            models.db.session.commit()
        assert (len(stored(one)), len(stored(other))) == (1, 0)


class Remembering:
    """Inherit this to hold an app to books that come from the database, and stay there."""

    def test_a_book_outlives_the_app(self, make, models, tmp_path, titles, chance):
        """A book that a visitor brings is there when the Shelf is started again."""
        kept = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/kept.db",
            "WTF_CSRF_ENABLED": False,
        }
        title, author = chance.choice(titles), f"Author {chance.random()}"
        sent = {"title": title, "author": author}
        answer = make(**kept).test_client().post("/books/new", data=sent)
        assert answer.status_code == 303, answer.text
        page = make(**kept).test_client().get(answer.location).text
        assert (title in page, author in page) == (True, True)

    def test_a_cover_outlives_the_app(self, make, models, tmp_path, chance):
        """A cover that a visitor sends is there when the Shelf is started again."""
        kept = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/kept.db",
            "WTF_CSRF_ENABLED": False,
        }
        app = make(**kept)
        with app.app_context():
            models.db.session.add(models.Book(number=7, title="Kim", author="R. Kipling"))
            models.db.session.commit()
        picture = PNG + str(chance.random()).encode()
        sent = {"cover": (io.BytesIO(picture), "cover.png")}
        answer = app.test_client().post("/books/7/cover/new", data=sent)
        assert answer.status_code == 303, answer.text
        with make(**kept).test_client().get("/books/7/cover") as response:
            assert response.data == picture

    @pytest.mark.parametrize("number", ["2147483648", "9223372036854775808", "9" * 40])
    @pytest.mark.parametrize("address", ["/books/{}", "/books/{}/next", "/books/{}/cover"])
    def test_a_number_too_large_for_the_column_is_not_found(self, visit, books, address, number):
        """A number that the database cannot hold belongs to no book: 404, not 500."""
        assert visit(address.format(number)).status_code == 404

    @pytest.mark.parametrize("number", ["6", "2147483648", "9" * 40])
    def test_programs_learn_what_is_not_there(self, visit, books, number):
        """Programs get a 404 in JSON, for any number that no book has."""
        answer = visit(f"/api/books/{number}")
        assert (answer.status_code, answer.json) == (404, {"error": "not found"})

    def test_programs_get_title_and_author(self, visit, books):
        """A book as JSON is its title and its author, and no more."""
        assert visit("/api/books/7").json == {
            "title": books[7]["title"],
            "author": books[7]["author"],
        }

    def test_the_largest_number_belongs_to_a_book(self, app, models, visit):
        """The largest number of a book is 2147483647, which an int column of any database holds."""
        with app.app_context():
            for number in (2147483647, 2147483648):
                models.db.session.add(models.Book(number=number, title="Last", author="Nobody"))
            models.db.session.commit()
        for address in ("/books/{}", "/api/books/{}"):
            found = [visit(address.format(n)).status_code for n in (2147483647, 2147483648)]
            assert found == [200, 404], address

    @pytest.mark.parametrize("words", ["%", "_", "\\", "'", '"', "' OR 1 --", "/", "100%"])
    def test_a_search_takes_any_text_for_text(self, visit, books, words, chance):
        """Whatever is searched is compared with the titles, sign by sign."""
        books[chance.randint(100, 200)] = {"title": f"What {words} means", "author": "A. Nobody"}
        found = rows(visit("/", query_string={"q": words}).text)
        assert [unescape(title) for title, _ in found] == [f"What {words} means"]

    @pytest.mark.parametrize("words", ["\0", "\0x", "x" * 60_000], ids=["NUL", "NUL, x", "long"])
    def test_what_no_title_has_finds_nothing(self, visit, books, words):
        """A search for what no title can have is no failure, and finds nothing."""
        answer = visit("/", query_string={"q": words})
        assert (answer.status_code, rows(answer.text)[0]) == (200, ["No title has these words."])

    @pytest.mark.parametrize("title, words", [("Père Goriot", "PÈRE"), ("Straße", "STRASSE")])
    def test_a_search_does_not_mind_capitals(self, visit, books, title, words):
        """Capitals do not count in a search, in any alphabet."""
        books[50] = {"title": title, "author": "A. Nobody"}
        found = rows(visit("/", query_string={"q": words}).text)
        assert title in [title for title, _ in found]

    def test_books_come_in_the_order_of_their_numbers(self, visit, books, chance):
        """The list and an author's page show the books by number, however they came."""
        for number in chance.sample(range(20, 90), 8):
            books[number] = {"title": f"Volume {number}", "author": "A. Nobody"}
        everywhere = [title for title, _ in rows(visit("/").text)]
        assert everywhere == [books[number]["title"] for number in sorted(books)]
        numbers = [number for number in sorted(books) if books[number]["author"] == "A. Nobody"]
        theirs = [title for title, _ in rows(visit("/authors/A. Nobody").text)]
        assert theirs == [books[number]["title"] for number in numbers]
        also = re.findall(r'href="/books/(\d+)"', main_part(visit(f"/books/{numbers[0]}").text))
        assert also == [str(number) for number in numbers[1:]]

    def test_a_book_that_went_is_no_longer_a_last_book(self, app, books):
        """Among the last books of a visitor are those that are still there, the latest first."""
        client = app.test_client()
        with client.session_transaction() as session:
            session.update(name="Ann", visited=[8, 99, 7])
        page = client.get("/readers/me").text
        assert re.findall(r'href="/books/(\d+)"', main_part(page)) == ["8", "7"]

    def test_the_list_in_the_terminal(self, typed, books):
        """`flask shelf list` lists the books of the database by number."""
        expected = [f"{n} {books[n]['title']}, by {books[n]['author']}" for n in sorted(books)]
        assert typed("shelf", "list").output.splitlines() == expected

    def test_the_list_of_one_author(self, typed, books):
        """`flask shelf list --author …` lists the books of that author."""
        numbers = [number for number in sorted(books) if books[number]["author"] == "A. Nobody"]
        expected = [f"{n} {books[n]['title']}, by A. Nobody" for n in numbers]
        assert typed("shelf", "list", "--author", "A. Nobody").output.splitlines() == expected

    def test_the_list_of_nobody(self, typed, books):
        """`flask shelf list --author …` says so if there is no book of that author."""
        result = typed("shelf", "list", "--author", "J. Verne")
        expected = "Error: No book by J. Verne stands on the Shelf.\n"
        assert (result.exit_code, result.output) == (1, expected)

    def test_an_empty_shelf_is_no_error(self, typed):
        """On an empty Shelf, `flask shelf list` lists nothing."""
        result = typed("shelf", "list")
        assert (result.exit_code, result.output) == (0, "")


class Seeds:
    """Inherit this to hold an app to `flask shelf seed`."""

    def test_the_lesson_brings_a_hundred_books(self, folder):
        """`shelf/books.csv` has a hundred books, no two with the same title and author."""
        with (folder / "shelf/books.csv").open(encoding="utf-8", newline="") as lines:
            books = {(row["title"], row["author"]) for row in csv.DictReader(lines)}
        assert len(books) == 100

    def test_the_books_of_the_file_come(self, typed, stored, folder, chance):
        """`flask shelf seed` puts the books of the file on the Shelf, with author and year."""
        result = typed("shelf", "seed")
        assert (result.exit_code, result.output) == (0, "100 books added.\n")
        with (folder / "shelf/books.csv").open(encoding="utf-8", newline="") as lines:
            row = chance.choice([row for row in csv.DictReader(lines) if row["author"]])
        assert len(stored()) == 100
        assert (row["title"], row["author"], int(row["year"])) in stored()

    def test_the_books_come_once(self, typed, stored):
        """`flask shelf seed` may be typed again: it adds what is missing."""
        typed("shelf", "seed")
        result = typed("shelf", "seed")
        assert (result.exit_code, result.output) == (0, "0 books added.\n")
        assert len(stored()) == 100

    def test_a_book_that_is_there_is_not_added(self, typed, file, books, stored):
        """A book with the title and the author of one that is there does not come again."""
        before = stored()
        title, author = books[7]["title"], books[7]["author"]
        path = file(f"title,author,year\n{title},{author},1901\n{title},Somebody Else,1902\n")
        assert typed("shelf", "seed", path).output == "1 book added.\n"
        assert stored() == [*before, (title, "Somebody Else", 1902)]

    def test_a_file_of_ones_own(self, typed, file, stored, chance):
        """`flask shelf seed FILE` takes the books of that file, in its order."""
        year = chance.randint(1000, 1999)
        lines = f'title,author,year\n"Kim, again",R. Kipling,{year}\n  Ulysses , J. Joyce , 1922 \n'
        assert typed("shelf", "seed", file(lines)).output == "2 books added.\n"
        assert stored() == [("Kim, again", "R. Kipling", year), ("Ulysses", "J. Joyce", 1922)]

    def test_what_a_row_may_lack(self, typed, file, stored):
        """Without an author a book is by Anonymous, without a year it has none."""
        typed(
            "shelf",
            "seed",
            file("title,author,year\nBeowulf,,\nThe Iliad,Homer,-750\nNought,X,0\n"),
        )
        expected = [
            ("Beowulf", "Anonymous", None),
            ("The Iliad", "Homer", -750),
            ("Nought", "X", 0),
        ]
        assert stored() == expected

    def test_a_book_that_is_twice_in_the_file_comes_once(self, typed, file, stored):
        """A book with the same title and author as an earlier row's counts once."""
        path = file("title,author,year\nBeowulf,,\nKim,R. Kipling,1901\nBeowulf,Anonymous,\n")
        assert typed("shelf", "seed", path).output == "2 books added.\n"
        assert len(stored()) == 2

    def test_a_file_from_a_spreadsheet(self, typed, file, stored):
        """The mark that spreadsheets put before a file in UTF-8 is no part of the first name; a
        line break within quotes stays as it is."""
        row = b'"Kim,\r\na novel",R. Kipling,1901\r\n'
        typed("shelf", "seed", file(b"\xef\xbb\xbftitle,author,year\r\n" + row))
        assert stored() == [("Kim,\r\na novel", "R. Kipling", 1901)]

    @pytest.mark.parametrize("row, words", BAD.values(), ids=BAD)
    def test_a_bad_row_is_named(self, typed, file, stored, row, words):
        """A bad row stops the command with its line and the reason, and no book is added."""
        path = file(f"title,author,year\nUlysses,J. Joyce,1922\n{row}\nNana,É. Zola,1880\n")
        result = typed("shelf", "seed", path)
        assert result.output == f"Error: more.csv, line 3: {words}\n"
        assert (result.exit_code, stored()) == (1, [])

    def test_200_characters_are_not_too_many(self, typed, file, stored):
        """A title and an author may each have 200 characters."""
        title, author = "x" * 200, "y" * 200
        typed("shelf", "seed", file(f"title,author,year\n{title},{author},1901\n"))
        assert stored() == [(title, author, 1901)]

    def test_other_columns_are_named(self, typed, file, stored):
        """A file with other columns is refused at its first row."""
        result = typed("shelf", "seed", file("name,author,year\nKim,R. Kipling,1901\n"))
        assert "Error: more.csv, line 2: a row needs a title" in result.output
        assert (result.exit_code, stored()) == (1, [])

    @pytest.mark.parametrize("row", [b"P\xe8re,X,1\n", b'"Kim,X,1'], ids=["latin 1", "a quote"])
    def test_a_file_that_cannot_be_read(self, typed, file, stored, row):
        """A file that is not UTF-8, or no CSV, is refused in one sentence."""
        result = typed("shelf", "seed", file(b"title,author,year\n" + row))
        assert "Error: more.csv cannot be read: " in result.output
        assert (result.exit_code, stored()) == (1, [])

    def test_a_file_that_is_not_there(self, typed, tmp_path):
        """A file that is not there is no traceback."""
        result = typed("shelf", "seed", str(tmp_path / "none.csv"))
        assert "Error: none.csv cannot be read: [Errno 2] " in result.output
        assert result.exit_code == 1


class Years:
    """Inherit this to hold an app to the year on a book's page."""

    @pytest.fixture
    def byline(self, visit, books, models, app):
        """Return what a book's page says behind “by”, for a book of that year."""

        def byline(year):
            with app.app_context():
                models.db.session.get(models.Book, 7).year = year
                models.db.session.commit()
            paragraph = re.search(r"<p>\s*by\b(.*?)</p>", visit("/books/7").text, re.DOTALL)
            return " ".join(re.sub(r"<[^>]*>", "", paragraph[1]).split())

        return byline

    def test_a_book_says_its_year(self, byline, chance):
        """A book's page says its year behind the author, with a comma between."""
        year = chance.randint(1000, 1999)
        assert byline(year) == f"Čapek &amp; Söhne, {year}"

    def test_the_year_0_is_a_year(self, byline):
        """A book of the year 0 says so."""
        assert byline(0) == "Čapek &amp; Söhne, 0"

    def test_no_year_no_comma(self, byline):
        """A book without a year says its author, and no comma."""
        assert byline(None) == "Čapek &amp; Söhne"


class Exports:
    """Inherit this to hold an app to `flask shelf export`."""

    def test_what_is_exported_is_csv(self, typed, file):
        """`flask shelf export` prints a first line, and a line for each book, quoted as CSV is."""
        text = 'title,author,year\n"Kim, again",R. Kipling,1901\n"A ""Nana""",É. Zola,\n'
        typed("shelf", "seed", file(text))
        result = typed("shelf", "export")
        assert (result.exit_code, result.output) == (0, text)

    def test_what_is_exported_comes_by_number(self, typed, books):
        """`flask shelf export` prints the books by number."""
        books[1] = {"title": "The first", "author": "A. Nobody"}
        lines = typed("shelf", "export").output.splitlines()[1:]
        assert [line.partition(",")[0] for line in lines] == [
            books[n]["title"] for n in sorted(books)
        ]

    def test_what_is_exported_can_be_seeded(self, make, typed, file, stored):
        """What `flask shelf export` prints, `flask shelf seed` takes in on another Shelf."""
        typed("shelf", "seed")
        path, other = file(typed("shelf", "export").output), make()
        assert typed("shelf", "seed", path, app=other).output == "100 books added.\n"
        assert stored(other) == stored()


class Database(Tables, Remembering, Seeds, Years, Exports):
    """Inherit this to hold an app to what lesson 10 promises, whichever tables it has."""


class Turned(Database):
    """Inherit this to hold an app to what lesson 10 promises and lesson 13 left of it."""

    def test_the_books_of_the_file_come(self, typed, stored, folder):
        """`flask shelf seed` puts the books of the file on the Shelf, each author in one
        spelling."""
        # What lesson 10 promised can hold no longer: the file's “Austen, Jane” is Jane Austen.
        result = typed("shelf", "seed")
        assert (result.exit_code, result.output) == (0, "100 books added.\n")
        with (folder / "shelf/books.csv").open(encoding="utf-8", newline="") as lines:
            expected = {
                (
                    row["title"],
                    " ".join(reversed((row["author"] or "Anonymous").split(", "))),
                    int(row["year"]) if row["year"] else None,
                )
                for row in csv.DictReader(lines)
            }
        assert (len(stored()), set(stored())) == (100, expected)
