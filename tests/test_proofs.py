"""The proofs can fail: each is shown a copy of the course with something broken in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from proofs import pages
from proofs.finding import Finding
from proofs.walk import matches, walk

from course import run_configurations
from course.lessons import Lesson, all_lessons
from course.replay import ReplayError, merge, rebuild


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the course, with the virtual environment linked in."""
    for name in ("docs", "lessons", "tests", ".run"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".venv", ".pipenv"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("README.md", "LICENSE", "Pipfile", "Pipfile.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def lesson(copy: Path) -> Lesson:
    """Lesson 2 of the copy."""
    return Lesson("02_wsgi", copy)


@pytest.fixture
def edit(copy: Path) -> Callable[[str, str, str], int]:
    """Replace a text that a file of the copy holds; return the line where it stood."""

    def edit(path: str, old: str, new: str) -> int:
        text = (copy / path).read_text(encoding="utf-8")
        assert old in text
        (copy / path).write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    return edit


PAGE = "docs/02_wsgi.md"


def test_a_listing_left_out_is_found(lesson: Lesson, edit: Callable) -> None:
    edit(PAGE, "`look.py`, a new file\n```python\n", "`other.py`, a new file\n```python\n")
    found = list(pages.complete(lesson))
    assert any("def look(environ" in f.expected and f.found == "none" for f in found)
    assert any("no such statement" in f.expected and f.step == 3 for f in found)


def test_a_letter_changed_in_a_listing_is_found(lesson: Lesson, edit: Callable) -> None:
    line = edit(PAGE, "key} is {environ", "key} was {environ")
    [finding] = pages.complete(lesson)
    assert (finding.page, finding.step) == (PAGE, 3)
    assert 0 < line - finding.line < 10
    assert "{key} is" in finding.expected and "{key} was" in finding.found


def test_a_listing_in_another_order_is_found(lesson: Lesson, edit: Callable) -> None:
    edit("lessons/02_wsgi/look.py", "KEYS = [", "SIZE = 1\n\nKEYS = [")
    [finding] = pages.complete(lesson)
    assert "SIZE = 1" in finding.expected


def test_a_letter_changed_in_a_file_that_is_not_python_is_found(
    lesson: Lesson, edit: Callable, copy: Path
) -> None:
    (copy / "lessons/02_wsgi/style.css").write_text("h1 { color: teal }\n", encoding="utf-8")
    listing = "`style.css`, a new file\n```css\nh1 { color: tea }\n```\n\n## What you built"
    edit(PAGE, "## What you built", listing)
    [finding] = pages.complete(lesson)
    assert finding.expected == "style.css as in the finished app"


def test_files_are_moved_as_the_page_says(lesson: Lesson, edit: Callable, tmp_path: Path) -> None:
    commands = "mkdir inner\n\nmv look.py hello.py inner\nrm inner/look.py"
    edit(PAGE, "## What you built", f"```shell\n{commands}\n```\n\n## What you built")
    rebuild(lesson, tmp_path / "built")
    assert (tmp_path / "built/inner/hello.py").is_file()
    assert not (tmp_path / "built/look.py").exists()
    assert not (tmp_path / "built/inner/look.py").exists()


def test_a_file_of_the_course_is_copied(lesson: Lesson, edit: Callable, tmp_path: Path) -> None:
    command = "cp ../../lessons/01_hello/app.py hello.txt"
    edit(PAGE, "## What you built", f"```shell\n{command}\n```\n\n## What you built")
    rebuild(lesson, tmp_path / "built")
    copied = (tmp_path / "built/hello.txt").read_bytes()
    assert copied == (lesson.root / "lessons/01_hello/app.py").read_bytes()


def test_a_file_that_cannot_be_moved_is_found(lesson: Lesson, edit: Callable) -> None:
    edit(PAGE, "## What you built", "```shell\nrm no_such.py\n```\n\n## What you built")
    [finding] = pages.complete(lesson)
    assert finding.expected == "`rm no_such.py` to succeed (No such file or directory)"


def test_a_changed_page_fails_its_own_commands(lesson: Lesson, edit: Callable) -> None:
    output = edit(PAGE, "CONTENT_LENGTH is '10'", "CONTENT_LENGTH is '11'")
    command = edit(PAGE, "mkdir -p my/02_wsgi", "mkdirr -p my/02_wsgi")
    edit(PAGE, "## What you built", "```text\nno such kind\n```\n\n## What you built")
    found = walk(lesson)
    shown = [f for f in found if "CONTENT_LENGTH is '11'" in f.expected]
    assert [(f.page, f.step, f.line < output) for f in shown] == [(PAGE, 3, True)]
    assert "CONTENT_LENGTH is '10'" in shown[0].found
    failed = [f for f in found if f.line == command]
    assert failed[0].expected == "`mkdirr -p my/02_wsgi` to succeed"
    assert "mkdirr: command not found" in failed[0].found
    assert any("“text”" in f.found for f in found)


def test_a_server_that_does_not_start_is_found(lesson: Lesson, edit: Callable) -> None:
    edit(PAGE, "from wsgiref.simple_server import make_server\n", "import no_such_module\n")
    found = walk(lesson)[0]
    assert (found.page, found.step) == (PAGE, 1)
    assert found.expected.startswith("`python serve.py` to print")
    assert "No module named 'no_such_module'" in found.found


def test_a_transcript_is_compared_line_by_line() -> None:
    assert matches("a\n...\nd", "a\nb\nc\nd\n")
    assert matches("a ... c", "a b c   \n")
    assert matches("a\n...", "a\n")
    assert not matches("a\nb", "a\n")
    assert not matches("a", "a\nb\n")
    assert not matches("a.c", "abc\n")


def test_a_name_used_before_it_is_introduced_is_found(copy: Path, edit: Callable) -> None:
    edit(PAGE, "`parse_qs`, ", "")
    found = list(pages.order(all_lessons(copy)))
    line = _line(copy, "from urllib.parse import parse_qs, quote")
    assert _places(found) == [(PAGE, 5, line)]
    assert "parse_qs" in found[0].expected


def test_a_command_used_before_it_is_introduced_is_found(copy: Path, edit: Callable) -> None:
    edit(PAGE, "`curl -d`, ", "")
    found = list(pages.order(all_lessons(copy)))
    assert _places(found) == [(PAGE, 3, _line(copy, '$ curl -d "title=Emma"'))]


def test_an_environ_key_used_before_it_is_introduced_is_found(copy: Path, edit: Callable) -> None:
    edit(PAGE, "`QUERY_STRING`, ", "")
    found = list(pages.order(all_lessons(copy)))
    assert _places(found) == [(PAGE, 5, _line(copy, 'parse_qs(environ["QUERY_STRING"])'))]


@pytest.mark.parametrize("word", ["for", "upper", "even", "url_for"])
def test_a_tag_filter_test_or_call_in_a_template_is_found(
    copy: Path, edit: Callable, word: str
) -> None:
    template = "{% for n in ns if n is even %}{{ n|upper }} {{ url_for(n) }}{% endfor %}\n"
    listing = f"`list.html`, a new file\n```jinja\n\n{template}```\n\n## What you built"
    edit(PAGE, "## What you built", listing)
    others = {"for", "endfor", "upper", "even", "url_for"} - {word}
    edit(PAGE, "**New here:** ", "**New here:** " + "".join(f"`{each}`, " for each in others))
    found = [each for each in pages.order(all_lessons(copy)) if f"“{word}”" in each.expected]
    assert _places(found) == [(PAGE, 7, _line(copy, template))]


def test_a_word_used_on_an_earlier_page_is_found(copy: Path, edit: Callable) -> None:
    line = edit("docs/01_hello.md", "Stop it with Ctrl+C", "No middleware. Stop it with Ctrl+C")
    found = list(pages.order(all_lessons(copy)))
    assert _places(found) == [("docs/01_hello.md", 2, line)]
    assert "middleware" in found[0].expected


def test_a_word_not_explained_first_is_found(copy: Path, edit: Callable) -> None:
    edit(PAGE, "They are called *middleware*", "They are called middleware")
    found = list(pages.order(all_lessons(copy)))
    assert [(f.page, f.step) for f in found] == [(PAGE, 6)]
    assert "*middleware* explained first" in found[0].expected


def test_a_name_that_is_not_explained_is_found(copy: Path, edit: Callable) -> None:
    line = edit(PAGE, "**New here:** ", "**New here:** `wsgiref.headers`, ")
    [finding] = pages.order(all_lessons(copy))
    assert _places([finding]) == [(PAGE, 0, line)]


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("# 2 · WSGI: ", "# WSGI: ", "a title"),
        ("> **Time** 60 minutes.", ">", "**Time** in the box"),
        ("**New here:** ", "New: ", "**New here:**"),
        ("## Step 4 · ", "## Step 5 · ", "the parts"),
        ("## Your turn", "## Your task", "the parts"),
        ("<details>", "<div>", "answers under <details>"),
        ("This is a complete web app.", "This. " * 2000, "900 to 1,800 words"),
    ],
)
def test_a_part_that_is_missing_is_found(
    lesson: Lesson, copy: Path, old: str, new: str, expected: str
) -> None:
    text = (copy / PAGE).read_text(encoding="utf-8")
    (copy / PAGE).write_text(text.replace(old, new), encoding="utf-8")
    assert any(expected in finding.expected for finding in pages.shape(lesson))


