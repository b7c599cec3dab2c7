"""Run a lesson's tests on any folder that holds an app, and collect what they said."""

import contextlib
import io
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from course.lessons import Lesson, find_lesson


@dataclass(frozen=True)
class Verdict:
    """What one test said of the app: its name, its step, and on failure the learner's words:
    the test's docstring, the error, and what the app printed and logged.
    """

    test: str
    step: int
    passed: bool
    words: str = ""


class _Collector:
    """A pytest plugin that keeps the verdicts."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.errors: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "call" or report.failed:
            captured = [text for _, text in report.sections]
            words = (
                [item.obj.__doc__ or "", call.excinfo.exconly(), *captured] if report.failed else []
            )
            step = item.get_closest_marker("step").args[0]
            self.verdicts.append(Verdict(item.originalname, step, report.passed, "\n".join(words)))
        return report

    def pytest_collectreport(self, report):
        if report.failed:
            self.errors.append(str(report.longrepr))


def check(
    lesson: Lesson, folder: Path, step: int | None = None, test: str | None = None
) -> list[Verdict]:
    """Run the lesson's tests on an app, in this process.

    Args:
        lesson: whose tests are run.
        folder: the app to check.
        step: run the tests of the steps up to this one; None for all.
        test: run only the tests of this name.

    Raises:
        RuntimeError: if pytest could not collect the tests.
    """
    collector = _Collector()
    arguments = [str(lesson.tests), "--app", str(folder), "-q", "-p", "no:cacheprovider"]
    arguments += ["--step", str(step)] if step is not None else []
    arguments += ["-k", test] if test else []
    sys.dont_write_bytecode = True  # two saves within a second would run the old code
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(arguments, plugins=[collector])
    if collector.errors or not collector.verdicts:
        raise RuntimeError("\n".join([f"No test of {lesson.tests.name} ran.", *collector.errors]))
    return collector.verdicts


def main(number: str, folder: str, answer: str) -> None:
    """Check an app, and write the verdicts to a file as JSON."""
    verdicts = check(find_lesson(number), Path(folder))
    Path(answer).write_text(json.dumps([asdict(each) for each in verdicts]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
