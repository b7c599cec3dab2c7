"""Build a lesson's app from nothing but the listings of its page.

The rules are those that docs/setup.md gives the reader.
"""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from course.lessons import Lesson, find_lesson
from course.page import Fence

_DATABASE_COMMAND = re.compile(
    r"((\w+=\S+ )*)(flask "
    r"(shell|shelf (create|seed|phone|pages)|db (?!current|history|heads|show|check|edit)).*)"
)

DOCSTRING = "the docstring"  # its name as a statement; no other can be called so


class ReplayError(Exception):
    """A listing that a reader could not follow; the text says why."""


@dataclass(frozen=True)
class Statement:
    """A top-level statement with the comments right above it.

    `name` is what the statement defines, or an import's module; None for anything else.
    """

    name: str | None
    text: str
    is_import: bool


def statements(source: str) -> list[Statement]:
    """Split Python source into its top-level statements.

    Raises:
        SyntaxError: if the source is not Python.
    """
    lines, found, end = source.splitlines(), [], 0
    for node in ast.parse(source).body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        while start > end and lines[start - 1].startswith("#"):
            start -= 1
        end = node.end_lineno
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        found.append(Statement(_name(node), "\n".join(lines[start:end]), is_import))
    return found


def _name(node: ast.stmt) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            return ast.unparse(target)
        case ast.Import(names=[alias]):
            return f"import {alias.name}"
        case ast.ImportFrom(module=module, level=level):
            return f"import {'.' * level}{module or ''}"
        case ast.Expr(value=ast.Constant(value=str())):
            return DOCSTRING
    return None


def merge(source: str, listing: str) -> str:
    """Put the statements of a listing into a Python file.

    An import joins the imports at the top, below the docstring, or takes the place of the
    import from the same module; a definition with a known name takes the place of the old
    one; anything else comes last.
    """
    merged = statements(source)
    for new in statements(listing):
        known = [i for i, old in enumerate(merged) if old.name == new.name and new.name]
        if known:
            merged[known[0]] = new
        elif new.is_import:
            top = (i for i, old in enumerate(merged) if old.is_import or old.name == DOCSTRING)
            merged.insert(max(top, default=-1) + 1, new)
        else:
            merged.append(new)
    text = merged[0].text if merged else ""
    for above, below in pairwise(merged):
        text += ("\n" if above.is_import and below.is_import else "\n\n\n") + below.text
    return text + "\n"


def apply(fence: Fence, folder: Path) -> None:
    """Write one listing into the folder, as a reader would.

    Raises:
        ReplayError: if the listing names no file, or one that is (or is not) there
            although the page says otherwise, or is not Python.
    """
    if fence.path is None:
        raise ReplayError("a listing under the path of its file")
    path = folder / fence.path
    if fence.how == "a new file" and path.exists():
        raise ReplayError(f"no {fence.path} before this listing of a new file")
    if fence.how != "a new file" and not path.exists():
        raise ReplayError(f"{fence.path} to be there, or the words “a new file”")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = fence.text
    try:
        if fence.language == "python" and not fence.how:
            text = merge(path.read_text(encoding="utf-8"), text)
    except SyntaxError as error:
        raise ReplayError(f"whole Python statements ({error.msg})") from None
    path.write_text(text, encoding="utf-8")


def arrange(line: str, folder: Path, root: Path) -> None:
    """Do what a `mkdir`, `cp`, `mv` or `rm` does to an app's files, on any system.

    Args:
        line: the command as a page shows it.
        folder: the app's folder.
        root: the folder of the clone, which pages call `../..`.

    Raises:
        ReplayError: if a file is not there.
    """
    command, *names = shlex.split(line)
    paths = [
        root / name[6:] if name.startswith("../../") else folder / name
        for name in names
        if not name.startswith("-")
    ]
    try:
        if command == "mkdir":
            for path in paths:
                path.mkdir(parents=True, exist_ok=True)
        elif command == "cp":
            for path in paths[:-1]:
                if path.is_dir():
                    copy_app(path, paths[-1] / path.name)
                else:
                    shutil.copy(path, paths[-1])
        elif command == "mv":
            for path in paths[:-1]:
                shutil.move(path, paths[-1])
        elif command == "rm":
            for path in paths:
                path.unlink(missing_ok="instance" in path.parts)
    except OSError as error:
        raise ReplayError(f"`{line}` to succeed ({error.strerror})") from None


def run_database_command(settings: str, line: str, folder: Path, typed: str = "") -> None:
    """Run a command that makes or changes tables, rows or migrations, as the page does.

    Whether it succeeds is the page's affair: some fail on purpose, and the walk compares
    what they print.

    Args:
        settings: what the page sets for this command alone: NAME=value, with spaces between.
        line: the command.
        folder: where it is run.
        typed: what is typed into it.
    """
    ours = ("FLASK_", "DATABASE_URL")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    given = dict(each.split("=", 1) for each in shlex.split(settings))
    subprocess.run(
        [sys.executable, "-B", "-m", *shlex.split(line)],
        cwd=folder,
        env=others | {"FLASK_DEBUG": "1"} | given,
        input=typed,
        encoding="utf-8",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )


def app_files(folder: Path) -> Iterator[Path]:
    """Yield the files of an app, without what running it left there."""
    for path in folder.rglob("*"):
        if path.is_file() and not {"__pycache__", "instance"} & set(path.parts):
            yield path


def copy_app(source: Path, target: Path) -> None:
    """Copy an app's folder, without what running it left there; the target must not exist."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "instance"))


def rebuild(
    lesson: Lesson, folder: Path, until: int | None = None, start: bool = True, since: int = 0
) -> None:
    """Build the lesson's app in an empty folder, from its start to the end of a step.

    Args:
        lesson: the lesson whose page is followed.
        folder: where the app is built; it must not exist yet, unless start is False.
        until: the last step that is followed; None for all.
        start: first copy what the page says to start from.
        since: the first step that is followed, if the folder is the work of those before it.
    """
    for number, file in lesson.page.starts_from if start else []:
        source = find_lesson(str(number), lesson.root).folder
        if file:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / file, folder)
        else:
            copy_app(source, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for fence in lesson.page.fences:
        step = fence.section.step
        if step is None or step < since or (until is not None and step > until):
            continue
        if fence.is_listing:
            apply(fence, folder)
        for command, typed in _commands(fence):
            if found := _DATABASE_COMMAND.match(command):
                if found[3] != "flask shell" or ".commit()" in typed:
                    run_database_command(found[1], found[3], folder, typed)
            elif step > 0 and command.startswith(("mkdir ", "cp ", "mv ", "rm ")):
                if command == f"mkdir -p my/{lesson.stem}":  # that is the folder itself
                    continue
                with suppress(ReplayError if fence.language == "console" else ()):
                    arrange(command, folder, lesson.root)  # a transcript's may undo a `sed`


def _commands(fence: Fence) -> Iterator[tuple[str, str]]:
    """Yield the commands of a fence, each with what is typed at the prompt >>> that it opens."""
    if fence.language == "shell":
        yield from ((line, "") for line in fence.text.splitlines())
    elif fence.language == "console":
        for command in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
            typed = re.findall(r"^>>> (.*\n)", f"{command}\n", re.MULTILINE)
            yield command.partition("\n")[0], "".join(typed)
