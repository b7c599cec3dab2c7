"""How far a learner's apps are: worked out by their lessons' tests, remembered in a cache."""

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from course.lessons import Lesson
from course.replay import app_files
from course.workspace import mine

PATIENCE = 30  # seconds that a lesson's tests may take
YOUR_TURN = 99


@dataclass(frozen=True)
class Progress:
    """Where a learner stands in a lesson.

    `step` is the first step whose tests fail, YOUR_TURN if only the tasks are left, and
    None when all is done; `words` is what the first failing test says. An app that is
    not begun has `begun` False.
    """

    begun: bool
    step: int | None
    words: str = ""


def progress(lesson: Lesson) -> Progress:
    """Return how far the learner's app of a lesson is.

    The answer comes from the cache `my/.progress.json` if app and tests are unchanged.
    """
    folder = mine(lesson)
    if not folder.is_dir():
        return Progress(begun=False, step=1)
    cache = lesson.root / "my" / ".progress.json"
    known, fingerprint = _remembered(cache), _fingerprint(lesson, folder)
    try:
        if known[lesson.stem]["of"] == fingerprint:
            return Progress(**known[lesson.stem]["is"])
    except (KeyError, TypeError):
        pass  # another version of the course, or another hand, wrote the cache
    found = _ask_the_tests(lesson, folder)
    known[lesson.stem] = {"of": fingerprint, "is": asdict(found)}
    cache.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return found


def _remembered(cache: Path) -> dict:
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _fingerprint(lesson: Lesson, folder: Path) -> str:
    """Return a text that changes when the app, its tests, or what tests share changes."""
    files = [*app_files(folder), lesson.tests, *lesson.root.glob("tests/con*.py")]
    parts = [f"{path}\0".encode() + path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _ask_the_tests(lesson: Lesson, folder: Path) -> Progress:
    """Run the tests in a process of their own, which an app cannot take down with it."""
    with tempfile.TemporaryDirectory() as name:
        answer = Path(name) / "verdicts.json"
        arguments = [str(lesson.number), str(folder), str(answer)]
        command = [sys.executable, "-m", "course.check", *arguments]
        try:
            subprocess.run(command, cwd=lesson.root, capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return Progress(True, 1, f"The app did not answer within {PATIENCE} seconds.")
        if not answer.exists():
            return Progress(True, 1, "The app ended the tests before they were over.")
        verdicts = json.loads(answer.read_text(encoding="utf-8"))
    failed = sorted((v for v in verdicts if not v["passed"]), key=lambda verdict: verdict["step"])
    if not failed:
        return Progress(True, None)
    return Progress(True, failed[0]["step"], failed[0]["words"].strip().partition("\n")[0])
