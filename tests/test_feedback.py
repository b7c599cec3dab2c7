"""What a learner reads and what it costs: the verdict, the limits, hints, and every save."""

import codecs
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import click
import pytest
from conftest import ROOT
from learner import contents, make_up_a_lesson, run, write

from course.check import Checker
from course.lessons import Lesson

MUST = "(-) what must come, (+) what came:"
FLASK = "from flask import Flask, render_template_string\napp = Flask(__name__)\n"
GET = '''
@step(1)
def test_it_answers(app, visit):
    """The address / must answer 200."""
    assert visit("/").status == "200 OK"

@pytest.fixture
def app(load):
    load("app").app.testing = True
    return load("app").app
'''


@pytest.fixture
def lesson(clone: Path) -> Lesson:
    """Lesson 4 of the copy, of which the learner has the finished app."""
    copytree(clone / "lessons/04_flask", clone / "my/04_flask")
    return Lesson("04_flask", clone)


def edit(lesson: Lesson, old: str, new: str) -> None:
    """Replace a text in the learner's app.py."""
    file = lesson.root / "my" / lesson.stem / "app.py"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


# The verdict


def test_a_finished_app_is_praised(lesson: Lesson) -> None:
    result = run("check", "4")
    assert result.exit_code == 0
    assert re.fullmatch(
        r"Lesson 4: all 6 steps stand, and “Your turn” too \(\d+ tests\)\.\n", result.output
    )
    assert "the steps up to 2 stand" in run("check", "4", "--step", "2").output


def test_a_step_with_no_tests_has_nothing_to_check(clone: Path) -> None:
    copytree(clone / "lessons/01_hello", clone / "my/01_hello")
    result = run("check", "1", "--step", "1")
    assert (result.exit_code, result.output) == (
        0,
        "The page's steps up to 1 leave nothing to check.\n",
    )


def test_only_the_first_step_that_fails_is_shown(lesson: Lesson) -> None:
    edit(lesson, '@app.get("/newest")', '@app.get("/latest")')
    edit(lesson, '@app.get("/api/books/<book:number>")', '@app.get("/api/<book:number>")')
    output = run("check", "4").output
    assert output.startswith("Lesson 4: step 4 (of 6) does not stand yet. Those before it do.\n")
    assert "/newest must answer 302" in output and "JSON" not in output
    line = lesson.page.section(4).line
    assert f"docs/04_flask.md:{line}, “Step 4 · Send the visitor elsewhere”" in output
    assert "Lesson 4: the steps up to 3 stand" in run("check", "4", "--step", "3").output


def test_an_error_shows_the_lines_of_the_learners_files_alone(lesson: Lesson) -> None:
    edit(lesson, "book = BOOKS[number]\n    link", "book = BOOK[number]\n    link")
    output = run("check", "4").output
    assert "NameError: name 'BOOK' is not defined" in output
    assert re.search(r"my/04_flask/app\.py:\d+, in book_page\n +book = BOOK\[number\]", output)
    assert "site-packages" not in output and "/tmp" not in output and "tests/" not in output


@pytest.mark.parametrize(
    "app, meant",
    [
        ("BOOKS = []\nprint(BOKS)\n", "BOOKS"),
        ("from flask import Flaks\n", "Flask"),
        ("''.startwith('/')\n", "startswith"),
        ("import shefl\n", "shelf"),
        (
            "from jinja2 import TemplateNotFound\nraise TemplateNotFound('lists.html')\n",
            "list.html",
        ),
        ("App = 1\napp\n", "App"),
        ("print(xyzzy)\n", None),
        ("import xyzzy\n", None),
        ("def count():\n    id += 1\n\ncount()\n", None),
    ],
)
def test_a_name_that_is_nearly_right_is_named(clone: Path, app: str, meant: str | None) -> None:
    tests = """
        @step(1)
        def test_it_is_read(load):
            load("app")
    """
    make_up_a_lesson(clone, "", tests, shelf_py="", templates__list_html="")
    write(clone / "my/90_made_up/app.py", app)
    output = run("check", "90").output
    assert re.findall(r"Did you mean:? '(.*)'\?", output) == ([meant] if meant else [])


