"""What the Shelf promises to those who borrow books, from lesson 11 on; see also `contract`.

These tests use the fixtures of `database_fixtures`.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from html import unescape
from threading import Barrier
from urllib.parse import quote

import pytest
from contract_pages import main_part, rows
from contract_sessions import Visitors, another, come_with, cookie, said, send, token
from rows import Rows
from sqlalchemy import event, insert, select

HOSTILE = '<b>"Ann"</b>&amp;\''
NOT_DONE = "<p>That did not come from a page of the Shelf."
AUTHOR = "/authors/A.%20Nobody"


def buttons(html):
    """Return the forms of a page's main part: address and inside, by the text of the button."""
    forms = re.findall(r"<form ([^>]*)>(.*?)</form>", main_part(html), re.DOTALL)
    found = {}
    for attributes, inside in forms:
        if 'method="post"' in attributes:
            [text] = re.findall(r"<button[^>]*>(.*?)</button>", inside)
            [place] = re.findall(r'action="([^"]*)"', attributes) or [""]
            found[text] = (unescape(place), inside)
    return found


def press(visit, page, text):
    """Press a button of a page as a browser does, and return the answer."""
    found = buttons(visit(page).text)
    assert text in found, f"{page} has no button “{text}”, it has {list(found)}"
    place, inside = found[text]
    sent = re.findall(r'name="csrf_token" type="hidden" value="([^"]*)"', inside)
    return visit(place, "POST", data={"csrf_token": sent})


def words(html):
    """Return what the paragraphs of a page's main part say, without their tags."""
    found = re.findall(r"<p[^>]*>(.*?)</p>", main_part(html), re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]*>", "", each)).split()) for each in found]


def at_once(calls):
    """Call functions in the same moment, each in a thread of its own; return what they return."""
    barrier = Barrier(len(calls))

    def wait_and_call(call):
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and_call, calls))


