"""Apps that a page makes, and apps with a mistake in them, put to their lesson's tests.

The functions run in processes of their own, since one process cannot hold two apps with
modules of one name; so this module imports no more than it needs.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from course.check import Verdict, check
from course.lessons import Lesson
from course.replay import copy_app, rebuild


def check_step(lesson: Lesson, until: int) -> list[Verdict]:
    """Check the app that the listings up to a step make."""
    with TemporaryDirectory() as name:
        folder = Path(name) / lesson.stem
        rebuild(lesson, folder, until)
        return check(lesson, folder, until) if any(folder.iterdir()) else []


def check_wrong(lesson: Lesson, wrong: dict) -> list[Verdict]:
    """Check the finished app with a mistake put into it."""
    with TemporaryDirectory() as name:
        folder = Path(name) / lesson.stem
        copy_app(lesson.folder, folder)
        file = folder / wrong["file"]
        right = file.read_text(encoding="utf-8")
        assert right.count(wrong["find"]) == 1, f"{wrong['find']!r} is not once in {wrong['file']}"
        file.write_text(right.replace(wrong["find"], wrong["replace"]), encoding="utf-8")
        return check(lesson, folder, None, wrong["caught_by"])