def test_a_source_that_is_not_there_is_found(lesson: Lesson, edit: Callable) -> None:
    line = edit(PAGE, "`wsgiref/handlers.py`: `start_response`", "`wsgiref/handler.py`: `start`")
    name = edit(PAGE, "`wsgiref/validate.py`: `validator`", "`wsgiref/validate.py`: `validater`")
    found = list(pages.sources(lesson))
    assert _places(found) == [(PAGE, None, line), (PAGE, None, name)]


def test_a_link_that_leads_nowhere_is_found(copy: Path, edit: Callable) -> None:
    page = edit(PAGE, "(01_hello.md)", "(01_hallo.md)")
    heading = edit("README.md", "#a-lesson-step-by-step", "#a-lesson")
    found = list(pages.links(copy))
    assert _places(found) == [("README.md", None, heading), (PAGE, None, page)]


def test_a_lesson_is_asked_for_one_file_after_the_other(copy: Path) -> None:
    (copy / "lessons/42_made_up").mkdir()
    wanted = [
        "docs/42_made_up.md",
        "tests/test_42_made_up.py",
        "tests/wrong_answers/42_made_up.toml",
    ]
    for path in wanted:
        assert path in [f.expected for f in pages.same_stem(copy)]
        (copy / path).write_text("# 42 · Made-up: x", encoding="utf-8")
    readme = copy / "README.md"
    assert any("row of the lesson table" in f.expected for f in pages.same_stem(copy))
    readme.write_text(readme.read_text("utf-8") + "[42](docs/42_made_up.md)", encoding="utf-8")
    assert len(list(pages.same_stem(copy))) == 2
    run_configurations.write(all_lessons(copy), copy / ".run")
    assert not list(pages.same_stem(copy))