class Neighbours(Visitors):
    """What the classes below share: people with names, and loans."""

    @pytest.fixture
    def lend(self, app, models):
        """Lend a book to a reader, in the database."""

        def lend(number, name, back_on=None, **more):
            db, reader = models.db, models.Reader
            with app.app_context():
                known = db.session.scalar(db.select(reader).where(reader.name == name))
                book = db.session.get(models.Book, number)
                loan = models.Loan(book=book, reader=known or reader(name=name), **more)
                loan.back_on = back_on
                db.session.add(loan)
                db.session.commit()

        return lend

    @pytest.fixture
    def loans(self, app, models):
        """Return all loans: the book's number, the reader's name, since when, until when."""

        def loans(app=app):
            with app.app_context():
                found = models.db.session.scalars(
                    models.db.select(models.Loan).order_by(models.Loan.number)
                )
                return [(x.book_number, x.reader.name, x.lent_on, x.back_on) for x in found]

        return loans

    @pytest.fixture
    def known(self, app, models):
        """Return the names of all readers."""

        def known(app=app):
            with app.app_context():
                return sorted(models.db.session.scalars(models.db.select(models.Reader.name)))

        return known

    @pytest.fixture
    def neighbour(self, app):
        """Return somebody who gave this name."""

        def neighbour(name, app=app):
            visit = another(app)
            assert send(visit, "/readers/me", name=name).status_code == 303
            visit("/")  # which says Welcome
            return visit

        return neighbour

    @pytest.fixture
    def on_disk(self, make, tmp_path):
        """An app with its database in a file, as several threads need it."""
        return make(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/shelf.db")

    @pytest.fixture
    def faster(self, on_disk, models):
        """Have something done right before a row goes into a table, by another connection."""

        def faster(table, statement):
            done = []

            def step_in(connection, cursor, sent, *_):
                if sent.startswith(f"INSERT INTO {table}") and not done:
                    done.append(statement)
                    with models.db.engine.begin() as other:
                        other.execute(statement)

            with on_disk.app_context():
                event.listen(models.db.engine, "before_cursor_execute", step_in)
            return done

        return faster

    @pytest.fixture
    def statements(self, app, models):
        """The statements that were sent to the database, each with its values."""
        sent = []

        def note(connection, cursor, statement, values, *_):
            sent.append((statement, values))

        with app.app_context():
            event.listen(models.db.engine, "before_cursor_execute", note)
        return sent


class Readers(Neighbours):
    """Inherit this to hold an app to readers that are made of names."""

    def test_who_gives_a_name_is_a_reader(self, visit, books, known, name):
        """Who gives a name at /readers/me becomes a reader of that name: `register` it."""
        send(visit, "/readers/me", name=f" {name} ")
        assert known() == [name]

    def test_a_name_makes_one_reader(self, app, books, known, neighbour, name):
        """Whoever gives a name that is known is that reader: there is one for each name."""
        for each in (name, name, name[::-1], name):
            neighbour(each)
        assert known() == sorted({name, name[::-1]})

    def test_a_refused_name_makes_no_reader(self, visit, books, known):
        """A name that the form refuses makes no reader, nor one that comes without a token."""
        send(visit, "/readers/me", name="x" * 41)
        send(visit, "/readers/me", name="")
        visit("/readers/me", "POST", data={"name": "Ann"})
        assert known() == []

    def test_somebody_else_gives_the_name_first(
        self, on_disk, models, faster, neighbour, known, name
    ):
        """If another gives a name between `register`'s question and its commit, all is well."""
        done = faster("reader", insert(models.Reader).values(name=name))
        neighbour(name, app=on_disk)
        assert (len(done), known(on_disk)) == (1, [name])

    def test_the_session_goes_on_after_that(self, on_disk, load, models, faster, name):
        """If its commit fails, `register` must roll back: whoever calls it asks the database on."""
        done = faster("reader", insert(models.Reader).values(name=name))
        with on_disk.app_context():
            load("shelf.loans").register(name)
            found = models.db.session.scalars(models.db.select(models.Reader.name)).all()
        assert (len(done), found) == (1, [name])

    def test_two_give_the_same_name_at_once(self, on_disk, known, chance):
        """Two who give the same new name in the same moment are both welcome, as one reader."""
        for number in range(3):
            visits, name = [another(on_disk) for _ in range(2)], f"Ann {number} {chance.random()}"
            forms = [{"name": name, "csrf_token": token(visit)} for visit in visits]
            calls = [
                lambda visit=visit, form=form: visit("/readers/me", "POST", data=form).status_code
                for visit, form in zip(visits, forms, strict=True)
            ]
            assert at_once(calls) == [303, 303]
            assert known(on_disk).count(name) == 1


class Borrowing(Neighbours):
    """Inherit this to hold an app to lending a book to whoever gave a name."""

    def test_a_book_stands_there(self, visit, number):
        """The page of a book that nobody has says: It stands on the Shelf."""
        assert "It stands on the Shelf." in words(visit(f"/books/{number}").text)

    def test_a_stranger_finds_no_button(self, visit, number):
        """On a book's page, a stranger finds a link to /readers/me instead of a button."""
        html = visit(f"/books/{number}").text
        assert list(buttons(html)) == []
        assert "Give your name to borrow it." in words(html)
        assert '<a href="/readers/me">Give your name</a>' in main_part(html)

    def test_a_stranger_is_asked_for_a_name(self, visit, number, loans):
        """Who borrows without a name is sent to /readers/me with 303, and told why."""
        answer = send(visit, f"/books/{number}/borrow")
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/readers/me")
        assert said(visit("/readers/me").text) == ["Who borrows it? Give your name first."]
        assert loans() == []

    def test_a_name_from_before_is_asked_for_again(self, app, books, number, loans, name):
        """A name in a cookie that belongs to no reader, since it is older, is asked for again."""
        client = app.test_client()
        with client.session_transaction() as session:
            session["name"] = name
        answer = send(lambda path, method="GET", **more: client.open(path, method=method, **more),
                      f"/books/{number}/borrow")  # fmt: skip
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/readers/me")
        assert loans() == []

    def test_who_has_a_name_borrows_a_book(self, neighbour, number, name, loans):
        """The button “Borrow it” lends the book, and leads back to its page with 303."""
        visit, before = neighbour(name), date.today()
        answer = press(visit, f"/books/{number}", "Borrow it")
        place = f"/books/{number}"
        assert (answer.status_code, answer.headers.get("Location")) == (303, place)
        [(lent, reader, lent_on, back_on)] = loans()
        assert (lent, reader, back_on) == (number, name, None)
        assert before <= lent_on <= date.today()

    def test_who_borrowed_is_told(self, neighbour, books, number, name):
        """Who borrowed a book reads so on the next page, with its title."""
        visit, title = neighbour(name), books[number]["title"]
        press(visit, f"/books/{number}", "Borrow it")
        expected = f"You have “{title}” now. Bring it back when you have read it."
        assert said(visit(f"/books/{number}").text) == [expected]

    def test_the_page_says_who_has_it(self, visit, lend, number, name, chance):
        """The page of a book that is lent says to everybody who has it, and since when."""
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(2000))
        lend(number, name, lent_on=day)
        html = visit(f"/books/{number}").text
        assert f"{name} has it since {day}." in words(html)
        assert "It stands on the Shelf." not in words(html)
        assert f"<bdi>{name}</bdi>" in html

    def test_a_readers_name_is_text(self, visit, lend, number):
        """A reader's name with < in it comes as text, on whatever page."""
        lend(number, HOSTILE)
        assert HOSTILE not in visit(f"/books/{number}").text
        assert f"{HOSTILE} has it since {date.today()}." in words(visit(f"/books/{number}").text)

    def test_the_borrower_has_a_button_to_bring_it_back(self, neighbour, lend, number, name):
        """“Bring it back” is there for who has the book, and for nobody else."""
        visit, other = neighbour(name), neighbour(name[::-1])
        assert [list(buttons(v(f"/books/{number}").text)) for v in (visit, other)] == [
            ["Borrow it"],
            ["Borrow it"],
        ]
        lend(number, name)
        assert list(buttons(visit(f"/books/{number}").text)) == ["Bring it back"]
        assert list(buttons(other(f"/books/{number}").text)) == []

    def test_a_form_finds_its_way(self, neighbour, lend, number, name):
        """The addresses of both forms are made by `url_for`: they work below /shelf, too."""
        visit = neighbour(name)
        page = {"path": f"/books/{number}", "base_url": "http://localhost/shelf/"}
        assert buttons(visit(**page).text)["Borrow it"][0] == f"/shelf/books/{number}/borrow"
        lend(number, name)
        assert buttons(visit(**page).text)["Bring it back"][0] == f"/shelf/books/{number}/return"

    def test_a_book_that_is_lent_is_not_lent_again(self, neighbour, lend, number, loans, name):
        """Who wants a book that is lent gets 409, and a page that says so, with the title."""
        visit = neighbour(name)
        lend(number, "Somebody")
        before = loans()
        answer = send(visit, f"/books/{number}/borrow")
        assert (answer.status_code, answer.mimetype) == (409, "text/html")
        assert "<h1>Not lent</h1>" in answer.text
        assert loans() == before

    def test_the_page_for_who_came_late(self, neighbour, books, lend, name):
        """The page for who came late names the book: Somebody was faster: “…” is lent already."""
        books[50] = {"title": HOSTILE, "author": "A. Nobody"}
        visit = neighbour(name)
        lend(50, "Somebody")
        html = send(visit, "/books/50/borrow").text
        assert f"Somebody was faster: “{HOSTILE}” is lent already." in words(html)
        assert HOSTILE not in html

    def test_nobody_has_a_book_twice(self, neighbour, number, loans, name):
        """Who has a book cannot borrow it once more: 409, and one loan."""
        visit = neighbour(name)
        answers = [send(visit, f"/books/{number}/borrow").status_code for _ in range(2)]
        assert (answers, len(loans())) == ([303, 409], 1)

    def test_a_reader_may_have_several_books(self, neighbour, books, loans, name):
        """A reader may have any number of books, and each book is lent by itself."""
        visit = neighbour(name)
        answers = [send(visit, f"/books/{each}/borrow").status_code for each in books]
        assert answers == [303] * len(books)
        assert [(lent, reader) for lent, reader, *_ in loans()] == [(n, name) for n in books]

    def test_who_only_reads_still_gets_no_cookie(self, visit, lend, number, name):
        """To who only reads about a book that is lent, no cookie is handed out."""
        lend(number, name)
        for path in ("/", f"/books/{number}", AUTHOR):
            assert visit(path).headers.getlist("Set-Cookie") == [], path


