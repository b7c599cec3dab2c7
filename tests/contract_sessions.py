"""What the Shelf promises to those who come again, from lesson 8 on; see also `contract`."""

import re
import time
from base64 import urlsafe_b64encode
from collections import Counter
from html import escape
from io import BytesIO
from wsgiref.validate import validator

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.http import parse_date
from werkzeug.test import Client, encode_multipart

HOSTILE = "<script>alert(1)</script>"
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
DAY = 24 * 60 * 60
NAMES = ["Ann", "Бо", "雪", "Zoë", "Ōe", "Märta", "van Dyck"]


def first(pattern, text):
    """Return the group of the first match, or an empty text."""
    found = re.search(pattern, text, re.DOTALL)
    return found[1] if found else ""


def token(visit, path="/readers/me"):
    """Return the CSRF token of a page's form."""
    return first(r'name="csrf_token" type="hidden" value="([^"]*)"', visit(path).text)


def send(visit, path, **fields):
    """Send a form, with its token."""
    return visit(path, "POST", data={"csrf_token": token(visit)} | fields)


def greeting(html):
    """Return what the navigation calls the visitor."""
    return first(r'<a href="[^"]*/readers/me"[^>]*>([^<]*)</a>', first(r"<nav>(.*)</nav>", html))


def said(html):
    """Return the messages of a page."""
    return re.findall(r'<p role="status">(.*?)</p>', html)


def problems(html):
    """Return what a page says about the fields of its form."""
    return re.findall(r'<strong id="\w+-error">(.*?)</strong>', html)


def cookie(response):
    """Return the session's cookie that a response hands out, or an empty text."""
    return first(r"^session=([^;]*)", response.headers.get("Set-Cookie", ""))


def attributes(response):
    """Return what stands behind the value of the cookie that a response hands out."""
    return response.headers.get("Set-Cookie", "").split("; ")[1:]


def come_with(app, session, path="/"):
    """Visit as somebody who brings this cookie, and nothing else."""
    client = Client(validator(app), use_cookies=False)
    with client.get(path, headers={"Cookie": f"session={session}"}) as response:
        response.get_data()
        return response


def another(app):
    """Return somebody else, who visits the app with cookies of their own."""
    client = Client(validator(app))

    def visit(path, method="GET", **more):
        with client.open(path, method=method, **more) as response:
            response.get_data()
            return response

    return visit


def far_letters(chance, number):
    """Return letters that take four bytes each in UTF-8, and twelve in JSON."""
    return "".join(chr(chance.randrange(0x20000, 0x2A000)) for _ in range(number))


class Visitors:
    """What the classes below share: somebody with a name, and books to look at."""

    @pytest.fixture
    def name(self, chance):
        """A name that no app can guess."""
        return f"{chance.choice(NAMES)} {chance.randrange(10_000)}"

    @pytest.fixture
    def number(self, books, chance):
        """The number of a book."""
        return chance.choice(list(books))


