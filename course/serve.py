"""Serve a lesson's app, by the command that its page teaches."""

import os
import re
import shlex
import socket
import sys
from pathlib import Path

from course.lessons import HOST, Lesson

RECORDS = Path(sys.prefix) / "serving"


class PortTaken(Exception):
    """Another program listens on the port; the text says which, and the way out."""


def command(lesson: Lesson, port: int) -> list[str]:
    """Return the command that serves the lesson's app, to be run in its folder.

    An app that Flask can find is served by `flask run`. One whose `app.py` defines the
    plain WSGI callable `application` is served by Werkzeug, with the same reloader and
    debugger.
    """
    source = (lesson.folder / "app.py").read_text(encoding="utf-8")
    if re.search(r"^(def application\b|application *=)", source, re.MULTILINE):
        return [sys.executable, "-m", "course.plain_wsgi", str(port)]
    return [sys.executable, "-m", "flask", "run", "--debug", "--port", str(port)]


def environment(lesson: Lesson) -> dict[str, str]:
    """Return the environment for the command: no stale FLASK_APP or FLASK_DEBUG gets in."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLASK_", "WERKZEUG_"))}
    return kept | {"PYTHONPATH": str(lesson.root), "PYTHONUNBUFFERED": "1"}


def serve(lesson: Lesson, port: int) -> None:
    """Become the server of the lesson's app.

    Raises:
        PortTaken: if something listens on the port already.
    """
    reserve(port, f"lesson {lesson.number}")
    program, *arguments = command(lesson, port)
    shown = ["flask", *arguments[2:]] if "flask" in arguments else ["python", *arguments]
    print(f"Lesson {lesson.number}: http://{HOST}:{port}  (stop with Ctrl+C)")
    print(f"In {lesson.folder.relative_to(lesson.root)}: {shlex.join(shown)}", flush=True)
    os.chdir(lesson.folder)
    os.execve(program, [program, *arguments], environment(lesson))


def reserve(port: int, name: str) -> None:
    """Note who is about to listen on a port.

    Args:
        port: a TCP port on this machine.
        name: what a later comer is told, for example "lesson 4".

    Raises:
        PortTaken: if something listens on the port already.
    """
    record = RECORDS / str(port)
    if listens(port):
        holder = record.read_text(encoding="utf-8") if record.exists() else ""
        name, _, process = holder.partition("\n")
        if not (process and _is_alive(int(process))):
            name = "another program"
        raise PortTaken(
            f"Port {port} is taken by {name}: stop it (Ctrl+C in its terminal), or choose "
            f"another port, for example `make start PORT={port + 1000}` (`make lesson` too)."
        )
    RECORDS.mkdir(exist_ok=True)
    record.write_text(f"{name}\n{os.getpid()}", encoding="utf-8")


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
