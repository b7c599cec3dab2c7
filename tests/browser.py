"""A real browser and a validator of HTML for the tests: where they are, what to serve to them.

Where one is missing, a test that needs it is skipped, and pytest's summary says so in plain
words. With COURSE_BROWSER=required, as .ci/run sets it, such a test fails.
"""

import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from course.environment import HOST, ROOT
from course.replay import copy_app

if TYPE_CHECKING:  # conftest.py imports this file, and should not wait for playwright
    from playwright.sync_api import Browser, Dialog, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-default-apps"),
)
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss4m")  # for a Java that ends soon
NO_BROWSER = (
    "No page was opened in a real browser, since no Chromium or Chrome starts on this machine. "
    "Install one (on Debian and Ubuntu: `sudo apt install chromium`)."
)
NO_VALIDATOR = (
    "The pages' HTML was not validated, since {} is missing. Install Java and npm (on Debian and "
    "Ubuntu: `sudo apt install default-jre-headless npm`), then type, in the course's folder: `{}`."
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once, at the end of a run, which checks did not run and what to install.

    It is a hook of pytest's: conftest.py imports it.
    """
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {each.longrepr[2] for each in skipped if "test_browser.py" in each.nodeid}
    if reasons:
        terminalreporter.section("NOT EVERYTHING WAS CHECKED", yellow=True, bold=True)
        for reason in sorted(reasons):
            terminalreporter.line(reason.removeprefix("Skipped: "), yellow=True)


def missing(words: str, details: object = "") -> NoReturn:
    """Skip the test, or let it fail where nothing may be missing; the words say the way out."""
    if os.environ.get("COURSE_BROWSER") == "required":
        pytest.fail(f"{words}\n{details}", pytrace=False)
    pytest.skip(words)


@contextlib.contextmanager
def started_browser() -> Iterator["Browser"]:
    """Start a browser that talks to nobody but the tests' own servers, and stop it in the end."""
    from playwright.sync_api import Error, sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)), None)
    where = {"executable_path": path} if path else {"channel": "chrome"}
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(args=OPTIONS, **where)
        except Error as error:
            missing(NO_BROWSER, error)
        yield browser
        browser.close()


def find_validator() -> list[str]:
    """Return the command that starts the Nu HTML checker, vnu."""
    jar = ROOT / ".venv/vnu/node_modules/vnu-jar/build/dist/vnu.jar"
    jar, java = Path(os.environ.get("VNU_JAR", jar)), shutil.which("java")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    install = next(line for line in script if line.startswith("npm install"))
    if not java or not jar.exists():
        missing(NO_VALIDATOR.format("vnu.jar" if java else "Java", install))
    return [java, *QUICK, "-jar", str(jar), "--format", "json", "--stdout"]


def html_errors(validator: list[str], files: list[Path]) -> list[str]:
    """Return what is wrong in HTML files, a line for each error."""
    answer = subprocess.run([*validator, *map(str, files)], capture_output=True, encoding="utf-8")
    assert answer.stdout, answer.stderr
    messages = json.loads(answer.stdout)["messages"]
    return [
        f"{Path(each.get('url', '')).name}: {each['message']} {each.get('extract', '')!r}"
        for each in messages
        if each["type"] != "info"
    ]


def load_app(folder: Path, module: str = "app") -> Callable:
    """Import the app of a folder, and leave no trace of it among the imported modules."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("FLASK_SECRET_KEY", "of the tests")
        app = importlib.import_module(module).app
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
            del sys.modules[name]
    return app


class QuietHandler(WSGIRequestHandler):
    """What handles a request, and writes no line about it."""

    def log(self, *_: object) -> None:
        """Write nothing."""


@contextlib.contextmanager
def served(app: Callable) -> Iterator[str]:
    """Serve a WSGI app on a free port, and give its address."""
    server = make_server(HOST, 0, app, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.shutdown()
        thread.join()


class Shelf:
    """A copy of a lesson's app that is served for real, and the page of a visitor to it."""

    def __init__(self, app: Flask, page: "Page", url: str) -> None:
        self.app, self.page, self.url = app, page, url
        self.dialogs: list[str] = []

    def open(self, path: str) -> "Page":
        """Have the visitor type an address."""
        self.page.goto(self.url + path)
        return self.page

    def note(self, dialog: "Dialog") -> None:
        """Remember what a script said."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def replace(folder: Path, old: str, new: str) -> None:
    """Change a text in each file of an app where it occurs."""
    files = [*folder.rglob("*.py"), *folder.rglob("*.html")]
    found = [file for file in files if old in file.read_text(encoding="utf-8")]
    assert found, f"{old!r} is nowhere in the app"
    for file in found:
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@contextlib.contextmanager
def visited(
    page: "Page", folder: Path, lesson: str, change: tuple[str, str] = ("", ""), **book: str
) -> Iterator[Shelf]:
    """Let a new visitor come to a copy of a lesson's app, perhaps changed, with a fourth book."""
    copy_app(ROOT / "lessons" / lesson, folder)
    if any(change):
        replace(folder, *change)
    stock = "shelf.stock" if (folder / "shelf").is_dir() else "shelf"
    stranger = f"from app import app\nfrom {stock} import BOOKS\nBOOKS |= {book and {4: book}}\n"
    (folder / "stranger.py").write_text(stranger, encoding="utf-8")
    page.context.clear_cookies()
    app = load_app(folder, "stranger")
    with served(app) as url:
        shelf = Shelf(app, page, url)
        page.on("dialog", shelf.note)
        try:
            yield shelf
        finally:
            page.remove_listener("dialog", shelf.note)
