"""What an app was asked during a test, and what came back: HTTP, templates, SQL."""

import contextlib
import os
import shlex
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import flask
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import Client, TestResponse

_TESTS = Path(__file__).parent.parent / "tests"
MOST = 2_000  # characters that are shown of one thing
_OURS = {"HTTP_HOST", "HTTP_USER_AGENT"}
_GIVEN = {"request", "session", "g", "config"}


@dataclass
class Evidence:
    """What the last test has seen of the app: the last exchange, its template and SQL.

    `rules` are the app's, if a 404 came that was not wanted.
    """

    request: str = ""
    response: str = ""
    curl: str = ""
    template: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


class Recorder:
    """Notes what Werkzeug's test client, Jinja and SQLAlchemy do; install one in a process.

    Args:
        port: where a learner's server listens, for the `curl` line.

    `folder` is that of the app. What its own files ask for is not noted.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.folder = Path()
        self._last: tuple[dict[str, Any], bytes] | None = None
        self._app: object = None
        self._response: TestResponse | None = None
        self.clear()

    def clear(self) -> None:
        """Forget all, before a test."""
        self._last = self._response = None
        self._evidence = Evidence()

    def collect(self, with_curl: bool) -> dict[str, Any]:
        """Return what there is as a dictionary.

        Args:
            with_curl: add a command that repeats the request; it makes sense where the app
                under test is what the learner serves. (One that has a view of the test's is not.)
        """
        found = self._evidence
        if self._last:
            environ, body = self._last
            found.request = _request(environ, body)
            if with_curl and not environ["SCRIPT_NAME"] and not self._has_a_view_of_a_test():
                found.curl = _curl(environ, body, self._port)
        if self._response is not None:
            with contextlib.suppress(Exception):  # a stream that breaks off has no text
                found.response = _response(self._response)
        return asdict(found)

    def _has_a_view_of_a_test(self) -> bool:
        views = getattr(self._app, "view_functions", {}).values()
        codes = [view.__code__ for view in views if hasattr(view, "__code__")]
        return any(Path(code.co_filename).is_relative_to(_TESTS) for code in codes)

    def _asked_by_the_app(self) -> bool:
        """Say whether a file of the app itself sends the request, not a test."""
        frame = sys._getframe(2)
        while frame and not frame.f_code.co_filename.startswith(f"{self.folder}{os.sep}"):
            frame = frame.f_back
        return frame is not None

    def install(self) -> None:
        """Begin to note. SQL is noted if SQLAlchemy is imported already."""
        run, visit = Client.run_wsgi_app, Client.open

        def run_wsgi_app(client: Client, environ: dict, buffered: bool = False):
            if self._asked_by_the_app():
                return run(client, environ, buffered)
            stream = environ["wsgi.input"]
            body = stream.getvalue() if hasattr(stream, "getvalue") else b""
            self._last, self._response = (dict(environ), body), None
            self._app = client.application
            self._evidence.statements.clear()  # a test prepares its books by SQL, too
            return run(client, environ, buffered)

        def open_(client: Client, *arguments, **options):
            response = visit(client, *arguments, **options)
            if not self._asked_by_the_app():
                self._response = response
            return response

        Client.run_wsgi_app, Client.open = run_wsgi_app, open_
        flask.before_render_template.connect(self._note_template, weak=False)
        if "sqlalchemy" in sys.modules:
            from sqlalchemy import Engine, event

            event.listen(Engine, "before_cursor_execute", self._note_statement)

    def _note_template(self, _, template, context: dict, **__) -> None:
        self._evidence.template = template.name or "a template from a string"
        self._evidence.variables = {
            name: _short(value)
            for name, value in context.items()
            if name not in _GIVEN and not callable(value)
        }

    def _note_statement(self, _, __, statement: str, parameters, *___) -> None:
        if "table_info" in statement:
            return  # the question whether a table is there
        values = f"  {parameters!r}" if parameters else ""
        self._evidence.statements.append(_cut(" ".join(statement.split()) + values))


def _request(environ: dict[str, Any], body: bytes) -> str:
    lines = [f"{environ['REQUEST_METHOD']} {_address(environ)} HTTP/1.1"]
    if environ.get("CONTENT_TYPE"):
        lines.append(f"Content-Type: {environ['CONTENT_TYPE']}")
    for name, value in environ.items():
        if name.startswith("HTTP_") and name not in _OURS:
            lines.append(f"{name[5:].replace('_', '-').title()}: {value}")
    return "\n".join([*lines, *_body(body)])


def _address(environ: dict[str, Any]) -> str:
    path, _, query = environ.get("REQUEST_URI", "").partition("?")
    query = query or environ.get("QUERY_STRING", "")
    path = environ["SCRIPT_NAME"] + (path or environ["PATH_INFO"])
    return f"{path}?{query}" if query else path


def _response(response: TestResponse) -> str:
    code = response.status_code
    status = response.status if response.status.strip() != str(code) else HTTP_STATUS_CODES[code]
    headers = [f"{name}: {value}" for name, value in response.headers]
    return "\n".join([f"HTTP/1.1 {status}", *headers, *_body(response.get_data())])


def _body(body: bytes) -> list[str]:
    return ["", _cut(body.decode("utf-8", "backslashreplace").rstrip("\n"))] if body else []


def _curl(environ: dict[str, Any], body: bytes, port: int) -> str:
    """Return a command that repeats a request, or an empty text for a body that is no text."""
    method = environ["REQUEST_METHOD"]
    command = ["curl", "-I"] if method == "HEAD" else ["curl", "-i"]
    if method not in ("GET", "HEAD"):
        command += ["-X", method]
    for name, header in (("CONTENT_TYPE", "Content-Type"), ("HTTP_ACCEPT", "Accept")):
        if environ.get(name):
            command += ["-H", f"{header}: {environ[name]}"]
    if environ.get("HTTP_COOKIE"):
        command += ["-b", environ["HTTP_COOKIE"]]
    try:
        command += ["--data-raw", body.decode("ascii")] if body else []
    except UnicodeDecodeError:
        return ""
    return shlex.join([*command, f"http://127.0.0.1:{port}{_address(environ)}"])


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<its repr raises {type(error).__name__}>"
    return text if len(text) < 200 else f"{text[:200]}…"


def _cut(text: str) -> str:
    left_out = len(text) - MOST
    return text if left_out <= 0 else f"{text[:MOST]}\n… and {left_out} characters more"
