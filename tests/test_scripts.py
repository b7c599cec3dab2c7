"""What the scripts of lessons 11 and 14 print, and what they leave behind."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import postgres
import psycopg
import pytest

from course.lessons import find_lesson
from course.replay import copy_app, rebuild

server = postgres.server
RACED = r"(\d+) were told “yes”, (\d+) “no”: (\d+) loans of 100 books\n"
ROW = r"(?m)^(\S+): (\d+) requests, (\d+) failed \{(.*)\}$"


def run(folder: Path, *words: str, **settings: str) -> str:
    """Run Python in the folder of a Shelf, and return all that it prints.

    Raises:
        AssertionError: if it fails; the text is what it prints.
    """
    done = subprocess.run(
        [sys.executable, "-B", *words],
        cwd=folder,
        env=os.environ | {"FLASK_DEBUG": "1"} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_check_in_the_view_loses_the_race(tmp_path: Path) -> None:
    lesson, folder = find_lesson("11"), tmp_path / "race"
    rebuild(lesson, folder, until=2)
    copy(lesson.folder / "race.py", folder)
    [counts] = re.findall(RACED, run(folder, "race.py"))
    yes, no, loans = map(int, counts)
    assert (yes + no, yes) == (800, loans)
    assert loans > 100


def test_the_index_decides_the_race(tmp_path: Path) -> None:
    copy_app(find_lesson("11").folder, tmp_path / "race")
    for _ in range(2):
        found = re.fullmatch(RACED, run(tmp_path / "race", "race.py"))
        assert found and found.groups() == ("100", "700", "100")


@pytest.fixture(scope="module")
def built(server: str) -> Iterator[tuple[Path, str]]:
    """Lesson 14's app, the old code beside it, and a database with books; and its address."""
    lesson = find_lesson("14")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE traffic")
    address = server.replace("/postgres?", "/traffic?")
    with TemporaryDirectory(prefix="traffic-") as name:
        folder = Path(name) / "shelf"
        copy_app(lesson.folder, folder)
        rebuild(lesson, folder / "instance/before", until=5)
        for words in ("db upgrade", "shelf seed"):
            run(folder, "-m", "flask", *words.split(), DATABASE_URL=address)
        yield folder, address


@pytest.fixture
def neighbourhood(built: tuple[Path, str]) -> tuple[Path, str]:
    """The same, at revision 0012."""
    folder, address = built
    run(folder, "-m", "flask", "db", "downgrade", "0012", DATABASE_URL=address)
    return built


@pytest.mark.parametrize(
    "acts", ["upgrade=0015 deploy", "upgrade=0014 deploy upgrade=0015"], ids=["naive", "careful"]
)
def test_under_traffic(neighbourhood: tuple[Path, str], acts: str) -> None:
    """Requests fail the naive way only; no book of the traffic stays, and no server."""
    folder, address = neighbourhood
    before = held(address)
    rows = re.findall(ROW, run(folder, "traffic.py", *acts.split(), DATABASE_URL=address))
    assert [act for act, *_ in rows] == acts.split()
    assert min(int(requests) for _, requests, *_ in rows) > 20
    failed = [(int(failed), found) for *_, failed, found in rows]
    if acts.startswith("upgrade=0015"):
        assert all(number and re.fullmatch("500: \\d+", found) for number, found in failed)
    else:
        assert failed == [(0, "")] * 3
    assert held(address) == before
    assert_alone(address)


def test_traffic_ends_with_an_upgrade_that_fails(neighbourhood: tuple[Path, str]) -> None:
    folder, address = neighbourhood
    before = held(address)
    error = r"(?m)Can't locate revision identified by '0099'$"
    with pytest.raises(AssertionError, match=error):
        run(folder, "traffic.py", "upgrade=0099", "deploy", DATABASE_URL=address)
    assert held(address) == before
    assert_alone(address)


def test_traffic_waits_for_a_book_that_is_on_its_way(neighbourhood: tuple[Path, str]) -> None:
    """A server that is ended leaves its last request to PostgreSQL, which may end it later."""
    folder, address = neighbourhood
    before = held(address)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(address) as late, psycopg.connect(address, autocommit=True) as seen:
        late.execute("INSERT INTO author (name) VALUES ('Traffic 9')")
        late.execute(
            "INSERT INTO wrote (book_number, author_number)"
            " SELECT book.number, author.number FROM book, author WHERE name = 'Traffic 9' LIMIT 1"
        )
        with ThreadPoolExecutor() as pool:
            done = pool.submit(run, folder, "traffic.py", DATABASE_URL=address)
            while seen.execute(waiting).fetchone() != (1,):
                assert not done.done(), done.result()
                time.sleep(0.05)
            late.commit()
            done.result()
    assert held(address) == before


def test_traffic_names_the_folder_whose_shelf_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "instance/before").mkdir(parents=True)
    copy(find_lesson("14").folder / "traffic.py", tmp_path)
    with pytest.raises(AssertionError, match=r"(?m)The Shelf in instance/before did not start\.$"):
        run(tmp_path, "traffic.py", "deploy")


def assert_alone(address: str) -> None:
    """Assert that nobody else is connected to a database: no server is left that works on it."""
    others = "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
    end = time.monotonic() + 10  # the server notices a little later that somebody has gone
    with psycopg.connect(address, autocommit=True) as connection:
        while connection.execute(others).fetchone() != (0,):
            assert time.monotonic() < end
            time.sleep(0.05)


def held(address: str) -> list[list[tuple]]:
    """Return the titles, the authors, and who wrote what."""
    queries = ("SELECT title FROM book", "SELECT name FROM author", "SELECT * FROM wrote")
    with psycopg.connect(address) as connection:
        return [sorted(connection.execute(query)) for query in queries]
