"""The messages that stop beginners: each is provoked for real, and met with cause and cure."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from conftest import ROOT
from learner import make_up_a_lesson, run, write

from course.lessons import find_lesson
from course.translations import translate

ROWS = tomllib.loads((ROOT / "course/translations.toml").read_text(encoding="utf-8"))["message"]

FLASK = "from flask import Flask, request, url_for, render_template\napp = Flask(__name__)\n"
DATABASE = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

db = SQLAlchemy(model_class=Base)
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shelf.db"
db.init_app(app)
Migrate(app, db)

class Book(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]

@app.get("/")
def count():
    return str(len(db.session.scalars(db.select(Book)).all()))
"""
VISIT = '''
@step(1)
def test_it_answers(load):
    """The address / must answer 200."""
    load("shelf").BOOKS
    assert load("app").app.test_client().get("/").status == "200 OK"
'''
ASK = '''
@step(1)
def test_it_answers(load):
    """The address / must answer 200."""
    app = load("app").app
    app.testing = True
    client = app.test_client()
    with client.{how} as response:
        assert response.status == "200 OK"
'''
MIGRATE = '''
import warnings

@step(1)
def test_the_database_is_brought_up_to_date(load):
    """`flask db upgrade` and `flask db migrate` must find nothing to complain about."""
    runner = load("app").app.test_cli_runner()
    db = load("app").db
    with warnings.catch_warnings(), load("app").app.app_context():
        warnings.simplefilter("ignore")  # the generated env.py calls what is deprecated
        for arguments in {commands}:
            result = runner.invoke(args=["db", *arguments])
            print(result.output)
            assert result.exit_code == 0
            {between}
        db.engine.dispose()
        assert {expected}
'''


def migrate(*commands: list[str], between: str = "pass", expected: str = "True") -> str:
    """Return a test that runs `flask db` commands one after the other."""
    return MIGRATE.format(commands=list(commands), between=between, expected=expected)


