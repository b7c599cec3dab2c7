"""The process that runs a lesson's tests: `python -m course.runner NUMBER PATIENCE`.

It imports what the lesson needs and collects the tests once. Then it forks, and the child
waits for a request, a line of JSON on standard input, runs the tests on that app up to the
first failure, and answers in lines of JSON on standard output. Where nothing can fork, on
Windows, the process itself is that child, and ends after one request.
"""

import ast
import builtins
import contextlib
import difflib
import faulthandler
import gc
import importlib
import json
import os
import random
import re
import signal
import sys
import time
import traceback
import warnings
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import pytest
from jinja2 import TemplateNotFound
from werkzeug.routing import Map

from course import limits
from course.evidence import Recorder
from course.lessons import Lesson, find_lesson
from course.replay import app_files

MOST = 4_000  # characters that are kept of an error, and of what an app printed
NO_REQUEST = 77  # exit status of a child that is no longer needed


class Runner:
    """A pytest plugin: collects, then runs the tests whenever it is asked to.

    Args:
        lesson: whose tests they are.
        requests: where requests are read.
        answers: where answers are written.
    """

    def __init__(self, lesson: Lesson, requests: IO[str], answers: IO[str]) -> None:
        self._lesson, self._requests, self._answers = lesson, requests, answers
        self._recorder = Recorder(lesson.port)
        self._broken: list[str] = []
        self._failure: dict[str, Any] | None = None
        self._folder, self._shown = Path(), ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._broken.append(str(report.longrepr))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_step)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        if self._broken:
            self._say(broken="\n".join(self._broken))
            return True
        _import_what_the_lesson_imports(self._lesson.folder)
        self._recorder.install()
        self._warm_up(session)
        if hasattr(os, "fork"):
            self._fork_for_each_request()
        request = self._requests.readline()
        if not request:
            os._exit(NO_REQUEST)
        self._run(session, **json.loads(request))
        os._exit(0)  # no fixture of a wider scope has anything to tidy that outlives this

    def _warm_up(self, session: pytest.Session) -> None:
        """Test the finished app a little, so that no child does what needs doing only once.

        A database server is started by the first test that needs it, and so here.
        """
        session.config.option.app = str(self._lesson.folder)
        servers = [test for test in session.items if test.get_closest_marker("server")]
        for test in [*session.items[:3], *servers[:1]]:
            test.config.hook.pytest_runtest_protocol(item=test, nextitem=session)
            test._report_sections.clear()  # what the finished app printed is not the learner's
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").is_relative_to(self._lesson.folder):
                del sys.modules[name]
        self._failure = None

    def _fork_for_each_request(self) -> None:
        """Return in a child; in the parent, wait for it, tidy up behind it, and fork the next."""
        gc.freeze()  # no child shall look through what the parent imported, and so copy it
        while child := os.fork():
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if status == NO_REQUEST:
                os._exit(0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what the app started and left behind
            self._say(ended=status)
        os.setpgid(0, 0)

    def _run(
        self, session: pytest.Session, folder: str, shown: str, step: int, seed: int | None
    ) -> None:
        self._folder, self._shown = Path(folder), shown
        self._recorder.folder = self._folder
        session.config.option.app = folder
        session.config.option.seed = random.randrange(10_000) if seed is None else seed
        with (self._folder.parent / "stacks.txt").open("w", encoding="utf-8") as stacks:
            limits.impose(self._folder)
            items, fires = [item for item in session.items if _step(item) <= step], 0.0
            steps = {0, *map(_step, items)}
            for item, following in zip_longest(items, items[1:]):
                test = {"test": item.originalname, "step": _step(item)}
                test["stands"] = max(each for each in steps if each < _step(item))
                asked = " ".join((item.obj.__doc__ or "").split())
                seed = session.config.option.seed
                patience = limits.SLOW if item.get_closest_marker("slow") else limits.PATIENCE
                patience *= session.config.option.patience
                end = time.monotonic() + patience
                _end_in(patience, stacks)
                self._say(process=os.getpid(), patience=patience, seed=seed, asked=asked, **test)
                self._recorder.clear()
                if not end <= fires <= end + 1:  # arming starts a thread, which takes its time
                    fires = end + 1  # for a hang in C, and where no timer can interrupt
                    faulthandler.dump_traceback_later(patience + 1, exit=True, file=stacks)
                following = following or session  # whose fixtures, a database server, stay
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self._failure:
                    break
            _end_in(0, stacks)
            faulthandler.cancel_dump_traceback_later()
        self._say(passed=self._failure is None, tests=len(items), **(self._failure or {}))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        if call.excinfo:
            limits.lift_memory_limit()
        report = yield
        if report.failed and self._failure is None:
            printed = "\n".join(text for title, text in report.sections if "Captured" in title)
            error, told = call.excinfo.value, call.excinfo.exconly()
            told = re.sub(r"(\w+\.<locals>\.)+", "", told)  # leaves `timed_app` of `timed.…`
            if "Did you mean" not in told:  # from Python 3.12 on, some errors say it themselves
                told += _meant(error, self._folder)
            evidence = self._recorder.collect("app" in item.fixturenames)
            missed = evidence["response"].startswith("HTTP/1.1 404") or "NotFound:" in told
            if missed and "404" not in (item.obj.__doc__ or ""):
                evidence["rules"] = _rules(item.funcargs.get("app"))
            self._failure = {
                "error": self._cut(told),
                "frames": _frames(error, self._folder),
                "printed": self._cut(_own_frames(printed, self._folder)[-MOST:]),
                "shelf": _shelf(getattr(item, "shelf", {})),
                "evidence": evidence,
            }
        return report

    def _cut(self, text: str) -> str:
        return text.replace(str(self._folder), self._shown)[:MOST]

    def _say(self, **answer: object) -> None:
        print(json.dumps(answer), file=self._answers, flush=True)


def _end_in(seconds: int, stacks: IO[str]) -> None:
    """Write the stacks down and end this process in so many seconds; 0 for never.

    Python's own handler sees whole frames; faulthandler's thread reads them while they change,
    and may find none. Windows has no such timer.
    """

    def end(*_: object) -> None:
        stacks.write("Timeout\n")
        stacks.flush()
        faulthandler.dump_traceback(stacks)
        os._exit(1)

    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _step(item: pytest.Item) -> int:
    return item.get_closest_marker("step").args[0]


def _shelf(books: dict) -> str:
    with contextlib.suppress(Exception):  # an app may have put anything there
        return ", ".join(f"{number} {book['title']}" for number, book in books.items())
    return ""


def _rules(app: object) -> list[str]:
    """Return the addresses that an app answers, each with its methods and its endpoint."""
    found = []
    with contextlib.suppress(Exception):  # an app may be anything
        module = vars(sys.modules["app"]).values()  # in lesson 3, the map stands there at first
        maps = [each for each in [getattr(app, "url_map", None), *module] if isinstance(each, Map)]
        for rule in maps[0].iter_rules():
            if rule.endpoint != "static":
                methods = ", ".join(sorted((rule.methods or {"any"}) - {"HEAD", "OPTIONS"}))
                found.append(f"{methods} {rule.rule}  ({rule.endpoint})")
    return found


def _frames(error: BaseException, folder: Path) -> list[dict[str, Any]]:
    """Return where an error passed through an app's own files, the innermost last."""
    found = []
    while error and not found:
        for frame in traceback.extract_tb(error.__traceback__):
            path = Path(frame.filename)
            if path.is_relative_to(folder):
                place = {"file": path.relative_to(folder).as_posix(), "line": frame.lineno}
                found.append(place | {"function": frame.name, "source": frame.line})
        error = error.__cause__ or error.__context__
    return found


def _meant(error: BaseException, folder: Path) -> str:
    """Return a remark on the name or file that was meant, if one is known that is nearly so."""
    if elsewhere := _elsewhere(error, folder):
        return f"\nThere is `{elsewhere}`: is that its name and its place?"
    name, known = getattr(error, "name", None), []
    with contextlib.suppress(Exception):  # an app may have put anything there
        match error:
            case ModuleNotFoundError():
                known = [path.stem for path in folder.rglob("*.py")]
            case TemplateNotFound():
                known = [path.name for path in folder.rglob("*.html")]
            case ImportError():
                name = re.search(r"cannot import name '(\w+)'", str(error))[1]
                known = dir(sys.modules[error.name])
            case AttributeError():
                known = dir(error.obj)
            case NameError():
                *_, (frame, _) = traceback.walk_tb(error.__traceback__)
                known = {*frame.f_locals, *frame.f_globals, *dir(builtins)}
        others = [each for each in known if each.casefold() == name.casefold()]
        [meant] = others[:1] or difflib.get_close_matches(name, known, 1, 0.8)
        if meant != name:
            return f". Did you mean {meant!r}?"
    return ""


def _elsewhere(error: BaseException, folder: Path) -> str:
    """Return the file that an error misses, if it lies in another folder, or in other letters."""
    match error:
        case ModuleNotFoundError(name=str(name)):
            name = name.rpartition(".")[2] + ".py"
        case TemplateNotFound(name=str(name)) | FileNotFoundError(filename=str(name)):
            name = Path(name).name
        case _:
            return ""
    found = [path for path in app_files(folder) if path.name.casefold() == name.casefold()]
    return str(found[0]) if len(found) == 1 else ""


def _own_frames(printed: str, folder: Path) -> str:
    """Leave out of the tracebacks in a text what is not in the app's own files."""
    others = rf'^( *)File "(?!{re.escape(str(folder))}).*\n(?:\1 +.*\n)*'
    return re.sub(others, "", printed, flags=re.MULTILINE)


def _import_what_the_lesson_imports(folder: Path) -> None:
    """Import what the finished app imports from elsewhere, so that no child has to."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if not any(folder.rglob(f"{name.partition('.')[0]}*")):
                    with contextlib.suppress(ImportError), warnings.catch_warnings(action="ignore"):
                        importlib.import_module(name)


def main(number: str, patience: str) -> None:
    """Collect a lesson's tests, and run them for each request until there are no more.

    Args:
        number: the lesson's.
        patience: how many times longer than usual a test may take.
    """
    lesson = find_lesson(number)
    streams = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # pytest's own words
    arguments = [str(lesson.tests), "-vv", "--rootdir", str(lesson.root)]
    arguments += ["-p", "no:cacheprovider", "-p", "no:terminalreporter", "--patience", patience]
    pytest.main(arguments, plugins=[Runner(lesson, *streams)])


if __name__ == "__main__":
    main(*sys.argv[1:])
