"""The pages prove themselves: replayed, executed, compared with the apps, read in order."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import click
import pytest
from conftest import ROOT
from proofs import pages
from proofs.apps import check_all
from proofs.walk import walk

from course.lessons import Lesson, all_lessons
from course.verdict import text

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
def checks(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str], Future]]:
    """The verdicts on the chosen tests' apps, by lesson and kind of app: two at a time."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    pairs = [tuple(each.params.values()) for each in chosen if each and len(each.params) == 2]
    jobs: dict[tuple[Lesson, str], list] = {}
    for lesson, job in pairs:
        if isinstance(lesson, Lesson):
            jobs.setdefault((lesson, _kind(job)), []).append(job)
    with ThreadPoolExecutor(2) as pool:
        yield {
            (lesson.stem, kind): pool.submit(check_all, lesson, its)
            for (lesson, kind), its in jobs.items()
        }


def _kind(job: int | dict) -> str:
    """Return what is checked together: the page's steps, or the mistakes in one of them."""
    return "the page" if isinstance(job, int) else f"mistakes in step {job['step']}"


@each_lesson
def test_every_command_prints_what_the_page_shows(lesson: Lesson, walks: dict[str, Future]) -> None:
    _none(walks[lesson.stem].result())


@pytest.mark.parametrize("lesson, until", STEPS, ids=_stem)
def test_the_listings_alone_pass_the_tests_of_the_steps_so_far(
    lesson: Lesson, until: int, checks: dict[tuple[str, str], Future]
) -> None:
    verdict = checks[lesson.stem, _kind(until)].result()[until]
    assert verdict.step is None, text(lesson, verdict)


@pytest.mark.parametrize("lesson, wrong", WRONG, ids=_stem)
def test_a_wrong_answer_is_caught_and_explained(
    lesson: Lesson, wrong: dict, checks: dict[tuple[str, str], Future]
) -> None:
    verdict = checks[lesson.stem, _kind(wrong)].result()[wrong["mistake"]]
    assert verdict.test == wrong["caught_by"]
    assert verdict.step <= wrong["step"], "an earlier step may notice it first, a later one not"
    assert wrong["says"] in " ".join(click.unstyle(text(lesson, verdict)).split())


@each_lesson
def test_every_step_with_tests_has_four_wrong_answers(lesson: Lesson) -> None:
    tested = pages.tested_steps(lesson)
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