GET = ASK.format(how='get("/")')
SAYS = '''
@step(1)
def test_it_answers(load):
    """The address / must answer with the title."""
    assert load("app").app.test_client().get("/").text == "<p>Emma</p>\\n<p>Nana</p>\\n"
'''
GET_7 = ASK.format(how='get("/7")')
VALIDATED = '''
from werkzeug.test import Client
from wsgiref.validate import validator

@step(1)
def test_it_answers(load):
    """The address / must answer 200."""
    assert Client(validator(load("app").application)).get("/").status == "200 OK"
'''
CASES: dict[str, tuple[str, str, dict[str, str]]] = {
    "syntax": (FLASK + '@app.get("/")\ndef view():\nreturn "x"\n', GET, {}),
    "app-not-found": ("from flask import Flask\nshelf = Flask(__name__)\n", GET, {}),
    "circular-import": (
        "from views import view\n" + FLASK + 'app.get("/")(view)\n',
        GET,
        {"views_py": "from app import app\ndef view(): return app.name\n"},
    ),
    "module-not-found": ("import flask_nowhere\n" + FLASK, GET, {}),
    "part-not-found": ("from werkzeug.wrapper import Response\n", GET, {}),
    "response-not-called": (
        "from werkzeug.wrappers import Response\n\n"
        "def application(environ, start_response):\n    return Response('Emma')\n",
        VALIDATED.replace("validator(load", "(load"),
        {},
    ),
    "parts-of-a-tuple": (
        FLASK
        + "def page():\n    return '', 200, []\n\n"
        + '@app.get("/")\ndef view():\n    html, status = page()\n    return html\n',
        GET,
        {},
    ),
    "name-not-in-module": (FLASK, VISIT, {"shelf_py": ""}),
    "super-not-called": (
        FLASK
        + "class Books(dict):\n    def get(self, n):\n        return super.get(n)\n\n"
        + '@app.get("/")\ndef view():\n    return Books().get(7)\n',
        GET,
        {},
    ),
    "object-not-callable": (
        "class Framework:\n    pass\n\napplication = Framework()\n",
        VALIDATED.replace("validator(load", "(load"),
        {},
    ),
    "no-such-attribute": (
        "class Framework:\n    def _init_(self):\n        self.views = {}\n\n"
        "    def __call__(self, environ, start_response):\n        return self.views['/']\n\n"
        "application = Framework()\n",
        VALIDATED.replace("validator(load", "(load"),
        {},
    ),
    "exception-returned": (
        FLASK
        + "from werkzeug.routing import ValidationError\nBOOKS = {}\n\n"
        + "def to_python(value):\n    return ValidationError()\n\n"
        + '@app.get("/")\ndef view():\n    return BOOKS[to_python(7)]\n',
        GET,
        {},
    ),
    "none-in-the-page": (
        FLASK + '@app.get("/")\ndef view():\n    return f"<p>{print()}</p>"\n',
        SAYS,
        {},
    ),
    "braces-in-the-page": (
        FLASK + '@app.get("/")\ndef view():\n    return "<p>{title}"\n',
        SAYS,
        {},
    ),
    "local-without-a-value": (
        FLASK + 'count = 0\n@app.get("/")\ndef view():\n    count += 1\n    return str(count)\n',
        GET,
        {},
    ),
    "not-subscriptable": (
        FLASK + '@app.get("/")\ndef view():\n    return [b["title"] for b in {1: {}}]\n',
        GET,
        {},
    ),
    "argument-twice": (
        "BOOKS = [{'number': 1}]\n\ndef page(number):\n    return number\n\n"
        + FLASK
        + '@app.get("/")\ndef view():\n    return page(request, **BOOKS[0])\n',
        GET,
        {},
    ),
    "value-called": (
        FLASK + '@app.post("/")\ndef view():\n    return request.json()\n',
        ASK.format(how='post("/", json={"title": "Emma"})'),
        {},
    ),
    "methods": (FLASK + '@app.route("/", methods=("GET"))\ndef view():\n    return ""\n', GET, {}),
    "values-for-a-text": (
        FLASK + '@app.get("/")\ndef view():\n    return "%s %s" % (request.path,)\n',
        GET,
        {},
    ),
    "nothing-to-choose-from": (
        FLASK + '@app.get("/")\ndef view():\n    return str(min([]))\n',
        GET,
        {},
    ),
    "too-few-parts": (
        FLASK + '@app.get("/")\ndef view():\n    return request.args.get("q", "")[0]\n',
        GET,
        {},
    ),
    "bare-assertion": (
        "def application(environ, start_response):\n    environ['wsgi.input'].read()\n",
        VALIDATED,
        {},
    ),
    "barrier": (
        "from threading import Barrier\n"
        + FLASK
        + '@app.get("/")\ndef view():\n    Barrier(2, timeout=0.1).wait()\n    return ""\n',
        GET,
        {},
    ),
    "tuple-changed": (
        FLASK + 'BOOKS = ("Emma",)\n@app.get("/")\ndef view():\n    BOOKS[0] = "Nana"\n',
        GET,
        {},
    ),
    "missing-in-g": (
        FLASK + 'from flask import g\n@app.get("/")\ndef view():\n    return g.start\n',
        GET,
        {},
    ),
    "key-is-none": (FLASK + '@app.get("/")\ndef view():\n    return {}[print()]\n', GET, {}),
    "no-such-key": (
        "from flask import abort\n"
        + FLASK
        + '@app.get("/<int:n>")\ndef view(n):\n    abort\n    return {1: "Emma"}[n]\n',
        GET_7,
        {},
    ),
    "view-returned-something-else": (
        FLASK + '@app.get("/")\ndef view():\n    return 404\n',
        GET,
        {},
    ),
    "error-handler": (
        FLASK + '@app.errorhandler("404")\ndef not_found(error):\n    return "", 404\n',
        GET,
        {},
    ),
    "not-found": (FLASK + '@app.get\ndef view():\n    return ""\n', GET, {}),
    "none-for-a-value": (
        FLASK
        + "def page():\n    'x'\n\n"
        + '@app.get("/")\ndef view():\n    return page().encode()\n',
        GET,
        {},
    ),
    "request-context": (FLASK + 'words = request.args.get("q")\n', GET, {}),
    "application-context": (FLASK + 'LINK = url_for("view")\n', GET, {}),
    "view-returned-none": (FLASK + '@app.get("/")\ndef view():\n    "Shelf"\n', GET, {}),
    "build-error": (FLASK + '@app.get("/")\ndef view():\n    return url_for("vieu")\n', GET, {}),
    "template-not-found": (
        FLASK + '@app.get("/")\ndef view():\n    return render_template("list.html")\n',
        GET,
        {"list_html": "not in templates/"},
    ),
    "undefined": (
        FLASK + '@app.get("/")\ndef view():\n    return render_template("list.html", n=1)\n',
        GET,
        {"templates__list_html": "{{ book.title }}"},
    ),
    "filter-missing": (
        FLASK + '@app.get("/")\ndef view():\n    return render_template("list.html")\n',
        GET,
        {"templates__list_html": "{{ 1|counted }}"},
    ),
    "template-syntax": (
        FLASK + '@app.get("/")\ndef view():\n    return render_template("list.html")\n',
        GET,
        {"templates__list_html": "{% for n in [1] %}{{ n }}{% endif %}"},
    ),
    "secret-key-missing": (
        FLASK
        + "from flask_wtf import FlaskForm\n"
        + '@app.get("/")\ndef view():\n    return FlaskForm().hidden_tag()\n',
        GET,
        {},
    ),
    "blueprint-twice": (
        FLASK
        + 'from flask import Blueprint\nbp = Blueprint("books", __name__)\n'
        + "app.register_blueprint(bp)\napp.register_blueprint(bp)\n",
        GET,
        {},
    ),
    "endpoint-twice": (
        FLASK
        + '@app.get("/")\ndef view():\n    return ""\n'
        + '@app.get("/new")\ndef view():\n    return ""\n',
        GET,
        {},
    ),
    "csrf-missing": (
        FLASK
        + "from flask_wtf import CSRFProtect\napp.secret_key = 'x'\nCSRFProtect(app)\n"
        + '@app.post("/")\ndef view():\n    return "in"\n',
        ASK.format(how='post("/", data={"title": "Emma"})'),
        {},
    ),
    "csrf-stale": (
        FLASK
        + "from flask_wtf import FlaskForm\napp.secret_key = 'x'\n"
        + '@app.post("/")\ndef view():\n    form = FlaskForm()\n    form.validate()\n'
        + '    return render_template("new.html", form=form), 422\n',
        ASK.format(how='post("/", data={"csrf_token": "old"})'),
        {"templates__new_html": "{% if form.errors %}This form was open for too long.{% endif %}"},
    ),
    "unsupported-media-type": (
        FLASK + '@app.post("/")\ndef view():\n    return request.json["title"]\n',
        ASK.format(how='post("/", data={"title": "Emma"})'),
        {},
    ),
    "no-such-table": (DATABASE, GET, {}),
    "no-such-column": (
        DATABASE,
        GET.replace(
            "client = ",
            """
    with app.app_context():
        db = load("app").db
        with db.engine.begin() as connection:
            connection.execute(db.text("CREATE TABLE book (id INTEGER PRIMARY KEY)"))
    client = """,
        ),
        {},
    ),
    "not-up-to-date": (
        DATABASE,
        migrate(["init"], ["migrate", "--rev-id", "1"], ["migrate", "--rev-id", "2"]),
        {},
    ),
    "unknown-revision": (
        DATABASE,
        migrate(
            ["init"],
            ["migrate", "--rev-id", "1"],
            ["upgrade"],
            ["current"],
            between="[each.unlink() for each in __import__('pathlib').Path('migrations/versions')"
            ".glob('1_*')] if arguments == ['upgrade'] else None",
        ),
        {},
    ),
    "no-changes": (
        DATABASE,
        migrate(
            ["init"],
            ["migrate", "--rev-id", "1"],
            ["upgrade"],
            ["migrate", "--rev-id", "2"],
            expected="any(__import__('pathlib').Path('migrations/versions').glob('2_*'))",
        ),
        {},
    ),
    "server-in-the-file": (FLASK + "app.run()\n", GET, {}),
    "input": (FLASK + 'name = input("Your name? ")\n', GET, {}),
    "memory": (
        FLASK + "BOOKS = ['Emma']\nfor book in BOOKS:\n    BOOKS.append(book * 1_000_000)\n",
        GET,
        {},
    ),
    "flood": (FLASK + "while True:\n    print('Emma' * 10_000)\n", GET, {}),
    "app-wrapped": (FLASK + "app = (lambda app: lambda e, s: app(e, s))(app)\n", GET, {}),
    "none-for-a-response": (
        FLASK
        + "@app.after_request\ndef note(response):\n    print(response.status)\n"
        + "@app.after_request\ndef count(response):\n    print(response)\n",
        GET,
        {},
    ),
    "recursion": (
        FLASK + "wrap = lambda app: lambda e, s: app(e, s)\napp.wsgi_app = wrap(app)\n",
        GET,
        {},
    ),
    "name-error": (FLASK + '@app.get("/")\ndef view():\n    return redirect("/b")\n', GET, {}),
    "unexpected-argument": (FLASK + '@app.get("/<n>")\ndef view():\n    return ""\n', GET_7, {}),
    "hook-with-parentheses": (
        FLASK + "@app.before_request()\ndef start_clock():\n    pass\n",
        GET,
        {},
    ),
    "missing-argument": (FLASK + '@app.get("/")\ndef view(request):\n    return ""\n', GET, {}),
    "too-many-arguments": (
        FLASK + '@app.errorhandler(404)\ndef not_found():\n    return "", 404\n',
        GET,
        {},
    ),
    "no-slash": (FLASK + '@app.get("newest")\ndef view():\n    return ""\n', GET, {}),
    "no-such-converter": (FLASK + '@app.get("/<book:n>")\ndef view(n):\n    return ""\n', GET, {}),
    "cannot-import": ("from shelf import BOOKS\n" + FLASK, GET, {"shelf_py": "BOOK = {}\n"}),
    "module-called": (
        "import shelf\n" + FLASK + '@app.get("/")\ndef view():\n    return shelf()\n',
        GET,
        {"shelf_py": "def shelf(): return ''\n"},
    ),
    "not-bytes": (
        "def application(environ, start_response):\n"
        '    start_response("200 OK", [("Content-Type", "text/plain")])\n    return ["Emma"]\n',
        VALIDATED,
        {},
    ),
    "missing-key": (FLASK + '@app.get("/")\ndef view():\n    return request.args["q"]\n', GET, {}),
    "handler-returned-none": (
        FLASK + "@app.errorhandler(404)\ndef not_found(error):\n    'nothing'\n",
        GET,
        {},
    ),
    "none-called": (
        FLASK + "def timed(app):\n    'x'\n\napp.wsgi_app = timed(app.wsgi_app)\n",
        GET,
        {},
    ),
    "url-for-by-name": (
        FLASK + '@app.get("/")\ndef view():\n    return url_for("view", 7)\n',
        GET,
        {},
    ),
    "class-for-an-object": (
        "from flask import Request\n"
        + FLASK
        + '@app.get("/")\ndef view():\n    return Request.args.get("q")\n',
        GET,
        {},
    ),
    "slash-at-the-end": (
        FLASK + '@app.get("/newest/")\ndef view():\n    return ""\n',
        ASK.format(how='get("/newest")'),
        {},
    ),
    "url-without-request": (FLASK + "with app.app_context():\n    url_for('view')\n", GET, {}),
    "undefined-part": (
        FLASK + '@app.get("/")\ndef view():\n    return render_template("list.html", b={})\n',
        GET,
        {"templates__list_html": "{{ b.author.name }}"},
    ),
    "block-twice": (
        FLASK + '@app.get("/")\ndef view():\n    return render_template("list.html")\n',
        GET,
        {"templates__list_html": "{% block a %}{% endblock %}{% block a %}{% endblock %}"},
    ),
    "text-for-a-number": (
        FLASK + '@app.get("/")\ndef view():\n    return str(list(range("3")))\n',
        GET,
        {},
    ),
    "no-such-field": (DATABASE + "\nBook(titel='Emma')\n", GET, {}),
    "exception-not-caught": (
        "from werkzeug.exceptions import NotFound\n\n"
        "def application(environ, start_response):\n    raise NotFound()\n",
        VALIDATED.replace("validator(load", "(load"),
        {},
    ),
    "key-is-a-function": (FLASK + '@app.get("/")\ndef view():\n    return {}[view]\n', GET, {}),
    "no-app-here": (
        FLASK,
        GET.replace("app = load", 'load("visits")\n    app = load'),
        {"visits_py": "app.logger.info('in')\n"},
    ),
    "cannot-be-a-key": (FLASK + '@app.get("/")\ndef view():\n    return {}[{}]\n', GET, {}),
    "handler-not-asked": (
        FLASK,
        SAYS.replace('text == "<p>', 'text == "<title>Not found</title>'),
        {},
    ),
    "no-attribute-of-a-value": (
        FLASK + '@app.get("/")\ndef view():\n    return {"title": "Emma"}.title\n',
        GET,
        {},
    ),
    "no-arguments": (
        "class Framework:\n    def _init_(self, name):\n        pass\n\nFramework('shelf')\n",
        GET,
        {},
    ),
    "answer-of-many-parts": (
        FLASK + '@app.get("/")\ndef view():\n    return "a", "b", "c", "d"\n',
        GET,
        {},
    ),
}
# Other ways to a row: what is said then, as it was said when it was tried.
SAID = {
    "view-returned-none": [
        "TypeError: The view function for 'books.index' did not return a valid response. The "
        "function either returned None or ended without a return statement.",
    ],
    "none-in-the-page": ["HTTP/1.1 200 OK\n\n<ul>\n<li>None</li>\n</ul>"],
    "none-for-a-response": ["AttributeError: 'NoneType' object has no attribute 'status_code'"],
    "response-not-called": ["TypeError: 'NotFound' object is not iterable"],
    "not-bytes": [
        "AssertionError: You should not return a string as your application iterator, instead "
        "return a single-item list containing a bytestring.",
    ],
    "circular-import": [
        "AttributeError: partially initialized module 'app' has no attribute 'app' (most likely "
        "due to a circular import)",
    ],
    "no-such-table": ['psycopg.errors.UndefinedTable: relation "boook" does not exist'],
    "no-such-column": [
        'psycopg.errors.UndefinedColumn: column "pages" of relation "book" does not exist',
        "psycopg.errors.UndefinedColumn: column book.folded_title does not exist",
        "sqlite3.OperationalError: no such column: auther",
    ],
    "csrf-stale": ["The CSRF session token is missing."],
    "local-without-a-value": [
        "NameError: cannot access free variable 't' where it is not associated with a value in "
        "enclosing scope",
    ],
    "too-many-arguments": [
        "TypeError: page() takes from 1 to 2 positional arguments but 3 were given"
    ],
    "no-arguments": ["TypeError: dict.get() takes no keyword arguments"],
    "none-for-a-value": ["TypeError: argument of type 'NoneType' is not iterable"],
    "super-not-called": [
        "TypeError: descriptor '__init__' requires a 'super' object but received a 'Map'"
    ],
    "text-for-a-number": ["TypeError: argument should be integer or None, not 'str'"],
    "url-for-by-name": ["TypeError: Flask.url_for() takes 2 positional arguments but 3 were given"],
    "too-few-parts": ["IndexError: pop from empty list"],
}


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve the learner's app of lesson 90, and return its page "/"."""
    started = []

    def serve(clone: Path) -> str:
        (clone / ".venv").symlink_to(ROOT / ".venv")
        (clone / "Pipfile.lock").symlink_to(ROOT / "Pipfile.lock")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, clone / "course", "lesson", "90", "--mine", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        end = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
                    return response.read().decode()
            except urllib.error.HTTPError as error:
                return error.read().decode()
            except urllib.error.URLError:
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.02)

    yield serve
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def assert_explained(name: str, words: str) -> None:
    """Assert that cause and cure of a row of the table are in what somebody reads."""
    [row] = [row for row in ROWS if row["name"] == name]
    for part in ("cause", "cure"):
        for piece in re.split(r"\{+[^}]*\}+(?: %\}+)?", row[part]):
            assert " ".join(piece.split()) in " ".join(words.split())