def test_a_traceback_that_was_printed_shows_the_learners_lines_alone(clone: Path) -> None:
    app = """
        from flask import Flask
        app = Flask(__name__)

        @app.get("/")
        def view():
            return {}["Emma"]
    """
    tests = """
        @step(1)
        def test_it_answers(load):
            assert load("app").app.test_client().get("/").status == "200 OK"
    """
    make_up_a_lesson(clone, app, tests)
    output = run("check", "90").output
    place = r'File "my/90_made_up/app.py", line 7, in view\n +return {}\["Emma"\]\n'
    assert re.search(place + r"( +~+\^+\n)? +KeyError: 'Emma'", output), output
    assert "flask/app.py" not in output and "site-packages" not in output


def test_a_comparison_shows_what_differs(lesson: Lesson) -> None:
    edit(lesson, "<h1>{title}</h1>", "<h2>{title}</h1>")
    output = run("check", "4").output
    assert "- <h1>The Shelf</h1>" in output and "+ <h2>The Shelf</h1>" in output
    assert "look alike" not in output


def test_a_comparison_says_where_lines_that_look_alike_differ(lesson: Lesson) -> None:
    edit(lesson, '{body}\\n"', '{body} \\n"')
    assert "look alike: one has a line break or a space at its end" in run("check", "4").output


@pytest.mark.parametrize(
    "compared, shown",
    [
        ("404 == 200", f"Differs   {MUST}\n- 200\n+ 404"),
        ("('a == b' == 'c'), 'of c'", f"Differs   of c\n{MUST}\n- c\n+ a == b"),
        ("'<ë>\\'' in 'a < b'", "Differs   This must be in what came:\n<ë>'"),
        ("'<b>' not in 'a <b> c'", "Differs   This must not be in what came:\n<b>"),
        ("'a' in ('b', 'c')", "Error     assert 'a' in ('b', 'c')"),
        ("'a'.startswith('b'), 'no b'", "Error     no b"),
        ("'a' == 'a\\n'", f"Differs   {MUST}\n- a\n+ a\nWhat came has no line break at its end."),
        ("{2} <= set()", "Error     assert {2} <= set()"),
    ],
)
def test_what_was_asserted_is_told_in_words(clone: Path, compared: str, shown: str) -> None:
    tests = f"""
        @step(1)
        def test_it(load):
            assert {compared}
    """
    make_up_a_lesson(clone, "", tests)
    error = r"^(?:Differs|Error) .*?(?=\n\n|\nMeans)"
    [told] = re.findall(error, run("check", "90").output, re.MULTILINE | re.DOTALL)
    assert re.sub(r"\n +", "\n", told) == shown


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Serve an app with wsgiref's server; yield its port."""
    program = (
        "from wsgiref.simple_server import make_server; from app import app; "
        "server = make_server('127.0.0.1', 0, app); "
        "print(server.server_port, flush=True); server.serve_forever()"
    )
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield int(process.stdout.readline())
    process.terminate()
    process.communicate()


@pytest.mark.parametrize(
    "old, new, sent, answer",
    [
        ("<h1>{title}</h1>", "<h2>{title}</h1>", "GET / HTTP/1.1", "<h2>The Shelf</h1>"),
        ('@app.get("/")', '@app.route("/", methods=["GET", "POST"])', "title=Emma", " 200 OK"),
        ('"/api/"', '"/api"', "GET /apiary HTTP/1.1", '{"error":"not found"}'),
    ],
)
def test_the_exchange_is_shown_and_curl_repeats_it(
    lesson: Lesson, old: str, new: str, sent: str, answer: str
) -> None:
    edit(lesson, old, new)
    output = run("check", "4").output
    assert sent in output and answer in output
    command = re.search(r"^Repeat +(curl .+)$", output, re.MULTILINE)[1]
    with served(lesson.root / "my/04_flask") as port:
        repeated = subprocess.run(
            shlex.split(command.replace(":8004/", f":{port}/")), capture_output=True, text=True
        )
    assert answer in repeated.stdout


