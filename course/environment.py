"""The virtual environment in `.venv`: make it, keep it in step with Pipfile.lock, enter it.

Standard library only, since this runs before anything is installed.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
HOME_PORT = 8000  # lesson N listens on the Nth after it
PIPENV = "2026.10.3"
WITH_TESTS = {"next", "list", "check", "watch", "hint", "test", "lint", "bench"}

_SCRIPTS = "Scripts" if os.name == "nt" else "bin"
_EXE = ".exe" if os.name == "nt" else ""
_OFFLINE = re.compile(
    "NewConnectionError|ConnectionError|NameResolutionError|Max retries|timed out"
    "|Network is unreachable|Temporary failure|No matching distribution",
    re.IGNORECASE,
)


class SetupError(Exception):
    """Something stands between the reader and a working course; the text says the way out."""


def enter(arguments: list[str], root: Path = ROOT) -> None:
    """Make sure that `.venv` holds the locked packages, and go on inside it.

    Args:
        arguments: the command line after `python -m course`; its first word decides
            whether the development packages are needed too.
        root: the folder of the clone.

    Raises:
        SetupError: if the environment cannot be made or is of no use.
    """
    development = not arguments or arguments[0] in WITH_TESTS
    python = program(root / ".venv", "python")
    if (root / ".venv").exists():
        _check_version(root)
    if not in_step(root, development):
        _sync(root, development)
    if Path(sys.prefix).resolve() != (root / ".venv").resolve():
        _replace_process([str(python), str(root / "course"), *arguments])


def program(environment: Path, name: str) -> Path:
    """Return where a virtual environment has a program, whether it is there or not."""
    return environment / _SCRIPTS / f"{name}{_EXE}"


def _check_version(root: Path) -> None:
    """Refuse a `.venv` whose Python is gone, or too old for the course."""
    if found := unfit_python(root):
        raise SetupError(
            f"The folder .venv belongs to {found}: delete .venv, then type the same command again."
        )


def unfit_python(root: Path) -> str:
    """Say to what Python `.venv` belongs, if it is gone or too old; nothing if it is fit."""
    command = [
        str(program(root / ".venv", "python")),
        "-c",
        "import sys; print(*sys.version_info[:2])",
    ]
    if sys.prefix == str(root / ".venv"):
        return ""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        major, minor = map(int, answer.split())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return "a Python that no longer starts"
    if (major, minor) >= (3, 11):
        return ""
    return f"Python {major}.{minor}, and the course needs 3.11 or newer"


def _locked(root: Path, section: str) -> str:
    """Return a fingerprint of one section of Pipfile.lock."""
    lock = json.loads((root / "Pipfile.lock").read_text(encoding="utf-8"))
    return hashlib.sha256(json.dumps(lock[section], sort_keys=True).encode()).hexdigest()


def in_step(root: Path, development: bool) -> bool:
    """Say whether `.venv` was last filled from the present Pipfile.lock."""
    try:
        installed = json.loads((root / ".venv" / "installed.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    wanted = ["default", "develop"] if development else ["default"]
    return all(installed.get(section) == _locked(root, section) for section in wanted)


def _sync(root: Path, development: bool) -> None:
    """Run `pipenv sync`, and note in `.venv` what it was filled from."""
    pipenv = find_or_install_pipenv(root)
    what = "the packages for tests" if development else "the course's packages"
    print(f"Installing {what} into .venv, which may take a minute …", file=sys.stderr, flush=True)
    sections = ["default", "develop"] if development else ["default"]
    _run(
        [*pipenv, "sync", "--python", sys.executable, *(["--dev"] if development else [])],
        root,
        "The packages could not be installed",
    )
    note = {section: _locked(root, section) for section in sections}
    (root / ".venv" / "installed.json").write_text(json.dumps(note), encoding="utf-8")


def find_or_install_pipenv(root: Path) -> list[str]:
    """Return the command of a pipenv that works, from the PATH or from `.pipenv/`.

    Raises:
        SetupError: if there is none and none can be installed.
    """
    return _find_pipenv() or _install_pipenv(root)


def _find_pipenv() -> list[str] | None:
    """Return the command of a pipenv on the PATH that is recent enough, if there is one."""
    found = shutil.which("pipenv")
    if not found:
        return None
    answer = subprocess.run([found, "--version"], capture_output=True, text=True)
    year = re.search(r"version (\d{4})\.", answer.stdout)
    return [found] if year and int(year[1]) >= 2024 else None


def _install_pipenv(root: Path) -> list[str]:
    """Put the pinned pipenv into `.pipenv/`, and return its command."""
    folder = root / ".pipenv"
    pipenv = program(folder, "pipenv")
    if not pipenv.exists():
        print("Installing pipenv into .pipenv …", file=sys.stderr, flush=True)
        has_pip = not subprocess.run(
            [sys.executable, "-m", "pip", "--version"], capture_output=True
        ).returncode
        _run(
            [sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), str(folder)],
            root,
            "This Python cannot make virtual environments (on Debian and Ubuntu: "
            "`sudo apt install python3-venv`)",
        )
        pip = (
            [sys.executable, "-m", "pip", "--python", str(folder)]
            if has_pip
            else [str(program(folder, "pip"))]
        )
        _run([*pip, "install", f"pipenv=={PIPENV}"], root, "Pipenv could not be installed")
    return [str(pipenv)]


def _run(command: list[str], root: Path, complaint: str) -> None:
    """Run an installer quietly; on failure keep what it said in a file, and name the cause."""
    environment = os.environ | {
        "PIPENV_PIPFILE": str(root / "Pipfile"),
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # it makes every later import slower
    done = subprocess.run(
        command,
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        (root / "install.log").write_text(done.stdout, encoding="utf-8")
        if _OFFLINE.search(done.stdout):
            complaint += ": the package index did not answer. Check the network, then"
        else:
            complaint += ". Read why in install.log; then"
        raise SetupError(f"{complaint} type the same command again.")


def _replace_process(command: list[str]) -> None:
    """Go on as another program; on Windows, which cannot, wait for it and pass on its answer."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if os.name == "nt":
        raise SystemExit(subprocess.run(command, env=environment).returncode)
    sys.stdout.flush()
    os.execve(command[0], command, environment)
