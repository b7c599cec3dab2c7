"""Measure what waiting the course costs: the first page, the next start, the tests."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from course.lessons import HOST, all_lessons

HELLO = 'from flask import Flask\napp = Flask(__name__)\napp.get("/")(lambda: "Hello")\n'
PATIENCE = 300  # seconds


def run(root: Path) -> None:
    """Print a table of times, measured on this machine with the caches as they are."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        tutorial = _seconds_to_page(_tutorial(folder / "tutorial"), folder)
        clone = folder / "clone"
        first = _seconds_to_page(f"git clone -q {root} {clone} && cd {clone} && {_start()}", folder)
        again = _seconds_to_page(f"cd {clone} && {_start()}", folder)
    _row("Flask's tutorial way: venv, pip, first page", tutorial)
    _row("git clone, make start, first page", first, f"{first / tutorial:.1f} times the row above")
    _row("make start again, first page", again)
    for lesson in all_lessons(root):
        _row(f"tests of lesson {lesson.number}", _seconds_of_tests(root, str(lesson.tests)))
    _row("all tests", _seconds_of_tests(root, "-n", "2", "--dist", "loadfile"))


def _row(what: str, seconds: float, remark: str = "") -> None:
    print(f"{what:45} {seconds:6.1f} s  {remark}", flush=True)


def _tutorial(folder: Path) -> str:
    python = shutil.which("python3") or sys.executable
    folder.mkdir()
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    return (
        f"cd {folder} && {python} -m venv .venv && .venv/bin/pip install -q flask && "
        ".venv/bin/flask --app hello run --port {port}"
    )


def _start() -> str:
    return "make start PORT={port}"


def _seconds_to_page(command: str, folder: Path) -> float:
    """Return the seconds from starting a shell command until its port answers with a page.

    Raises:
        RuntimeError: if the command ends or the page does not come; the text is its output.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PORT")}
    log = folder / "log"
    begin = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", command.replace("{port}", str(port))],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while time.perf_counter() - begin < PATIENCE and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://{HOST}:{port}/"):
                    return time.perf_counter() - begin
            except urllib.error.URLError:
                time.sleep(0.02)
        raise RuntimeError(log.read_text(encoding="utf-8", errors="replace"))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _seconds_of_tests(root: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin
