"""Fixtures that run the tests which a learner wrote. A test module takes over both of them."""

import json
import os
import subprocess
import sys
from shutil import copytree, ignore_patterns

import pytest

RUN_PYTEST = """
import contextlib, io, json, os, sys
import flask_migrate, flask_sqlalchemy, pytest

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what Alembic prints, which keeps the stream that it met first
known = set(sys.modules)
for line in sys.stdin:
    folder, tests = json.loads(line)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        said = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        options = ["-q", "--tb=no", "--disable-warnings", "-p", "no:cacheprovider", "--rootdir=."]
        status = pytest.main([*options, tests])
    print(json.dumps([status, said.getvalue()]), file=answers, flush=True)
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in ("shelf", tests.removesuffix(".py")):
            del sys.modules[name]
"""


@pytest.fixture(scope="module")
def process():
    """A process that runs tests in the folders that it is told, one by one."""
    others = {
        key: os.environ[key] for key in os.environ if not key.startswith(("FLASK_", "PYTEST"))
    }
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", RUN_PYTEST],
        # With CI set, pytest cuts no line of its summary.
        env=others | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    with process:
        yield process


@pytest.fixture
def outcome(folder, process, tmp_path):
    """Run the learner's own tests on a copy of the app, with lines added to one of its files.

    What comes back is pytest's exit status, and what it said.
    """

    def outcome(tests, file="shelf/models.py", *lines):
        copy = tmp_path / "copy"
        copytree(folder, copy, ignore=ignore_patterns("__pycache__", "instance", ".*"))
        with (copy / file).open("a", encoding="utf-8") as changed:
            changed.write("\n\n" + "\n".join(lines) + "\n")
        process.stdin.write(json.dumps([str(copy), tests]) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    return outcome