def test_a_request_to_a_view_of_the_tests_own_is_not_repeated(clone: Path) -> None:
    tests = """
        @step(1)
        def test_it_answers(app):
            app.add_url_rule("/slow", view_func=lambda: "done")
            assert app.test_client().get("/slow").text == ""

        @pytest.fixture
        def app(load):
            return load("app").app
    """
    make_up_a_lesson(clone, FLASK, tests)
    output = run("check", "90").output
    assert "GET /slow" in output and "Repeat" not in output


def test_what_the_app_asks_for_itself_is_not_shown(clone: Path) -> None:
    app = FLASK + "answer = app.test_client().get('/nowhere')\n"
    tests = """
        @step(1)
        def test_it_answers(load):
            assert load("app").answer.status == "200 OK"
    """
    make_up_a_lesson(clone, app, tests)
    output = run("check", "90").output
    assert "+ 404 NOT FOUND" in output and "Request" not in output


def test_an_app_that_the_page_has_not_served_yet_is_served_first(clone: Path) -> None:
    make_up_a_lesson(clone, FLASK, GET)
    serve = "For that, serve your app: make lesson N=90 MINE=1\n"
    assert serve in run("check", "90").output
    page = clone / "docs/90_made_up.md"
    write(page, page.read_text("utf-8").replace("Text.\n", "```shell\nserve 8090\n```\n"))
    output = run("check", "90").output
    assert "Repeat" in output and serve not in output


def test_a_404_shows_the_rules_unless_it_was_asked_for(lesson: Lesson) -> None:
    edit(lesson, '"/newest"', '"/latest"')
    output = run("check", "4").output
    assert re.search(r"^Rules +GET /  \(list_page\)\n", output, re.MULTILINE)
    assert re.search(r"^ +GET /latest  \(newest\)\n", output, re.MULTILINE)
    edit(lesson, '"/latest"', '"/newest"')
    edit(lesson, '"Not found"', '"Gone"')
    output = run("check", "4").output
    assert "404" in output and "Rules" not in output


@pytest.mark.parametrize(
    "app, file",
    [
        ("import books", "Books.py"),
        ("import shelf.books", "books.py"),
        ("flask.render_template('list.html')", "list.html"),
        ("open('books.csv')", "data/books.csv"),
        ("open('other.csv')", ""),
    ],
)
def test_a_file_in_another_place_or_other_letters_is_named(
    clone: Path, app: str, file: str
) -> None:
    app = f"import flask\n\nwith flask.Flask('app').app_context():\n    {app}\n"
    tests = """
        @step(1)
        def test_it_is_read(load):
            load("app")
    """
    mine = make_up_a_lesson(clone, app, tests, shelf____init___py="")
    if file:
        write(mine / file, "")
    named = re.findall("There is `(.+)`: is that its name", run("check", "90").output)
    assert named == ([f"my/90_made_up/{file}"] if file else [])


def test_a_token_cannot_be_repeated(clone: Path) -> None:
    tests = GET.replace('visit("/")', 'visit("/", method="POST", data={"csrf_token": "abc"})')
    make_up_a_lesson(clone, FLASK + '@app.post("/")\ndef view():\n    return "no", 400\n', tests)
    output = " ".join(run("check", "90").output.split())
    assert "--data-raw csrf_token=abc" in output
    assert "Your server may refuse this token, the test's own: then send the form in a" in output


def test_a_template_is_shown_with_its_variables(clone: Path) -> None:
    app = FLASK + (
        '@app.get("/")\ndef view():\n'
        '    return render_template_string("{{ n.x.y }}", n=7, title="Emma")\n'
    )
    make_up_a_lesson(clone, app, GET)
    output = run("check", "90").output
    assert (
        "Template  a template from a string\n          n = 7\n          title = 'Emma'\n" in output
    )


