"""Say what is wrong with this machine's set-up, and what to do; change nothing.

Standard library only, since it must also work where nothing is installed.
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course.environment import HOME_PORT, ROOT, in_step, program, unfit_python
from course.serve import STRANGER, holder, way_out

FLASKS_PORT = 5000
AIRPLAY = (
    f"Port {FLASKS_PORT}, which `flask run` takes unless told otherwise, is taken (on macOS often "
    "by AirPlay Receiver): type `flask run --port 5050`."
)
PATIENCE = 20  # seconds for one `flask db current`
SECRET = re.compile("KEY|PASSWORD|SECRET|TOKEN|URI|URL")
WINDOWS = os.name == "nt"
MAKE = "py -m pipenv run" if WINDOWS else "make"

Findings = Iterator[tuple[bool, str]]  # whether all is well there, and what there is


def main() -> int:
    """Print what the checks find, a line each, and return 1 if anything is wrong, else 0."""
    status = 0
    colours = {True: "\033[32mok\033[0m", False: "\033[31mno\033[0m"}
    plain = {True: "ok", False: "no"}
    marks = colours if sys.stdout.isatty() and not WINDOWS else plain
    for check in (python, packages, ports, folder, database, variables, flask):
        for well, text in check():
            print(f"{marks[well]}  {check.__name__:11}{text}", flush=True)
            status |= not well
    return status


def python() -> Findings:
    """Look for a Python that can run the course, here and in `.venv`."""
    this = f"{platform.python_version()} ({sys.executable})"
    if not (ROOT / ".venv").exists():
        yield False, f"{this}, and no .venv yet: type `{MAKE} start`."
    elif unfit := unfit_python(ROOT):
        yield False, f"{this}, but .venv belongs to {unfit}: delete .venv, type `{MAKE} start`."
    else:
        yield True, f"{this}; the one in .venv starts"


def packages() -> Findings:
    """Compare what was installed into `.venv` with Pipfile.lock."""
    try:
        if in_step(ROOT, development=True):
            yield True, "in step with Pipfile.lock"
        elif in_step(ROOT, development=False):
            yield True, f"in step, without the packages for tests: they come with `{MAKE} test`"
        else:
            yield False, f"never installed, or not those of Pipfile.lock: type `{MAKE} start`."
    except (OSError, ValueError, KeyError):
        yield False, "Pipfile.lock cannot be read: type `git restore Pipfile.lock`."


def ports() -> Findings:
    """Look who listens where the course, the lessons and `flask run` want to."""
    typed = os.environ.get("PORT", "")  # as for `make start`
    first = int(typed) if re.fullmatch("[1-5][0-9]{3,4}", typed) else HOME_PORT
    last = first + len(list((ROOT / "lessons").glob("[0-9][0-9]_*")))
    taken = {port: who for port in (*range(first, last + 1), FLASKS_PORT) if (who := holder(port))}
    own = [f"{port} by {who}" for port, who in taken.items() if who != STRANGER]
    if not taken:
        yield True, f"{first} to {last}, and {FLASKS_PORT}, are free"
    if own:
        yield True, f"taken by the course itself: {', '.join(own)}"
    for port in [port for port, who in taken.items() if who == STRANGER]:
        yield False, AIRPLAY if port == FLASKS_PORT else way_out(port, STRANGER)


def folder() -> Findings:
    """Say what works in the current folder."""
    here = _here()
    app = next((name for name in ("wsgi.py", "app.py") if (here / name).is_file()), None)
    name = str(here.relative_to(ROOT)) if here.is_relative_to(ROOT) else ""
    if here == ROOT:
        yield True, f"the course's own: `{MAKE}` works here, `flask run` in a lesson's folder"
    elif name and app:
        yield True, f"{name}: `flask run` looks for its app in {app} here"
    elif name:
        yield True, f"{name}: `{MAKE}` works in {ROOT}, `flask run` in a lesson's folder"
    else:
        yield False, f"{here} is outside of the course: type `cd {shlex.quote(str(ROOT))}`."


def database() -> Findings:
    """Look whether each app of the learner's has had all its migrations."""
    folders = sorted(each.parent for each in (ROOT / "my").glob("*/migrations"))
    for each in folders:
        name = f"my/{each.name}"
        status, printed = _current(each)
        if status:
            yield False, f"`flask db current` fails in {name}: {printed}"
        elif "(head)" in printed:
            yield True, f"the database of {name} has had all migrations"
        elif not list((each / "migrations" / "versions").glob("*.py")):
            yield True, f"{name} has no migration yet: `flask db migrate` writes one"
        else:
            yield False, f"the database of {name} is behind: type `flask db upgrade` in {name}."
    if not folders:
        yield True, "no app of yours has migrations"


def variables() -> Findings:
    """Look for variables that change what `flask` does."""
    found = {k: v for k, v in sorted(os.environ.items()) if k.startswith("FLASK_") and v}
    for name, value in found.items():
        shown = name if SECRET.search(name) else f"{name}={value}"
        undo = f"Remove-Item Env:{name}" if WINDOWS else f"unset {name}"
        yield False, f"{shown} is set, and can change what Flask does: type `{undo}`."
    if not found:
        yield True, "no FLASK_ variable is set"


def flask() -> Findings:
    """Look whether the terminal's `flask` is the course's."""
    ours, found = program(ROOT / ".venv", "flask"), shutil.which("flask")
    activate, here = ours.with_name("activate"), _here()
    if here.is_relative_to(ROOT):
        activate = os.path.relpath(activate, here)
    enter = f"`{'' if WINDOWS else '. '}{shlex.quote(str(activate))}`"
    if not found:
        yield True, f"no flask on the PATH until you enter the environment: {enter}"
    elif Path(found).parent.resolve() == ours.parent.resolve():
        yield True, found
    else:
        yield False, f"{found} is not the course's: enter the environment, {enter}."


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path("a folder that is gone")


def _current(app: Path) -> tuple[int, str]:
    """Return the status of `flask db current`, and its output or the last line of its complaint.

    It works on a copy of the app, since it makes an empty database where there is none.
    """
    command = [str(program(ROOT / ".venv", "python")), "-m", "flask", "db", "current"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FLASK_")}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        try:
            copy = shutil.copytree(app, Path(name) / app.name, symlinks=True)
            options = {"cwd": copy, "env": environment, "timeout": PATIENCE}
            done = subprocess.run(command, capture_output=True, errors="replace", **options)
        except (OSError, subprocess.TimeoutExpired) as error:
            return 1, str(error)
    last = done.stderr.strip().rpartition("\n")[2] or "it does not say why."
    return done.returncode, last if done.returncode else done.stdout
