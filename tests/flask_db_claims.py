"""What `docs/flask_db.md` says, sentence by sentence, and how each is seen to be so.

`…` stands for commands and messages in backticks: `test_flask_db.py` types and expects those.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import flask_migrate

TEMPLATE = Path(flask_migrate.__file__).parent / "templates" / "flask" / "env.py"
EMPTY = "def upgrade():\n    pass"


@dataclass(frozen=True)
class Claim:
    """A section's sentences; `is_so` takes the snapshots before and after, and the output."""

    does: str
    is_so: Callable[..., bool]
    undo: str
    mistake: str
    listings: tuple[str, ...] = ()


def written(before, after, number: str) -> str:
    """Return the text of the script of this number, the only file that is new."""
    [path] = after.folder.keys() - before.folder.keys()
    assert path.startswith(f"migrations/versions/{number}")
    return after.folder[path]


# The rows of the table prove these: what is written, what is read, who makes the table.
INTRODUCTION = [
    (
        "What does a command do, and to what? `flask db init` and `flask db migrate` write files;"
        " neither makes a table of yours. `flask db upgrade` does, `flask db downgrade` takes "
        "back, and both also note it in the table `alembic_version`."
    ),
    (
        "The table holds for the commands as they stand below; a new column counts as a value in "
        "each row. In a new database, `upgrade` and `stamp` make the table `alembic_version`."
    ),
    ("To try them, make a copy of lesson 13's app, with a new database, in the course's folder:"),
]
CLAIMS = {
    "init": Claim(
        does=(
            "Makes the folder `migrations` from a template, with an empty folder `versions` in it."
        ),
        is_so=lambda before, after, _: (
            not before.folder
            and after.folder["migrations/env.py"] == TEMPLATE.read_text()
            and max(after.folder) == "migrations/versions"
        ),
        undo="…",
        mistake="to type it where there is such a folder; … says …",
    ),
    "migrate": Claim(
        does=(
            "Compares the models with the tables, and writes a script of the "
            "differences. Give readers an address for mail:"
        ),
        is_so=lambda before, after, _: "sa.Column('mail'" in written(before, after, "0012"),
        undo="…",
        mistake="to type it again before the last script was applied; … says …",
        listings=("`shelf/models.py`",),
    ),
    "upgrade": Claim(
        does=(
            "Runs the scripts that the database has not had, up to the last, and notes that one."
        ),
        is_so=lambda before, after, output: (
            (before.version, after.version) == (["0011"], ["0012"])
            and output.count("Running upgrade") == 1
        ),
        undo="…",
        mistake="to use it on tables that … made; after … and …, … says …",
    ),
    "downgrade": Claim(
        does=(
            "Goes one script back from where the database is, or to the one that you "
            "name; what stood in a column that goes is lost."
        ),
        is_so=lambda before, after, _: (
            (before.version, after.version) == (["0012"], ["0011"])
            and "ann@" in str(before.rows)
            and "ann@" not in str(after.rows)
        ),
        undo="…, which brings back the column, and not Ann's address",
        mistake=(
            "to believe that it finds the way by itself; after …, where two lines meet, … says …"
        ),
    ),
    "current": Claim(
        does="Says which script the database has had last.",
        is_so=lambda before, _, output: output.split()[-2] == before.version[0],
        undo="nothing to undo",
        mistake="to delete a script that a database has had; after …, … says …",
    ),
    "history": Claim(
        does=("Lists the scripts, the last one first, whether or not the database has had them."),
        is_so=lambda before, _, output: (
            re.findall(r"-> (\d+)", output)[::11] == ["0012", "0001"] and output.count("->") == 12
        ),
        undo="nothing to undo",
        mistake="to ask for a part without a colon; … says …",
    ),
    "heads": Claim(
        does="Lists the scripts that no other follows.",
        is_so=lambda before, _, output: output == "0012 (head)\n",
        undo="nothing to undo",
        mistake="to read it as what the database has; after …, … still says …",
    ),
    "branches": Claim(
        does=(
            "Lists the scripts that more than one follows, even where the lines have been merged."
        ),
        is_so=lambda before, _, output: (
            set(re.findall(r"\d+", output)) == {"0007", "0008", "0009"}
            and "Revises: 0008, 0009" in str(before.folder)
        ),
        undo="nothing to undo",
        mistake="to merge what it lists; … says …",
    ),
    "show": Claim(
        does=("Shows one script's place and date; without a name, those of the last script."),
        is_so=lambda before, _, output: (
            "Rev: 0012 (head)\nParent: 0011" in output and "Create Date: 2" in output
        ),
        undo="nothing to undo",
        mistake="to leave out the zeros; … says …",
    ),
    "check": Claim(
        does="Compares as `migrate` does, and writes no script.",
        is_so=lambda before, after, output: before == after and "No new upgrade" in output,
        undo="nothing to undo",
        mistake="to ask about another, new file; … says …",
    ),
    "stamp": Claim(
        does="Notes a script as the last that the database has had, and runs none.",
        is_so=lambda before, after, output: (
            (before.version, after.version) == (["0012"], ["0011"])
            and "Running upgrade" not in output
        ),
        undo="…",
        mistake="to note what is not so; the column is there, and … says …",
    ),
    "revision": Claim(
        does=(
            "Writes a script that does nothing yet; with `--head` and `--splice`, behind"
            " one that has a follower."
        ),
        is_so=lambda before, after, _: (
            EMPTY in written(before, after, "0013")
            and "down_revision = '0011'" in written(before, after, "0013")
        ),
        undo="…",
        mistake="to leave two ends; … says …",
    ),
    "merge": Claim(
        does="Writes a script that follows two others, and does nothing itself.",
        is_so=lambda before, after, _: (
            EMPTY in written(before, after, "0014")
            and "down_revision = ('0012', '0013')" in written(before, after, "0014")
        ),
        undo="…",
        mistake="to merge what is merged; … says …",
    ),
    "edit": Claim(
        does=(
            "Opens a script in the program that `EDITOR` names, here `cat`; without a "
            "name, the last script."
        ),
        is_so=lambda before, _, output: output == before.folder["migrations/versions/0014_both.py"],
        undo="nothing to undo, as long as that program saves nothing",
        mistake="to ask for the script of a database that has had none; … says …",
    ),
    "list-templates": Claim(
        does="Lists the templates that `flask db init -t` knows.",
        is_so=lambda before, after, output: (
            re.findall(r"^(\S+) - ", output, re.M)
            == sorted(path.name for path in TEMPLATE.parent.parent.iterdir())
        ),
        undo="nothing to undo",
        mistake="to shorten a name; … says …",
    ),
}
