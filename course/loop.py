"""The learner's loop: check the app, now or at every save, and ask for a hint."""

import json
import sys

import click

from course import workspace
from course.check import Checker
from course.learner import LESSON, as_one_sentence, show_difference
from course.lessons import Lesson
from course.page import YOUR_TURN
from course.progress import next_hint, progress, reach
from course.verdict import at_work, compared, place, text


@click.command()
@LESSON
@click.option("--step", type=int, help="Check the steps up to this one.")
@click.option("--seed", type=int, help="Take the same random books as in an earlier check.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(lesson: Lesson, step: int | None, seed: int | None, as_json: bool) -> None:
    """Check your app of a lesson, up to the first step that does not stand."""
    with as_one_sentence():
        if step is not None:
            workspace.check_step(lesson, step)
        workspace.check_begun(lesson)
        until = YOUR_TURN if step is None else step
        with Checker(lesson) as checker:
            verdict = checker.check(workspace.mine(lesson), f"my/{lesson.stem}", until, seed)
    if as_json:
        click.echo(json.dumps(verdict.as_json(lesson), indent=2))
    else:
        reached = until if verdict.step is None and until != YOUR_TURN else verdict.step
        click.echo(text(lesson, verdict, until, reach(lesson, reached).fell_from))
    sys.exit(verdict.step is not None)


@click.command()
@LESSON
def hint(lesson: Lesson) -> None:
    """Show the next hint for the step that does not stand."""
    with as_one_sentence():
        workspace.check_begun(lesson)
    show_hint(lesson, progress(lesson).step)


@click.command()
@LESSON
def watch(lesson: Lesson) -> None:
    """Check your app of a lesson at every save."""
    from course.watch import watch

    def page(_, step: int | None) -> None:
        section = lesson.page.section(at_work(step or YOUR_TURN, reach(lesson, step).fell_from))
        click.echo(f"{section.title}\n\n{lesson.page.without_hints(section.title)}")

    def difference(_, step: int | None) -> None:
        try:
            show_difference(lesson, compared(lesson, step, reach(lesson, step).fell_from))
        except click.ClickException as error:
            click.echo(error.message)

    with as_one_sentence():
        workspace.check_begun(lesson)
    watch(
        lesson,
        {
            "h": ("hint", show_hint),
            "p": ("page", page),
            "d": ("difference", difference),
        },
    )


def show_hint(lesson: Lesson, step: int | None) -> None:
    """Print the next hint for a step; after the last, the way on."""
    if step is None:
        click.echo("All tests of this lesson pass. What is next: make next")
        return
    step = at_work(step, reach(lesson, step).fell_from)
    hints = lesson.page.hints(step)
    number = next_hint(lesson, step, len(hints))
    if number is not None:
        found = hints[number]
        click.echo(click.style(f"Hint {number + 1} of {len(hints)}: {found.about}", bold=True))
        click.echo(found.text)
    elif step == YOUR_TURN:
        click.echo(f"There is no further hint. The tasks: {place(lesson, step)}")
    else:
        listing = f"make solution N={lesson.number} STEP={step}"
        click.echo(f"There is no further hint. The listing: {listing}")


COMMANDS = [check, watch, hint]
