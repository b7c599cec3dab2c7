"""The learner's own apps in `my/`: begin one, start over, take that back.

What a learner wrote is only ever moved, never changed or deleted. A folder is built
aside and put in its place by a rename. Whatever interrupts that, the learner's app is in
its place or among the snapshots, and `undo` brings it back.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from course.lessons import Lesson, find_lesson
from course.replay import copy_app, rebuild


class WorkspaceError(Exception):
    """What was asked for would touch the learner's work, or is not there; the text says so."""


def mine(lesson: Lesson) -> Path:
    """Return the folder of the learner's app of a lesson, whether it is there or not."""
    return lesson.root / "my" / lesson.stem


def begin(lesson: Lesson, step: int = 1, from_mine: bool = False) -> Path:
    """Make the folder of the learner's app, as it is at the beginning of a step.

    Args:
        lesson: the lesson to begin.
        step: the app is built from the page's listings of the steps before this one.
        from_mine: start from the learner's own app of the lesson that the page builds on,
            not from the finished one.

    Raises:
        WorkspaceError: if the folder is there already, or the step or the own app is not.
    """
    target = mine(lesson)
    if target.exists():
        at = f" STEP={step}" if step > 1 else ""
        raise WorkspaceError(
            f"There is a my/{lesson.stem} already, and it stays as it is: go on there, or "
            f"start over with `make reset N={lesson.number}{at}`, which keeps a copy."
        )
    check_step(lesson, step)
    with page_app(lesson, step - 1, from_mine) as built:
        built.rename(target)
    return target


def reset(lesson: Lesson, step: int = 1, from_mine: bool = False) -> Path:
    """Start over: keep the learner's app as a snapshot, and make a new one.

    Returns:
        the folder of the snapshot.

    Raises:
        WorkspaceError: if there is nothing to start over, or as for `begin`.
    """
    target = mine(lesson)
    if not target.exists():
        raise WorkspaceError(
            f"There is no my/{lesson.stem} to start over: `make begin N={lesson.number}`."
        )
    check_step(lesson, step)
    with page_app(lesson, step - 1, from_mine) as built:
        snapshot = _new_snapshot(lesson)
        target.rename(snapshot)
        try:
            built.rename(target)
        except OSError:
            snapshot.rename(target)
            raise
    return snapshot


def undo(lesson: Lesson) -> Path | None:
    """Bring back the last snapshot; what is there now becomes a snapshot in its turn.

    Returns:
        the folder of the new snapshot, or None if there was nothing to keep.

    Raises:
        WorkspaceError: if there is no snapshot.
    """
    kept = snapshots(lesson)
    if not kept:
        raise WorkspaceError(
            f"There is no snapshot of my/{lesson.stem}: `make reset N={lesson.number}` makes one."
        )
    target, snapshot = mine(lesson), None
    if target.exists():
        snapshot = _new_snapshot(lesson)
        target.rename(snapshot)
    kept[-1].rename(target)
    return snapshot


def check_step(lesson: Lesson, step: int) -> None:
    """Do nothing if the lesson's page has this step.

    Raises:
        WorkspaceError: if it has not.
    """
    steps = lesson.page.steps
    if not 1 <= step <= steps:
        raise WorkspaceError(f"Lesson {lesson.number} has the steps 1 to {steps}, and no {step}.")


def check_begun(lesson: Lesson) -> None:
    """Do nothing if there is an app of the learner's.

    Raises:
        WorkspaceError: if there is none.
    """
    if not mine(lesson).is_dir():
        raise WorkspaceError(
            f"There is no my/{lesson.stem} yet: `make begin N={lesson.number}`, or the page "
            f"docs/{lesson.stem}.md, makes it."
        )


@contextmanager
def page_app(lesson: Lesson, step: int, from_mine: bool = False) -> Iterator[Path]:
    """Build the app that a page makes up to the end of a step, in a folder that goes again.

    Args:
        lesson: whose page is followed.
        step: the last step that is followed, 0 for none.
        from_mine: start from the learner's own app of the lesson that the page builds on.
    """
    my = lesson.root / "my"
    my.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=my) as name:
        built = Path(name) / lesson.stem
        if from_mine:
            _copy_mine(lesson, built)
        rebuild(lesson, built, step, start=not from_mine)
        yield built


def snapshots(lesson: Lesson) -> list[Path]:
    """Return the snapshots of a lesson's app, the oldest first."""
    return sorted((lesson.root / "my" / ".snapshots").glob(f"{lesson.stem}-*"))


def _new_snapshot(lesson: Lesson) -> Path:
    """Return a name for a snapshot that sorts after all others."""
    folder = lesson.root / "my" / ".snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{lesson.stem}-{datetime.now():%Y-%m-%d-%H%M%S-%f}"


def _copy_mine(lesson: Lesson, built: Path) -> None:
    """Copy what the page starts from out of the learner's own apps."""
    for number, file in lesson.page.starts_from:
        own = mine(find_lesson(str(number), lesson.root))
        if not (own / file).exists():
            raise WorkspaceError(
                f"There is no my/{own.name}/{file} of yours to start from: leave out --from-mine, "
                f"or begin with `make begin N={number}`."
            )
        if file:
            built.mkdir(exist_ok=True)
            shutil.copy(own / file, built)
        else:
            copy_app(own, built)