class Refusals(Neighbours):
    """Inherit this to hold an app to lend books to nobody but its own forms."""

    @pytest.mark.parametrize("verb", ["borrow", "return"])
    def test_lending_needs_the_token(self, neighbour, number, lend, loans, name, verb):
        """What comes without the form's token gets 400 and the Shelf's page, and does nothing."""
        visit = neighbour(name)
        if verb == "return":
            lend(number, name)
        before = loans()
        strange = token(neighbour(name[::-1]))
        sent = [{"data": {"csrf_token": each}} for each in ("", "none", strange)]
        for more in ({}, {"json": ["Ann"]}, {"query_string": {"csrf_token": token(visit)}}, *sent):
            answer = visit(f"/books/{number}/{verb}", "POST", **more)
            assert (answer.status_code, NOT_DONE in answer.text) == (400, True), more
        assert loans() == before

    @pytest.mark.parametrize("verb", ["borrow", "return"])
    def test_a_link_lends_nothing(self, neighbour, number, lend, loans, name, verb):
        """A GET of the two addresses gets 405, and does nothing."""
        visit = neighbour(name)
        if verb == "return":
            lend(number, name)
        before = loans()
        assert visit(f"/books/{number}/{verb}").status_code == 405
        assert loans() == before

    @pytest.mark.parametrize("verb", ["borrow", "return"])
    @pytest.mark.parametrize("what", ["6", "2147483648", "9" * 40, "emma", "-7"])
    def test_an_unknown_book_is_not_lent(self, books, neighbour, loans, name, verb, what):
        """To borrow or bring back a book that is not there is answered with 404."""
        assert send(neighbour(name), f"/books/{what}/{verb}").status_code == 404
        assert loans() == []


