"""The commands of the course, as `make`, `pipenv run` and the IDE call them."""

import os
import signal
import subprocess
import sys

import click

from course import learner, run_configurations
from course.environment import ROOT
from course.lessons import HOME_PORT, HOST, UnknownLesson, all_lessons, find_lesson
from course.serve import PortTaken, reserve, serve

NOTHING_TO_CHECK = 5  # pytest's exit status when it ran no test
PORT = click.option("--port", envvar="PORT", help="Another port than the usual one.")


def _port(text: str | None, usual: int) -> int:
    """Read a port as typed; empty is the usual one."""
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 1024 <= int(text) <= 65535):
        raise click.ClickException(f"PORT is a number from 1024 to 65535, and {text!r} is none.")
    return int(text)


@click.group()
def main() -> None:
    """Flask, layer by layer."""


@main.command()
@PORT
def start(port: str | None) -> None:
    """Open the course's home page."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from course.home import create_app
    from course.home.children import Children

    class QuietHandler(WSGIRequestHandler):
        def log_request(self, *_) -> None:
            """Keep the terminal to the address and how to stop."""

    number = _port(port, HOME_PORT)
    children = Children(number)
    app = create_app(children=children)
    stops = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]

    def leave(*_) -> None:
        """Leave once: a second Ctrl+C must not keep the children from being stopped."""
        for each in stops:
            signal.signal(each, signal.SIG_IGN)
        sys.exit()

    for each in stops:
        signal.signal(each, leave)
    try:
        reserve(number, "the course's home page")
        server = make_server(HOST, number, app, threaded=True, request_handler=QuietHandler)
        click.echo(f"The course is open at http://{HOST}:{number}  (stop with Ctrl+C)")
        server.serve_forever()
    except PortTaken as error:
        raise click.ClickException(str(error)) from None
    finally:
        children.stop_all()


@main.command()
@click.argument("number", required=False)
@PORT
def lesson(number: str | None, port: str | None) -> None:
    """Run one lesson's app, with reloader and debugger."""
    try:
        found = find_lesson(number)
        serve(found, _port(port, found.port))
    except (UnknownLesson, PortTaken) as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.argument("number", required=False)
@click.option("--step", type=int, help="Check the steps up to this one.")
def check(number: str | None, step: int | None) -> None:
    """Check your app of a lesson in my/."""
    try:
        tests = find_lesson(number, command="check").tests
    except UnknownLesson as error:
        raise click.ClickException(str(error)) from None
    steps = [] if step is None else ["--step", str(step)]
    command = ["pytest", "--tb=short", "--mine", *steps, str(tests)]
    _run(sys.executable, "-m", *command, fine=(0, NOTHING_TO_CHECK))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run all tests, two at a time, or what pytest's own ARGUMENTS choose."""
    everything = ("-n", "2", "--dist", "loadfile")
    _run(sys.executable, "-m", "pytest", *(arguments or everything))


@main.command()
def lint() -> None:
    """Check style and formatting."""
    _run(sys.executable, "-m", "ruff", "check")
    _run(sys.executable, "-m", "ruff", "format", "--check")


@main.command()
def lock() -> None:
    """Renew Pipfile.lock from Pipfile, with no registry's address in it."""
    from course.lock import LockError, renew

    try:
        renew(ROOT)
    except LockError as error:
        raise click.ClickException(str(error)) from None


@main.command()
def bench() -> None:
    """Measure how long set-up and the tests take."""
    from course.bench import run

    run(ROOT)


for command in learner.COMMANDS:
    main.add_command(command)


@main.command("run-configurations")
def write_run_configurations() -> None:
    """Write the IDE's run configurations from the list of lessons."""
    run_configurations.write(all_lessons(), ROOT / ".run")


def _run(*command: str, fine: tuple[int, ...] = (0,)) -> None:
    """Run a program in the clone's folder; leave with its status unless that is fine."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    status = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if status not in fine:
        sys.exit(status)
