"""The tool: commands, their errors, set-up, the home page."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from urllib.parse import urlencode, urljoin

import pytest
from conftest import ROOT
from flask.testing import FlaskClient

from course.home import create_app
from course.home.children import Children
from course.lessons import UnknownLesson, all_lessons, find_lesson
from course.lock import without_hosts

PATIENCE = 20  # seconds


def course(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Run a command of the course to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "course"), *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def assert_one_sentence(done: subprocess.CompletedProcess, *words: str) -> None:
    """Assert that a command failed with status 1 and one line that has these words."""
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Installing")]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on, and none of the nine after it."""
    while True:
        port = 10_000 + int.from_bytes(os.urandom(2)) % 20_000
        if not any(answers(port + n) for n in range(10)):
            return port


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def run() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a command of the course that serves; it is stopped in the end."""
    started = []

    def run(*arguments: str, **environment: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "course"), *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def answers(port: int) -> bool:
    """Say whether something listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask until it is so; fail if it is not within PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"


def get(url: str) -> str:
    """Return the body of a page."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return response.read().decode("utf-8")


# Commands and their errors


def test_make_alone_lists_the_commands() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(["make"], cwd=ROOT, env=environment, capture_output=True, text=True)
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert " ".join(listed) == (
        "help start lesson next list begin check watch hint reset undo solution diff doctor test"
        " lint lock bench"
    )


@pytest.mark.parametrize("number", ["4", "04"])
def test_a_lesson_is_found_by_its_number(number: str) -> None:
    lessons = [lesson for lesson in all_lessons() if lesson.number == 4]
    assert lessons == [find_lesson(number)]
    assert lessons[0].port == 8004


@pytest.mark.parametrize(
    "number, says",
    [
        (None, "Say which lesson"),
        ("", "Say which lesson"),
        ("four", "'four' is none"),
        ("-1", "'-1' is none"),
        ("²", "'²' is none"),
        ("99", "There is no lesson 99"),
    ],
)
def test_a_lesson_that_is_not_there_lists_those_that_are(number: str | None, says: str) -> None:
    with pytest.raises(UnknownLesson, match=f"{says}.*the lessons are 1 \\(hello\\), 2"):
        find_lesson(number)


def test_the_packages_for_tests_are_not_needed_to_start() -> None:
    lock = json.loads((ROOT / "Pipfile.lock").read_text("utf-8"))
    program = (
        f"import sys; absent = {sorted(lock['develop'].keys() - lock['default'].keys())}; "
        "sys.modules.update({name.replace('-', '_'): None for name in absent}); "
        "import course.cli, course.home"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stderr == ""


def test_make_lesson_without_a_number_is_one_sentence() -> None:
    done = subprocess.run(["make", "lesson"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Say which lesson, for example `make lesson N=1`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_number_is_one_sentence_and_status_1() -> None:
    assert_one_sentence(course("lesson", "four"), "'four' is none", "1 (hello)")


@pytest.mark.parametrize("port", ["http", "80", "70000", "-1"])
def test_a_wrong_port_is_one_sentence(port: str) -> None:
    assert_one_sentence(course("lesson", "1", PORT=port), "PORT is a number from 1024 to 65535")


@pytest.mark.parametrize("command", [("start",), ("lesson", "1")])
def test_a_port_that_is_taken_is_one_sentence(command: tuple[str, ...], taken_port: int) -> None:
    done = course(*command, PORT=str(taken_port))
    assert_one_sentence(done, f"Port {taken_port} is taken by another program", "PORT=")


def test_a_port_taken_by_a_lesson_says_which(run: Callable, free_port: int) -> None:
    run("lesson", "2", PORT=str(free_port))
    wait_until(lambda: answers(free_port))
    assert_one_sentence(course("start", PORT=str(free_port)), "is taken by lesson 2")


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.stem)
def test_every_lesson_runs_with_reloader_and_debugger(
    lesson, run: Callable, free_port: int
) -> None:
    process = run("lesson", str(lesson.number), PORT=str(free_port), FLASK_APP="stale")
    wait_until(lambda: answers(free_port))
    assert get(f"http://127.0.0.1:{free_port}/")
    assert "CONSOLE_MODE" not in get(f"http://127.0.0.1:{free_port}/")
    assert "function" in get(
        f"http://127.0.0.1:{free_port}/?__debugger__=yes&cmd=resource&f=debugger.js"
    )
    os.killpg(process.pid, signal.SIGTERM)
    printed = process.communicate(timeout=PATIENCE)[0]
    assert printed.startswith(f"Lesson {lesson.number}: http://127.0.0.1:{free_port}")
    assert "Restarting with" in printed


def test_it_works_from_a_subfolder(tmp_path: Path) -> None:
    for folder in (ROOT / "docs", tmp_path):
        assert_one_sentence(course("lesson", "four", cwd=folder), "'four' is none")


def test_pipenv_runs_the_same_commands_from_a_subfolder() -> None:
    pipenv = ROOT / ".pipenv" / "bin" / "pipenv"
    path = f"{pipenv.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"} | {"PATH": path}
    done = subprocess.run(
        ["pipenv", "run", "lesson", "four"],
        cwd=ROOT / "docs",
        env=environment | {"PIPENV_VERBOSITY": "-1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith(find_error("four"))


def find_error(number: str) -> str:
    """Return what the course says of a lesson that is not there."""
    with pytest.raises(UnknownLesson) as error:
        find_lesson(number)
    return str(error.value)


# Set-up


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that set-up needs, as in a fresh clone."""
    copytree(ROOT / "course", tmp_path / "course", ignore=ignore_patterns("__pycache__"))
    for name in ("Pipfile", "Pipfile.lock", "README.md"):
        copy(ROOT / name, tmp_path)
    return tmp_path