class Returning(Neighbours):
    """Inherit this to hold an app to taking a book back from who has it."""

    def test_the_borrower_brings_it_back(self, neighbour, number, name, loans):
        """“Bring it back” ends the loan today, and leads back to the book's page with 303."""
        visit, before = neighbour(name), date.today()
        press(visit, f"/books/{number}", "Borrow it")
        answer = press(visit, f"/books/{number}", "Bring it back")
        place = f"/books/{number}"
        assert (answer.status_code, answer.headers.get("Location")) == (303, place)
        [(lent, reader, _, back_on)] = loans()
        assert (lent, reader) == (number, name)
        assert back_on is not None
        assert before <= back_on <= date.today()
        html = visit(f"/books/{number}").text
        assert "It stands on the Shelf." in words(html)
        assert list(buttons(html)) == ["Borrow it"]

    def test_who_brought_it_back_is_thanked(self, neighbour, books, lend, number, name):
        """Who brought a book back reads on the next page that it is back."""
        visit, title = neighbour(name), books[number]["title"]
        lend(number, name)
        press(visit, f"/books/{number}", "Bring it back")
        expected = [f"“{title}” is back on the Shelf. Thank you."]
        assert said(visit(f"/books/{number}").text) == expected

    def test_nobody_else_brings_it_back(self, visit, neighbour, books, lend, number, name, loans):
        """Who does not have a book cannot bring it back: it stays lent, and the page says so."""
        lend(number, name)
        before = loans()
        for other in (neighbour(name[::-1]), neighbour("Somebody"), visit):
            answer = send(other, f"/books/{number}/return")
            place = f"/books/{number}"
            assert (answer.status_code, answer.headers.get("Location")) == (303, place)
            expected = [f"You do not have “{books[number]['title']}”."]
            assert said(other(place).text) == expected
        assert loans() == before

    def test_another_name_is_another_reader(self, neighbour, lend, number, name, loans):
        """Who gives another name is another reader, and no longer has the first one's books."""
        visit = neighbour(name)
        lend(number, name)
        send(visit, "/readers/me", name="Somebody")
        send(visit, f"/books/{number}/return")
        assert loans()[0][3] is None

    def test_twice_is_no_failure(self, neighbour, books, lend, number, name, loans):
        """To bring a book back twice is no failure, and changes nothing."""
        day = date(2020, 2, 29)
        lend(number, name, lent_on=day, back_on=day)
        visit = neighbour(name)
        assert send(visit, f"/books/{number}/return").status_code == 303
        expected = [f"You do not have “{books[number]['title']}”."]
        assert said(visit(f"/books/{number}").text) == expected
        assert loans() == [(number, name, day, day)]

    def test_only_this_loan_ends(self, neighbour, books, lend, name, loans):
        """To bring back one book ends one loan: neither others' nor the reader's other books'."""
        first, second, third, *_ = books
        for number, reader in ((first, name), (second, name), (third, "Somebody")):
            lend(number, reader)
        press(neighbour(name), f"/books/{second}", "Bring it back")
        assert [back_on is None for *_, back_on in loans()] == [True, False, True]

    def test_a_book_can_be_lent_again(self, neighbour, number, name, loans):
        """A book that came back can be lent again, and its earlier loans stay in the table."""
        names = [name, name, name[::-1], name]
        for each in names:
            visit = neighbour(each)
            assert press(visit, f"/books/{number}", "Borrow it").status_code == 303
            assert f"{each} has it since {date.today()}." in words(visit(f"/books/{number}").text)
            assert press(visit, f"/books/{number}", "Bring it back").status_code == 303
        assert [(lent, reader) for lent, reader, *_ in loans()] == [(number, n) for n in names]
        assert None not in [back_on for *_, back_on in loans()]

    def test_the_open_loan_is_the_one_that_counts(self, visit, lend, number, name):
        """Among all loans of a book, `open_loan` is the one that has no `back_on`."""
        lend(number, "Earlier", lent_on=date(2020, 1, 1), back_on=date(2020, 1, 2))
        lend(number, name, lent_on=date(2020, 1, 3))
        lend(number, "Later", lent_on=date(2020, 1, 4), back_on=date(2020, 1, 5))
        assert f"{name} has it since 2020-01-03." in words(visit(f"/books/{number}").text)

    def test_a_book_that_goes_takes_its_loans_along(self, visit, books, lend, number, name, loans):
        """A book that is deleted takes its loans along, and no page fails for it."""
        other = next(each for each in books if each != number)
        lend(number, name, back_on=date(2020, 1, 2))
        lend(number, name)
        lend(other, name)
        del books[number]
        assert [lent for lent, *_ in loans()] == [other]
        assert visit("/").status_code == 200


