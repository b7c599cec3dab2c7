"""Follow a page to the letter: type its commands, write its listings, compare the output.

The commands run in one bash, in a folder that looks like a fresh clone. A command that
serves runs beside it, as in a second terminal, until the next one starts on its port.
Ports are moved to free ones and moved back in what is compared, so that a reader's own
server is in nobody's way.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.lessons import Lesson
from course.page import Fence, Page
from course.replay import ReplayError, apply
from proofs.finding import Finding

PATIENCE = 60  # seconds that a command may take
_SERVES = re.compile(
    r"(flask .*\brun\b|make (start|lesson)|python (serve\w*\.py|app\.py|-m http\.server)).*"
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_PORT = re.compile(r"\b80\d\d\b")
_PORTS = iter(random.sample(range(8100, 9900), 1800))  # none twice: two walks go on at once


@dataclass(frozen=True)
class Command:
    """A command of a console fence: what is typed into it, and the output that is shown."""

    line: int
    text: str
    typed: str
    shown: str


def commands(fence: Fence) -> list[Command]:
    """Return the commands of a `shell` or `console` fence, in order.

    In a console fence a command stands behind `$ `, goes on over lines that end in a
    backslash, and is followed by its output; lines behind `>>> ` are typed into it. A
    fence with no command at all shows what the server says; its command is empty.
    """
    if fence.language == "shell":
        lines = fence.text.splitlines()
        return [Command(fence.line + i, text, "", "") for i, text in enumerate(lines) if text]
    found, open_command = [], False
    entries: list[tuple[int, list[str], list[str], list[str]]] = []
    for number, text in enumerate(fence.text.splitlines(), fence.line):
        if text.startswith("$ ") or open_command or not entries:
            if not open_command:
                entries.append((number, [], [], []))
            is_command = text.startswith("$ ") or open_command
            entries[-1][1 if is_command else 3].append(text.removeprefix("$ "))
            open_command = is_command and text.endswith("\\")
        elif re.match(r"(>>>|\.\.\.) ", text) or text == ">>>":
            entries[-1][2].append(text[4:])
        elif text == "..." and entries[-1][2] and entries[-1][2][-1][:1] in (" ", ""):
            entries[-1][2].append("")
        else:
            entries[-1][3].append(text)
    for line, command, typed, shown in entries:
        found.append(Command(line, "\n".join(command), "\n".join(typed), "\n".join(shown)))
    return found


def matches(shown: str, output: str) -> bool:
    """Compare a transcript with real output.

    `...` in the transcript stands for any text in its line, and for any number of lines
    where it stands alone. Spaces at the ends of lines do not count.
    """
    pattern = ""
    for line in shown.rstrip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.rstrip().split("..."))) + r"[ ]*\n"
    text = "".join(line.rstrip() + "\n" for line in output.rstrip().splitlines())
    return re.fullmatch(pattern, text) is not None


class Walk:
    """One reader's way along one page.

    Args:
        lesson: the lesson whose page is followed.
        root: a folder for the walk; what a clone holds is linked into it.
    """

    def __init__(self, lesson: Lesson, root: Path) -> None:
        self.page: Page = lesson.page
        self.root = root
        self.ports: dict[str, str] = {}
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.server: subprocess.Popen[bytes] | None = None
        self.server_log = root / "server.log"
        self.seen = 0
        for entry in lesson.root.iterdir():
            if entry.name == "lessons":
                shutil.copytree(entry, root / entry.name)
            elif entry.name not in {"my", ".git"}:
                (root / entry.name).symlink_to(entry)
        (root / ".curlrc").write_text("no-progress-meter\n")  # a terminal shows none either
        self.bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=root,
            env=self._environment(lesson.root),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _environment(self, clone: Path) -> dict[str, str]:
        """Return what a terminal of the reader's has, with the virtual environment active."""
        kept = {
            k: v
            for k, v in os.environ.items()
            if not re.match("FLASK_|PYTEST|WERKZEUG|COURSE_|(PORT|CI|DATABASE_URL)$", k)
        }
        first = [str(clone / ".venv" / "bin"), str(clone / ".pipenv" / "bin")]
        return kept | {
            "PATH": os.pathsep.join([*first, kept["PATH"]]),
            "PYTHONUNBUFFERED": "1",
            # Two listings within a second, and Python would run the old bytecode.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHON_BASIC_REPL": "1",
            "CURL_HOME": str(self.root),
            "NO_COLOR": "1",
            "PIPENV_VERBOSITY": "-1",
            "PIPENV_IGNORE_VIRTUALENVS": "1",
        }

    def follow(self) -> Iterator[Finding]:
        """Do all that the page says, and yield each place where something else came out."""
        try:
            for fence in self.page.fences:
                if fence.is_listing:
                    yield from self._write(fence)
                elif fence.language in ("shell", "console"):
                    for command in commands(fence):
                        yield from self._do(command, fence)
                else:
                    expected = "a fence of a kind that is replayed or executed"
                    yield self._finding(fence, fence.line, expected, f"“{fence.language}”")
        finally:
            for server in self.servers.values():
                _stop(server)
            os.killpg(self.bash.pid, signal.SIGTERM)
            self.bash.wait()
            self.bash.stdin.close()

    def _write(self, fence: Fence) -> Iterator[Finding]:
        moved = Fence(**{**vars(fence), "text": self._move_ports(fence.text)})
        try:
            apply(moved, Path(self._run("pwd")[1].strip()))
        except ReplayError as error:
            yield self._finding(fence, fence.line, str(error), "a listing that cannot be followed")

    def _do(self, command: Command, fence: Fence) -> Iterator[Finding]:
        shown, status = command.shown, 0
        if not command.text:
            output = self._server_says(shown)
        elif _SERVES.fullmatch(command.text):
            self._start_server(command.text)
            output = self._server_says(shown)
        else:
            status, output = self._run(self._move_ports(command.text), command.typed)
        if command.typed or " -i " in command.text:
            output = re.sub(r"^(>>> |\.\.\. )+", "", output, flags=re.MULTILINE)
            output = output.replace("now exiting InteractiveConsole...", "")
        if fence.language == "shell":
            if status:
                yield self._finding(fence, command.line, f"`{command.text}` to succeed", output)
        elif not matches(shown, output):
            what = f"`{command.text}`" if command.text else "the server"
            yield self._finding(fence, command.line, f"{what} to print\n{shown}", output)

    def _finding(self, fence: Fence, line: int, expected: str, found: str) -> Finding:
        return Finding(self.page.name, fence.section.step, line, expected, found)

    def _run(self, command: str, typed: str = "") -> tuple[int, str]:
        """Type a command into the bash, and return its exit status and output."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in").write_text(self._move_ports(typed) + "\n", encoding="utf-8")
            self.bash.stdin.write(
                f"{{ {command}\n}} <{folder}/in >{folder}/out 2>&1\n"
                f"echo $? >{folder}/status.new; mv {folder}/status.new {folder}/status\n"
            )
            self.bash.stdin.flush()
            status = folder / "status"
            if not _wait_for(status.exists):
                return 1, f"no end after {PATIENCE} seconds"
            output = (folder / "out").read_text(encoding="utf-8", errors="replace")
            return int(status.read_text()), self._as_shown(output)

    def _start_server(self, command: str) -> None:
        """Start a command that serves, in the bash's present folder and environment."""
        named = _PORT.search(command)
        port = named[0] if named else "the port that a file names"
        if port in self.servers:
            _stop(self.servers.pop(port))
        command = self._move_ports(command)
        free = [int(port) for port in self.ports.values() if not _answers(int(port))]
        environment = dict(
            line.split("=", 1) for line in self._run("env -0")[1].split("\0") if "=" in line
        )
        self.seen = 0
        self.server_log = self.root / f"server-{len(self.servers)}.log"
        with self.server_log.open("wb") as log:
            self.server = self.servers[port] = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self._run("pwd")[1].strip(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if free:
            _wait_for(lambda: any(map(_answers, free)) or not self._serves())

    def _serves(self) -> bool:
        return self.server is not None and self.server.poll() is None

    def _server_says(self, shown: str) -> str:
        """Return what the server has printed since it was last asked, once it is what is shown."""

        def output() -> str:
            text = self.server_log.read_bytes()[self.seen :].decode("utf-8", "replace")
            return self._as_shown(text)

        _wait_for(lambda: matches(shown, output()) or not self._serves())
        text = output()
        self.seen = self.server_log.stat().st_size
        return text

    def _move_ports(self, text: str) -> str:
        """Replace each port of the course by a free one, the same each time."""
        return _PORT.sub(lambda match: self.ports.setdefault(match[0], _free_port()), text)

    def _as_shown(self, text: str) -> str:
        """Move the ports back, and take out colours, which a terminal does not show as text."""
        text = _COLOUR.sub("", text)
        for port, free in self.ports.items():
            text = text.replace(free, port)
        return text


def walk(lesson: Lesson) -> list[Finding]:
    """Follow a lesson's page in a fresh folder, and return what did not come out as it says."""
    with tempfile.TemporaryDirectory(prefix="walk-") as name:
        return list(Walk(lesson, Path(name).resolve()).follow())


def _stop(server: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(server.pid, signal.SIGTERM)
    server.wait()


def _wait_for(condition) -> bool:
    """Ask every few milliseconds until the condition holds or patience ends; say which."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> str:
    """Return a free port of four digits, so that lengths in transcripts stay true."""
    return next(str(port) for port in _PORTS if not _answers(port))
