"""Measure what waiting the course costs: the first page, a verdict, the tests (`make bench`)."""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from course.check import Checker
from course.environment import HOST, ROOT
from course.lessons import Lesson, all_lessons
from course.replay import copy_app

HELLO = 'from flask import Flask\napp = Flask(__name__)\napp.get("/")(lambda: "Hello")\n'
PATIENCE = 300  # seconds
SAVES = 30
TEMPLATES = """\
from flask import Flask, render_template

app = Flask(__name__)
BOOKS = [{"number": n, "title": f"Book {n}"} for n in range(20)]


@app.get("/")
def index():
    return render_template("list.html", books=BOOKS)
"""
DATABASE = """\
from flask import Flask, render_template
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db.init_app(app)


class Book(db.Model):
    number: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


with app.app_context():
    db.create_all()
    db.session.add_all([Book(title=f"Book {n}") for n in range(20)])
    db.session.commit()


@app.get("/")
def index():
    return render_template("list.html", books=db.session.scalars(db.select(Book)))
"""
LIST = "<ul>{% for book in books %}<li>{{ book.number }} {{ book.title }}</li>{% endfor %}</ul>\n"
PAGES = """\
import time
from statistics import median

from flask_sqlalchemy.record_queries import get_recorded_queries
from shelf import create_app
from shelf.models import Book, db
from sqlalchemy import func, select

app = create_app({"SQLALCHEMY_RECORD_QUERIES": True})
app.logger.setLevel("ERROR")
with app.app_context():
    last = db.session.scalar(select(func.max(Book.number)))
times = {0: [], last - 20: []}
for _ in range(60):
    for after, seconds in times.items():
        with app.test_client() as client:
            begin = time.perf_counter()
            assert client.get(f"/?after={after}").status_code == 200
            seconds.append(time.perf_counter() - begin)
            statements = len(get_recorded_queries())
print(*map(median, times.values()), statements)
"""
TEN_TESTS = """\
import sys
from importlib import import_module

import pytest


@pytest.fixture(scope="module")
def app(request):
    sys.path.insert(0, request.config.option.app)
    return import_module("app").app


@pytest.mark.step(1)
@pytest.mark.parametrize("number", range(10))
def test_it_lists_the_book(visit, number):
    assert f"Book {number}</li>" in visit("/").text
"""


def main(root: Path) -> None:
    """Print a table of times, measured on this machine with the caches as they are."""
    for what, app in (("templates", TEMPLATES), ("a database", DATABASE)):
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            saved, cold = _seconds_to_verdict(root, Path(name), app)
        _row(
            f"save to verdict, ten tests with {what}", saved, f"{saved / cold:.2f} of the row below"
        )
        _row("  the same by a cold pytest", cold)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        tutorial = _seconds_to_page(_tutorial(folder / "tutorial"), folder)
        clone = folder / "clone"
        first = _seconds_to_page(f"git clone -q {root} {clone} && cd {clone} && {_start()}", folder)
        again = _seconds_to_page(f"cd {clone} && {_start()}", folder)
    _row("Flask's tutorial way: venv, pip, first page", tutorial)
    _row("git clone, make start, first page", first, f"{first / tutorial:.1f} times the row above")
    _row("make start again, first page", again)
    begin, end, statements = _seconds_of_list(all_lessons(root)[-1])
    _row("first page of 100,000 books", begin, f"{statements:.0f} SQL statements")
    _row("last page of 100,000 books", end, f"{end / begin:.2f} times the row above")
    for lesson in all_lessons(root):
        cold = _seconds_of_tests(root, str(lesson.tests))
        warm = _seconds_of_check(lesson)
        _row(f"verdict on lesson {lesson.number}", warm, f"{warm / cold:.2f} of the row below")
        _row("  its tests by a cold pytest", cold)
    _row("all tests", _seconds_of_tests(root, "-n", "2", "--dist", "loadfile"))


def _row(what: str, seconds: float, remark: str = "") -> None:
    print(f"{what:45} {seconds:7.3f} s  {remark}", flush=True)


def _seconds_to_verdict(root: Path, clone: Path, app: str) -> tuple[float, float]:
    """Return the median times from a save to the verdict of `watch`, and of a cold pytest."""
    for name in ("course", "tests"):
        shutil.copytree(root / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".venv", "Pipfile.lock", "README.md", "pyproject.toml"):
        (clone / name).symlink_to(root / name)
    (clone / "docs").mkdir()
    (clone / "docs/90_bench.md").write_text("# 90 · Bench\n\n## Step 1 · One\n", encoding="utf-8")
    tests = clone / "tests/test_90_bench.py"
    tests.write_text(TEN_TESTS, encoding="utf-8")
    for folder in (clone / "lessons/90_bench", clone / "my/90_bench"):
        (folder / "templates").mkdir(parents=True)
        (folder / "app.py").write_text(app, encoding="utf-8")
        (folder / "templates/list.html").write_text(LIST, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    cold = [sys.executable, "-m", "pytest", "-q", str(tests), "--app", str(clone / "my/90_bench")]
    times: tuple[list[float], list[float]] = [], []
    watch = subprocess.Popen(
        [sys.executable, str(clone / "course"), "watch", "90"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    try:
        _read_verdict(watch)
        for number in range(SAVES):
            time.sleep(0.3)  # as long as a fast typist needs: the next child is forked meanwhile
            begin = time.perf_counter()
            (clone / "my/90_bench/app.py").write_text(f"{app}# {number}\n", encoding="utf-8")
            _read_verdict(watch)
            times[0].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            subprocess.run(cold, cwd=clone, env=environment, check=True, capture_output=True)
            times[1].append(time.perf_counter() - begin)
    finally:
        watch.terminate()
        watch.communicate()
    return statistics.median(times[0]), statistics.median(times[1])


def _read_verdict(watch: subprocess.Popen[str]) -> None:
    """Read up to the last line of a verdict.

    Raises:
        RuntimeError: if the tests do not pass.
    """
    text = watch.stdout.readline()
    if "stand, and" not in text:
        raise RuntimeError(text + watch.stdout.read())
    while not text.startswith("h hint"):
        text = watch.stdout.readline()


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


def _seconds_of_list(lesson: Lesson) -> list[float]:
    """Return the median times of the first and the last page of a long list, and its SQL."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name) / lesson.stem
        copy_app(lesson.folder, folder)
        environment = os.environ | {"FLASK_DEBUG": "1"}
        for command in (
            ["-m", "flask", "shelf", "create"],
            ["-m", "flask", "shelf", "fake", "--books", "100000"],
            ["-c", PAGES],
        ):
            run = subprocess.run(
                [sys.executable, *command],
                cwd=folder,
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
        return [float(each) for each in run.stdout.split()]


def _seconds_of_check(lesson: Lesson) -> float:
    """Return the median time of a check of the finished app, the tests being collected."""
    times = []
    with Checker(lesson) as checker:
        checker.check(lesson.folder)
        for _ in range(5):
            begin = time.perf_counter()
            checker.check(lesson.folder)
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _seconds_of_tests(root: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stdout)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(ROOT)