class Race(Neighbours):
    """Inherit this to hold an app to lend a book to one, however many want it."""

    def test_somebody_is_faster(self, on_disk, models, faster, neighbour, loans, name):
        """Who is overtaken between the view's question and its commit gets 409 and the page."""
        Rows(on_disk, models)[7] = {"title": "Kim", "author": "R. Kipling"}
        visit = neighbour(name, app=on_disk)
        neighbour("Somebody", app=on_disk)
        reader = select(models.Reader.number).where(models.Reader.name == "Somebody")
        taken = insert(models.Loan).values(book_number=7, reader_number=reader.scalar_subquery())
        faster("loan", taken)
        answer = send(visit, "/books/7/borrow")
        assert answer.status_code == 409
        assert "Somebody was faster: “Kim” is lent already." in words(answer.text)
        assert [reader for _, reader, *_ in loans(on_disk)] == ["Somebody"]

    def test_eight_want_the_same_book(self, on_disk, models, neighbour, loans, request):
        """Of eight who borrow a book in the same moment, one gets it, and seven a 409."""
        books = Rows(on_disk, models)
        visits = [neighbour(f"Reader {number}", app=on_disk) for number in range(8)]
        forms = [{"csrf_token": token(visit)} for visit in visits]
        for number in range(1, request.config.option.rounds + 1):
            books[number] = {"title": f"Volume {number}", "author": "A. Nobody"}
            calls = [
                lambda visit=visit, form=form, place=f"/books/{number}/borrow": (
                    visit(place, "POST", data=form).status_code
                )
                for visit, form in zip(visits, forms, strict=True)
            ]
            answers = at_once(calls)
            lent = [back_on for book, *_, back_on in loans(on_disk) if book == number]
            assert (sorted(answers), lent) == ([303] + [409] * 7, [None]), f"round {number}"
            del books[number]


class WhoHasIt(Neighbours):
    """Inherit this to hold an app to lists that say who has a book, in three statements."""

    @pytest.fixture
    def volumes(self, books, chance):
        """Eighteen books by A. Nobody and no other; their numbers."""
        books.clear()
        numbers = sorted(chance.sample(range(1, 500), 18))
        for number in numbers:
            books[number] = {"title": f"Volume {number}", "author": "A. Nobody"}
        return numbers

    @pytest.mark.parametrize("page", ["/", "/?q=volume", AUTHOR])
    def test_the_list_says_who_has_a_book(self, visit, volumes, lend, chance, page):
        """The list and an author's page say behind a title who has the book: (Ann has it)."""
        lent = {number: f"Reader {chance.random()}" for number in chance.sample(volumes, 4)}
        for number, name in lent.items():
            lend(number, "Earlier", back_on=date.today())
            lend(number, name)
        came_back = next(number for number in volumes if number not in lent)
        lend(came_back, "Earlier", back_on=date.today())
        found = [" ".join(title.split()) for title, _ in rows(visit(page).text)]
        assert found == [
            f"Volume {n}" + (f" ({lent[n]} has it)" if n in lent else "") for n in volumes
        ]

    @pytest.mark.parametrize("page", ["/", AUTHOR])
    def test_a_readers_name_is_text_in_a_list(self, visit, volumes, lend, page):
        """In a list, too, a reader's name comes as text, in a <bdi>."""
        lend(volumes[0], HOSTILE)
        html = visit(page).text
        assert HOSTILE not in html
        assert "<bdi>" in html
        assert f"({HOSTILE} has it)" in unescape(rows(html)[0][0])

    @pytest.mark.parametrize("lent", [0, 3, 15])
    @pytest.mark.parametrize("page", ["/", "/?q=volume", AUTHOR])
    def test_three_statements_are_enough(
        self, visit, volumes, lend, chance, statements, page, lent
    ):
        """The list and an author's page take at most 3 SQL statements, however many are lent."""
        for number in chance.sample(volumes, lent):
            lend(number, "Earlier", back_on=date.today())
            lend(number, f"Reader {number}")
        statements.clear()
        html = visit(page).text
        sent = [statement for statement, _ in statements]
        assert html.count(" has it") == lent
        assert len(sent) <= 3, "\n\n".join([f"{len(sent)} statements, among them:", *sent[:6]])


def shown(html):
    """Return the numbers of the books in a page's table."""
    return [int(n) for n in re.findall(r'<td><a href="[^"]*/books/(\d+)"', html)]


