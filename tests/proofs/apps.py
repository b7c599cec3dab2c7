"""Apps that a page makes, and apps with a mistake in them, put to their lesson's tests."""

from collections.abc import Hashable
from pathlib import Path
from tempfile import TemporaryDirectory

from course.check import Checker
from course.lessons import Lesson
from course.replay import copy_app, rebuild
from course.verdict import Verdict


def check_all(lesson: Lesson, jobs: list[int | dict]) -> dict[Hashable, Verdict]:
    """Check the app that the listings up to a step make, or one with a mistake, for each job.

    Returns:
        the verdicts by step, or by the name of the mistake.
    """
    verdicts = {}
    steps = sorted(job for job in jobs if isinstance(job, int))
    with Checker(lesson, patience=3) as checker, TemporaryDirectory() as name:
        built = Path(name) / lesson.stem
        for before, step in zip([-1, *steps], steps, strict=False):
            rebuild(lesson, built, step, start=before < 0, since=before + 1)
            verdicts[step] = checker.check(built, step=step)
        for number, job in enumerate(job for job in jobs if not isinstance(job, int)):
            folder = Path(name) / str(number) / lesson.stem
            folder.parent.mkdir()
            copy_app(lesson.folder, folder)
            _put_in(job, folder / job["file"])
            verdicts[job["mistake"]] = checker.check(folder)
    return verdicts


def _put_in(wrong: dict, file: Path) -> None:
    right = file.read_text(encoding="utf-8")
    assert right.count(wrong["find"]) == 1, f"{wrong['find']!r} is not once in {wrong['file']}"
    file.write_text(right.replace(wrong["find"], wrong["replace"]), encoding="utf-8")
