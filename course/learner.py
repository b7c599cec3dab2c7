"""The commands with which a learner builds an app of their own in `my/`."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from itertools import islice, pairwise
from pathlib import Path

import click

from course import workspace
from course.check import TestsBroken
from course.lessons import Lesson, UnknownLesson, all_lessons, find_lesson
from course.page import YOUR_TURN
from course.progress import Progress, forget, progress, reach
from course.replay import app_files
from course.verdict import place, standing

STEP = click.option("--step", type=int, default=1, help="Begin at this step of the page.")
FROM_MINE = click.option("--from-mine", is_flag=True, help="Build on your own earlier app.")


class LessonNumber(click.ParamType):
    """A lesson's number as an argument, read into the lesson."""

    name = "lesson"

    def convert(self, value, param, ctx) -> Lesson:
        try:
            return value if isinstance(value, Lesson) else find_lesson(value, command=ctx.info_name)
        except UnknownLesson as error:
            raise click.ClickException(str(error)) from None


LESSON = click.argument("lesson", type=LessonNumber(), default="")


@click.command()
@LESSON
@STEP
@FROM_MINE
def begin(lesson: Lesson, step: int, from_mine: bool) -> None:
    """Make the folder for your app of a lesson."""
    with as_one_sentence():
        folder = workspace.begin(lesson, step, from_mine)
        forget(lesson, step)
    click.echo(f"{_short(lesson, folder)} is ready for step {step} of docs/{lesson.stem}.md.")
    click.echo("Leave out the page's commands that make the folder and copy files: that is done.")
    click.echo(f"Work there. Then, here in the course's folder, type: {_check(lesson)}")


@click.command()
@LESSON
@STEP
@FROM_MINE
def reset(lesson: Lesson, step: int, from_mine: bool) -> None:
    """Start a lesson's app over; the old one is kept."""
    with as_one_sentence():
        snapshot = workspace.reset(lesson, step, from_mine)
        forget(lesson, step)
    click.echo(f"my/{lesson.stem} is ready for step {step} of docs/{lesson.stem}.md.")
    kept = _short(lesson, snapshot)
    click.echo(f"Your old app is in {kept}. To get it back: make undo N={lesson.number}")


@click.command()
@LESSON
def undo(lesson: Lesson) -> None:
    """Bring back what the last reset (or undo) put away."""
    with as_one_sentence():
        snapshot = workspace.undo(lesson)
        forget(lesson)
    click.echo(f"my/{lesson.stem} is as it was before.")
    if snapshot:
        kept = _short(lesson, snapshot)
        click.echo(f"What was there is in {kept}. To change back: make undo N={lesson.number}")


@click.command()
@LESSON
@click.option("--step", type=int, help="The step whose listings are shown.")
def solution(lesson: Lesson, step: int | None) -> None:
    """Show the listings of a step."""
    if step is None:
        way = f"make solution N={lesson.number} STEP=1"
        raise click.ClickException(f"Say which step, for example `{way}`.")
    with as_one_sentence():
        workspace.check_step(lesson, step)
    fences = [f for f in lesson.page.fences if f.is_listing and f.section.step == step]
    if not fences:
        click.echo(f"Step {step} of docs/{lesson.stem}.md changes no file.")
    for fence in fences:
        how = f", {fence.how}" if fence.how else ""
        where = f"docs/{lesson.stem}.md, line {fence.line}"
        click.echo(click.style(f"{fence.path}{how}  ({where})", bold=True))
        click.echo(fence.text)


@click.command()
@LESSON
@click.option("--step", type=int, help="Compare with what the page makes up to this step.")
@click.option("--lessons", is_flag=True, help="Compare with the lesson before, not with yours.")
def diff(lesson: Lesson, step: int | None, lessons: bool) -> None:
    """Show how your app differs from the finished one."""
    if not lessons:
        show_difference(lesson, step)
        return
    earlier = [each for each in all_lessons(lesson.root) if each.number < lesson.number]
    if not earlier:
        raise click.ClickException("There is no lesson before the first.")
    names = "(-) the lesson before, (+) this"
    _print_difference(names, _difference(lesson.root, earlier[-1].folder, lesson.folder))


def show_difference(lesson: Lesson, step: int | None) -> None:
    """Print how the learner's app differs from what the page makes up to a step.

    Args:
        lesson: whose app it is.
        step: the step; None for the finished app, with what “Your turn” adds.
    """
    after = f"the page after step {step}; what later steps or “Your turn” add may stay"
    names = f"(-) yours, (+) {after if step else 'the finished app'}"
    with as_one_sentence(), ExitStack() as stack:
        workspace.check_begun(lesson)
        page = lesson.folder
        if step is not None:
            workspace.check_step(lesson, step)
            page = stack.enter_context(workspace.page_app(lesson, step))
        lines = list(_difference(lesson.root, workspace.mine(lesson), page))
    _print_difference(names, lines)