def more(html):
    """Return the address behind “More books”, or None."""
    found = re.findall(r'<a href="([^"]*)">More\s+books</a>', main_part(html))
    return unescape(found[0]) if found else None


def follow(visit, page):
    """Return the numbers of the books on a page, and on each page behind “More books”."""
    found, seen = [], set()
    while page and page not in seen:
        seen.add(page)
        html = visit(page).text
        found.append(shown(html))
        page = more(html)
    return found


class Paging(Neighbours):
    """Inherit this to hold an app to a list in pages, each of which begins behind a number."""

    @pytest.fixture
    def fill(self, books, chance):
        """Replace all books by so many, with gaps between their numbers; return the numbers."""

        def fill(number, title="Volume {}"):
            books.clear()
            numbers = sorted(chance.sample(range(1, 5000), number))
            for each in chance.sample(numbers, number):
                books[each] = {"title": title.format(each), "author": "A. Nobody"}
            return numbers

        return fill

    @pytest.mark.parametrize("number", [0, 1, 19, 20, 21, 40, 41, 57])
    def test_more_books_are_a_page_further(self, visit, fill, number):
        """The list shows 20 books; behind “More books” come the next, each once, to the last."""
        numbers = fill(number)
        pages = [numbers[start : start + 20] for start in range(0, number, 20)] or [[]]
        assert follow(visit, "/") == pages

    @pytest.mark.parametrize("words", ["volume", "ÖDE & 100%", "a+b=c?"])
    def test_a_search_goes_on(self, visit, books, fill, words, chance):
        """“More books” keeps the words of the search."""
        numbers = fill(30, title="Volume {}, " + words)
        for number in chance.sample([n for n in range(1, 5000) if n not in numbers], 15):
            books[number] = {"title": f"Another {number}", "author": "A. Nobody"}
        assert follow(visit, f"/?q={quote(words)}") == [numbers[:20], numbers[20:]]

    @pytest.mark.parametrize("gone", [0, 10, 19], ids=["the first", "a middle one", "the last"])
    def test_a_book_goes_between_two_pages(self, visit, books, fill, gone):
        """If a book goes while somebody reads, no other is left out or shown twice."""
        numbers = fill(50)
        page = visit("/").text
        del books[shown(page)[gone]]
        assert follow(visit, more(page)) == [numbers[20:40], numbers[40:]]

    def test_a_book_comes_between_two_pages(self, visit, books, fill):
        """If a book comes before those that are shown, no other is shown twice."""
        numbers = fill(45)
        page = visit("/").text
        first = next(n for n in range(1, 5000) if n not in numbers)
        books[min(first, numbers[0] - 1)] = {"title": "The first", "author": "A. Nobody"}
        assert follow(visit, more(page)) == [numbers[20:40], numbers[40:]]

    def test_any_number_is_a_beginning(self, visit, fill, chance):
        """`/?after=N` begins behind N, whether or not there is a book of that number."""
        numbers = fill(30)
        for after in (0, numbers[4], numbers[4] + 1, chance.randrange(5000), 2**31 - 1):
            expected = [number for number in numbers if number > after][:20]
            assert shown(visit(f"/?after={after}").text) == expected, after

    @pytest.mark.parametrize("after", [-1, -(10**30), 2**31, 2**63, 10**30, "9" * 4000])
    def test_a_number_that_no_book_can_have(self, visit, fill, after):
        """`/?after=` with a number that is negative, or too large for the column, is a 404."""
        fill(3)
        assert visit(f"/?after={after}").status_code == 404

    @pytest.mark.parametrize("after", ["", "emma", "1.5", "1e3", "%00", "' OR 1", "7;", "None"])
    def test_words_are_no_number(self, visit, fill, after):
        """`/?after=` with what is no number shows the list from the beginning."""
        numbers = fill(25)
        answer = visit(f"/?after={quote(after, safe='%')}")
        assert (answer.status_code, shown(answer.text)) == (200, numbers[:20])

    def test_no_more_is_fetched_than_is_shown(self, app, visit, fill, lend, models, statements):
        """A page fetches its 20 books and one more, and takes 3 statements, as before."""
        numbers = fill(60)
        for number in numbers[:30]:
            lend(number, f"Reader {number}")
        fetched = []
        event.listen(models.Book, "load", lambda book, _: fetched.append(book.number))
        statements.clear()
        html = visit(f"/?after={numbers[5]}").text
        assert shown(html) == numbers[6:26]
        assert len(fetched) <= 21, f"{len(fetched)} books were fetched"
        assert len(statements) <= 3, [statement for statement, _ in statements]

    def test_a_page_is_found_by_its_number(self, app, visit, fill, models, statements):
        """The database goes straight to where a page begins, and reads nothing before it."""
        numbers = fill(45)
        statements.clear()
        visit(f"/?after={numbers[30]}")
        plans = plans_of(app, models, statements)
        assert "USING INTEGER PRIMARY KEY (rowid>?)" in "\n".join(plans)


