"""`make doctor`: each thing that can be wrong with a set-up is made wrong, and it says so."""

import json
import os
import pty
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest
from conftest import ROOT

PATIENCE = 60  # seconds
CHECKS = ["python", "packages", "ports", "folder", "database", "variables", "flask"]
DATABASE = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

db = SQLAlchemy(model_class=Base)
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shelf.db"
db.init_app(app)
Migrate(app, db)

class Book(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the course's tool, in which nothing is installed; its path has a space."""
    clone = tmp_path / "the clone"
    copytree(ROOT / "course", clone / "course", ignore=ignore_patterns("__pycache__"))
    for name in ("Makefile", "Pipfile", "Pipfile.lock", "README.md"):
        copy(ROOT / name, clone)
    for name in ("docs", "lessons"):
        (clone / name).symlink_to(ROOT / name)
    return clone


@pytest.fixture
def installed(clone: Path) -> Path:
    """The same, with everything installed."""
    (clone / ".venv").symlink_to(ROOT / ".venv")
    return clone


@pytest.fixture
def stamped(clone: Path) -> Path:
    """The same, but `.venv` has a Python and the note of what was installed, and no more."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    copy(ROOT / ".venv" / "installed.json", clone / ".venv")
    return clone


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on, and none of the nine after it."""
    while True:
        port = 10_000 + int.from_bytes(os.urandom(2)) % 20_000
        with ExitStack() as servers, suppress(OSError):
            for each in range(port, port + 10):
                servers.enter_context(socket.create_server(("127.0.0.1", each)))
            return port


@pytest.fixture
def doctor(free_port: int, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run the command, with nothing on the PATH, no FLASK_ variable and free ports."""
    usual = {"PATH": str(tmp_path / "nothing"), "HOME": str(tmp_path), "PORT": str(free_port)}

    def doctor(clone: Path, cwd: Path | None = None, **environment: str):
        return subprocess.run(
            [sys.executable, str(clone / "course"), "doctor"],
            cwd=cwd or clone,
            env=usual | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return doctor


@pytest.fixture(scope="module")
def app_with_migration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with a migration that its database has not had."""
    app = tmp_path_factory.mktemp("app")
    (app / "app.py").write_text(DATABASE, encoding="utf-8")
    flask_db(app, "init")
    flask_db(app, "migrate")
    return app


@pytest.fixture
def shelf(installed: Path, app_with_migration: Path) -> Path:
    """The same as an app of the learner's."""
    return copytree(app_with_migration, installed / "my" / "06_shelf")


def flask_db(app: Path, *arguments: str) -> None:
    """Run a command of Flask-Migrate in an app's folder."""
    command = [sys.executable, "-m", "flask", "db", *arguments]
    subprocess.run(command, cwd=app, capture_output=True, check=True, timeout=PATIENCE)


def found(done: subprocess.CompletedProcess, check: str) -> str:
    """Return what one check printed, after a look at the whole."""
    lines = done.stdout.splitlines()
    assert not done.stderr
    assert list(dict.fromkeys(line.split()[1] for line in lines)) == CHECKS
    assert {line.split()[0] for line in lines} <= {"ok", "no"}
    assert done.returncode == any(line.startswith("no ") for line in lines)
    return "\n".join(line for line in lines if line.split()[1] == check)


def files(folder: Path) -> dict[Path, bytes | None]:
    """Return all that is in a folder, with the files' contents."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_where_all_is_well_every_check_says_ok(installed: Path, doctor: Callable) -> None:
    done = doctor(installed, PATH=str(installed / ".venv" / "bin"))
    for check in CHECKS:
        line = found(done, check)
        assert line.startswith("ok ") or (check == "ports" and "5000" in line)


def test_make_runs_it(installed: Path) -> None:
    done = subprocess.run(
        ["make", "doctor", f"PYTHON={sys.executable}"],
        cwd=installed,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout.startswith("ok  python ")


def test_the_help_lists_it() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "course"), "--help"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "  doctor  " in done.stdout


def test_the_marks_are_coloured_on_a_terminal_only(clone: Path, doctor: Callable) -> None:
    assert "\033" not in doctor(clone).stdout
    reader, terminal = pty.openpty()
    command = [sys.executable, str(clone / "course"), "doctor"]
    with open(reader, "rb", buffering=0) as screen, open(terminal, "wb") as output:  # noqa: PTH123
        subprocess.run(command, stdout=output, timeout=PATIENCE)
        assert screen.read(1000).startswith(b"\033[31mno\033[0m  python ")


# Python and the packages


def test_it_works_without_any_package_and_installs_none(clone: Path) -> None:
    before = files(clone)
    done = subprocess.run(
        [sys.executable, "-S", "-B", str(clone / "course"), "doctor"],
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert re.match(r"no .* and no \.venv yet: type `make start`\.$", found(done, "python"))
    assert re.match(r"no .* never installed.*: type `make start`\.$", found(done, "packages"))
    assert files(clone) == before


@pytest.mark.parametrize(
    "script, says",
    [
        ("exit 1", "a Python that no longer starts"),
        ("echo 3 9", "Python 3.9, and the course needs 3.11"),
        ("echo", "a Python that no longer starts"),
    ],
)
def test_a_python_in_venv_that_is_of_no_use_is_told(
    stamped: Path, doctor: Callable, script: str, says: str
) -> None:
    python = stamped / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    line = found(doctor(stamped), "python")
    assert line.startswith("no ")
    assert f".venv belongs to {says}" in line
    assert "delete .venv, type `make start`" in line


def test_a_python_in_venv_that_is_gone_is_told(stamped: Path, doctor: Callable) -> None:
    (stamped / ".venv" / "bin" / "python").unlink()
    assert "no longer starts: delete .venv" in found(doctor(stamped), "python")


def test_packages_without_those_for_tests_are_fine(stamped: Path, doctor: Callable) -> None:
    note = stamped / ".venv" / "installed.json"
    default = json.loads(note.read_text(encoding="utf-8"))["default"]
    note.write_text(json.dumps({"default": default}), encoding="utf-8")
    line = found(doctor(stamped), "packages")
    assert line.startswith("ok ")
    assert "without the packages for tests: they come with `make test`" in line


def test_packages_older_than_the_lock_are_told(stamped: Path, doctor: Callable) -> None:
    assert found(doctor(stamped), "packages") == "ok  packages   in step with Pipfile.lock"
    lock = json.loads((stamped / "Pipfile.lock").read_text(encoding="utf-8"))
    lock["default"]["flask"]["version"] = "==99"
    (stamped / "Pipfile.lock").write_text(json.dumps(lock), encoding="utf-8")
    line = found(doctor(stamped), "packages")
    assert line.startswith("no ")
    assert "not those of Pipfile.lock: type `make start`" in line


def test_a_lock_that_cannot_be_read_is_told(stamped: Path, doctor: Callable) -> None:
    (stamped / "Pipfile.lock").write_text("<<<<<<<", encoding="utf-8")
    line = found(doctor(stamped), "packages")
    assert line.startswith("no ")
    assert "`git restore Pipfile.lock`" in line


# Ports


def test_a_port_taken_by_another_program_is_told(
    stamped: Path, doctor: Callable, free_port: int
) -> None:
    port = free_port + 2
    with socket.create_server(("127.0.0.1", port)):
        line = found(doctor(stamped), "ports")
    assert f"no  ports      Port {port} is taken by another program: stop it" in line
    assert f"`make start PORT={port + 1000}`" in line
    assert "are free" not in line


def test_the_ports_are_those_of_the_lessons(stamped: Path, doctor: Callable) -> None:
    from course.environment import HOME_PORT
    from course.lessons import all_lessons

    line = found(doctor(stamped, PORT=""), "ports")
    last = HOME_PORT + len(all_lessons())
    assert f"{HOME_PORT} to {last}, and 5000, are free" in line or " taken " in line


@pytest.fixture
def home_page(installed: Path, free_port: int) -> Iterator[None]:
    """The course's home page, open."""
    process = subprocess.Popen(
        [sys.executable, str(installed / "course"), "start"],
        env=os.environ | {"PORT": str(free_port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert "is open at" in process.stdout.readline()
            yield
        finally:
            process.terminate()


@pytest.mark.usefixtures("home_page")
def test_a_port_taken_by_the_course_itself_is_fine(
    installed: Path, doctor: Callable, free_port: int
) -> None:
    line = found(doctor(installed), "ports").splitlines()[0]
    assert line.startswith("ok ")
    assert line.endswith(f"taken by the course itself: {free_port} by the course's home page")


def test_flasks_own_port_taken_is_told(stamped: Path, doctor: Callable) -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # something listens there already
            stack.enter_context(socket.create_server(("127.0.0.1", 5000)))
        line = found(doctor(stamped), "ports")
    assert line.startswith("no ")
    assert "AirPlay Receiver): type `flask run --port 5050`" in line


# The current folder


def test_an_apps_folder_says_which_app_flask_would_serve(stamped: Path, doctor: Callable) -> None:
    app = stamped / "my" / "04_flask"
    app.mkdir(parents=True)
    line = found(doctor(stamped, cwd=app), "folder")
    assert line.startswith("ok ")
    assert f"my/04_flask: `make` works in {stamped}" in line
    (app / "app.py").touch()
    line = found(doctor(stamped, cwd=app), "folder")
    assert line == "ok  folder     my/04_flask: `flask run` looks for its app in app.py here"


def test_the_root_of_the_clone_is_where_make_works(stamped: Path, doctor: Callable) -> None:
    assert "ok  folder     the course's own: `make` works here" in found(doctor(stamped), "folder")


def test_a_folder_outside_of_the_clone_is_told(
    stamped: Path, doctor: Callable, tmp_path: Path
) -> None:
    line = found(doctor(stamped, cwd=tmp_path), "folder")
    assert line.startswith("no ")
    assert f"{tmp_path} is outside of the course: type `cd {shlex.quote(str(stamped))}`" in line


def test_a_folder_that_is_gone_is_told(stamped: Path) -> None:
    (stamped / "gone").mkdir()
    command = shlex.join([sys.executable, str(stamped / "course"), "doctor"])
    done = subprocess.run(
        ["sh", "-c", f'rmdir "$PWD" && exec {command}'],
        cwd=stamped / "gone",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "no  folder     a folder that is gone is outside of the course" in done.stdout


# The database


def test_a_database_behind_its_migrations_is_told_and_not_touched(
    shelf: Path, installed: Path, doctor: Callable
) -> None:
    (shelf / "instance" / "shelf.db").unlink()
    before = files(shelf)
    line = found(doctor(installed, FLASK_APP="stale"), "database")
    assert line.startswith("no ")
    assert "the database of my/06_shelf is behind: type `flask db upgrade` in my/06_shelf." in line
    assert files(shelf) == before


def test_a_database_is_fine_until_there_is_a_new_migration(
    shelf: Path, installed: Path, doctor: Callable
) -> None:
    flask_db(shelf, "upgrade")
    line = found(doctor(installed), "database")
    assert line == "ok  database   the database of my/06_shelf has had all migrations"
    flask_db(shelf, "revision")
    assert "no  database   the database of my/06_shelf is behind" in found(
        doctor(installed), "database"
    )


def test_an_app_whose_migrations_are_not_written_yet_is_fine(
    shelf: Path, installed: Path, doctor: Callable
) -> None:
    for script in (shelf / "migrations" / "versions").glob("*.py"):
        script.unlink()
    line = found(doctor(installed), "database")
    assert line.startswith("ok ")
    assert "my/06_shelf has no migration yet: `flask db migrate` writes one" in line


@pytest.mark.parametrize("app", ["raise RuntimeError('no shelf')", "import os; os._exit(3)"])
def test_a_database_that_cannot_be_asked_is_told(
    installed: Path, doctor: Callable, app: str
) -> None:
    folder = installed / "my" / "06_shelf"
    (folder / "migrations").mkdir(parents=True)
    (folder / "app.py").write_text(app, encoding="utf-8")
    why = "RuntimeError: no shelf" if "raise" in app else "it does not say why."
    line = found(doctor(installed), "database")
    assert line.startswith("no ")
    assert line.endswith(f"`flask db current` fails in my/06_shelf: {why}")


def test_a_database_is_not_asked_by_a_python_that_is_gone(stamped: Path, doctor: Callable) -> None:
    (stamped / "my" / "06_shelf" / "migrations").mkdir(parents=True)
    (stamped / ".venv" / "bin" / "python").unlink()
    line = found(doctor(stamped), "database")
    assert line.startswith("no ")
    assert "No such file" in line and ".venv/bin/python" in line


# Variables and the PATH


def test_variables_that_flask_reads_are_told(stamped: Path, doctor: Callable) -> None:
    done = doctor(stamped, FLASK_APP="hello", FLASK_RUN_PORT="9", FLASK_DEBUG="")
    first, second = found(done, "variables").splitlines()
    assert first.startswith("no  variables  FLASK_APP=hello is set")
    assert first.endswith("type `unset FLASK_APP`.")
    assert second.startswith("no  variables  FLASK_RUN_PORT=9 is set")


def test_a_secret_is_not_shown(stamped: Path, doctor: Callable) -> None:
    done = doctor(stamped, FLASK_SECRET_KEY="s3cret")
    assert "no  variables  FLASK_SECRET_KEY is set" in found(done, "variables")
    assert "s3cret" not in done.stdout


def test_another_flask_on_the_path_is_told(stamped: Path, doctor: Callable, tmp_path: Path) -> None:
    other = tmp_path / "bin" / "flask"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n", encoding="utf-8")
    other.chmod(0o755)
    line = found(doctor(stamped, PATH=str(other.parent)), "flask")
    assert line.startswith("no ")
    assert f"{other} is not the course's: enter the environment, `. .venv/bin/activate`." in line


@pytest.mark.parametrize("where", ["my/01_hello", ".."])
def test_no_flask_on_the_path_is_fine_and_the_advice_brings_it(
    installed: Path, doctor: Callable, where: str
) -> None:
    here = installed / where
    here.mkdir(parents=True, exist_ok=True)
    line = found(doctor(installed, cwd=here), "flask")
    assert line.startswith("ok ")
    enter = re.search(r"no flask on the PATH until you enter the environment: `(.+)`$", line)[1]
    assert (enter == ". ../../.venv/bin/activate") == (where == "my/01_hello")
    command = shlex.join(["python", str(installed / "course"), "doctor"])
    done = subprocess.run(
        ["sh", "-c", f"{enter} && {command}"],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert f"ok  flask      {(ROOT / '.venv').resolve() / 'bin' / 'flask'}\n" in done.stdout
