"""What a lesson's tests say of an app, and how a learner reads it."""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import click

from course.lessons import Lesson
from course.page import YOUR_TURN
from course.translations import Translation, translate

WIDTH = 96  # columns
LABEL = 10  # columns
LINE, LINES = 400, 16  # most characters of a line, and lines, of an error
_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ASSERTED = re.compile(  # with and without a comparison that has a meaning for all
    rf"^assert (?:(?P<left>(?P<text>{_TEXT})|.+?) (?P<operator>==|in|not in) (?P<right>.+)|.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Verdict:
    """What the tests say.

    Where all pass, `step` is None and `tests` is how many there were. Otherwise `step` is
    the first that does not stand (YOUR_TURN for a task), `stands` the last step with tests
    before it (0 if there is none), and the rest is about the first test that failed: what it
    asked for, the error, the frames of the app's own files (file, line, function, source), what
    was printed, what the files show by themselves (see `course.remarks`), the books on the
    test's shelf, and the evidence (see `course.evidence.Evidence`; empty if the app did not let
    the test end).
    `seed` repeats the run with the same random books.
    """

    step: int | None
    tests: int = 0
    stands: int = 0
    test: str = ""
    asked: str = ""
    error: str = ""
    frames: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""
    remarks: list[str] = field(default_factory=list)
    shelf: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    def translation(self, lesson: Lesson) -> Translation | None:
        """Return what the error means, if it is one that stops many people."""
        lines = "\n".join(frame["source"] for frame in self.frames)
        response = self.evidence.get("response", "")
        texts = self.error, lines, self.printed, response
        return translate(lesson, f"my/{lesson.stem}", *texts)

    @property
    def on_import(self) -> bool:
        """Whether the error came while a file was read, before the test could ask anything."""
        if re.search("^(Syntax|Indentation|Tab)Error: ", self.error, re.MULTILINE):
            return True
        return bool(self.frames) and self.frames[-1]["function"] == "<module>"

    def as_json(self, lesson: Lesson) -> dict[str, Any]:
        """Return all of it for programs."""
        translation = self.translation(lesson)
        means = {"means": asdict(translation) if translation else None}
        return {"lesson": lesson.stem, **asdict(self), **means}


def text(
    lesson: Lesson, verdict: Verdict, until: int = YOUR_TURN, fell_from: int | None = None
) -> str:
    """Return the verdict as a learner reads it, with colours.

    Args:
        lesson: whose tests were run.
        verdict: what they said.
        until: the last step whose tests were run.
        fell_from: the step that an earlier check has reached, if this one stops before it.
    """
    return "\n".join(_lines(lesson, verdict, until, fell_from))


def standing(lesson: Lesson, step: int | None) -> str:
    """Return how far an app is, of which this is the first step that does not stand."""
    steps = lesson.page.steps
    if step is None:
        return f"all {steps} steps stand, and “Your turn” too"
    if step == YOUR_TURN:
        return f"all {steps} steps stand, “Your turn” does not yet"
    return f"step {step} (of {steps}) does not stand yet"


def at_work(step: int, fell_from: int | None) -> int:
    """Return the step that is being worked on: a slip in it may break an earlier one.

    Args:
        step: the first that does not stand.
        fell_from: the step that an earlier check has reached, if this one stops before it.
    """
    return fell_from if fell_from and fell_from != YOUR_TURN else step


def compared(lesson: Lesson, step: int | None, fell_from: int | None) -> int | None:
    """Return the step of the page with which an app is best compared, None for the finished app.

    Args:
        lesson: whose app it is.
        step: the first step that does not stand, None if all do.
        fell_from: the step that an earlier check has reached, if this one stops before it.
    """
    if step in (None, YOUR_TURN):
        return None
    return min(fell_from or step, lesson.page.steps)


def place(lesson: Lesson, step: int) -> str:
    """Return where the page speaks of a step: file and line, which many terminals link to."""
    section = lesson.page.section(step)
    return f"{lesson.page.name}:{section.line}, “{section.title}”"


def _lines(lesson: Lesson, verdict: Verdict, until: int, fell_from: int | None) -> Iterator[str]:
    if verdict.step is None:
        yield click.style(_praise(lesson, verdict, until), fg="green", bold=True)
        return
    yield _headline(lesson, verdict.step, fell_from) + "\n"
    evidence = verdict.evidence
    if not (fell_from and verdict.on_import):
        yield from _block("Asked", verdict.asked, wrap=True)
        yield from _block("Page", place(lesson, verdict.step))
    if fell_from:
        yield from _block("You were", f"at {place(lesson, fell_from)}")
    if evidence.get("request"):
        yield from _block("Request", evidence["request"])
        yield from _block("Response", evidence["response"] or "none")
    if evidence.get("template"):
        given = [f"{name} = {value}" for name, value in evidence["variables"].items()]
        yield from _block("Template", "\n".join([evidence["template"], *given]))
    yield from _block("SQL", "\n".join(evidence.get("statements", [])))
    yield from _block("Rules", "\n".join(evidence.get("rules", [])))
    yield from _block(*_error(verdict.error))
    for frame in verdict.frames[-4:]:
        where = f"my/{lesson.stem}/{frame['file']}:{frame['line']}, in {frame['function']}"
        yield from _block("At", f"{where}\n    {frame['source']}")
    yield from _block("Printed", _last_lines(verdict.printed))
    for remark in verdict.remarks:
        yield from _block("Look", remark, wrap=True)
    if translation := verdict.translation(lesson):
        yield from _block("Means", translation.cause, wrap=True)
        yield from _block("To do", translation.cure, wrap=True)
    yield from _block("Repeat", curl := evidence.get("curl", ""))
    if curl and not _is_served(lesson, verdict.step):
        yield from _block("", f"For that, serve your app: make lesson N={lesson.number} MINE=1")
    if "csrf_token" in curl:
        remark = (
            "Your server may refuse this token, the test's own: then send the form in a browser."
        )
        yield from _block("", remark, wrap=True)
    if curl and verdict.shelf:
        remark = (
            f"The test had books of its own, {verdict.shelf}: ask your server for one of yours."
        )
        yield from _block("", remark, wrap=True)
    yield ""
    more = [f"hint: make hint N={lesson.number}"]
    if step := compared(lesson, verdict.step, fell_from):
        more += [f"compare with the page: make diff N={lesson.number} STEP={step}"]
    if verdict.shelf:
        more += [f"the same books again: make check N={lesson.number} SEED={verdict.seed}"]
    yield click.style("  ·  ".join(more), dim=True)


def _is_served(lesson: Lesson, step: int) -> bool:
    """Say whether the page has had the app served at the lesson's port, up to a step."""
    fences = [fence for fence in lesson.page.fences if str(lesson.port) in fence.text]
    return any((fence.section.step or 0) <= step for fence in fences)


def _headline(lesson: Lesson, step: int, fell_from: int | None) -> str:
    headline, good = f"Lesson {lesson.number}: {standing(lesson, step)}.", ""
    if fell_from:
        at = "“Your turn”" if fell_from == YOUR_TURN else f"step {fell_from}"
        headline = headline.replace(" yet", " any more")
        headline += f" You have been at {at}: look at what you changed last"
        headline += " (unless the page asks for this mistake)."
    elif 1 < step < YOUR_TURN:
        good = " Those before it do."
    return click.style(headline, fg="red", bold=True) + click.style(good, fg="green")


def _praise(lesson: Lesson, verdict: Verdict, until: int) -> str:
    if until == YOUR_TURN:
        return f"Lesson {lesson.number}: {standing(lesson, None)} ({verdict.tests} tests)."
    if verdict.tests:
        return f"Lesson {lesson.number}: the steps up to {until} stand ({verdict.tests} tests)."
    return f"The page's steps up to {until} leave nothing to check."


def _error(error: str) -> tuple[str, str]:
    """Return a label and the error; where a test compared, what it compared."""
    words = error.removeprefix("AssertionError: ")
    label, lines = "Error", words.splitlines()
    if words != error and (failed := _ASSERTED.search(words)):
        label, lines = _compared(words, failed)
    lines = [line if len(line) <= LINE else f"{line[:LINE]}…" for line in lines]
    if len(lines) > LINES:
        lines[LINES:] = [f"… and {len(lines) - LINES} lines more"]
    return label, "\n".join(lines)


def _compared(words: str, failed: re.Match[str]) -> tuple[str, list[str]]:
    """Return a label, and in plain words what pytest tells of an `assert` that failed."""
    told = words[: failed.start()].splitlines()
    if failed["operator"] == "==":
        below = words[failed.end() :].splitlines()
        differs = [line.removeprefix("  ") for line in below if re.match("  [-+?] ", line)]
        differs = differs or [f"- {failed['right']}", f"+ {failed['left']}"]
        if failed["right"].endswith(r"\n'") and not failed["left"].endswith(r"\n'"):
            differs += ["What came has no line break at its end."]
        elif re.search(r"^- (.*?) *\n(\?.*\n)?\+ \1 *$", "\n".join(differs), re.MULTILINE):
            differs += ["Two lines that look alike: one has a line break or a space at its end."]
        return "Differs", [*told, "(-) what must come, (+) what came:", *differs]
    if told:
        return "Error", told
    if failed["text"] and failed["right"][0] not in "([{":
        must = {"in": "must", "not in": "must not"}[failed["operator"]]
        text = ast.literal_eval(failed["text"])  # pytest writes ë as \xeb
        return "Differs", [f"This {must} be in what came:", *text.splitlines()]
    return "Error", [failed[0]]


def _last_lines(printed: str) -> str:
    lines = printed.strip().splitlines()
    if len(lines) > LINES:
        lines[:-LINES] = [f"… {len(lines) - LINES} lines more, and then"]
    return "\n".join(lines)


def _block(label: str, content: str, wrap: bool = False) -> Iterator[str]:
    """Yield a label and what belongs to it, indented; nothing if there is nothing."""
    if not content:
        return
    lines = (
        textwrap.wrap(content, WIDTH - LABEL, break_on_hyphens=False)
        if wrap
        else content.splitlines()
    )
    for number, line in enumerate(lines):
        head = click.style(f"{label if number == 0 else '':{LABEL}}", fg="cyan")
        yield (head + line).rstrip()
