"""The lessons: which there are, and which files belong to each."""

import re
from dataclasses import dataclass
from pathlib import Path

from course.environment import HOME_PORT, ROOT
from course.page import Page


class UnknownLesson(Exception):
    """There is no such lesson; the text says which there are."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: a page, an app, tests and wrong answers that share a stem such as `04_flask`."""

    stem: str
    root: Path

    @property
    def number(self) -> int:
        return int(self.stem[:2])

    @property
    def port(self) -> int:
        return HOME_PORT + self.number

    @property
    def folder(self) -> Path:
        return self.root / "lessons" / self.stem

    @property
    def tests(self) -> Path:
        return self.root / "tests" / f"test_{self.stem}.py"

    @property
    def wrong_answers(self) -> Path:
        return self.root / "tests" / "wrong_answers" / f"{self.stem}.toml"

    @property
    def layer(self) -> tuple[str, str]:
        """README's row: the layer that the lesson adds, and what the Shelf can do with it."""
        readme = (self.root / "README.md").read_text(encoding="utf-8")
        row = re.search(rf"^\| .*\(docs/{self.stem}\.md\) \| (.+) \| (.+) \|$", readme, re.M)
        return (row[1], row[2]) if row else ("", "")

    @property
    def page_path(self) -> Path:
        return self.root / "docs" / f"{self.stem}.md"

    @property
    def page(self) -> Page:
        return Page(self.page_path)


def all_lessons(root: Path = ROOT) -> list[Lesson]:
    """Return the lessons that have a folder in `lessons/` and a page, in order."""
    return [each for each in lessons_begun(root) if each.page_path.exists()]


def lessons_begun(root: Path) -> list[Lesson]:
    """Return the lessons that have a folder in `lessons/`, and perhaps no more yet."""
    folders = sorted((root / "lessons").iterdir())
    return [Lesson(f.name, root) for f in folders if re.fullmatch(r"\d\d_\w+", f.name)]


def find_lesson(number: str | None, root: Path = ROOT, command: str = "lesson") -> Lesson:
    """Return the lesson with this number.

    Args:
        number: as typed: `4` and `04` are the same lesson.
        root: the folder of the clone.
        command: of which command the number is, for the message.

    Raises:
        UnknownLesson: if the number is missing, is none, or belongs to no lesson.
    """
    lessons = all_lessons(root)
    there_are = "the lessons are " + ", ".join(
        f"{each.number} ({each.stem[3:]})" for each in lessons
    )
    if not number:
        raise UnknownLesson(f"Say which lesson, for example `make {command} N=1`: {there_are}.")
    if not (number.isascii() and number.isdigit()):
        raise UnknownLesson(f"A lesson has a number, and {number!r} is none: {there_are}.")
    for lesson in lessons:
        if lesson.number == int(number):
            return lesson
    raise UnknownLesson(f"There is no lesson {int(number)}: {there_are}.")
