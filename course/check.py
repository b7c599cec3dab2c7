"""Check a learner's app: have its lesson's tests run on a copy, and return the verdict."""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from course.lessons import Lesson
from course.remarks import remarks
from course.replay import app_files, copy_app
from course.verdict import YOUR_TURN, Verdict

START = 60  # seconds that the tests may take to be collected


class TestsBroken(Exception):
    """The lesson's own tests cannot be run; the text says why."""


class Checker:
    """Runs a lesson's tests on apps, one after the other; a context manager.

    The process that runs the tests is started ahead, and again when it is gone.

    Args:
        lesson: whose tests are run.
        patience: how many times longer than usual a test may take, on a busy machine.
    """

    def __init__(self, lesson: Lesson, patience: int = 1) -> None:
        self._lesson, self._patience = lesson, patience
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._start()

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End the process that runs the tests."""
        if self._process:
            self._process.stdin.close()  # a child that waits for a request ends, and all with it
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                _kill(self._process.pid)
                self._process.wait()
            self._process = None

    def check(
        self, folder: Path, shown: str = "", step: int = YOUR_TURN, seed: int | None = None
    ) -> Verdict:
        """Run the tests on a copy of an app, up to the first that fails.

        Args:
            folder: the app.
            shown: how the folder is called in the verdict.
            step: run the tests of the steps up to this one; YOUR_TURN for all.
            seed: the seed of the random books; None for another one each time.

        Raises:
            TestsBroken: if pytest could not collect the tests.
        """
        with tempfile.TemporaryDirectory(prefix="check-", ignore_cleanup_errors=True) as name:
            copy = Path(name).resolve() / folder.name
            copy_app(folder, copy)
            before = set(app_files(copy))
            request = {"folder": str(copy), "shown": shown or folder.name}
            verdict = self._ask(request | {"step": step, "seed": seed}, copy)
            found = list(remarks(self._lesson, copy)) if verdict.step else []
            gone = sorted(path.name for path in before if not path.exists())
        if gone:
            error = f"While it ran, the app deleted or moved files of its own: {', '.join(gone)}"
            return replace(verdict, step=verdict.step or 1, error=error, frames=[], evidence={})
        return replace(verdict, remarks=found)

    def _ask(self, request: dict[str, Any], copy: Path) -> Verdict:
        process = self._process or self._start()
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        last, verdict, patience = {}, None, START
        while True:
            try:
                answer = self._answers.get(timeout=patience)
            except queue.Empty:
                _kill(last.get("process", process.pid))
                self.close()
                answer = {"ended": None}
            if answer is None:  # the process is gone
                self.close()
                answer = {"ended": process.returncode}
            if "broken" in answer:
                raise self._tests_broken(answer["broken"])
            if "ended" in answer and not last and not verdict:
                raise self._tests_broken("they did not start.")
            if "ended" in answer:
                return verdict or self._without_verdict(answer["ended"], last, copy)
            if "passed" in answer:
                verdict = _verdict(answer, last)
            elif "process" in answer:
                last, patience = answer, answer["patience"] + 2

    def _tests_broken(self, why: str) -> TestsBroken:
        return TestsBroken(
            f"The course's own tests/{self._lesson.tests.name} cannot be run (`git status` says "
            f"whether it was changed): {why}"
        )

    def _without_verdict(self, status: int | None, last: dict[str, Any], copy: Path) -> Verdict:
        """Say what is known of an app that ended the process that ran it, or did not end."""
        stacks = copy.parent / "stacks.txt"
        text = stacks.read_text("utf-8", "replace") if stacks.exists() else ""
        hung = status is None or "Timeout" in text
        if hung:
            error = f"The app did not answer within {last['patience']} seconds."
        elif status < 0:
            error = f"The app was ended by the signal {signal.Signals(-status).name}."
        else:
            error = f"The app ended the program, with exit status {status}."
        frames = [
            {"file": Path(file).relative_to(copy).as_posix(), "line": int(line), "function": name}
            for file, line, name in re.findall(r'File "(.+)", line (\d+) in (.+)', text)
            if Path(file).is_relative_to(copy)
        ]
        for frame in frames:
            lines = (copy / frame["file"]).read_text("utf-8", "replace").splitlines()
            frame["source"] = (
                lines[frame["line"] - 1].strip() if frame["line"] <= len(lines) else ""
            )
        return _verdict({"passed": False, "error": error, "frames": frames[:1]}, last)

    def _start(self) -> subprocess.Popen[str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith(("FLASK_", "PYTEST_"))
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course.runner", str(self._lesson.number), str(self._patience)],
            cwd=self._lesson.root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,
        )
        self._answers = queue.Queue()
        threading.Thread(target=_read, args=(self._process, self._answers), daemon=True).start()
        return self._process


def _read(process: subprocess.Popen[str], answers: queue.Queue) -> None:
    with process.stdout:
        for line in process.stdout:
            with contextlib.suppress(ValueError):  # an app may have written there
                answers.put(json.loads(line))
    process.wait()
    answers.put(None)


def _verdict(answer: dict[str, Any], last: dict[str, Any]) -> Verdict:
    """Join what was said when the last test began and when it was over."""
    known = {name: last[name] for name in last if name not in ("process", "patience")}
    known |= {name: value for name, value in answer.items() if name != "passed"}
    return Verdict(**(known | {"step": None if answer["passed"] else known.get("step", 1)}))


def _kill(process: int) -> None:
    """End a process and all that it started (its group, where there are such)."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process)], capture_output=True)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
