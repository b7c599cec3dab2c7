"""What a learner does, in a copy of the course: the fixture `clone` in conftest.py makes it."""

from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner, Result

from course.cli import main
from course.replay import app_files

PAGE = """\
# 90 · Made up: a lesson of the tests

> **You will** test.

## Step 1 · The only one

Text.

<details><summary>Hint: where to look</summary>

Look at `app.py`.
</details>

<details><summary>Hint: what to &lt;look&gt; for</summary>

Look for <code>app</code>.
</details>

## Your turn

Nothing.
"""


def run(*arguments: str) -> Result:
    """Run a command of the course."""
    return CliRunner().invoke(main, arguments)


def contents(folder: Path) -> dict[str, str]:
    """Return the files of an app with their texts."""
    return {str(f.relative_to(folder)): f.read_text("utf-8") for f in app_files(folder)}


def write(path: Path, text: str) -> Path:
    """Write what a learner might have written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def make_up_a_lesson(clone: Path, app: str, tests: str, **files: str) -> Path:
    """Add lesson 90 to a copy of the course, and an app of the learner's for it.

    Args:
        clone: the copy.
        app: the text of `app.py`; the finished app in lessons/ has its imports.
        tests: the bodies of its tests.
        files: more files in the learner's folder; `__` in a name stands for a slash.

    Returns:
        the learner's folder.
    """
    write(clone / "docs/90_made_up.md", PAGE)
    imports = [line for line in app.splitlines() if line.startswith(("import ", "from "))]
    write(clone / "lessons/90_made_up/app.py", "\n".join(imports))
    head = "import pytest\n\nstep = pytest.mark.step\n\n"
    write(clone / "tests/test_90_made_up.py", head + dedent(tests))
    mine = clone / "my" / "90_made_up"
    write(mine / "app.py", dedent(app))
    for name, text in files.items():
        path, _, ending = name.replace("__", "/").rpartition("_")
        write(mine / f"{path}.{ending}", dedent(text))
    return mine