class Names(Visitors):
    """Inherit this to hold an app to the name that it remembers."""

    def test_a_stranger_is_asked_for_a_name(self, visit):
        """The page /readers/me must be called Your name, with a form that has a labelled field."""
        html = visit("/readers/me").text
        assert re.findall(r"<(title|h1)>Your name</", html) == ["title", "h1"]
        assert re.findall(r'<label for="name">(.*?)</label>', html) == ["Your name"]
        assert re.findall(r'<input id="name" [^>]*name="(\w+)"', html) == ["name"]
        assert re.findall(r"<button>(.*?)</button>", html) == ["Remember me"]

    def test_each_page_leads_there(self, visit, number):
        """Each page's <nav> must end with a link to /readers/me, called Your name at first."""
        for path in ("/", f"/books/{number}", "/authors/", "/books/new", "/nowhere"):
            nav = first(r"<nav>(.*)</nav>", visit(path, base_url="http://localhost/shelf/").text)
            found = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', nav)
            assert found[-1:] == [("/shelf/readers/me", "Your name")], path
        assert 'href="/readers/me" aria-current="page"' in " ".join(
            visit("/readers/me").text.split()
        )

    def test_a_name_is_remembered(self, visit, number, name):
        """A name that is sent to /readers/me must stand in the <nav> of each page afterwards."""
        response = send(visit, "/readers/me", name=f"  {name} ")
        assert (response.status_code, response.headers.get("Location")) == (303, "/")
        for path in ("/", f"/books/{number}", "/readers/me", "/nowhere"):
            assert greeting(visit(path).text) == name

    def test_another_name_takes_its_place(self, visit, name):
        """Who sends another name must be called by that one."""
        send(visit, "/readers/me", name="Nobody")
        send(visit, "/readers/me", name=name)
        assert greeting(visit("/").text) == name

    def test_each_visitor_has_a_name_of_their_own(self, app, visit, name):
        """A name must be remembered for whoever sent it, and for nobody else."""
        neighbour = another(app)
        send(visit, "/readers/me", name=name)
        assert greeting(neighbour("/").text) == "Your name"
        send(neighbour, "/readers/me", name=name[::-1])
        assert [greeting(who("/").text) for who in (visit, neighbour)] == [name, name[::-1]]

    def test_a_name_is_text(self, visit):
        """A name with < in it must come as text."""
        send(visit, "/readers/me", name=HOSTILE)
        html = visit("/").text
        assert HOSTILE not in html
        assert escape(HOSTILE) in html

    def test_a_name_may_have_forty_characters(self, visit, chance):
        """A name of 40 characters must be taken in, whatever their alphabet."""
        longest = far_letters(chance, 40)
        send(visit, "/readers/me", name=longest)
        assert greeting(visit("/").text) == longest

    def test_what_is_no_name_is_refused(self, visit, chance):
        """What is no name must be answered with 422 and a message, and not be remembered."""
        refused = {
            "": "What shall we call you?",
            "   ": "What shall we call you?",
            far_letters(chance, 41): "At most 40 characters, please.",
            "A\0nn": "Only letters, digits, signs and spaces, please.",
            "An\nn": "Only letters, digits, signs and spaces, please.",
            "Zo\ufffd": "Only letters, digits, signs and spaces, please.",
        }
        found = {}
        for each in refused:
            response = send(visit, "/readers/me", name=each)
            found[each] = [response.status_code, *problems(response.text)]
            assert greeting(response.text) == "Your name"
        assert found == {each: [422, message] for each, message in refused.items()}
        assert greeting(visit("/").text) == "Your name"

    def test_a_form_without_a_name_is_refused(self, visit):
        """A form without its field, or what is no form, must be answered with 422, not fail."""
        assert send(visit, "/readers/me").status_code == 422
        assert visit("/readers/me", "POST", json=["Ann"]).status_code == 422
        file = (BytesIO(b"Ann"), "name.txt")
        assert send(visit, "/readers/me", name=file).status_code == 422

    def test_a_name_needs_its_token(self, visit, name):
        """A name that comes without the page's token must be refused, and not be remembered."""
        for sent in ({}, {"csrf_token": ""}, {"csrf_token": "none"}):
            token(visit)
            response = visit("/readers/me", "POST", data={"name": name} | sent)
            assert response.status_code == 422
            assert '<p role="alert">' in response.text
            assert f'value="{name}"' in response.text
        assert greeting(visit("/").text) == "Your name"

    def test_who_only_reads_gets_no_cookie(self, visit, number):
        """To somebody who only reads, no response must hand out a cookie."""
        for path in ("/", f"/books/{number}", "/authors/", "/nowhere", "/static/style.css"):
            assert visit(path).headers.getlist("Set-Cookie") == [], path

    def test_caches_are_told(self, visit):
        """A page with the visitor's name must say Vary: Cookie, so that no cache mixes them up."""
        assert "Cookie" in visit("/").headers.get("Vary", "")

    def test_scripts_do_not_get_the_cookie(self, visit):
        """The cookie must be HttpOnly."""
        assert "HttpOnly" in attributes(visit("/readers/me"))

    def test_the_visitor_cannot_write_the_session(self, app, visit, name):
        """A cookie that was changed must count for nothing, and not fail."""
        session = cookie(send(visit, "/readers/me", name="Ann"))
        assert greeting(come_with(app, session).text) == "Ann"
        forged = urlsafe_b64encode(f'{{"name":"{name}"}}'.encode()).decode().rstrip("=")
        rest = session.split(".", 2 if session.startswith(".") else 1)[-1]
        swapped = "B" if session[3] != "B" else "C"
        for brought in (
            f"{forged}.{rest}",
            forged,
            session[:3] + swapped + session[4:],
            session + "A",
            f".{session}",
            "...",
            "é",
            "",
        ):
            response = come_with(app, brought)
            assert (response.status_code, greeting(response.text)) == (200, "Your name"), brought


