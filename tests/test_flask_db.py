"""`docs/flask_db.md`: each command, each row of its table, each way back, each mistake.

The page is followed once, from its first command to its last, and a copy of the app is kept
before and after the command of each section. All else is tried in such copies.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from flask_commands import OUTPUT, run_all
from flask_db_claims import CLAIMS, INTRODUCTION
from flask_migrate.cli import db
from proofs.finding import Finding
from proofs.walk import Walk, commands

from course.page import Fence, Page

PAGE = Page(ROOT / "docs" / "flask_db.md")
SECTIONS = [section.title for section in PAGE.sections[1:]]
HEADER = "| `flask db …` | folder `migrations` | schema | rows | `alembic_version` |"
COLUMNS = ("folder", "schema", "rows", "version")
TABLE = {
    name: dict(zip(COLUMNS, cells.split(" | "), strict=True))
    for name, cells in re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", PAGE.text, re.M)
}
ENVIRONMENT = {
    "PATH": os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]]),
    "FLASK_DEBUG": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",  # branches come in no certain order
    "NO_COLOR": "1",
}
NEW = ("schema", "version")  # what a new database has not

each_command = pytest.mark.parametrize("name", SECTIONS)


@dataclass(frozen=True)
class Snapshot:
    """What a command may change: the scripts, and a database's three parts."""

    folder: dict[str, str]
    schema: list[tuple[str, str]]
    rows: dict[str, list[tuple]]
    version: list[str] | None  # None where the table alembic_version is not there

    @classmethod
    def of(cls, app: Path) -> "Snapshot":
        """Look at an app's folder `migrations` and at its database."""
        found = sorted((app / "migrations").rglob("*"))
        paths = [each for each in found if "__pycache__" not in each.parts]
        folder = {str(p.relative_to(app)): p.read_text() if p.is_file() else "" for p in paths}
        with closing(sqlite3.connect(app / "instance" / "shelf.db")) as database:
            schema = "SELECT tbl_name, name, sql FROM sqlite_master ORDER BY name"
            found = database.execute(schema).fetchall()
            tables = {table for table, _, _ in found}
            rows = {t: database.execute(f"SELECT * FROM {t}").fetchall() for t in tables}
        version = rows.pop("alembic_version", None)
        schema = [(name, sql) for table, name, sql in found if table != "alembic_version"]
        return cls(folder, schema, rows, version and [number for [number] in version])


def take_away(app: Path, part: str) -> None:
    """Take the folder `migrations` from an app, or a part of its database."""
    if part == "folder":
        shutil.rmtree(app / "migrations", ignore_errors=True)
        return
    with closing(sqlite3.connect(app / "instance" / "shelf.db")) as database, database:
        for table in Snapshot.of(app).rows if part != "version" else ["alembic_version"]:
            database.execute(f"DELETE FROM {table}" if part == "rows" else f"DROP TABLE {table}")


def row_command(fence: Fence, name: str) -> int | None:
    """Return the index of the line in a fence with the command of its section, if it is there."""
    lines = fence.text.splitlines()
    found = [i for i, line in enumerate(lines) if re.match(rf"\$ .*flask db {name}\b", line)]
    return found[0] if found and fence.language == "console" else None


def with_copies(fences: list[Fence]) -> Iterator[Fence]:
    """Yield the fences, and around each section's command one that copies the app."""
    for fence in fences:
        name, lines = fence.section.title, fence.text.splitlines(keepends=True)
        first = row_command(fence, name)
        if first is None:
            yield fence
            continue
        following = (i for i, line in enumerate(lines) if i > first and line.startswith("$ "))
        end = next(following, len(lines))
        part = vars(fence)
        yield Fence(**part | {"text": "".join(lines[:first])})
        yield Fence(**part | {"language": "shell", "text": copy_to(f"{name}/before")})
        text = "".join(lines[first:end])
        yield Fence(**part | {"text": text, "line": fence.line + first})
        yield Fence(**part | {"language": "shell", "text": copy_to(f"{name}/after")})
        yield Fence(**part | {"text": "".join(lines[end:]), "line": fence.line + end})


def copy_to(state: str) -> str:
    return f"mkdir -p ../../states/{state} && cp -r . ../../states/{state}"


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Finding]]:
    """Follow the page; return the folder with the copies, and what came out otherwise."""
    root = tmp_path_factory.mktemp("flask_db").resolve()
    page = SimpleNamespace(name=PAGE.name, fences=list(with_copies(PAGE.fences)))
    findings = list(Walk(SimpleNamespace(page=page, root=ROOT), root).follow())
    return root / "states", findings


@dataclass(frozen=True)
class Try:
    """Commands typed into a copy of the app, without some parts of it.

    `state` is the section, and whether before or after its command.
    """

    state: str
    typed: tuple[str, ...]
    without: tuple[str, ...] = ()


