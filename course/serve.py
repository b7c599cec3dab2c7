"""Serve a lesson's app on its port, with the development server.

What `course.doctor` needs of it works before anything is installed.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from course.environment import HOST, ROOT

if TYPE_CHECKING:  # it reads pages, and needs a package for that
    from course.lessons import Lesson

RECORDS = ROOT / ".venv" / "serving"
STRANGER = "another program"


class PortTaken(Exception):
    """Another program listens on the port; the text says which, and the way out."""


def command(lesson: Lesson, port: int) -> list[str]:
    """Return the command that serves an app of the lesson, to be run in the app's folder."""
    return [sys.executable, "-m", "course.dev_server", str(lesson.number), str(port)]


def environment(lesson: Lesson) -> dict[str, str]:
    """Return the environment for the command: debug mode, and no stale FLASK_APP."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLASK_", "WERKZEUG_"))}
    ours = {"PYTHONPATH": str(lesson.root), "PYTHONUNBUFFERED": "1", "FLASK_DEBUG": "1"}
    return kept | ours


def serve(lesson: Lesson, folder: Path, port: int) -> None:
    """Become the server of an app of the lesson.

    Args:
        lesson: whose app it is.
        folder: the finished app, or the learner's.
        port: where it listens.

    Raises:
        PortTaken: if something listens on the port already.
    """
    reserve(port, f"lesson {lesson.number}")
    program, *arguments = command(lesson, port)
    print(f"Lesson {lesson.number}: http://{HOST}:{port}  (stop with Ctrl+C)")
    print(f"The app in {folder.relative_to(lesson.root)}", flush=True)
    os.chdir(folder)
    os.execve(program, [program, *arguments], environment(lesson))


def reserve(port: int, name: str) -> None:
    """Note who is about to listen on a port.

    Args:
        port: a TCP port on this machine.
        name: what a later comer is told, for example "lesson 4".

    Raises:
        PortTaken: if something listens on the port already.
    """
    if taken_by := holder(port):
        raise PortTaken(way_out(port, taken_by))
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / str(port)).write_text(f"{name}\n{os.getpid()}", encoding="utf-8")


def holder(port: int) -> str | None:
    """Return who listens on the port: a name from the records, STRANGER, or None if nobody."""
    if not listens(port):
        return None
    record = RECORDS / str(port)
    noted = record.read_text(encoding="utf-8") if record.exists() else ""
    name, _, process = noted.partition("\n")
    return name if process and _is_alive(int(process)) else STRANGER


def way_out(port: int, taken_by: str) -> str:
    """Return what to do about a port that is taken."""
    return (
        f"Port {port} is taken by {taken_by}: stop it (Ctrl+C in its terminal), or choose "
        f"another port, for example `make start PORT={port + 1000}` (`make lesson` too)."
    )


def listens(port: int) -> bool:
    """Say whether something listens on the port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((HOST, port)) == 0


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it; the port is taken, so believe the record
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True
