"""`python -m course.dev_server NUMBER PORT`: serve the app in the current folder.

It is Werkzeug's development server with reloader and debugger, as `flask run --debug`
starts it, with two things more: it also starts when the app cannot be loaded, and below an
error that stops many people, the page says what it means and what to do.
"""

import re
import subprocess
import sys
import traceback
from html import unescape
from pathlib import Path

from flask.cli import ScriptInfo
from markupsafe import escape
from werkzeug.debug import DebuggedApplication
from werkzeug.serving import is_running_from_reloader, run_simple
from werkzeug.utils import import_string
from werkzeug.wrappers import Response

from course.environment import HOST
from course.lessons import Lesson, find_lesson
from course.translations import translate


def main(number: str, port: str) -> None:
    """Serve the app of a lesson until it is stopped."""
    lesson, app = find_lesson(number), None
    if is_running_from_reloader():
        app = _load(Path())
    elif lesson.folder.samefile(Path()):
        _make_database(lesson.folder)
    served = explained(DebuggedApplication(app, evalex=True), lesson)
    run_simple(HOST, int(port), served, use_reloader=True, threaded=True)


def _make_database(folder: Path) -> None:
    """Fill the database of a finished app that has models and no database yet."""
    if not (folder / "shelf/models.py").exists() or (folder / "instance/shelf.db").exists():
        return
    tables = ("db", "upgrade") if (folder / "migrations").exists() else ("shelf", "create")
    for words in (tables, ("shelf", "seed")):
        subprocess.run([sys.executable, "-m", "flask", *words], cwd=folder, check=True)


def _load(folder: Path):
    """Return the app: the one that Flask finds, or `application` where `app.py` defines that."""
    file = folder / "app.py"
    source = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    try:
        if re.search(r"^(def application\b|application *=)", source, re.MULTILINE):
            return import_string("app:application")
        return ScriptInfo().load_app()
    except Exception as failure:
        traceback.print_exc()
        error = failure

    def broken(environ, start_response):
        raise error

    return broken


def explained(app, lesson: Lesson):
    """Return WSGI middleware that adds cause and cure to the app's error pages."""

    def explained_app(environ, start_response):
        response = Response.from_app(app, environ)
        if response.status_code >= 400 and response.mimetype == "text/html":
            response.set_data(_explain(response.get_data(as_text=True), lesson))
        return response(environ, start_response)

    return explained_app


def _explain(html: str, lesson: Lesson) -> str:
    shown = re.search(r'<p class="errormsg">(.*?)</p>', html, re.DOTALL)  # the debugger's page
    said = unescape(shown[1] if shown else html)
    folder = Path.cwd()
    name = str(folder.relative_to(lesson.root)) if folder.is_relative_to(lesson.root) else "."
    means = translate(lesson, name, said)
    if not means:
        return html
    words = (
        f"<p><strong>What it means.</strong> {escape(means.cause)}</p>\n"
        f"<p><strong>What to do.</strong> {escape(means.cure)}</p>\n"
    )
    before, heading, after = html.partition('<h2 class="traceback">')
    return before + words + heading + after


if __name__ == "__main__":
    main(*sys.argv[1:])