def test_a_word_that_the_glossary_lacks_is_found(copy: Path, edit: Callable) -> None:
    edit("docs/glossary.md", "| hook | a function", "| hok | a function")
    found = [finding.expected for finding in pages.glossary(copy, all_lessons(copy))]
    assert found == ["“hok” with no lesson", "“hook” with 05_context"]
    edit("docs/glossary.md", "| hok | a function", "| hook | a function")
    edit("docs/glossary.md", "[5](05_context.md) |", "[4](04_flask.md) |")
    assert [f.found for f in pages.glossary(copy, all_lessons(copy))] == ["04_flask"]


def test_a_page_that_leads_nowhere_is_found(copy: Path, edit: Callable) -> None:
    line = edit("docs/02_wsgi.md", " · [3 · Werkzeug](03_werkzeug.md)", "")
    [finding] = pages.neighbours(all_lessons(copy))
    assert _places([finding]) == [(PAGE, None, line)]
    assert "03_werkzeug.md" in finding.expected


def test_files_of_no_lesson_are_found(copy: Path) -> None:
    (copy / "docs/43_gone.md").write_text("", encoding="utf-8")
    (copy / ".run/Lesson 43 - run.run.xml").write_text("<old/>", encoding="utf-8")
    names = [finding.page for finding in pages.same_stem(copy)]
    assert names == [".run/Lesson 43 - run.run.xml", "docs/43_gone.md"]
    run_configurations.write(all_lessons(copy), copy / ".run")
    assert not (copy / ".run/Lesson 43 - run.run.xml").exists()


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("`look.py`, a new file", "`look.py`", "look.py to be there"),
        ("`look.py`, a new file", "`serve.py`, a new file", "no serve.py before this listing"),
        ("`look.py`, a new file", "Here it is:", "the path of its file"),
    ],
)
def test_a_listing_that_cannot_be_followed_is_found(
    lesson: Lesson, edit: Callable, old: str, new: str, says: str, tmp_path: Path
) -> None:
    edit(PAGE, old, new)
    with pytest.raises(ReplayError, match=says):
        rebuild(lesson, tmp_path / "built")
    assert any(says in finding.expected for finding in pages.complete(lesson))


def test_a_listing_joins_its_file_as_setup_says() -> None:
    old = "import os\nfrom a import b\n\nX = 1\n\n\n# why\ndef f():\n    return 1\n\n\nprint(X)\n"
    new = "import re\nfrom a import b, c\n\n# because\n@d\ndef f():\n    return 2\n\nY = 2\nX = 3\n"
    assert merge(old, new).split("\n\n\n") == [
        "import os\nfrom a import b, c\nimport re",
        "X = 3",
        "# because\n@d\ndef f():\n    return 2",
        "print(X)",
        "Y = 2\n",
    ]


def test_the_first_import_of_a_file_stands_below_its_docstring() -> None:
    merged = merge('"""What this is."""\n\nX = 1\n', "import re\n")
    assert merged.split("\n\n\n") == ['"""What this is."""', "import re", "X = 1\n"]


def _places(found: list[Finding]) -> list[tuple[str, int | None, int]]:
    return [(finding.page, finding.step, finding.line) for finding in found]


def _line(copy: Path, text: str) -> int:
    before = (copy / PAGE).read_text(encoding="utf-8").partition(text)[0]
    return before.count("\n") + 1
