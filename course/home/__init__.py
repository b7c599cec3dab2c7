"""The course's home page: the lessons, their pages, and a button that starts each app."""

import secrets
from pathlib import Path

from flask import Flask, Response, abort, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.exceptions import SecurityError

from course.environment import HOST, ROOT
from course.home.children import Children, DidNotStart
from course.home.markdown import highlight_file, highlight_styles, render, render_inline
from course.lessons import Lesson, all_lessons

SHOWN = {"docs", "lessons", "tests", "course"}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    f"frame-ancestors 'none'; form-action 'self' http://{HOST}:*"
)


def create_app(root: Path = ROOT, children: Children | None = None) -> Flask:
    """Build the home page's app.

    Args:
        root: the folder of the clone.
        children: runs the lessons' apps; by default as child processes.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secrets.token_hex(),
        SESSION_COOKIE_NAME="course",
        SESSION_COOKIE_SAMESITE="Strict",
        TRUSTED_HOSTS=[HOST, "localhost"],
    )
    app.jinja_env.globals["markdown"] = lambda text: Markup(render_inline(text))
    children = children or Children()

    def lesson_or_404(stem: str) -> Lesson:
        return next((each for each in all_lessons(root) if each.stem == stem), None) or abort(404)

    @app.before_request
    def check_token() -> None:
        """Start and stop programs only for a form of this page."""
        session.setdefault("token", secrets.token_urlsafe())
        if request.method == "POST":
            sent = request.form.get("token", "")
            if not secrets.compare_digest(sent.encode(), session["token"].encode()):
                abort(403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(SecurityError)
    def refuse_host(_) -> tuple[str, int, dict[str, str]]:
        """Answer a request that reached us under another site's name; url_for has no use here."""
        text = "This address is not the course's own. Open the one that `make start` printed.\n"
        return text, 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.errorhandler(403)
    @app.errorhandler(404)
    def explain(error) -> tuple[str, int]:
        return render_template("error.html", error=error), error.code

    @app.get("/")
    def index() -> str:
        return render_template("index.html", lessons=all_lessons(root), running=children.running())

    @app.get("/highlight.css")
    def highlight() -> Response:
        return Response(highlight_styles(), mimetype="text/css")

    @app.get("/README.md")
    def readme() -> Response:
        return redirect(url_for("index"))

    @app.get("/docs/<name>.md")
    def page(name: str) -> str:
        path = root / "docs" / f"{name}.md"
        if not path.is_file():
            abort(404)
        lessons = all_lessons(root)
        stems = [lesson.stem for lesson in lessons]
        place = stems.index(name) if name in stems else None
        return render_template(
            "page.html",
            html=render(path.read_text(encoding="utf-8")),
            title=path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "),
            lesson=None if place is None else lessons[place],
            before=lessons[place - 1] if place else None,
            after=lessons[place + 1] if place is not None and place + 1 < len(lessons) else None,
            running=children.running(),
        )

    @app.get("/<path:name>")
    def file(name: str) -> Response | str:
        """Show a file of the clone to which a page links."""
        path = (root / name).resolve()
        if not path.is_file() or path.relative_to(root).parts[0] not in SHOWN:
            abort(404)
        if path.suffix == ".svg":
            return Response(path.read_bytes(), mimetype="image/svg+xml")
        return render_template("file.html", name=name, html=highlight_file(path))

    @app.post("/start/<stem>")
    def start(stem: str) -> Response | tuple[str, int]:
        lesson = lesson_or_404(stem)
        try:
            return redirect(children.start(lesson), 303)
        except DidNotStart as failure:
            return render_template("failed.html", lesson=lesson, failure=failure), 502

    @app.post("/stop/<stem>")
    def stop(stem: str) -> Response:
        children.stop(lesson_or_404(stem).stem)
        return redirect(url_for("index"), 303)

    return app
