"""What an app's files show by themselves, whatever a test says: listings that went wrong."""

import ast
import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

from course.lessons import Lesson
from course.page import Fence
from course.replay import app_files

MOST = 1_000_000  # bytes of a file that somebody typed
PACKAGES = {"flask", "werkzeug", "jinja2", "wtforms", "sqlalchemy", "alembic", "click", "wsgiref"}


def remarks(lesson: Lesson, folder: Path) -> Iterator[str]:
    """Yield a sentence for each thing that one would ask the learner about.

    Args:
        lesson: whose page is followed.
        folder: the app.
    """
    for place in (lesson.root, lesson.root / "my"):
        for path in place.glob("*.py"):
            shown = path.relative_to(lesson.root).as_posix()
            yield f"{shown} lies outside of your app: move it into my/{lesson.stem}."
    texts = _texts(folder)
    for name, text in texts.items():
        if name.removesuffix(".py") in PACKAGES:
            yield f"{name} hides the package of that name: rename it."
        if twice := _defined_twice(text) if name.endswith(".py") else "":
            yield (
                f"{name} has twice: {twice}. Mostly the lower one counts. If one is the old one, "
                "delete it; if both are meant, one needs another name."
            )
        for inner, line, outer in _views_in_views(text) if name.endswith(".py") else []:
            yield (
                f"In {name}, `{inner}` (line {line}) is indented, and so a part of `{outer}`. Move "
                "it to the left edge, with its decorator."
            )
    yield from _misplaced(lesson, texts)


def _misplaced(lesson: Lesson, texts: dict[str, str]) -> Iterator[str]:
    """Yield a sentence for each file of the page that is empty, or that stands elsewhere."""
    for path in sorted(_known(lesson)):
        if f"{path}.txt" in texts and path not in texts:
            yield f"{path}.txt is {path} under another name, which some editors hide. Rename it."
    for fence in lesson.page.fences:
        if not (fence.is_listing and fence.how) or fence.text.strip() in texts.get(fence.path, ""):
            continue
        may_be_empty = fence.path.endswith("__init__.py")
        if not (texts.get(fence.path, "there is none").strip() or may_be_empty):
            where = f"({lesson.page.name}:{fence.line})"
            yield f"{fence.path} is empty. Undo in your editor what emptied it {where}."
        yield from _elsewhere(lesson, texts, fence)


def _elsewhere(lesson: Lesson, texts: dict[str, str], fence: Fence) -> Iterator[str]:
    """Yield a sentence for each other file, of this app or of another, that has a listing."""
    where = f"({lesson.page.name}:{fence.line})"
    listing, known = fence.text.strip(), _known(lesson)
    for name, text in texts.items():
        other = name.removesuffix(".txt") != fence.path
        copy = name not in known and fence.path in texts
        if other and not copy and listing in text:
            cure = "Move it there, and undo in your editor what it replaced."
            yield (
                f"{name} holds what the page puts into {fence.path} {where}. "
                f"{cure if name in known else 'Rename it.'}"
            )
    for folder in lesson.root.glob("my/[0-9]*") if fence.path not in texts else []:
        if folder.name != lesson.stem and listing in _texts(folder).get(fence.path, ""):
            shown = (folder / fence.path).relative_to(lesson.root).as_posix()
            yield f"{shown} holds what the page puts into this lesson's {fence.path} {where}."


def _known(lesson: Lesson) -> set[str]:
    """Return the paths of the files that the page lists."""
    return {fence.path for fence in lesson.page.fences if fence.is_listing}


def _texts(folder: Path) -> dict[str, str]:
    """Return the files of an app that somebody may have typed, by their paths in it."""
    texts = {}
    for path in app_files(folder):
        with contextlib.suppress(OSError):  # the app may have done anything to its files
            if path.stat().st_size < MOST:
                texts[path.relative_to(folder).as_posix()] = path.read_text("utf-8", "replace")
    return texts


def _defined_twice(source: str) -> str:
    """Name what a file defines more than once, most often in a newer listing below the old one."""
    lines: dict[str, list[str]] = {}
    for node in _statements(source):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                lines.setdefault(name, []).append(str(node.lineno))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=made))):
                if made[0].isupper():  # an object such as Flask(__name__)
                    lines.setdefault(name, []).append(str(node.lineno))
    twice = [f"`{name}` (lines {', '.join(of)})" for name, of in lines.items() if len(of) > 1]
    return ", ".join(twice)


def _views_in_views(source: str) -> Iterator[tuple[str, int, str]]:
    """Yield functions with a decorator of an app inside of others: name, line, the other's name."""
    for outer in _statements(source):
        for inner in outer.body if _is_view(outer) else []:
            if _is_view(inner):
                yield inner.name, inner.lineno, outer.name


def _is_view(node: ast.stmt) -> bool:
    for each in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
        match each:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="app" | "application" | "bp"))):
                return True
    return False


def _statements(source: str) -> list[ast.stmt]:
    """Return a file's statements, none if Python cannot read it."""
    unreadable = SyntaxError, ValueError, RecursionError, MemoryError
    with contextlib.suppress(*unreadable), warnings.catch_warnings(action="ignore"):
        return ast.parse(source).body
    return []
