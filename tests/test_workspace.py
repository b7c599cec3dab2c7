"""The learner's own apps: nothing that a learner wrote is ever lost."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import Result
from conftest import ROOT
from learner import contents, run, write

from course import workspace
from course.lessons import Lesson, all_lessons


@pytest.fixture
def lesson(clone: Path) -> Lesson:
    """Lesson 4 of the copy."""
    return Lesson("04_flask", clone)


def assert_refused(result: Result, *words: str) -> None:
    """Assert that a command said no in one sentence, with these words and status 1."""
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    for word in words:
        assert word in result.output


@pytest.fixture
def nothing_is_left_behind(clone: Path) -> Iterator[None]:
    """Assert in the end that no half-made folder is in my/."""
    yield
    assert not list((clone / "my").glob(".making-*"))


pytestmark = pytest.mark.usefixtures("nothing_is_left_behind")


def test_begin_makes_what_the_page_starts_from(clone: Path) -> None:
    result = run("begin", "5")
    assert result.exit_code == 0
    assert "Work there." in result.output and "make watch N=5" in result.output
    finished = contents(clone / "lessons/04_flask")
    finished["middleware.py"] = contents(clone / "lessons/02_wsgi")["middleware.py"]
    assert contents(clone / "my/05_context") == finished


def test_begin_makes_an_empty_folder_where_the_page_starts_so(clone: Path) -> None:
    assert run("begin", "1").exit_code == 0
    assert contents(clone / "my/01_hello") == {}


def test_begin_at_a_step_has_the_listings_so_far(clone: Path) -> None:
    assert run("begin", "4", "--step", "3").exit_code == 0
    text = (clone / "my/04_flask/app.py").read_text("utf-8")
    assert "url_for" in text and "BookNumber" not in text
    assert run("begin", "2", "--step", "3").exit_code == 0
    assert not (clone / "my/02_wsgi/my").exists()


@pytest.mark.parametrize("step, books", [(4, 0), (6, 100)])
def test_begin_at_a_step_brings_tables_and_rows(clone: Path, step: int, books: int) -> None:
    assert run("begin", "10", "--step", str(step)).exit_code == 0
    with closing(sqlite3.connect(clone / "my/10_database/instance/shelf.db")) as connection:
        [(number,)] = connection.execute("SELECT count(*) FROM book")
    assert number == books


def test_begin_at_a_step_brings_what_was_typed_at_a_prompt(clone: Path) -> None:
    assert run("begin", "13", "--step", "2").exit_code == 0
    with closing(sqlite3.connect(clone / "my/13_data_migrations/instance/shelf.db")) as connection:
        rows = connection.execute("SELECT name, phone, book_number FROM reader, loan").fetchall()
    assert rows == [("Ann", "555 0199", 1)]


def test_begin_can_build_on_the_learners_own(clone: Path) -> None:
    assert_refused(run("begin", "4", "--from-mine"), "no my/02_wsgi/shelf.py of yours")
    write(clone / "my/02_wsgi/shelf.py", "BOOKS = {}\n")
    assert run("begin", "4", "--from-mine").exit_code == 0
    assert contents(clone / "my/04_flask") == {"shelf.py": "BOOKS = {}\n"}
    assert run("begin", "5", "--from-mine").exit_code == 1
    write(clone / "my/02_wsgi/middleware.py", "timed = None\n")
    assert run("begin", "5", "--from-mine").exit_code == 0
    assert contents(clone / "my/05_context") == {
        "shelf.py": "BOOKS = {}\n",
        "middleware.py": "timed = None\n",
    }


def test_begin_never_touches_a_folder_that_is_there(clone: Path) -> None:
    mine = write(clone / "my/04_flask/app.py", "mine\n")
    assert_refused(run("begin", "4"), "There is a my/04_flask already", "make reset N=4")
    assert mine.read_text("utf-8") == "mine\n"
    (clone / "my/01_hello").mkdir()
    assert_refused(run("begin", "1"), "already")


@pytest.mark.parametrize("step", ["0", "7", "-1"])
@pytest.mark.parametrize("command", ["begin", "reset", "solution"])
def test_a_step_that_is_not_there_is_refused(clone: Path, command: str, step: str) -> None:
    mine = write(clone / "my/04_flask/app.py", "mine\n")
    if command == "begin":
        mine.unlink()
        mine.parent.rmdir()
    assert_refused(run(command, "4", "--step", step), "has the steps 1 to 6")
    assert mine.exists() == (command != "begin")


def test_reset_keeps_a_snapshot_and_undo_brings_it_back(clone: Path, lesson: Lesson) -> None:
    mine = write(clone / "my/04_flask/app.py", "first\n")
    write(clone / "my/04_flask/notes.txt", "to keep\n")
    result = run("reset", "4")
    assert result.exit_code == 0
    [snapshot] = workspace.snapshots(lesson)
    assert str(snapshot.relative_to(clone)) in result.output
    assert "make undo N=4" in result.output
    assert contents(snapshot) == {"app.py": "first\n", "notes.txt": "to keep\n"}
    assert not mine.exists()
    write(mine, "second\n")
    assert run("undo", "4").exit_code == 0
    assert contents(clone / "my/04_flask") == contents(clone / "my/04_flask") | {
        "app.py": "first\n",
        "notes.txt": "to keep\n",
    }
    assert run("undo", "4").exit_code == 0
    assert mine.read_text("utf-8") == "second\n"


def test_undo_works_after_the_folder_was_deleted(clone: Path) -> None:
    mine = write(clone / "my/04_flask/app.py", "first\n")
    run("reset", "4")
    workspace.mine(Lesson("04_flask", clone)).rename(clone / "gone")
    result = run("undo", "4")
    assert result.exit_code == 0 and "What was there" not in result.output
    assert mine.read_text("utf-8") == "first\n"


def test_reset_and_undo_say_when_there_is_nothing(clone: Path) -> None:
    assert_refused(run("reset", "4"), "no my/04_flask to start over", "make begin N=4")
    assert_refused(run("undo", "4"), "no snapshot of my/04_flask")


def test_a_full_disk_changes_nothing(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = write(clone / "my/04_flask/app.py", "mine\n")

    def full(*_, **__):
        raise OSError(28, "No space left on device", "app.py")

    monkeypatch.setattr("shutil.copy", full)
    assert_refused(run("reset", "4"), "Nothing was changed: No space left on device")
    assert_refused(run("begin", "3"), "Nothing was changed")
    assert contents(clone / "my") == {"04_flask/app.py": "mine\n"}
    assert mine.exists()


def test_a_reset_that_fails_half_way_is_taken_back(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = write(clone / "my/04_flask/app.py", "mine\n")
    rename, done = Path.rename, []

    def failing(self: Path, target: Path) -> Path:
        done.append(target)
        if len(done) == 2:
            raise OSError(28, "No space left on device", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    assert_refused(run("reset", "4"), "Nothing was changed: No space left on device")
    monkeypatch.undo()
    assert mine.read_text("utf-8") == "mine\n"


@pytest.mark.parametrize("calls", [1, 2])
def test_ctrl_c_loses_nothing(clone: Path, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clone / "my/04_flask/app.py", "mine\n")
    rename, done = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        done.append(target)
        if len(done) == calls:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    assert run("reset", "4").exit_code == 1
    monkeypatch.undo()
    assert "mine\n" in contents(clone / "my").values()


def test_solution_shows_the_listings_of_a_step(clone: Path) -> None:
    result = run("solution", "2", "--step", "6")
    assert result.exit_code == 0
    assert "middleware.py, a new file  (docs/02_wsgi.md, line " in result.output
    assert "def timed(app):" in result.output and "def look(" not in result.output
    assert "changes no file" in run("solution", "1", "--step", "1").output


def test_diff_shows_what_the_finished_app_has_more(clone: Path) -> None:
    assert_refused(run("diff", "4"), "make begin N=4")
    copytree(clone / "lessons/04_flask", clone / "my/04_flask")
    assert run("diff", "4").output == "No difference.\n"
    app = clone / "my/04_flask/app.py"
    app.write_text(app.read_text("utf-8").replace("/newest", "/latest"), encoding="utf-8")
    lines = run("diff", "4").output.splitlines()
    [number] = [
        n for n, line in enumerate(app.read_text("utf-8").splitlines(), 1) if "/lat" in line
    ]
    assert f'-{number:4}  @app.get("/latest")' in lines and '+      @app.get("/newest")' in lines


def test_diff_with_a_step_shows_the_slip_alone(clone: Path) -> None:
    run("begin", "4", "--step", "4")
    assert run("diff", "4", "--step", "3").output == "No difference.\n"
    app = clone / "my/04_flask/app.py"
    slip = app.read_text("utf-8").replace("super().to_python(value)", "value")
    app.write_text(f"\n\n{slip}", encoding="utf-8")
    (app.parent / "notes.txt").write_text("Read step 3 again.\n", encoding="utf-8")
    [at] = [n for n, line in enumerate(app.read_text("utf-8").splitlines(), 1) if "= value" in line]
    words = '"""Return the number, or raise ValidationError if no book has it."""'
    assert run("diff", "4", "--step", "3").output.splitlines() == [
        "(-) yours, (+) the page after step 3; what later steps or “Your turn” add may stay",
        "my/04_flask/app.py",
        f" {at - 2:4}      def to_python(self, value):",
        f" {at - 1:4}          {words}",
        f"-{at:4}          number = value",
        "+              number = super().to_python(value)",
        f" {at + 1:4}          if number not in BOOKS:",
        f" {at + 2:4}              raise ValidationError()",
        "- my/04_flask/notes.txt, the whole file",
    ]
    (app.parent / "shelf.py").unlink()
    assert "my/04_flask/shelf.py, a new file\n+" in run("diff", "4", "--step", "3").output
    assert_refused(run("diff", "4", "--step", "9"), "has the steps 1 to 6")


def test_diff_compares_two_lessons(clone: Path) -> None:
    output = run("diff", "5", "--lessons").output
    assert "+      app.wsgi_app = timed(app.wsgi_app)" in output.splitlines()
    assert_refused(run("diff", "1", "--lessons"), "no lesson before the first")


def test_next_leads_from_nothing_to_the_end_of_a_lesson(clone: Path) -> None:
    assert "Type: make begin N=1" in run("next").output
    run("begin", "1")
    output = run("next").output
    assert "step 2 (of 5) does not stand yet" in output and "type: make check N=1" in output
    assert re.search(r"Read docs/01_hello.md from the top through .+, “Step 2 · ", output)
    right = (clone / "lessons/01_hello/app.py").read_text("utf-8")
    app = write(clone / "my/01_hello/app.py", "def shelf(:\n")
    assert " But SyntaxError: " in run("next").output
    app.write_text(right.replace("{len(BOOKS)}", "3"), encoding="utf-8")
    assert "What is missing: The answer must say how many books" in run("next").output
    app.unlink()
    assert "There is no file `app.py` in my/01_hello. Step 2 of the page" in run("next").output
    app.write_text(right.partition('@app.get("/newest")')[0], encoding="utf-8")
    output = run("next").output
    assert "all 5 steps stand, “Your turn” does not yet" in output
    assert re.search(r"Read on from .+, “Step 3 · .+” through .+, “Your turn”", output)
    assert "Or leave “Your turn” out, and go on: make begin N=2" in output
    app.write_text(right.replace("{len(BOOKS)}", "3"), encoding="utf-8")
    assert "any more. You have been at “Your turn”" in run("check", "1").output
    output = run("next").output
    assert "step 2 (of 5) does not stand any more" in output
    assert "step 2 (of 5) does not stand any more" in run("list").output
    assert re.search(r"has broken .+, “Step 2 · .+”\. You were at .+, “Your turn”", output)
    app.write_text(right, encoding="utf-8")
    assert "Type: make begin N=2" in run("next").output


def test_next_goes_on_with_who_left_your_turn_out(clone: Path) -> None:
    right = (clone / "lessons/01_hello/app.py").read_text("utf-8")
    write(clone / "my/01_hello/app.py", right.partition('@app.get("/newest")')[0])
    assert "Lesson 1 · " in run("next").output
    run("begin", "2")
    assert "Lesson 2 · " in run("next").output


def test_list_says_how_far_each_lesson_is(clone: Path) -> None:
    copytree(clone / "lessons/01_hello", clone / "my/01_hello")
    write(clone / "my/02_wsgi/app.py", "application = None\n")
    lines = run("list").output.splitlines()
    assert len(lines) == len(all_lessons(clone))
    assert lines[0].startswith("1 · Hello") and lines[0].endswith("done")
    assert lines[1].endswith("step 1 (of 7) does not stand yet")
    assert lines[2].endswith("not begun")
    rows = json.loads(run("list", "--json").output)
    assert (rows[0]["lesson"], rows[0]["begun"], rows[0]["step"]) == ("01_hello", True, None)
    assert (rows[1]["step"], rows[1]["stands"], rows[2]["begun"]) == (1, 0, False)


def test_the_cache_may_be_deleted_or_broken(clone: Path) -> None:
    copytree(clone / "lessons/01_hello", clone / "my/01_hello")
    cache = clone / "my/.progress.json"
    before = run("list").output
    for text in ("", "{", "[1]", '{"01_hello": 1}', '{"01_hello": {"of": 1}}'):
        cache.write_text(text, encoding="utf-8")
        assert run("list").output == before
    cache.unlink()
    assert run("list").output == before


@pytest.mark.parametrize("command", ["begin", "reset", "undo", "solution", "diff"])
def test_a_wrong_number_says_which_lessons_there_are(command: str) -> None:
    step = ["--step", "1"] if command == "solution" else []
    done = subprocess.run(
        [sys.executable, str(ROOT / "course"), command, "four", *step],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: A lesson has a number, and 'four' is none")
    assert done.stderr.count("\n") == 1