def own(name: str, *without: str) -> Try:
    """Return the try of a section's own command, where it stands on the page."""
    fences = [
        f for f in PAGE.fences if f.section.title == name and row_command(f, name) is not None
    ]
    typed = next(c.text for c in commands(fences[0]) if f"flask db {name}" in c.text)
    return Try(f"{name}/before", (typed,), without)


def paragraph(name: str, label: str) -> str:
    """Return the paragraph of a section that begins with this label."""
    return re.search(rf"^\*\*{label}:\*\* (.+)$", PAGE.section_text(name), re.M)[1]


def spans(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", text))


def parts(name: str, cell: str) -> tuple[str, ...]:
    """Return the columns in which a command's row has this word."""
    return tuple(part for part in COLUMNS if TABLE[name][part] == cell)


def new(name: str) -> Try:
    """Return the try of a section's own command with a new database."""
    dashes = parts(name, "–")
    return own(name, *(dashes if {*NEW} <= {*dashes} else NEW))


def undo(name: str) -> Try:
    return Try(f"{name}/after", spans(paragraph(name, "Undo")))


def mistake(name: str) -> Try:
    typed = spans(paragraph(name, "The mistake"))[:-1]
    return Try(f"{name}/after", tuple(each for each in typed if " " in each))


@pytest.fixture(scope="session")
def tried(walked, tmp_path_factory) -> dict[Try, tuple[str, Path]]:
    """Return what the last command of each try says, and the app afterwards."""
    tries = {}
    for name in SECTIONS:
        known = [own(name), own(name, *parts(name, "–")), new(name), mistake(name)]
        known += [own(name, part) for part in parts(name, "reads")]
        known += [undo(name)] * bool(undo(name).typed)
        tries |= {each: tmp_path_factory.mktemp("try") / "app" for each in known}
    for each, app in tries.items():
        shutil.copytree(walked[0] / each.state, app)
        for part in each.without:
            take_away(app, part)
    run_all([(app, list(each.typed)) for each, app in tries.items()], ENVIRONMENT)
    said = {each: (app / OUTPUT).read_text() for each, app in tries.items()}
    return {each: (said[each].replace(str(app), ""), app) for each, app in tries.items()}


def test_every_command_of_flask_db_has_a_section_and_a_row() -> None:
    assert sorted(SECTIONS) == sorted(TABLE) == sorted(db.commands)
    assert HEADER in PAGE.text


def test_every_command_prints_what_the_page_shows(walked) -> None:
    assert not walked[1], "\n".join(map(str, walked[1]))


def test_the_page_says_what_is_tested_here_and_no_more() -> None:
    lines = PAGE.text.splitlines()
    said = [text for line, text in PAGE.prose() if not lines[line - 1].startswith("|")]
    expected = [PAGE.title, *INTRODUCTION]
    for name in SECTIONS:
        claim = CLAIMS[name]
        labelled = [f"**Undo:** {claim.undo}.", f"**The mistake:** {claim.mistake}."]
        expected += [name, claim.does, *claim.listings, *labelled]
    said = [re.sub("`[^`]+`", "…", text) if text.startswith("**") else text for text in said]
    assert said == expected


@each_command
def test_a_row_says_what_is_written(name: str, walked) -> None:
    """What is written changes, and nothing else does. (A new column is a value in each row.)"""
    before, after = (vars(Snapshot.of(walked[0] / name / when)) for when in ("before", "after"))
    assert {part for part in COLUMNS if before[part] != after[part]} == {*parts(name, "writes")}


@each_command
def test_a_row_says_what_is_read(name: str, tried) -> None:
    """Without what it reads, a command says something else; without the rest, the same."""
    said = tried[own(name)][0]
    assert tried[own(name, *parts(name, "–"))][0] == said
    for part in parts(name, "reads"):
        assert tried[own(name, part)][0] != said, part


def test_upgrade_and_stamp_make_the_table_of_the_version(tried) -> None:
    made = {n for n in SECTIONS if Snapshot.of(tried[new(n)][1]).version is not None}
    assert made == {"upgrade", "stamp"}


@each_command
def test_a_command_does_what_its_section_says(name: str, walked, tried) -> None:
    before, after = (Snapshot.of(walked[0] / name / when) for when in ("before", "after"))
    assert CLAIMS[name].is_so(before, after, tried[own(name)][0])


@each_command
def test_the_way_back_leads_back(name: str, walked, tried) -> None:
    before = Snapshot.of(walked[0] / name / "before")
    if paragraph(name, "Undo").startswith("nothing to undo"):
        assert Snapshot.of(walked[0] / name / "after") == before
        return
    if name == "downgrade":
        assert "ann@example.org" in str(before.rows)
        before.rows["reader"] = [(*row[:-1], None) for row in before.rows["reader"]]
    assert Snapshot.of(tried[undo(name)][1]) == before


@each_command
def test_the_mistake_gives_the_message(name: str, tried) -> None:
    assert spans(paragraph(name, "The mistake"))[-1] in tried[mistake(name)][0]
