"""What all tests share: the app under test, and random books to fill it with."""

import importlib
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from tempfile import TemporaryDirectory
from types import ModuleType
from wsgiref.validate import validator

import browser
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import Client

ROOT = Path(__file__).parent.parent


class TemplateCache(BytecodeCache):
    """Keeps what Jinja compiles, since each test makes an app that would compile it again."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._compiled.get(bucket.key + bucket.checksum):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": TemplateCache()}
YOUR_TURN = 99
pytest_terminal_summary = browser.pytest_terminal_summary
pytest.register_assert_rewrite(
    *("contract", "contract_pages", "contract_forms", "contract_sessions", "contract_database"),
    "contract_loans",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption("--app", help="The folder of the app to check, instead of the lesson's own.")
    group.addoption(
        "--mine", action="store_true", help="Check your own app in my/ instead of the finished one."
    )
    group.addoption("--step", type=int, help="Run only the tests of the steps up to this one.")
    group.addoption("--edits", type=int, default=5, help="Random edits of each finished app.")
    group.addoption("--rounds", type=int, default=3, help="How often all borrow one book at once.")
    group.addoption("--draw", action="store_true", help="Draw the pictures of schemas anew.")
    group.addoption("--kills", type=int, default=2, help="How often an upgrade is killed.")
    group.addoption("--patience", type=int, default=3, help="How much longer a test may take.")
    group.addoption("--seed", type=int, help="Repeat a run: the seed that it printed.")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:
        config.option.seed = random.randrange(10_000)


def pytest_report_header(config: pytest.Config) -> str:
    return f"random books: --seed {config.option.seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    step = config.option.step
    if step is not None:
        items[:] = [item for item in items if _step(item) <= step]
        if not items:
            print(f"\nThe page's steps up to {step} leave nothing to check.")


def _step(item: pytest.Item) -> int:
    marker = item.get_closest_marker("step")
    return marker.args[0] if marker else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Put the test's docstring, which is written for learners, above a failure."""
    report = yield
    step = item.get_closest_marker("step")
    if report.failed and step and item.obj.__doc__:
        name = "Your turn" if step.args[0] == YOUR_TURN else f"Step {step.args[0]}"
        report.sections.insert(0, (name, item.obj.__doc__))
    return report


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path:
    """The folder of the app under test: the lesson's own, unless an option says otherwise."""
    if request.config.option.app:
        return Path(request.config.option.app).resolve()
    stem = request.path.stem.removeprefix("test_")
    if not request.config.option.mine:
        return ROOT / "lessons" / stem
    if not (ROOT / "my" / stem).is_dir():
        pytest.exit(
            f"There is no app of yours yet: the page docs/{stem}.md begins one in my/{stem}.", 1
        )
    return ROOT / "my" / stem


@contextmanager
def modules_of(folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Give a function that imports modules of an app, and forget all of them afterwards."""
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        path = folder / name.replace(".", "/")
        if not (path.with_suffix(".py").is_file() or path.is_dir()):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        yield load
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
            del sys.modules[name]


@pytest.fixture
def load(folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the app under test afresh, and forget all of them afterwards."""
    with modules_of(folder) as load:
        yield load


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of the test's own, where temporary files go now: in a check, beside the app."""
    with TemporaryDirectory(prefix="test-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """A source of chance that `--seed` repeats."""
    return random.Random(f"{request.config.option.seed} {request.node.name}")


@pytest.fixture
def titles(chance: random.Random) -> list[str]:
    """Between four and six titles of books, in no order, not all of them ASCII."""
    known = ["Dracula", "Ulysses", "Nana", "Kim", "Das Schloß", "Père Goriot", "Мы", "雪国"]
    return [*chance.sample(known[:4], chance.randint(1, 3)), *chance.sample(known[4:], 3)]


@pytest.fixture
def app(load, titles, request):
    """The lesson's app, with random books on its shelf."""
    module = load("app")
    books = load("shelf").BOOKS
    books.clear()
    for number, title in enumerate(titles, 7):
        books[number] = {"title": title, "author": "Čapek & Söhne" if number % 2 else "A. Nobody"}
    request.node.shelf = books
    before_flask = request.path.stem in ("test_02_wsgi", "test_03_werkzeug")
    found = module.application if before_flask else module.app
    found.testing = True  # so that Flask raises a view's error instead of answering 500
    return found


@pytest.fixture
def books(app, load):
    """The books that the app's shelf holds, by number."""
    return load("shelf").BOOKS


@pytest.fixture
def visit(app):
    """Ask the app for an address; the validator watches that it keeps to PEP 3333."""
    client = Client(validator(app))

    def visit(path, method="GET", **more):
        with client.open(path, method=method, **more) as response:
            response.get_data()
            return response

    return visit


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the course with an empty my/, which the commands take for their own."""
    from course.lessons import all_lessons, find_lesson

    for name in ("docs", "lessons", "tests", "course"):
        copytree(ROOT / name, tmp_path / name, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        copy(ROOT / name, tmp_path)
    monkeypatch.setattr(
        "course.learner.find_lesson",
        lambda number, command: find_lesson(number, tmp_path, command),
    )
    monkeypatch.setattr("course.learner.all_lessons", lambda *_: all_lessons(tmp_path))
    return tmp_path
