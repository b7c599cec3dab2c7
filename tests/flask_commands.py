"""Run many `flask` commands, in many folders, two at a time, and import things only once.

Run as a program: it takes a line of JSON for each folder, with the commands to type there,
and leaves what the last one says in the folder's file `output`. It needs `os.fork`.
"""

import gc
import json
import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

OUTPUT = "output"


def run_all(jobs: Iterable[tuple[Path, list[str]]], environment: dict[str, str]) -> None:
    """Type commands into a shell of each folder, one after the other.

    Args:
        jobs: the folders, each with its commands; the last one's output is kept there.
        environment: all that the commands find in theirs.
    """
    program = [sys.executable, "-B", __file__]
    two = [
        subprocess.Popen(program, stdin=subprocess.PIPE, env=environment, text=True)
        for _ in range(2)
    ]
    for number, (folder, commands) in enumerate(jobs):
        two[number % 2].stdin.write(json.dumps([str(folder), commands]) + "\n")
    for each in two:
        each.communicate()
        if each.returncode:
            raise subprocess.CalledProcessError(each.returncode, program)


def _run(commands: list[str]) -> None:
    for command in commands:
        with Path(OUTPUT).open("wb") as output:
            words = shlex.split(command)
            if words[0] == "export":
                os.environ.update([words[1].split("=", 1)])
            elif "flask" in words and "|" not in words:
                _fork(words, output.fileno())
            else:
                subprocess.run(["bash", "-c", command], stdout=output, stderr=subprocess.STDOUT)


def _fork(words: list[str], output: int) -> None:
    """Run `flask`, and what stands before it as its environment, in a process of its own."""
    if not os.fork():
        os.dup2(output, 1)
        os.dup2(output, 2)
        first = words.index("flask")
        os.environ.update(word.split("=", 1) for word in words[:first])
        sys.argv = words[first:]
        try:
            main()
        except SystemExit:
            pass
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(0)  # to tidy up would take as long as the command
    os.wait()


if __name__ == "__main__":
    # What each command would import, imported once, before the forks.
    import alembic.autogenerate
    import alembic.command  # noqa: F401
    import flask_migrate  # noqa: F401
    import flask_sqlalchemy  # noqa: F401
    import flask_wtf  # noqa: F401
    from flask.cli import main

    gc.freeze()
    gc.disable()
    kept = dict(os.environ)
    sys.path.remove(str(Path(__file__).parent))
    for line in sys.stdin:
        folder, typed = json.loads(line)
        os.chdir(folder)
        _run(typed)
        os.environ.clear()
        os.environ.update(kept)
