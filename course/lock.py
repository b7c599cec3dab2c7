"""Renew Pipfile.lock so that it names no registry.

`pipenv lock` writes down where it looked, and the hash of a Pipfile with no [[source]]
depends on pip's settings; both differ from machine to machine, so they are taken out
or set to one value for all.
"""

import json
import os
import subprocess
from pathlib import Path

from course.environment import find_or_install_pipenv


class LockError(Exception):
    """`pipenv lock` failed; the text is what it said last."""


def renew(root: Path) -> None:
    """Write the Pipfile.lock of the Pipfile in a folder.

    Raises:
        LockError: if pipenv finds no set of versions, or no network.
    """
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PIP_INDEX_URL", "PIPENV_PIPFILE")
    }
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIPENV_PIPFILE": str(root / "Pipfile")}
    command = [*find_or_install_pipenv(root), "lock"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise LockError(f"pipenv could not lock: {(done.stderr or done.stdout).strip()[-500:]}")
    path = root / "Pipfile.lock"
    path.write_text(without_hosts(path.read_text(encoding="utf-8")), encoding="utf-8")


def without_hosts(text: str) -> str:
    """Return the text of a Pipfile.lock with no registry in it."""
    lock = json.loads(text)
    lock["_meta"]["sources"] = []
    for section in ("default", "develop"):
        for package in lock[section].values():
            package.pop("index", None)
    return json.dumps(lock, indent=4, sort_keys=True) + "\n"