class Leaving(Visitors):
    """Inherit this to hold an app to what ends a session, and to whom its cookie is sent."""

    def test_the_cookie_stays_on_its_site(self, visit):
        """The cookie must have SameSite=Lax, so that no other site's form brings it along."""
        assert "SameSite=Lax" in attributes(visit("/readers/me"))

    def test_a_name_is_remembered_for_thirty_days(self, visit, name):
        """When a name is taken in, the cookie must get an end in 30 days."""
        header = send(visit, "/readers/me", name=name).headers.get("Set-Cookie", "")
        end = parse_date(first("Expires=([^;]*)", header))
        assert end is not None, header
        assert round((end.timestamp() - time.time()) / DAY, 2) == 30

    def test_an_old_cookie_counts_no_more(self, app, visit, name, monkeypatch):
        """A cookie that was signed more than 30 days ago must be refused, whoever kept it."""
        session, now = cookie(send(visit, "/readers/me", name=name)), time.time()
        found = []
        for days in (29.9, 30.1):
            monkeypatch.setattr(time, "time", lambda days=days: now + days * DAY)
            found.append(greeting(come_with(app, session).text))
        assert found == [name, "Your name"]

    def test_who_has_a_name_can_be_forgotten(self, visit, name):
        """Forget me must empty the session, and lead back to /readers/me with 303."""
        send(visit, "/readers/me", name=name)
        assert greeting(visit("/").text) == name
        response = send(visit, "/readers/forget")
        assert (response.status_code, response.headers.get("Location")) == (303, "/readers/me")
        assert greeting(visit("/readers/me").text) == "Your name"
        assert greeting(visit("/").text) == "Your name"

    def test_nothing_else_stays(self, visit, name):
        """Forget me must clear all of the session, the token's other half included."""
        send(visit, "/readers/me", name=name)
        before = token(visit)
        send(visit, "/readers/forget")
        visit("/readers/me")
        response = visit("/readers/me", "POST", data={"name": "Ann", "csrf_token": before})
        assert response.status_code == 422

    def test_only_this_visitor_is_forgotten(self, app, visit, name):
        """Forget me must forget whoever asked, and nobody else."""
        neighbour = another(app)
        send(visit, "/readers/me", name=name)
        send(neighbour, "/readers/me", name="Nobody")
        send(neighbour, "/readers/forget")
        assert greeting(visit("/").text) == name

    def test_the_button_is_there_for_who_has_a_name(self, visit, name):
        """The button Forget me must be there once a name is remembered, with a form of its own."""
        assert "Forget me" not in visit("/readers/me").text
        send(visit, "/readers/me", name=name)
        html = visit("/readers/me", base_url="http://localhost/shelf/").text
        form = first('<form method="post" action="/shelf/readers/forget">(.*?)</form>', html)
        assert 'name="csrf_token"' in form
        assert "<button>Forget me</button>" in form

    def test_an_id_stands_once(self, visit, name):
        """With two forms on the page, each id must still stand there once."""
        send(visit, "/readers/me", name=name)
        ids = Counter(re.findall(r'\bid="([^"]*)"', visit("/readers/me").text))
        assert [each for each, times in ids.items() if times > 1] == []

    def test_forgetting_needs_the_token(self, visit, name):
        """What does not come with the token must be answered with 400 and the Shelf's page."""
        send(visit, "/readers/me", name=name)
        for sent in ({"data": {}}, {"data": {"csrf_token": "none"}}, {"json": ["Ann"]}):
            response = visit("/readers/forget", "POST", **sent)
            assert response.status_code == 400
            assert "<h1>Not done</h1>" in response.text
            assert "<p>That did not come from a page of the Shelf." in response.text
        assert greeting(visit("/").text) == name

    def test_a_link_does_not_forget(self, visit, name):
        """A GET of /readers/forget must be answered with 405, and forget nobody."""
        send(visit, "/readers/me", name=name)
        assert visit("/readers/forget").status_code == 405
        assert greeting(visit("/").text) == name