def test_sql_is_shown_with_its_values(clone: Path) -> None:
    app = (
        "from flask import Flask\nimport sqlalchemy as sa\napp = Flask(__name__)\n"
        'engine = sa.create_engine("sqlite://")\n@app.get("/")\ndef view():\n'
        "    with engine.connect() as connection:\n"
        '        connection.execute(sa.text("SELECT\\n :n"), {"n": 7})\n'
        "    engine.dispose()\n    return 'x', 404\n"
    )
    make_up_a_lesson(clone, app, GET)
    assert "SQL       SELECT ?  (7,)\n" in run("check", "90").output


def test_the_same_seed_brings_the_same_books(lesson: Lesson) -> None:
    edit(lesson, "<h1>{title}</h1>", "<h2>{title}</h1>")
    first = run("check", "4").output
    seed = re.search(r"the same books again: make check N=4 SEED=(\d+)", first)[1]
    assert run("check", "4", "--seed", seed).output == first
    others = {run("check", "4").output for _ in range(3)}
    assert others - {first}


def test_programs_get_json(lesson: Lesson) -> None:
    edit(lesson, "book = BOOKS[number]\n    link", "link")
    verdict = json.loads(run("check", "4", "--json").output)
    assert (verdict["lesson"], verdict["step"]) == ("04_flask", 1)
    assert verdict["error"] == "NameError: name 'book' is not defined"
    assert verdict["evidence"]["request"].startswith("GET /books/")
    assert json.loads(run("next", "--json").output)["lesson"] == "01_hello"


def test_check_refuses_what_is_not_there(clone: Path) -> None:
    for arguments, says in {
        ("4",): "There is no my/04_flask yet: `make begin N=4`",
        ("4", "--step", "9"): "Lesson 4 has the steps 1 to 6, and no 9.",
        ("4", "--step", "two"): "'two' is not a valid integer",
        ("4", "--stop", "2"): "No such option '--stop'.",
        ("x",): "'x' is none",
        (): "Say which lesson, for example `make check N=1`",
    }.items():
        result = run("check", *arguments)
        assert result.exit_code == 1
        assert says in result.output and result.output.count("\n") == 1


def test_broken_tests_are_not_the_learners_fault(lesson: Lesson) -> None:
    write(lesson.tests, "import no_such_module\n")
    result = run("check", "4")
    assert result.exit_code == 1
    assert "The course's own tests/test_04_flask.py cannot be run" in result.output
    assert "No module named 'no_such_module'" in result.output


def test_the_course_alone_says_what_is_next(clone: Path) -> None:
    assert run().output == run("next").output


def test_a_function_that_stands_twice_is_named(lesson: Lesson) -> None:
    file = lesson.root / "my/04_flask/app.py"
    old = file.read_text("utf-8").count("\n") + 3
    assert "Look" not in run("check", "4").output
    with file.open("a", encoding="utf-8") as app:
        app.write('\n\ndef book_list(books, title):\n    return "old"\n')
    output = " ".join(run("check", "4").output.split())
    assert re.search(rf"app.py has twice: `book_list` \(lines \d+, {old}\)\. Mostly", output)


def test_an_app_that_is_made_twice_is_named(lesson: Lesson) -> None:
    with (lesson.root / "my/04_flask/app.py").open("a", encoding="utf-8") as app:
        app.write("\napp = Flask(__name__)\n")
    assert "app.py has twice: `app` (lines " in run("check", "4").output


def test_a_file_beside_the_apps_is_named(lesson: Lesson) -> None:
    edit(lesson, "<h1>", "<h2>")
    assert "outside" not in run("check", "4").output
    write(lesson.root / "my/hooks.py", "")
    assert (
        "my/hooks.py lies outside of your app: move it into my/04_flask."
        in run("check", "4").output
    )


def test_a_view_inside_another_is_named(lesson: Lesson) -> None:
    view = '@app.get("/newest")\ndef newest():\n'
    edit(
        lesson,
        view,
        view.replace("@", "    @").replace("def", "    def").replace(":\n", ": pass\n"),
    )
    output = " ".join(run("check", "4").output.split())
    assert re.search(
        r"In app.py, `newest` \(line \d+\) is indented, and so a part of `\w+`", output
    )


