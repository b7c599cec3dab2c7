"""The lessons' apps as child processes of the home page."""

import contextlib
import http.client
import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from course.environment import HOME_PORT, HOST
from course.lessons import Lesson
from course.serve import PortTaken, command, environment, reserve

PATIENCE = 20  # seconds in which an app must answer


class DidNotStart(Exception):
    """A lesson's app did not start: the text says so, `log` is what the app printed."""

    def __init__(self, text: str, log: str = "") -> None:
        super().__init__(text)
        self.log = log


class Children:
    """Starts lessons' apps, each once, and stops them all in the end.

    Args:
        home_port: the port of the home page; lesson 4's app listens on the fourth after it.
    """

    def __init__(self, home_port: int = HOME_PORT) -> None:
        self._home_port = home_port
        self._logs = tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def running(self) -> set[str]:
        """Return the stems of the lessons whose app is up."""
        return {stem for stem, each in list(self._processes.items()) if each.poll() is None}

    def start(self, lesson: Lesson) -> str:
        """Start a lesson's app if it is not up, and wait until it answers.

        Returns:
            the app's address.

        Raises:
            DidNotStart: if its port is taken, it ends at once, or never answers.
        """
        port = self._home_port + lesson.number
        with self._lock:
            if lesson.stem not in self.running():
                try:
                    reserve(port, f"lesson {lesson.number}, started from the home page")
                except PortTaken as taken:
                    raise DidNotStart(f"{taken} Then go back and press Start again.") from None
                self._launch(lesson, port)
        return f"http://{HOST}:{port}/"

    def stop(self, stem: str) -> None:
        """Stop a lesson's app and the processes that it started."""
        process = self._processes.pop(stem, None)
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
            process.wait()

    def stop_all(self) -> None:
        """Stop every app."""
        for stem in list(self._processes):
            self.stop(stem)
        self._logs.cleanup()

    def _launch(self, lesson: Lesson, port: int) -> None:
        log = Path(self._logs.name) / f"{lesson.stem}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(lesson, port),
                cwd=lesson.folder,
                env=environment(lesson),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes[lesson.stem] = process
        end = time.monotonic() + PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end:
                self.stop(lesson.stem)
                text = log.read_text(encoding="utf-8", errors="replace")
                raise DidNotStart("The app printed this and did not start:", text)
            time.sleep(0.05)


def _answers(port: int) -> bool:
    """Say whether there is an answer of any kind: the port alone is open before the app is."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request("HEAD", "/")
        return bool(connection.getresponse().status)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a process with its children (its process group, where there are such)."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