class Messages(Visitors):
    """Inherit this to hold an app to what it says across a redirect."""

    def test_a_new_book_is_announced(self, visit, name):
        """When a book is taken in, its page must say so, once."""
        response = send(visit, "/books/new", title=name, author="A. Nobody")
        page = response.headers.get("Location")
        assert said(visit(page).text) == [f"“{name}” stands on the Shelf."]
        assert said(visit(page).text) == []

    def test_a_name_is_welcomed(self, visit, name):
        """When a name is taken in, the next page must say Welcome, once."""
        send(visit, "/readers/me", name=name)
        assert said(visit("/").text) == [f"Welcome, {name}."]
        assert said(visit("/").text) == []

    def test_who_is_forgotten_is_told(self, visit, name):
        """After Forget me, the next page must say that the Shelf has forgotten."""
        send(visit, "/readers/me", name=name)
        visit("/")
        send(visit, "/readers/forget")
        assert said(visit("/readers/me").text) == ["The Shelf has forgotten you."]

    def test_nobody_else_is_told(self, app, visit, name):
        """A message must reach the visitor whom it is for, whoever asks in between."""
        send(visit, "/readers/me", name=name)
        assert said(another(app)("/").text) == []
        assert said(visit("/").text) == [f"Welcome, {name}."]

    def test_a_message_waits_for_a_page(self, visit, name):
        """A redirect or a file must not use a message up: the next page shows it."""
        send(visit, "/readers/me", name=name)
        visit("/newest")
        visit("/static/style.css")
        assert said(visit("/nowhere").text) == [f"Welcome, {name}."]

    def test_what_is_refused_is_not_announced(self, visit):
        """A form that is refused must leave no message."""
        assert said(send(visit, "/books/new", title="", author="").text) == []
        assert said(send(visit, "/readers/me", name="").text) == []
        assert said(visit("/").text) == []

    def test_a_message_is_text(self, visit):
        """A message with < in it must come as text."""
        page = send(visit, "/books/new", title=HOSTILE, author="A. Nobody").headers["Location"]
        assert said(visit(page).text) == [escape(f"“{HOSTILE}” stands on the Shelf.")]

    def test_the_longest_message_fits(self, visit, chance):
        """With the longest name and the longest title, the cookie must stay below 4,093 bytes."""
        send(visit, "/readers/me", name=far_letters(chance, 40))
        title = far_letters(chance, 200)
        response = send(visit, "/books/new", title=title, author="A. Nobody")
        assert len(response.headers.get("Set-Cookie", "")) < 4093
        assert said(visit(response.headers["Location"]).text) == [f"“{title}” stands on the Shelf."]


class Senders(Visitors):
    """What the two classes below share: pictures, and a folder for them."""

    @pytest.fixture(autouse=True)
    def folder_for_covers(self, app, tmp_path):
        """A folder of the test's own for the covers, which the app has to make."""
        app.config["COVERS"] = str(tmp_path / "an" / "instance")
        return tmp_path / "an" / "instance"

    @pytest.fixture
    def stored(self, folder_for_covers):
        """Return the contents of the stored files by their names' endings."""

        def stored():
            files = sorted(folder_for_covers.glob("*"))
            return [(each.suffix, each.read_bytes()) for each in files]

        return stored

    @pytest.fixture
    def picture(self, chance):
        """What begins as a PNG does."""
        return PNG + chance.randbytes(chance.randrange(20, 2000))

    def offer(self, visit, number, content, name="cover.png", type="image/png"):
        """Send a file as a book's cover."""
        file = FileStorage(BytesIO(content), name, content_type=type)
        boundary, body = encode_multipart({"csrf_token": token(visit), "cover": file})
        kind = f"multipart/form-data; boundary={boundary}"
        return visit(f"/books/{number}/cover/new", "POST", data=body, content_type=kind)