def test_a_listing_in_another_file_is_named(clone: Path) -> None:
    copytree(clone / "lessons/05_context", clone / "my/05_context")
    two, hooks = clone / "my/05_context/two.py", clone / "my/05_context/hooks.py"
    write(clone / "my/05_context/old.py", hooks.read_text("utf-8"))  # a copy, and no slip
    hooks.write_text(hooks.read_text("utf-8").replace("first", "third"), "utf-8")
    two.replace(clone / "my/05_context/app.py")
    output = " ".join(run("check", "5").output.split())
    assert "old.py" not in output
    [line] = [
        each.line for each in Lesson("05_context", clone).page.fences if each.path == "two.py"
    ]
    assert f"app.py holds what the page puts into two.py (docs/05_context.md:{line})." in output


def test_a_file_with_another_name_or_in_another_lesson_or_empty_is_named(clone: Path) -> None:
    mine = clone / "my/05_context"
    copytree(clone / "lessons/05_context", mine)
    (mine / "app.py").rename(mine / "app.py.txt")
    write(mine / "hooks.py", "\n")
    write(mine / "flask.py", "")
    (clone / "my/04_flask").mkdir()
    (mine / "two.py").rename(clone / "my/04_flask/two.py")
    output = " ".join(run("check", "5").output.split())
    assert "app.py.txt is app.py under another name, which some editors hide." in output
    assert "hooks.py is empty." in output
    assert "flask.py hides the package of that name: rename it." in output
    assert "my/04_flask/two.py holds what the page puts into this lesson's two.py" in output


def test_the_page_is_offered_for_comparison_at_the_step_one_works_on(lesson: Lesson) -> None:
    assert run("check", "4").exit_code == 0  # so that the app has been at "Your turn"
    edit(lesson, "request.path.startswith", "request.path().startswith")
    assert "make diff N=4 STEP=6" in run("check", "4").output
    run("reset", "4", "--step", "3")
    assert "make diff N=4 STEP=3" in run("check", "4").output


def test_the_step_that_an_app_begins_with_is_where_one_is(clone: Path) -> None:
    run("begin", "4", "--step", "5")
    file = clone / "my/04_flask/app.py"
    file.write_text(file.read_text("utf-8").replace("def list_page()", "def list_page("), "utf-8")
    assert "You have been at step 5: look at what you" in run("check", "4").output


def test_a_step_that_stood_before_is_said_to_have_fallen(lesson: Lesson) -> None:
    edit(lesson, '@app.get("/newest")', '@app.get("/latest")')
    assert "any more" not in run("check", "4").output
    edit(lesson, "<h1>{title}</h1>", "<h2>{title}</h1>")
    output = run("check", "4").output
    fell = "step 1 (of 6) does not stand any more. You have been at step 4: look at what you"
    assert fell in output
    assert f"docs/04_flask.md:{lesson.page.section(4).line}, “Step 4" in output
    assert lesson.page.hints(4)[0].about in run("hint", "4").output
    assert "make diff N=4 STEP=4" in output
    assert f"docs/04_flask.md:{lesson.page.section(1).line}, “Step 1" in output
    right = (lesson.root / "my/04_flask/app.py").read_text("utf-8")
    for slip in ("import BOKS", "import BOOKS,"):  # then no test can ask for anything
        edit(lesson, "import BOOKS", slip)
        output = run("check", "4").output
        assert f"docs/04_flask.md:{lesson.page.section(4).line}, “Step 4" in output
        assert "Asked" not in output and "“Step 1" not in output
        write(lesson.root / "my/04_flask/app.py", right)
    assert run("reset", "4").exit_code == 0
    assert "any more" not in run("check", "4").output


# Limits