def test_every_row_of_the_table_is_provoked() -> None:
    assert [row["name"] for row in ROWS if row["name"] not in {*CASES, "address-in-use"}] == []


@pytest.mark.parametrize("name", CASES)
def test_a_message_is_met_with_cause_and_cure(clone: Path, name: str) -> None:
    app, tests, files = CASES[name]
    make_up_a_lesson(clone, app, tests, **files)
    result = run("check", "90")
    assert result.exit_code == 1
    assert_explained(name, result.output)


@pytest.mark.parametrize("name, said", [(name, said) for name in SAID for said in SAID[name]])
def test_a_row_knows_other_ways_to_say_it(name: str, said: str) -> None:
    assert translate(find_lesson("9"), "my/09_structure", said).name == name


def test_a_printed_error_of_sql_is_no_slip_in_python() -> None:
    said = 'psycopg.errors.SyntaxError: syntax error at or near "FORM"'
    assert translate(find_lesson("14"), "my/14_postgresql", said) is None


def test_an_address_in_use_is_explained(clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        app = f"{FLASK}import socket\nsocket.create_server(('127.0.0.1', {port}))\n"
        make_up_a_lesson(clone, app, GET)
        assert_explained("address-in-use", run("check", "90").output)


def test_a_package_that_is_installed_elsewhere_is_explained(clone: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "other"], check=True)
    [packages] = tmp_path.glob("other/lib/python*/site-packages")
    write(packages / "bookbinding.py", "")
    subprocess.run([tmp_path / "other/bin/python", "-c", "import bookbinding"], check=True)
    make_up_a_lesson(clone, "import bookbinding\n" + FLASK, GET)
    result = run("check", "90")
    assert_explained("module-not-found", result.output)
    assert "`python -m pip install`" not in result.output
    assert "python -m pip install` and the package's name" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "name, app",
    [
        ("syntax", FLASK + "def view(:\n"),
        ("app-not-found", "BOOKS = []\n"),
        ("build-error", CASES["build-error"][0]),
        ("missing-key", CASES["missing-key"][0]),
        ("none-called", "def application(environ, start_response):\n    None()\n"),
    ],
)
def test_the_error_page_of_an_app_explains_it(
    clone: Path, name: str, app: str, serve: Callable[..., str]
) -> None:
    make_up_a_lesson(clone, app, GET)
    html = serve(clone)
    assert_explained(name, unescape(re.sub("<[^>]+>", "", html)))


@pytest.mark.parametrize(
    "lesson, module, copied",
    [("3", "shelf", "02_wsgi/shelf.py"), ("5", "middleware", "02_wsgi/middleware.py")],
)
def test_a_file_that_the_page_copies_is_named_with_the_command(
    lesson: str, module: str, copied: str
) -> None:
    said = translate(find_lesson(lesson), "my/app", f"No module named '{module}'")
    assert said.name == "file-to-copy"
    assert f"`cp lessons/{copied} my/app/{module}.py`" in said.cure


@pytest.mark.parametrize(
    "lesson, module, step",
    [("9", "readers", 1), ("10", "shelf.models", 2), ("12", "shelf.wishes", 5)],
)
def test_a_file_that_the_page_makes_later_is_named_with_its_step(
    lesson: str, module: str, step: int
) -> None:
    said = translate(find_lesson(lesson), "my/app", f"No module named '{module}'")
    path = module.replace(".", "/") + ".py"
    assert said.name == "file-to-come"
    assert said.cause == f"There is no file `{path}` in my/app. Step {step} of the page makes it."
