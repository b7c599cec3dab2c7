"""Random edits of the finished apps: whatever a learner saves, `check` answers with a verdict."""

import random
import time
from pathlib import Path

import pytest

from course.check import Checker
from course.lessons import Lesson, all_lessons
from course.replay import app_files, copy_app
from course.verdict import text


def drop(chance: random.Random, source: bytes) -> bytes:
    """Leave out up to four bytes."""
    at = chance.randrange(len(source))
    return source[:at] + source[at + chance.randint(1, 4) :]


def swap(chance: random.Random, source: bytes) -> bytes:
    """Let two lines change places."""
    lines = source.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def truncate(chance: random.Random, source: bytes) -> bytes:
    """Break off anywhere."""
    return source[: chance.randrange(len(source))]


def double(chance: random.Random, source: bytes) -> bytes:
    """Write a line twice."""
    lines = source.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], lines[at], *lines[at:]])


def encode(chance: random.Random, source: bytes) -> bytes:
    """Save in another encoding, or with a byte that is no text."""
    encoding = chance.choice(["utf-16", "latin-1", "cp037", "utf-8-sig", None])
    if encoding:
        return source.decode("utf-8").encode(encoding, "replace")
    at = chance.randrange(len(source))
    return source[:at] + chance.randbytes(1) + source[at:]


PATIENCE = 180  # seconds for all the tests of a lesson, and for one that hangs
EDITS = [drop, drop, drop, swap, swap, truncate, double, encode]


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.stem)
def test_every_edit_gets_a_verdict(
    lesson: Lesson, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(f"{request.config.option.seed} {lesson.stem}")
    with Checker(lesson) as checker:
        for number in range(request.config.option.edits):
            folder = tmp_path / str(number) / lesson.stem
            copy_app(lesson.folder, folder)
            file = chance.choice([path for path in app_files(folder) if path.stat().st_size])
            edit = chance.choice(EDITS)
            file.write_bytes(edit(chance, file.read_bytes()))
            begin = time.monotonic()
            words = text(lesson, checker.check(folder))
            assert time.monotonic() - begin < PATIENCE, f"edit {number} of {file.name}"
            assert f"Lesson {lesson.number}: " in words
            assert "course/" not in words, words
