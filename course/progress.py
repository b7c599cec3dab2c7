"""How far a learner's apps are: worked out by their lessons' tests, remembered in a cache."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from course.check import Checker
from course.lessons import Lesson
from course.page import YOUR_TURN
from course.replay import app_files
from course.workspace import mine


@dataclass(frozen=True)
class Progress:
    """Where a learner stands in a lesson.

    `step` is the first step whose tests fail, YOUR_TURN if only the tasks are left, and
    None when all is done; `stands` is the last step with tests before it; `words` is what the
    first failing test asks for. An app that is not begun has `begun` False.
    """

    begun: bool
    step: int | None
    words: str = ""
    stands: int = 0


def progress(lesson: Lesson) -> Progress:
    """Return how far the learner's app of a lesson is.

    The answer comes from the cache `my/.progress.json` if app and tests are unchanged.
    """
    folder = mine(lesson)
    if not folder.is_dir():
        return Progress(begun=False, step=1)
    known, fingerprint = _remembered(lesson), _fingerprint(lesson, folder)
    try:
        if known[lesson.stem]["of"] == fingerprint:
            return Progress(**known[lesson.stem]["is"])
    except (KeyError, TypeError):
        pass  # another version of the course, or another hand, wrote the cache
    with Checker(lesson) as checker:
        verdict = checker.check(folder, f"my/{lesson.stem}")
    words = verdict.asked if verdict.evidence else verdict.error
    lines = verdict.error.splitlines()
    told = [line for line in lines if re.match(r"(?!Assertion)\w+Error: ", line)]
    told = told or (lines if verdict.frames else [])
    at = re.findall(r'File "my/\w+/(.+)", line (\d+)', verdict.error)  # of a SyntaxError
    at = at or [(frame["file"], frame["line"]) for frame in verdict.frames[-1:]]
    translation = verdict.translation(lesson)
    if translation and translation.name.startswith("file-to-"):
        words = f"{verdict.asked} {translation.cause}"
    elif told and told[0] not in words:
        words += f" But {told[0].rstrip('.')}{''.join(f' ({file}:{line})' for file, line in at)}."
    words = " ".join([words, *verdict.remarks])
    found = Progress(True, verdict.step, words, verdict.stands)
    known[lesson.stem] = {"of": fingerprint, "is": asdict(found)}
    _remember(lesson, known)
    return found


class Reach(NamedTuple):
    """How far an app has been.

    `fell_from` is the step that an earlier check has reached, if the last one stops before it,
    else None; `came_from` is the step from which the app came to the furthest, 0 if it began there.
    """

    fell_from: int | None
    came_from: int


def reach(lesson: Lesson, step: int | None) -> Reach:
    """Remember how far an app is, and return how far it has been.

    Args:
        lesson: whose app was checked.
        step: the first step that does not stand, None if all do.
    """
    known, of = _remembered(lesson), f"furthest in {lesson.stem}"
    now = YOUR_TURN + 1 if step is None else step
    try:
        furthest, came_from = known[of]
        fell = now < furthest
    except (KeyError, TypeError, ValueError):
        furthest, came_from, fell = 0, 0, False
    if fell:
        return Reach(min(furthest, YOUR_TURN), came_from)
    if now > furthest:
        known[of] = [now, furthest]
        _remember(lesson, known)
        came_from = furthest
    return Reach(None, came_from)


def forget(lesson: Lesson, step: int = 1) -> None:
    """Forget how far the app was: it is another one now, at the beginning of a step."""
    known = _remembered(lesson)
    for key in (lesson.stem, f"furthest in {lesson.stem}", f"hints of {lesson.stem}"):
        known.pop(key, None)
    _remember(lesson, known)
    if step > 1:
        reach(lesson, step)


def next_hint(lesson: Lesson, step: int, hints: int) -> int | None:
    """Return the number, from 0, of the hint for a step that was not shown yet.

    After the last of them it is None, and then they begin again.
    """
    known, of = _remembered(lesson), f"hints of {lesson.stem}"
    try:
        before, number = known[of]
    except (KeyError, TypeError, ValueError):
        before, number = step, 0
    if before != step or not isinstance(number, int):
        number = 0
    known[of] = [step, number + 1 if number < hints else 0]
    _remember(lesson, known)
    return number if number < hints else None


def _cache(lesson: Lesson) -> Path:
    return lesson.root / "my" / ".progress.json"


def _remember(lesson: Lesson, known: dict) -> None:
    _cache(lesson).write_text(json.dumps(known, indent=1), encoding="utf-8")


def _remembered(lesson: Lesson) -> dict:
    try:
        known = json.loads(_cache(lesson).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _fingerprint(lesson: Lesson, folder: Path) -> str:
    """Return a text that changes when the app, its tests, or what tests share changes."""
    files = [*app_files(folder), lesson.tests, *lesson.root.glob("tests/con*.py")]
    parts = [f"{path}\0".encode() + path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