def plans_of(app, models, statements):
    """Return how SQLite goes about each of these SELECT statements."""
    plans = []
    with app.app_context(), models.db.engine.connect() as connection:
        for statement, values in list(statements):
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                plans.append(" / ".join(row[-1] for row in rows))
    return plans


class Fakes(Neighbours):
    """Inherit this to hold an app to `flask shelf fake`."""

    @pytest.fixture
    def shelf(self, app, models):
        """Return the books: number, title, folded title, author, year."""

        def shelf(app=app):
            Book, db = models.Book, models.db
            with app.app_context():
                found = db.session.scalars(db.select(Book).order_by(Book.number))
                return [(b.number, b.title, b.folded_title, b.author, b.year) for b in found]

        return shelf

    def test_books_come_in_batches(self, app, typed, models):
        """The books come in batches of some thousands: neither one by one, nor all at once."""
        sent = []

        def count(connection, cursor, statement, *_):
            if statement.startswith("INSERT INTO book"):
                sent.append(statement)
                if len(sent) > 120:
                    pytest.fail("more than 120 times INSERT for 12,000 books")

        with app.app_context():
            event.listen(models.db.engine, "before_cursor_execute", count)
        typed("shelf", "fake", "--books", "12000")
        assert len(sent) > 1, f"{len(sent)} times INSERT for 12,000 books"

    @pytest.mark.parametrize("number", [1, 5001])
    def test_so_many_books_come(self, typed, shelf, number):
        """`flask shelf fake --books N` adds N books, each with a title of its own."""
        result = typed("shelf", "fake", "--books", str(number))
        assert result.exit_code == 0, result.output
        assert len(shelf()) == number
        assert len({title for _, title, *_ in shelf()}) == number

    def test_a_thousand_is_the_rule(self, typed, shelf):
        """`flask shelf fake` adds 1,000 books."""
        assert typed("shelf", "fake").exit_code == 0
        assert len(shelf()) == 1000

    def test_invented_books_are_like_others(self, typed, shelf, visit):
        """Invented books have author, year and folded title, so that a search finds them."""
        typed("shelf", "fake", "--books", "50")
        found = shelf()
        assert [folded for _, _, folded, *_ in found] == [x[1].casefold() for x in found]
        assert [x for x in found if not x[3] or not isinstance(x[4], int)] == []
        assert len({author for *_, author, _ in found}) > 5
        number, title, *_ = found[-1]
        assert shown(visit("/", query_string={"q": title.upper()}).text) == [number]

    def test_invented_names_are_words(self, typed, shelf):
        """Titles are invented like “The Blue Garden, volume 1”, authors like “Ada Adler”."""
        typed("shelf", "fake", "--books", "300")
        for volume, (_, title, _, author, year) in enumerate(shelf(), 1):
            name, _, which = title.partition(", ")
            assert which == f"volume {volume}"
            assert name.istitle() and len(name.split()) == 3
            assert author.istitle() and len(author.split()) == 2
            assert 1950 <= year <= 2020

    def test_what_was_sent_stays(self, on_disk, typed, models, shelf):
        """Each batch is committed: who stops the command keeps the books that have come."""
        done = []

        def stop(connection, cursor, statement, *_):
            if statement.startswith("INSERT INTO book"):
                if "commit" in done:
                    raise KeyboardInterrupt
                done.append("insert")

        with on_disk.app_context():
            event.listen(models.db.engine, "before_cursor_execute", stop)
            event.listen(models.db.engine, "commit", lambda _: done and done.append("commit"))
        typed("shelf", "fake", "--books", "12000", app=on_disk)
        assert 0 < len(shelf(on_disk)) < 12000

    def test_more_may_come(self, typed, books, shelf):
        """`flask shelf fake` may be typed again: more books come, and those that are there stay."""
        before = shelf()
        for _ in range(2):
            assert typed("shelf", "fake", "--books", "30").exit_code == 0
        assert (shelf()[: len(before)], len(shelf())) == (before, len(before) + 60)

    @pytest.mark.parametrize("number", ["0", "-5", "many", "1.5", ""])
    def test_a_bad_number_is_one_sentence(self, typed, shelf, number):
        """What is no number of books is refused in one sentence, and no book comes."""
        result = typed("shelf", "fake", "--books", number)
        assert result.exit_code == 2, result.output
        assert "Error: Invalid value for '--books'" in result.output
        assert shelf() == []