def start_in(clone: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run `start` in a clone, with a PATH on which there is no pipenv."""
    return subprocess.run(
        [sys.executable, str(clone / "course"), "start"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(clone), "PIP_CONFIG_FILE": os.devnull}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_an_old_python_is_told_so() -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 9, 1); sys.argv = ['course', 'start']; "
        f"runpy.run_path({str(ROOT / 'course')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert_one_sentence(done, "needs Python 3.11 or newer, and this is Python 3.9", "PYTHON=")


def test_the_first_file_is_understood_by_old_pythons() -> None:
    import ast

    source = (ROOT / "course" / "__main__.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert not re.search(r"\bf[\"']", source)


def test_no_network_is_told_so(clone: Path) -> None:
    done = start_in(clone, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0")
    assert_one_sentence(done, "the package index did not answer", "Check the network")
    assert "pipenv" in (clone / "install.log").read_text(encoding="utf-8")


def test_a_python_without_venv_is_told_so(clone: Path) -> None:
    (clone / "broken").mkdir()
    (clone / "broken" / "venv.py").write_text("raise ImportError", encoding="utf-8")
    done = start_in(clone, PYTHONPATH=str(clone / "broken"))
    assert_one_sentence(done, "cannot make virtual environments", "python3-venv")


@pytest.mark.parametrize(
    "script, says",
    [("echo 3 9", "belongs to Python 3.9, and the course needs 3.11"), ("exit 1", "no longer")],
)
def test_an_environment_of_another_python_is_told_so(clone: Path, script: str, says: str) -> None:
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    assert_one_sentence(start_in(clone), says, "delete .venv")


def test_the_lock_names_no_registry() -> None:
    text = (ROOT / "Pipfile.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "[[source]]" not in (ROOT / "Pipfile").read_text(encoding="utf-8").split("\n", 1)[1]
    lock = json.loads(text)
    lock["_meta"]["sources"] = [{"name": "x"}]
    lock["default"]["flask"]["index"] = "x"
    assert without_hosts(json.dumps(lock)) == text


# The home page


@pytest.fixture
def children(free_port: int) -> Iterator[Children]:
    """The lessons' apps, on free ports."""
    children = Children(free_port)
    yield children
    children.stop_all()


@pytest.fixture
def home(children: Children) -> FlaskClient:
    """A browser that looks at the home page."""
    return create_app(children=children).test_client()


def token(home: FlaskClient) -> str:
    """Return the token in the home page's forms."""
    return re.search(r'name="token" value="([^"]+)"', home.get("/").text)[1]


def test_the_home_page_lists_every_lesson(home: FlaskClient) -> None:
    html = home.get("/").text
    for lesson in all_lessons():
        assert f'href="/docs/{lesson.stem}.md"' in html
        assert f'action="/start/{lesson.stem}"' in html
    assert "<td>say how many books stand on it</td>" in html
    assert "<code>environ</code>, <code>start_response</code>" in html
    assert "<script" not in html


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_page_is_rendered(home: FlaskClient, path: Path) -> None:
    response = home.get(f"/docs/{path.name}")
    title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    assert response.status_code == 200
    assert f"<title>{title} – Flask, layer by layer</title>" in response.text


def test_a_page_has_anchors_listings_boxes_and_neighbours(home: FlaskClient) -> None:
    html = home.get("/docs/02_wsgi.md").text
    assert re.search(r'<h2 id="step-3--look-into-the-request">', html)
    assert '<span class="k">def</span>' in html
    assert '<a rel="prev" href="/docs/01_hello.md">' in html
    assert '<a rel="next" href="/docs/03_werkzeug.md">' in html
    assert "<blockquote>" in html and "<details>" in html


def test_the_first_page_has_none_before_it(home: FlaskClient) -> None:
    html = home.get("/docs/01_hello.md").text
    assert 'rel="prev"' not in html and 'rel="next"' in html


def test_every_link_of_every_page_arrives(home: FlaskClient) -> None:
    for path in sorted((ROOT / "docs").glob("*.md")):
        html = home.get(f"/docs/{path.name}").text
        for link in re.findall(r'<(?:a|img) [^>]*(?:href|src)="(?!https?:|#)([^"#]+)', html):
            with home.get(urljoin(f"/docs/{path.name}", link), follow_redirects=True) as response:
                assert response.status_code == 200, (path.name, link)


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nothing.md",
        "/docs/../Pipfile",
        "/lessons/../../etc/passwd",
        "/%2e%2e/secret",
        "/.git/config",
        "/my/01_hello/app.py",
        "/lessons",
        "/nowhere",
    ],
)
def test_nothing_else_is_shown(home: FlaskClient, path: str) -> None:
    response = home.get(path)
    assert response.status_code == 404
    assert "no such page" in response.text