class Covers(Senders):
    """Inherit this to hold an app to what it does with pictures of covers."""

    def test_a_book_asks_for_its_cover(self, visit, books, number):
        """A book's page must lead to a form that sends a file, with a labelled field."""
        assert f'<a href="/books/{number}/cover/new">' in visit(f"/books/{number}").text
        page = visit(f"/books/{number}/cover/new")
        html = page.text
        title = escape(f"A cover for {books[number]['title']}")
        assert f"<title>{title}</title>" in html
        assert f"<h1>{title}</h1>" in html
        assert page.status_code == 200
        assert '<form method="post" enctype="multipart/form-data">' in html
        assert re.findall(r'<label for="cover">(.*?)</label>', html) == ["A picture, PNG or JPEG"]
        [field] = re.findall(r'<input [^>]*name="cover"[^>]*>', html)
        assert {'id="cover"', 'type="file"'} <= set(re.split("[ >]", field))

    def test_a_png_is_shown(self, visit, number, picture):
        """A PNG must be taken in, be shown on the book's page, and come back as it was sent."""
        response = self.offer(visit, number, picture)
        assert (response.status_code, response.headers.get("Location")) == (
            303,
            f"/books/{number}",
        )
        html = visit(f"/books/{number}", base_url="http://localhost/shelf/").text
        assert re.findall("<img [^>]*>", html) == [
            f'<img src="/shelf/books/{number}/cover" alt="The cover" width="200">'
        ]
        response = visit(f"/books/{number}/cover")
        assert (response.status_code, response.mimetype) == (200, "image/png")
        assert response.data == picture

    def test_a_jpeg_is_shown(self, visit, number, chance):
        """A JPEG must be taken in and sent as image/jpeg, also under the name of a PNG."""
        picture = JPEG + chance.randbytes(500)
        assert self.offer(visit, number, picture, "cover.png").status_code == 303
        response = visit(f"/books/{number}/cover")
        assert (response.data, response.mimetype) == (picture, "image/jpeg")

    def test_each_book_has_its_own(self, visit, books, chance):
        """A cover must belong to its book, and to no other."""
        one, two, three = list(books)[:3]
        pictures = {each: PNG + chance.randbytes(50) for each in (one, two)}
        for number, picture in pictures.items():
            self.offer(visit, number, picture)
        assert {number: visit(f"/books/{number}/cover").data for number in pictures} == pictures
        assert "<img" not in visit(f"/books/{three}").text
        assert visit(f"/books/{three}/cover").status_code == 404

    def test_it_is_said(self, visit, number, picture):
        """When a cover is taken in, the book's page must say so."""
        self.offer(visit, number, picture)
        assert said(visit(f"/books/{number}").text) == ["The cover is there."]

    def test_what_is_no_picture_is_refused(self, visit, number, stored):
        """What does not begin as a picture does must be refused, whatever its name and type."""
        message = [422, "A picture as PNG or JPEG, please."]
        refused = [HOSTILE.encode(), b"GIF" + JPEG, b"", PNG[:7], PNG[1:], JPEG[:2]]
        found = []
        for content in refused:
            response = self.offer(visit, number, content)
            found.append([response.status_code, *problems(response.text)])
        assert found == [message] * len(refused)
        assert stored() == []
        assert "<img" not in visit(f"/books/{number}").text

    def test_a_form_without_a_file_is_refused(self, visit, number):
        """Without a file, the form must be shown again, and ask for one."""
        path = f"/books/{number}/cover/new"
        for sent in ({}, {"cover": "cover.png"}, {"cover": (BytesIO(b""), "")}):
            response = send(visit, path, **sent)
            assert [response.status_code, *problems(response.text)] == [422, "Choose a file."]
        assert visit(path, "POST", json=["cover"]).status_code == 422

    def test_a_cover_needs_the_token(self, visit, number, picture, stored):
        """A cover that comes without the page's token must be refused, and not be stored."""
        token(visit)
        sent = {"cover": (BytesIO(picture), "cover.png")}
        response = visit(f"/books/{number}/cover/new", "POST", data=sent)
        assert response.status_code == 422
        assert '<p role="alert">' in response.text
        assert stored() == []

    def test_the_sender_has_no_say_in_the_name(
        self, visit, number, picture, stored, folder_for_covers, tmp_path
    ):
        """A file must be stored in the folder of covers, under a name of the Shelf's."""
        names = ["../../app.py", "/etc/hosts", "..", "cover.html", "cover.png", "雪国"]
        for name in names:
            assert self.offer(visit, number, picture, name).status_code == 303
            [(suffix, content), *_] = stored()
            assert (suffix, content) == (".png", picture)
        assert [each.name for each in folder_for_covers.glob("cover*")] == []
        assert [each for each in tmp_path.rglob("*") if each.is_file()] == list(
            folder_for_covers.glob("*.png")
        )

    def test_the_sender_has_no_say_in_the_type(self, visit, number, picture):
        """A picture that is sent as HTML must be sent on as the picture that it is."""
        self.offer(visit, number, picture, "cover.html", "text/html")
        response = visit(f"/books/{number}/cover")
        assert response.headers.get("Content-Type", "") == "image/png"

    def test_browsers_are_told_not_to_guess(self, visit, number, picture):
        """Every response must say nosniff in X-Content-Type-Options, the cover's above all."""
        self.offer(visit, number, picture)
        for path in (f"/books/{number}/cover", "/", "/nowhere", "/static/style.css", "/newest"):
            assert visit(path).headers.get("X-Content-Type-Options", "") == "nosniff", path

    def test_a_photograph_fits(self, visit, number, chance):
        """A picture of 1.9 MB must be taken in."""
        picture = JPEG + chance.randbytes(1_900_000)
        assert self.offer(visit, number, picture).status_code == 303
        assert visit(f"/books/{number}/cover").data == picture

    def test_too_much_is_refused(self, visit, number, stored):
        """More than 2 MB must be answered with 413 and the Shelf's page, and not be stored."""
        response = self.offer(visit, number, PNG + b"x" * 2_000_000)
        assert response.status_code == 413
        assert "<h1>Too large</h1>" in response.text
        assert stored() == []

    def test_no_cover_is_not_found(self, visit, books, number):
        """A book without a cover, and a book that is not there, must answer 404."""
        nobody = max(books) + 1
        for path in (
            f"/books/{number}/cover",
            f"/books/{nobody}/cover",
            f"/books/{nobody}/cover/new",
        ):
            assert visit(path).status_code == 404, path


