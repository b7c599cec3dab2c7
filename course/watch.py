"""Check a learner's app at every save."""

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import watchfiles

from course.check import Checker, TestsBroken
from course.lessons import Lesson
from course.progress import reach
from course.replay import app_files
from course.verdict import text
from course.workspace import mine

QUIT = {"q", "\x03", "\x04", ""}  # Ctrl+C, Ctrl+D and the end of the input, too
Key = Callable[[Lesson, int | None], None]
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def watch(lesson: Lesson, keys: dict[str, tuple[str, Key]]) -> None:
    """Show the verdict now and at every save, until q is pressed.

    The tests are collected again when they, the course or its packages change.

    Args:
        lesson: whose app is checked.
        keys: what else each key does: its name for the last line, and a function of the
            lesson and its first step that does not stand.
    """
    folder, events = mine(lesson), queue.Queue()
    names = [f"{key} {name}" for key, (name, _) in keys.items()] + ["q quit"]
    threading.Thread(target=_note_changes, args=(lesson, events), daemon=True).start()
    with contextlib.ExitStack() as stack:
        if sys.stdin.isatty():
            stack.enter_context(_keys(events))
        checker = stack.enter_context(Checker(lesson))
        seen, step, event = None, None, {folder}
        while True:
            if isinstance(event, set):
                if any(not path.is_relative_to(lesson.root / "my") for path in event):
                    checker.close()
                    seen = None
                present = _settled_contents(folder, seen or {})
                if present != seen:
                    seen = present
                    step = _show(lesson, checker, "  ·  ".join(names))
            elif event in QUIT:
                return
            elif event in keys:
                keys[event][1](lesson, step)
            event = events.get()


def _show(lesson: Lesson, checker: Checker, names: str) -> int | None:
    """Show the verdict, and return its step."""
    begin, folder, step = time.perf_counter(), mine(lesson), 1
    if folder.is_dir():
        try:
            verdict = checker.check(folder, f"my/{folder.name}")
            step = verdict.step
            words = text(lesson, verdict, fell_from=reach(lesson, step).fell_from)
        except (OSError, TestsBroken) as error:
            words = f"That could not be checked: {error}"
    else:
        words = f"There is no my/{folder.name} any more: `make begin N={lesson.number}` makes one."
    took = f"({(time.perf_counter() - begin) * 1000:.0f} ms)"
    clear = _CLEAR if sys.stdout.isatty() else ""
    click.echo(f"{clear}{words}\n\n" + click.style(f"{names}  {took}", dim=True))
    return step


def _settled_contents(folder: Path, before: dict[Path, bytes]) -> dict[Path, bytes]:
    """Return the files of the app; give an editor that has emptied one a moment to write it."""
    present = _contents(folder)
    for _ in range(5):
        if not any(before.get(path) and not content for path, content in present.items()):
            break
        time.sleep(0.01)
        present = _contents(folder)
    return present


def _contents(folder: Path) -> dict[Path, bytes]:
    """Return the files of the app; a save that changes nothing is none."""
    found = {}
    with contextlib.suppress(OSError):  # files may go while they are read: the next event tells
        for path in app_files(folder):
            found[path] = path.read_bytes()
    return found


def _note_changes(lesson: Lesson, events: queue.Queue) -> None:
    """Put the paths that change into a queue, as sets."""
    root = lesson.root
    places = [root / "my", root / "tests", root / "course", root / ".venv" / "installed.json"]
    for changes in watchfiles.watch(*(p for p in places if p.exists()), step=1):
        events.put({Path(path) for _, path in changes})


@contextlib.contextmanager
def _keys(events: queue.Queue) -> Iterator[None]:
    """Put each key into a queue as it is pressed, with no Enter after it."""
    if os.name == "nt":
        import msvcrt

        threading.Thread(
            target=lambda: [events.put(key) for key in iter(msvcrt.getwch, None)], daemon=True
        ).start()
        yield
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)

    def read() -> None:
        while key := os.read(terminal, 1).decode("ascii", "replace"):
            events.put(key)
        events.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
