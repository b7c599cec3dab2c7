"""The commands of the course, as `make`, `pipenv run` and the IDE call them."""

import os
import signal
import subprocess
import sys

import click

from course import doctor as the_doctor
from course import learner, loop, run_configurations, workspace
from course.environment import HOME_PORT, HOST, ROOT
from course.lessons import UnknownLesson, all_lessons, find_lesson
from course.serve import PortTaken, reserve, serve

PORT = click.option("--port", envvar="PORT", help="Another port than the usual one.")


def _port(text: str | None, usual: int) -> int:
    """Read a port as typed; empty is the usual one."""
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 1024 <= int(text) <= 65535):
        raise click.ClickException(f"PORT is a number from 1024 to 65535, and {text!r} is none.")
    return int(text)


class Commands(click.Group):
    """Says in one sentence what was typed wrong, without the usage: people type `make`."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise click.ClickException(error.format_message()) from None


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Flask, layer by layer."""
    if context.invoked_subcommand is None:
        context.invoke(learner.what_is_next)


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
@click.option("--mine", "own", is_flag=True, help="Run your own app in my/, not the finished one.")
def lesson(number: str | None, port: str | None, own: bool) -> None:
    """Run one lesson's app, with reloader, debugger, and errors in plain words."""
    try:
        found = find_lesson(number)
        if own:
            workspace.check_begun(found)
        serve(found, workspace.mine(found) if own else found.folder, _port(port, found.port))
    except (UnknownLesson, PortTaken, workspace.WorkspaceError) as error:
        raise click.ClickException(str(error)) from None


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
def doctor() -> None:
    """Say what is wrong with this machine's set-up, and what to do."""
    sys.exit(the_doctor.main())


@main.command()
def bench() -> None:
    """Measure how long set-up, a verdict and the tests take."""
    _run(sys.executable, "-m", "tests.bench")


for command in learner.COMMANDS + loop.COMMANDS:
    main.add_command(command)


@main.command("run-configurations")
def write_run_configurations() -> None:
    """Write the IDE's run configurations from the list of lessons."""
    run_configurations.write(all_lessons(), ROOT / ".run")


def _run(*command: str) -> None:
    """Run a program in the clone's folder; if it fails, leave with its status."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    status = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if status:
        sys.exit(status)