class Replaced(Senders):
    """Inherit this to hold an app to the one cover of a book."""

    def test_the_old_picture_goes(self, visit, number, stored, chance):
        """When a book gets another cover, the old file must be deleted."""
        for ending, start in ((".png", PNG), (".jpeg", JPEG), (".png", PNG)):
            picture = start + chance.randbytes(50)
            self.offer(visit, number, picture)
            assert stored() == [(ending, picture)]
        assert visit(f"/books/{number}/cover").data == picture

    def test_other_books_keep_theirs(self, visit, books, picture):
        """Another cover for one book must leave the others' covers alone."""
        one, two = list(books)[:2]
        for number in (one, two, two):
            self.offer(visit, number, picture + bytes([number]))
        assert visit(f"/books/{one}/cover").data == picture + bytes([one])

    def test_what_is_refused_deletes_nothing(self, visit, number, picture, stored):
        """A file that is refused must leave the old cover where it is."""
        self.offer(visit, number, picture)
        self.offer(visit, number, HOSTILE.encode())
        assert stored() == [(".png", picture)]
        assert visit(f"/books/{number}/cover").data == picture

    def test_the_old_picture_may_be_gone(self, visit, number, picture, stored, folder_for_covers):
        """If somebody has deleted the old file already, the new cover must be taken in."""
        self.offer(visit, number, picture)
        for each in folder_for_covers.glob("*"):
            each.unlink()
        assert self.offer(visit, number, picture).status_code == 303
        assert stored() == [(".png", picture)]


