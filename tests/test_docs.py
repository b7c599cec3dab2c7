"""The pages prove themselves: replayed, executed, compared with the apps, read in order."""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_all_start_methods, get_context

import pytest
from conftest import ROOT
from proofs import pages
from proofs.apps import check_step, check_wrong
from proofs.walk import walk

from course.lessons import Lesson, all_lessons

# A lesson that lacks a file is left to test_every_lesson_has_all_its_files.
LESSONS = [each for each in all_lessons() if each.tests.exists() and each.wrong_answers.exists()]
STEPS = [(each, step) for each in LESSONS for step in range(1, each.page.steps + 1)]
WRONG = [
    (each, wrong)
    for each in LESSONS
    for wrong in tomllib.loads(each.wrong_answers.read_text(encoding="utf-8")).get("wrong", [])
]


def _stem(value: object) -> str:
    match value:
        case Lesson():
            return value.stem
        case {"mistake": str(mistake)}:
            return mistake
    return str(value)


each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=_stem)


@pytest.fixture(scope="session")
def walks() -> Iterator[dict[str, Future]]:
    """Every page, followed to the letter: all begun at once, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {each.stem: pool.submit(walk, each) for each in LESSONS}


@pytest.fixture(scope="session")
def checks(request: pytest.FixtureRequest) -> Iterator[dict[tuple, Future]]:
    """The chosen tests' apps, checked ahead of the tests, each in a process of its own."""
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["flask", "werkzeug.test", "proofs.apps"])
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with (
        pytest.MonkeyPatch.context() as patch,
        ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=1) as pool,
    ):
        patch.setenv("PYTHONPATH", path)  # or the preload finds none of ours
        chosen = [getattr(item, "callspec", None) for item in request.session.items]
        jobs = [tuple(each.params.values()) for each in chosen if each and len(each.params) == 2]
        yield {
            _key(*job): pool.submit(check_wrong if isinstance(job[1], dict) else check_step, *job)
            for job in jobs
            if isinstance(job[0], Lesson)
        }


def _key(lesson: Lesson, what: int | dict) -> tuple:
    return lesson.stem, what["mistake"] if isinstance(what, dict) else what


@each_lesson
def test_every_command_prints_what_the_page_shows(lesson: Lesson, walks: dict[str, Future]) -> None:
    _none(walks[lesson.stem].result())


@pytest.mark.parametrize("lesson, until", STEPS, ids=_stem)
def test_the_listings_alone_pass_the_tests_of_the_steps_so_far(
    lesson: Lesson, until: int, checks: dict[tuple, Future]
) -> None:
    verdicts = checks[_key(lesson, until)].result()
    failed = [f"step {v.step}: {v.test}: {v.words}" for v in verdicts if not v.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("lesson, wrong", WRONG, ids=_stem)
def test_a_wrong_answer_is_caught_and_explained(
    lesson: Lesson, wrong: dict, checks: dict[tuple, Future]
) -> None:
    verdicts = {verdict.test: verdict for verdict in checks[_key(lesson, wrong)].result()}
    verdict = verdicts[wrong["caught_by"]]
    assert not verdict.passed, "the test did not catch it"
    assert verdict.step == wrong["step"]
    assert wrong["says"] in " ".join(verdict.words.split())


@each_lesson
def test_every_step_with_tests_has_four_wrong_answers(lesson: Lesson) -> None:
    tested = {
        int(n)
        for n in re.findall(
            r"^@(?:pytest\.mark\.)?step\((\d+)\)", lesson.tests.read_text("utf-8"), re.M
        )
    }
    steps = Counter(wrong["step"] for each, wrong in WRONG if each == lesson)
    assert tested, f"{lesson.tests.name} marks no test with @pytest.mark.step(…)"
    missing = {step: steps[step] for step in tested if steps[step] < 4}
    assert not missing, f"{lesson.wrong_answers.name} has fewer than four for these: {missing}"


@each_lesson
def test_the_page_holds_all_of_the_finished_app(lesson: Lesson) -> None:
    _none(pages.complete(lesson))


@each_lesson
def test_the_page_has_its_parts_in_order(lesson: Lesson) -> None:
    _none([*pages.shape(lesson), *pages.sources(lesson)])


def test_nothing_is_used_before_it_is_introduced() -> None:
    _none(pages.order(LESSONS))


def test_every_lesson_has_all_its_files() -> None:
    _none([*pages.same_stem(ROOT), *pages.neighbours(LESSONS)])


def test_every_new_word_is_in_the_glossary() -> None:
    _none(pages.glossary(ROOT, LESSONS))


def test_every_link_arrives() -> None:
    _none(pages.links(ROOT))


def _none(findings: Iterator | list) -> None:
    found = list(map(str, findings))
    assert not found, "\n" + "\n\n".join(found)