def test_only_its_own_host_is_answered(home: FlaskClient) -> None:
    response = home.get("/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "make start" in response.text
    assert home.get("/", headers={"Host": "localhost:8000"}).status_code == 200


@pytest.mark.parametrize("sent", [{}, {"token": ""}, {"token": "wrong"}, {"token": "ë"}])
def test_a_form_of_another_page_starts_nothing(home: FlaskClient, sent: dict) -> None:
    token(home)
    response = home.post("/start/01_hello", data=sent)
    assert response.status_code == 403
    assert "Go back to the lessons" in response.text
    assert home.get("/start/01_hello").status_code == 404


def test_the_button_starts_the_app_and_stops_it(home: FlaskClient, free_port: int) -> None:
    form = {"token": token(home)}
    response = home.post("/start/01_hello", data=form)
    assert response.status_code == 303
    assert response.location == f"http://127.0.0.1:{free_port + 1}/"
    assert get(response.location) == "3 books on the shelf\n"
    assert home.post("/start/01_hello", data=form).location == response.location
    assert 'formaction="/stop/01_hello"' in home.get("/").text
    assert home.post("/stop/01_hello", data=form).location == "/"
    wait_until(lambda: not answers(free_port + 1))
    assert 'formaction="/stop/01_hello"' not in home.get("/").text
    assert home.post("/start/99_none", data=form).status_code == 404


def test_an_app_that_does_not_start_shows_its_log(clone: Path, children: Children) -> None:
    for name in ("docs", "lessons"):
        copytree(ROOT / name, clone / name)
    app = clone / "lessons" / "01_hello" / "app.py"
    app.write_text("import os\nprint('<so far>', flush=True)\nos._exit(1)\n", encoding="utf-8")
    home = create_app(clone, children).test_client()
    response = home.post("/start/01_hello", data={"token": token(home)})
    assert response.status_code == 502
    assert "&lt;so far&gt;" in response.text
    assert home.get("/").status_code == 200


def test_an_app_with_an_error_shows_it(clone: Path, children: Children) -> None:
    for name in ("docs", "lessons"):
        copytree(ROOT / name, clone / name)
    app = clone / "lessons" / "01_hello" / "app.py"
    app.write_text("import flask\nBOOKS = [\n", encoding="utf-8")
    home = create_app(clone, children).test_client()
    response = home.post("/start/01_hello", data={"token": token(home)})
    with pytest.raises(urllib.error.HTTPError) as error:
        get(response.location)
    html = error.value.read().decode()
    assert "SyntaxError: &#39;[&#39; was never closed" in html
    assert "Python cannot read the file" in html


def test_a_taken_port_is_told_on_the_page(home: FlaskClient, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port + 1)):
        response = home.post("/start/01_hello", data={"token": token(home)})
    assert response.status_code == 502
    assert f"Port {free_port + 1} is taken by another program" in response.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_apps_stop_with_the_home_page(
    run: Callable, free_port: int, number: signal.Signals
) -> None:
    process = run("start", PORT=str(free_port))
    last = process.stdout.readline()
    assert last == f"The course is open at http://127.0.0.1:{free_port}  (stop with Ctrl+C)\n"
    address = f"http://127.0.0.1:{free_port}"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{address}/") as response:
        found = re.search(r'name="token" value="([^"]+)"', response.read().decode())[1]
    form = urlencode({"token": found}).encode()
    with browser.open(f"{address}/start/01_hello", form) as response:
        assert response.url == f"http://127.0.0.1:{free_port + 1}/"
        assert response.read() == b"3 books on the shelf\n"
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    assert process.stdout.read() == ""
    wait_until(lambda: not answers(free_port + 1))


def test_every_answer_has_the_headers_that_protect_it(home: FlaskClient) -> None:
    headers = home.get("/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "SameSite=Strict" in headers["Set-Cookie"] and "HttpOnly" in headers["Set-Cookie"]