def _print_difference(names: str, lines: Iterable[str]) -> None:
    found = list(lines)
    for line in [names, *found] if found else ["No difference."]:
        colour = {"+": "green", "-": "red", " ": None}.get(line[0], "cyan")
        click.echo(click.style(line, fg=colour))


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_lessons(as_json: bool) -> None:
    """List the lessons, and the first step of each whose tests fail."""
    found = [(lesson, progress(lesson)) for lesson in all_lessons()]
    if as_json:
        rows = [{"lesson": lesson.stem, **asdict(each)} for lesson, each in found]
        click.echo(json.dumps(rows, indent=2))
        return
    for lesson, each in found:
        colour = "green" if each.begun and each.step is None else "yellow" if each.begun else None
        click.echo(f"{lesson.page.title:58} " + click.style(_state(lesson, each), fg=colour))


@click.command("next")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def what_is_next(as_json: bool) -> None:
    """Say where you are, and what to type next."""
    for lesson, following in pairwise([*all_lessons(), None]):
        each = progress(lesson)
        went_on = each.step == YOUR_TURN and following and workspace.mine(following).is_dir()
        if not each.begun or (each.step is not None and not went_on):
            break
    else:
        lesson, each = None, None
    if as_json:
        click.echo(json.dumps(lesson and {"lesson": lesson.stem, **asdict(each)}, indent=2))
    elif not lesson:
        click.echo("You have done every lesson and every task.")
    elif not each.begun:
        click.echo(f"Lesson {lesson.page.title} is next. Its page: docs/{lesson.stem}.md")
        click.echo(f"Type: make begin N={lesson.number}")
    else:
        fell, came_from = reach(lesson, each.step)
        click.echo(f"Lesson {lesson.page.title}. In my/{lesson.stem}, {_state(lesson, each)}.")
        here, first = place(lesson, each.step), (came_from or each.stands) + 1
        if fell:
            were = "" if fell == each.step else f" You were at {place(lesson, fell)}."
            click.echo(f"What you changed last has broken {here}.{were}")
            click.echo("(If the page asks for this mistake, go on.)")
        elif first == 1:
            click.echo(f"Read {lesson.page.name} from the top through {here}.")
        elif first < min(each.step, lesson.page.steps + 1):
            click.echo(f"Read on from {place(lesson, first)} through {here}.")
        else:
            click.echo(f"Read on at {here}.")
        click.echo(f"What is missing: {each.words}")
        click.echo(f"Then, here in the course's folder, type: {_check(lesson)}")
        if each.step == YOUR_TURN and following:
            click.echo(f"Or leave “Your turn” out, and go on: make begin N={following.number}")


def _check(lesson: Lesson) -> str:
    number = lesson.number
    return f"make check N={number} (or leave make watch N={number} running)"


def _state(lesson: Lesson, each: Progress) -> str:
    if not each.begun:
        return "not begun"
    if each.step is None:
        return "done"
    fell = reach(lesson, each.step).fell_from
    return standing(lesson, each.step).replace(" yet", " any more" if fell else " yet")


COMMANDS = [what_is_next, list_lessons, begin, reset, undo, solution, diff]


def _difference(root: Path, old: Path, new: Path) -> Iterator[str]:
    """Yield how two apps differ: a file, then lines of it, with numbers in the old app."""
    for path in sorted({f.relative_to(top) for top in (old, new) for f in app_files(top)}):
        shown = (old / path).relative_to(root).as_posix()
        if not (new / path).exists():
            yield f"- {shown}, the whole file"
        elif not (old / path).exists():
            yield f"{shown}, a new file"
            yield from (
                f"+{line}" for line in (new / path).read_text("utf-8", "replace").splitlines()
            )
        else:
            numbered = [_lines_that_count(top / path) for top in (old, new)]
            texts = [[text for _, text in lines] for lines in numbered]
            for line in islice(difflib.unified_diff(*texts, n=2, lineterm=""), 2, None):
                if hunk := re.match(r"@@ -(\d+)", line):
                    at = iter(numbered[0][max(int(hunk[1]) - 1, 0) :])
                    yield shown
                else:
                    number = "" if line[0] == "+" else next(at)[0]
                    yield f"{line[0]}{number:>4}  {line[1:]}"


def _lines_that_count(path: Path) -> list[tuple[int, str]]:
    """Return a file's lines with their numbers, without blank ones and dates in Python files."""
    lines = enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
    if path.suffix != ".py":
        return list(lines)
    return [(n, line) for n, line in lines if line.strip() and not line.startswith("Create Date:")]


def _short(lesson: Lesson, path: Path) -> str:
    return str(path.relative_to(lesson.root))


@contextmanager
def as_one_sentence() -> Iterator[None]:
    """Turn what cannot be done into one sentence and exit status 1."""
    try:
        yield
    except (workspace.WorkspaceError, TestsBroken) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        reason = f"{error.strerror} ({error.filename})"
        raise click.ClickException(f"Nothing was changed: {reason}.") from None