class Lent(Neighbours):
    """Inherit this to hold an app to lesson 11's tasks."""

    def mine(self, html):
        """Return what stands under “You have”: addresses and titles; None if it is not there."""
        found = re.search(r"<h2>\s*You have\s*</h2>(.*?)(<h2>|</main>)", html, re.DOTALL)
        links = re.findall(r'<a href="([^"]*)">([^<]*)</a>', found[1]) if found else []
        return sorted((place, unescape(title)) for place, title in links) if found else None

    def test_a_reader_sees_what_they_have(self, neighbour, books, lend, name):
        """/readers/me shows under an <h2> “You have” the books that the visitor has, as links."""
        first, second, third, *_ = books
        lend(first, name)
        lend(third, name)
        lend(second, "Somebody")
        html = neighbour(name)("/readers/me").text
        expected = [(f"/books/{n}", books[n]["title"]) for n in (first, third)]
        assert self.mine(html) == sorted(expected)

    def test_what_came_back_is_not_shown(self, neighbour, books, lend, name):
        """Under “You have” stands no book that came back, even if another has it now."""
        first, second, third, *_ = books
        lend(first, name, back_on=date.today())
        lend(first, "Somebody")
        lend(second, name, back_on=date.today())
        lend(third, name)
        html = neighbour(name)("/readers/me").text
        assert self.mine(html) == [(f"/books/{third}", books[third]["title"])]

    def test_who_has_nothing_is_told_nothing(self, visit, neighbour, lend, number, name):
        """Who has no book, and who is a stranger, find no “You have”."""
        lend(number, name, back_on=date.today())
        lend(number, "Somebody")
        pages = [who("/readers/me").text for who in (neighbour(name), neighbour("Nobody"), visit)]
        assert [self.mine(html) for html in pages] == [None, None, None]

    def test_a_name_of_no_reader_has_nothing(self, app, neighbour, models, books, name):
        """A name in a cookie that belongs to no reader, since it is older, is no failure."""
        session = cookie(neighbour(name)("/readers/me"))
        with app.app_context():
            models.db.session.execute(models.db.delete(models.Reader))
            models.db.session.commit()
        answer = come_with(app, session, "/readers/me")
        assert (answer.status_code, self.mine(answer.text)) == (200, None)

    def test_a_title_is_text_there(self, neighbour, books, lend, name):
        """Under “You have”, a title comes as text."""
        books[50] = {"title": HOSTILE, "author": "A. Nobody"}
        lend(50, name)
        html = neighbour(name)("/readers/me").text
        assert (HOSTILE in html, self.mine(html)) == (False, [("/books/50", HOSTILE)])

    def test_the_books_that_are_lent_in_the_terminal(self, typed, books, lend, chance):
        """`flask shelf lent` lists the books that are lent, as 2026-03-01 Emma: Ann."""
        number, *others = chance.sample(list(books), 3)
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(2000))
        lend(number, "Ann", lent_on=day)
        lend(others[0], "Zoë", lent_on=day, back_on=day + timedelta(days=2))
        result = typed("shelf", "lent")
        expected = f"{day} {books[number]['title']}: Ann\n"
        assert (result.exit_code, result.output) == (0, expected)

    def test_the_longest_comes_first(self, typed, books, lend, chance):
        """`flask shelf lent` begins with the book that is lent the longest."""
        days = [date(2020, 1, 1) + timedelta(days=n) for n in chance.sample(range(2000), 3)]
        numbers = chance.sample(list(books), 3)
        for number, day in zip(numbers, days, strict=True):
            lend(number, "Ann", lent_on=day)
        found = typed("shelf", "lent").output.splitlines()
        assert [line[:10] for line in found] == sorted(str(day) for day in days)

    def test_of_one_day_in_the_order_of_the_loans(self, typed, books, lend, chance):
        """Of those lent on one day, `flask shelf lent` begins with the first."""
        numbers = chance.sample(list(books), 4)
        for number in numbers:
            lend(number, "Ann", lent_on=date(2020, 2, 29))
        found = typed("shelf", "lent").output.splitlines()
        assert found == [f"2020-02-29 {books[number]['title']}: Ann" for number in numbers]

    def test_nothing_is_lent(self, typed, books):
        """If no book is lent, `flask shelf lent` prints nothing, and that is no failure."""
        result = typed("shelf", "lent")
        assert (result.exit_code, result.output) == (0, "")


# pytest runs the tests of the last base first.
class Loans(Lent, Fakes, Paging, WhoHasIt, Race, Returning, Refusals, Borrowing, Readers):
    """Inherit this to hold an app to all that lesson 11 promises."""