class Visited(Visitors):
    """Inherit this to hold an app to the last books that a visitor with a name has seen."""

    def shown(self, visit):
        """Return the numbers of the books to which /readers/me leads."""
        links = re.findall(r'<a href="/books/(\d+)">', visit("/readers/me").text)
        return [int(number) for number in links]

    def test_the_last_three_books_are_shown(self, visit, books, chance, name):
        """The page /readers/me must show the last three books, the latest first, with titles."""
        order = chance.sample(list(books), 4)
        send(visit, "/readers/me", name=name)
        for count, number in enumerate(order, 1):
            visit(f"/books/{number}")
            assert self.shown(visit) == order[:count][::-1][:3]
        html = visit("/readers/me").text
        for number in order[1:]:
            assert f'<a href="/books/{number}">{escape(books[number]["title"])}</a>' in html

    def test_their_heading_comes_with_the_first_book(self, visit, number, name):
        """A heading must stand above the books; while there are none, there must be no heading."""
        send(visit, "/readers/me", name=name)
        before = re.findall(r"<h\d", visit("/readers/me").text)
        visit(f"/books/{number}")
        assert re.findall(r"<h\d", visit("/readers/me").text) == [*before, "<h2"]

    def test_no_book_is_shown_twice(self, visit, books, chance, name):
        """A book that is looked at again must move to the front."""
        one, two, three = chance.sample(list(books), 3)
        send(visit, "/readers/me", name=name)
        for number in (one, two, three, two, two):
            visit(f"/books/{number}")
        assert self.shown(visit) == [two, three, one]

    def test_a_book_that_is_gone_is_left_out(self, visit, books, chance, name):
        """A book that is gone must be left out, and the page must not fail."""
        one, two = chance.sample(list(books), 2)
        send(visit, "/readers/me", name=name)
        visit(f"/books/{one}")
        visit(f"/books/{two}")
        del books[one]
        assert self.shown(visit) == [two]

    def test_only_books_that_are_there_count(self, visit, books, number, name):
        """A book that is not there must not be noted."""
        send(visit, "/readers/me", name=name)
        visit(f"/books/{number}")
        visit(f"/books/{max(books) + 1}")
        visit("/")
        assert self.shown(visit) == [number]

    def test_nothing_is_kept_of_others(self, visit, number, name):
        """Of a visitor without a name nothing must be kept: no cookie, and no book later on."""
        assert visit(f"/books/{number}").headers.getlist("Set-Cookie") == []
        send(visit, "/readers/me", name=name)
        assert self.shown(visit) == []

    def test_each_visitor_has_books_of_their_own(self, app, visit, books, chance, name):
        """Each visitor must be shown the books that they looked at themselves."""
        one, two = chance.sample(list(books), 2)
        neighbour = another(app)
        for who, number in ((visit, one), (neighbour, two)):
            send(who, "/readers/me", name=name)
            who(f"/books/{number}")
        assert [self.shown(visit), self.shown(neighbour)] == [[one], [two]]

    def test_who_is_forgotten_has_no_books(self, visit, number, name):
        """After Forget me, no book must be shown."""
        send(visit, "/readers/me", name=name)
        visit(f"/books/{number}")
        send(visit, "/readers/forget")
        assert self.shown(visit) == []
        send(visit, "/readers/me", name=name)
        assert self.shown(visit) == []


class Sessions(Names, Leaving, Messages, Covers, Replaced, Visited):
    """Inherit this to hold an app to all of them."""