HOSTILE = {
    "hangs": ("while True: pass", "did not answer within 5 seconds", "app.py:1, in <module>"),
    "hangs asleep": ("import time\ntime.sleep(600)", "did not answer within", "app.py:2"),
    "stops": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "did not answer", ""),
    "exits": ("import os\nos._exit(3)", "ended the program, with exit status 3", ""),
    "leaves": ("import sys\nsys.exit(3)", "SystemExit: 3", "app.py:2, in <module>"),
    "is killed": ("import os\nos.kill(os.getpid(), 9)", "ended by the signal SIGKILL", ""),
    "forks": ("import os\nwhile True: os.fork()", "do not let an app fork", "app.py:2"),
    "hangs in C": ("sum(iter(int, 1))", "did not answer within", "app.py:1"),
    "swallows": (
        "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
        "did not answer within",
        "app.py:",
    ),
    "spawns": (
        "import subprocess, sys\nwhile True: subprocess.Popen([sys.executable, '-c', 'input()'])",
        "started more than 20 processes",
        "app.py:2",
    ),
    "eats memory": ("x = []\nwhile True: x.append(bytearray(10**6))", "MemoryError", "app.py:2"),
    "eats it in crumbs": ("x = []\nwhile True: x.append(str(len(x)))", "", ""),
    "floods": ("while True: print('x' * 1000)", "File too large", "app.py:1"),
    "deletes itself": (
        "import pathlib, shutil\nshutil.rmtree(pathlib.Path(__file__).parent)",
        "deleted or moved files of its own: app.py",
        "",
    ),
    "deletes the learner's": (
        "import shutil\nshutil.rmtree('{mine}')",
        "do not let an app delete or move {mine}",
        "app.py:2",
    ),
    "asks": ("input('?')", "reading from stdin while output is captured", "app.py:1"),
    "speaks to the course": (
        "import os\nfor n in range(3, 20):\n"
        "  try: os.write(n, b'{}\\nx\\n')\n  except OSError: pass",
        "",
        "",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_app_that_misbehaves_costs_a_verdict(clone: Path, name: str) -> None:
    text, error, place = HOSTILE[name]
    mine = clone / "my/01_hello"
    write(mine / "app.py", text.replace("{mine}", str(mine)))
    if error.startswith("did not answer") and name != "hangs":  # that one waits the real limit
        limits = clone / "course/limits.py"
        write(limits, limits.read_text("utf-8").replace("PATIENCE = 5 ", "PATIENCE = 1 "))
    before = contents(mine)
    begin = time.monotonic()
    result = run("check", "1")
    assert time.monotonic() - begin < 10
    assert result.exit_code == 1
    assert "Lesson 1: step 2 (of 5) does not stand yet." in result.output
    assert error.replace("{mine}", str(mine)) in " ".join(result.output.split())
    assert place in result.output
    assert contents(mine) == before


def test_what_an_app_starts_does_not_outlive_the_check(clone: Path) -> None:
    write(
        clone / "my/01_hello/app.py",
        "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)\n",
    )
    printed = re.search(r"Printed +(\d+)", run("check", "1").output)[1]
    status = Path(f"/proc/{printed}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_one_bad_app_does_not_spoil_the_next_check(lesson: Lesson, tmp_path: Path) -> None:
    good, bad = lesson.root / "my/04_flask", tmp_path / "bad"
    write(bad / "app.py", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    with Checker(lesson) as checker:
        for _ in range(2):
            assert checker.check(good).step is None
            assert checker.check(bad).step == 1


def test_a_hang_inside_a_transaction_does_not_spoil_the_next_check(tmp_path: Path) -> None:
    lesson = Lesson("14_postgresql", ROOT)
    copytree(lesson.folder, tmp_path / "bad")
    script = next((tmp_path / "bad/migrations/versions").glob("0013*"))
    hang = "def upgrade():\n    while op.get_bind().dialect.name == 'postgresql': pass\n"
    script.write_text(script.read_text("utf-8").replace("def upgrade():\n", hang), "utf-8")
    with Checker(lesson, patience=3) as checker:  # the tests before it may take their time
        for _ in range(2):
            verdict = checker.check(tmp_path / "bad", step=1)
            assert "did not answer within 15 seconds" in verdict.error
            assert verdict.frames[0]["file"] == f"migrations/versions/{script.name}"
        assert checker.check(lesson.folder, step=1).step is None


def test_a_system_that_cannot_fork_gives_the_same_verdicts(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "no_fork/sitecustomize.py", "import os\ndel os.fork\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "no_fork"))
    with Checker(lesson) as checker:
        assert checker.check(lesson.root / "my/04_flask").step is None
        edit(lesson, '@app.get("/newest")', '@app.get("/latest")')
        assert checker.check(lesson.root / "my/04_flask").step == 4


def test_two_saves_of_one_length_within_a_second_are_two(lesson: Lesson) -> None:
    mine = lesson.root / "my/04_flask"
    right, wrong = "<h1>{title}</h1>", "<h2>{title}</h2>"
    with Checker(lesson) as checker:
        for _ in range(5):
            assert checker.check(mine).step is None
            edit(lesson, right, wrong)
            assert checker.check(mine).step == 1
            edit(lesson, wrong, right)
    assert not list(mine.rglob("*.pyc"))


# Hints


def test_hints_come_one_at_a_time_and_then_the_way_on(clone: Path) -> None:
    mine = make_up_a_lesson(clone, "app = None\n", GET)
    assert "Hint 1 of 2: where to look\nLook at `app.py`." in run("hint", "90").output
    assert "Hint 2 of 2: what to <look> for\nLook for `app`." in run("hint", "90").output
    assert run("hint", "90").output == (
        "There is no further hint. The listing: make solution N=90 STEP=1\n"
    )
    assert "Hint 1 of 2" in run("hint", "90").output
    (clone / "my/.progress.json").unlink()
    assert "Hint 1 of 2" in run("hint", "90").output
    write(mine / "app.py", FLASK + "app.get('/')(lambda: 'x')\n")
    assert run("hint", "90").output == "All tests of this lesson pass. What is next: make next\n"


def test_a_hint_needs_an_app(clone: Path) -> None:
    result = run("hint", "4")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "There is no my/04_flask yet" in result.output


# At every save


class Terminal:
    """A terminal in which a command runs."""

    def __init__(self, clone: Path, *arguments: str) -> None:
        (clone / ".venv").symlink_to(ROOT / ".venv")
        (clone / "Pipfile.lock").symlink_to(ROOT / "Pipfile.lock")
        self._mine, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, str(clone / "course"), *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        self._seen, self._decoder = "", codecs.getincrementaldecoder("utf-8")()

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._mine, key.encode())

    def wait_for(self, pattern: str) -> str:
        """Read until the pattern is there, and return what was read up to its end."""
        end = time.monotonic() + 20
        while not (found := re.search(pattern, self._seen, re.DOTALL)):
            assert select.select([self._mine], [], [], end - time.monotonic())[0], self._seen
            came = self._decoder.decode(os.read(self._mine, 65536))
            self._seen += click.unstyle(came.replace("\r", ""))
        text, self._seen = self._seen[: found.end()], self._seen[found.end() :]
        return text

    def close(self) -> None:
        """End the command, if it runs, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._mine)
        os.close(self.theirs)


@pytest.fixture
def watched(lesson: Lesson) -> Iterator[Terminal]:
    """A terminal in which the learner's app of lesson 4 is watched."""
    edit(lesson, "<h1>{title}</h1>", "<h2>{title}</h2>")
    terminal = Terminal(lesson.root, "watch", "4")
    yield terminal
    terminal.close()


LAST_LINE = r"h hint  ·  p page  ·  d difference  ·  q quit  \(\d+ ms\)"


def test_watch_shows_the_verdict_at_every_save(watched: Terminal, lesson: Lesson) -> None:
    assert "Lesson 4: step 1 (of 6) does not stand yet." in watched.wait_for(LAST_LINE)
    edit(lesson, "<h2>{title}</h2>", "<h1>{title}</h1>")
    assert "Lesson 4: all 6 steps stand" in watched.wait_for(LAST_LINE)
    edit(lesson, '@app.get("/newest")', '@app.get("/latest")')
    assert "Lesson 4: step 4 (of 6) does not stand any more." in watched.wait_for(LAST_LINE)
    new = lesson.root / "my/04_flask/.app.py.new"  # how many editors save
    new.write_text("app = None\n", encoding="utf-8")
    new.rename(lesson.root / "my/04_flask/app.py")
    watched.wait_for(r"Lesson 4: step 1 \(of 6\) does not stand any more.*" + LAST_LINE)


def test_watch_waits_for_an_editor_that_empties_the_file_first(
    watched: Terminal, lesson: Lesson
) -> None:
    watched.wait_for(LAST_LINE)
    app = lesson.root / "my/04_flask/app.py"
    whole = app.read_text(encoding="utf-8").replace("<h2>{title}</h2>", "<h1>{title}</h1>")
    with app.open("w", encoding="utf-8") as file:
        time.sleep(0.02)  # an editor that is slow to write
        file.write(whole)
    assert "Lesson 4: all 6 steps stand" in watched.wait_for(LAST_LINE)


def test_watch_has_keys_for_hint_page_difference_and_quit(
    watched: Terminal, lesson: Lesson
) -> None:
    watched.wait_for(LAST_LINE)
    watched.press("h")
    watched.wait_for("Hint 1 of |There is no further hint")
    watched.press("p")
    assert "Step 1 · The same pages, on Flask" in watched.wait_for("app.py`, a new file")
    edit(lesson, "<h2>{title}</h2>", "<h1>{title}</h1>")
    watched.wait_for(f"all 6 steps stand.*{LAST_LINE}")
    edit(lesson, "<h1>{title}</h1>", "<h2>{title}</h2>")
    watched.wait_for(f"step 1 .* does not stand any more.*{LAST_LINE}")
    watched.press("d")
    watched.wait_for(r"-.*<h2>\{title\}.*\+.*<h1>\{title\}")
    watched.press("x")
    watched.press("q")
    assert watched.process.wait(20) == 0
    assert termios.tcgetattr(watched.theirs) == watched.before


def test_watch_ends_with_ctrl_c_and_leaves_the_terminal_as_it_was(watched: Terminal) -> None:
    watched.wait_for(LAST_LINE)
    os.killpg(watched.process.pid, signal.SIGINT)
    watched.process.wait(20)
    assert "Traceback" not in watched.wait_for("Aborted!")
    assert termios.tcgetattr(watched.theirs) == watched.before


def test_watch_outlives_a_reset(watched: Terminal, lesson: Lesson) -> None:
    watched.wait_for(LAST_LINE)
    assert run("reset", "4", "--step", "3").exit_code == 0
    watched.wait_for(f"Lesson 4: step 3 .*{LAST_LINE}")
    (lesson.root / "my/04_flask").rename(lesson.root / "my/elsewhere")
    watched.wait_for(f"There is no my/04_flask any more: `make begin N=4`.*{LAST_LINE}")
    assert run("undo", "4").exit_code == 0
    watched.wait_for(f"Lesson 4: step 1 .*{LAST_LINE}")


def test_watch_collects_the_tests_again_when_they_change(watched: Terminal, lesson: Lesson) -> None:
    watched.wait_for(LAST_LINE)
    text = lesson.tests.read_text("utf-8")
    asked = 'The address / must answer with the page "The Shelf"'
    lesson.tests.write_text(text.replace(asked, "Something new is asked for"), encoding="utf-8")
    watched.wait_for(f"Something new is asked for.*{LAST_LINE}")
    lesson.tests.write_text("x = \n", encoding="utf-8")
    watched.wait_for(f"That could not be checked.*SyntaxError.*{LAST_LINE}")
    lesson.tests.write_text(text, encoding="utf-8")
    watched.wait_for(f"The address / must answer.*{LAST_LINE}")


def test_watch_runs_with_no_terminal(lesson: Lesson) -> None:
    (lesson.root / ".venv").symlink_to(ROOT / ".venv")
    (lesson.root / "Pipfile.lock").symlink_to(ROOT / "Pipfile.lock")
    process = subprocess.Popen(
        [sys.executable, str(lesson.root / "course"), "watch", "4"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().startswith("Lesson 4: all 6 steps stand")
    finally:
        process.terminate()
        process.communicate()
