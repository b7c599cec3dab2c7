"""The Shelf of lessons 5 to 9 in a real browser, and its HTML before a validator."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browser import Shelf, find_validator, html_errors, served, started_browser, visited
from conftest import ROOT
from flask import Flask, url_for
from playwright.sync_api import Locator, Page, Response, expect
from werkzeug.wrappers import Response as Answer

PAGES = ["06_jinja2", "07_forms", "08_sessions", "09_structure"]
FORMS, READERS = PAGES[1:], PAGES[2:]
SCRIPT = {"title": "<script>alert(1)</script>", "author": "A. Stranger"}
RUN_AXE = """rules => axe.run({resultTypes: ["violations"], ...(rules && {runOnly: rules})})
    .then(results => results.violations)"""
COLOURS = ["color-contrast", "link-in-text-block"]  # what axe knows that a scheme can change
LONG = {"title": "x" * 200, "author": "Y" * 200}
HEAD = "class BookForm(FlaskForm):\n"
NO_TOKEN = (HEAD, HEAD + '    Meta = type("Meta", (), {"csrf": False})\n')
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgABc3UBGAAAAABJRU5ErkJggg=="
)
POST = """([path, size]) => {
    document.body.innerHTML = '<form method="post"><input type="hidden" name="padding"></form>';
    document.forms[0].action = path;
    document.forms[0].padding.value = "x".repeat(size);
    document.forms[0].submit();
}"""


def in_each(lessons: list[str]) -> pytest.MarkDecorator:
    """Run a test with each of these lessons' apps."""
    return pytest.mark.parametrize("lesson", lessons)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page in a browser, as wide as a phone."""
    with started_browser() as browser:
        context = browser.new_context(viewport={"width": 320, "height": 640})
        context.set_default_timeout(20_000)
        expect.set_options(timeout=20_000)
        yield context.new_page()


@pytest.fixture
def visit(page: Page, tmp_path: Path) -> Iterator[Callable[..., Shelf]]:
    """Come to a lesson's app, as `visited` says, until the test ends."""
    with ExitStack() as stack:
        yield lambda *what, **book: stack.enter_context(
            visited(page, tmp_path / "app", *what, **book)
        )


def arrive(page: Page, heading: str) -> None:
    """Wait until the page with this heading is there."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def tab_to(target: Locator) -> None:
    """Press Tab until the focus is where it is wanted."""
    expect(target).to_be_attached()
    for _ in range(30):
        target.page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {target}")


def fill_in(page: Page, link: str, **fields: str) -> None:
    """Follow a link and fill in the form behind it, with the keyboard alone."""
    tab_to(page.get_by_role("link", name=link))
    page.keyboard.press("Enter")
    arrive(page, link)
    for label, text in fields.items():
        tab_to(page.get_by_label(label.replace("_", " ")))
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def send_cover(shelf: Shelf, content: bytes) -> None:
    """Send a file named x.png as the cover of the last book."""
    page = shelf.open("/books/4/cover/new")
    file = {"name": "x.png", "mimeType": "image/png", "buffer": content}
    page.get_by_label("A picture").set_input_files(file)
    page.get_by_role("button", name="Send it").click()


def assert_refused(field: Locator, message: str) -> None:
    """Assert that a field has the focus and says, also to who cannot see it, what is wrong."""
    expect(field).to_have_accessible_description(message)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()


def requests(app: Flask) -> Iterator[tuple[str, int, range]]:
    """Yield for every rule of an app: address, size of what is posted (0: GET), fit statuses."""
    sample = {"number": 4, "author": LONG["author"], "anything": "no", "filename": "style.css"}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            path = url_for(rule.endpoint, **{name: sample[name] for name in rule.arguments})
            if "GET" in rule.methods:
                yield path, 0, range(200, 405)
            if "POST" in rule.methods:
                yield path, 1, range(400, 423)
    if app.config["MAX_CONTENT_LENGTH"]:
        yield "/books/new", app.config["MAX_CONTENT_LENGTH"] + 1, range(413, 414)
    yield "/?q=no+such+title", 0, range(200, 201)
    yield "/nowhere", 0, range(404, 405)


def every_page(shelf: Shelf) -> Iterator[tuple[str, Response]]:
    """Open every HTML page of an app, those about errors too; yield what was asked, and got."""
    page = shelf.open("/")
    if any("cover" in rule.endpoint for rule in shelf.app.url_map.iter_rules()):
        with page.expect_navigation(url=f"{shelf.url}/") as event:
            fill_in(page, "Your name", Your_name="W" * 40)
        yield "after the name", event.value
        with page.expect_navigation(url="**/books/4") as event:
            send_cover(shelf, PIXEL)
        yield "after the cover", event.value
    for path, size, statuses in requests(shelf.app):
        if size:
            with page.expect_navigation() as event:
                page.evaluate(POST, [path, size])
            response = event.value
        else:
            response = page.goto(shelf.url + path)
        name = f"{'POST' if size else 'GET'} {path[:40]} {response.status}"
        assert response.status in statuses, name
        if response.headers["content-type"].startswith("text/html"):
            yield name, response


@pytest.fixture(scope="module")
def tour(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Callable:
    """Look at every page of a lesson: return what is wrong on a phone, and files with the HTML."""
    known: dict[str, list[str]] = {}  # lesson 9 has the pages of lesson 8

    @cache
    def tour(lesson: str) -> tuple[list[str], list[Path]]:
        found, files, folder = [], [], tmp_path_factory.mktemp(lesson)
        with visited(page, folder / "app", lesson, **LONG) as shelf:
            style = "".join(each.read_text("utf-8") for each in folder.rglob("*.css"))
            for name, response in every_page(shelf):
                files.append(folder / f"{lesson}-{re.sub(r'[^A-Za-z0-9]+', '-', name)}.html")
                files[-1].write_bytes(response.body())
                looks = style + re.sub(r'value="[\w.-]{50,}"', "token", response.text())
                if looks not in known:
                    known[looks] = list(problems(page))
                found += [f"{name}: {problem}" for problem in known[looks]]
        return found, files

    return tour


@pytest.fixture(scope="module")
def validator() -> list[str]:
    """The command that starts the validator."""
    return find_validator()


def problems(page: Page) -> Iterator[str]:
    """Yield what axe says to a page in light and in dark, and whether it scrolls sideways."""
    page.evaluate(AXE_SCRIPT)
    # Axe takes a page for white that leaves its background to the browser, in the dark too.
    page.evaluate("document.documentElement.style.background = 'Canvas'")
    for scheme, rules in (("light", None), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        for violation in page.evaluate(RUN_AXE, rules):
            elements = [node["html"] for node in violation["nodes"]]
            yield f"{violation['help']} ({scheme}): {elements}"
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        yield "it scrolls sideways"


def test_a_script_in_a_title_runs_in_lesson_5(visit) -> None:
    shelf = visit("05_context", **SCRIPT)
    shelf.open("/")
    assert shelf.dialogs == ["1"]


@in_each(PAGES)
def test_a_script_in_a_title_is_shown_as_text(visit, lesson: str) -> None:
    shelf = visit(lesson, **SCRIPT)
    for path in ("/", "/books/4", "/authors/A.%20Stranger"):
        expect(shelf.open(path).get_by_text(SCRIPT["title"]).first).to_be_visible()
    assert not shelf.dialogs


@in_each(PAGES[:1])
def test_the_policy_stops_a_script_that_is_not_escaped(visit, lesson: str) -> None:
    shelf = visit(lesson, ("{{ book.title }}", "{{ book.title|safe }}"), **SCRIPT)
    expect(shelf.open("/").locator("td script")).to_have_count(1)
    assert not shelf.dialogs


@in_each(PAGES[:1])
def test_search_works_by_keyboard(visit, lesson: str) -> None:
    page = visit(lesson).open("/")
    tab_to(page.get_by_role("searchbox"))
    page.keyboard.type("emma")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="1 book")).to_be_visible()
    expect(page.get_by_role("link", name="Emma")).to_be_visible()


@in_each(FORMS)
def test_a_book_is_added_by_keyboard_and_once(visit, lesson: str) -> None:
    page = visit(lesson).open("/")
    fill_in(page, "New book", Title="Nana", Author="Émile Zola")
    arrive(page, "Nana")
    page.reload()
    arrive(page, "Nana")
    expect(page.get_by_text("4 books on the Shelf")).to_be_visible()


@in_each(FORMS)
def test_the_first_wrong_field_has_the_focus_and_says_why(visit, lesson: str) -> None:
    page = visit(lesson).open("/")
    fill_in(page, "New book", Title="   ", Author="a/b")
    assert_refused(page.get_by_label("Title"), "A book needs a title.")
    page.keyboard.type("Nana")
    page.keyboard.press("Enter")
    assert_refused(page.get_by_label("Author"), "A name without a slash, please.")
    expect(page.locator("[aria-invalid]")).to_have_count(1)


@in_each(READERS)
def test_a_name_is_given_and_forgotten_by_keyboard(visit, lesson: str) -> None:
    page = visit(lesson).open("/")
    fill_in(page, "Your name", Your_name="   ")
    assert_refused(page.get_by_label("Your name"), "What shall we call you?")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Welcome, Ada.")
    tab_to(page.get_by_role("link", name="Ada"))
    page.keyboard.press("Enter")
    tab_to(page.get_by_role("button", name="Forget me"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The Shelf has forgotten you.")
    expect(page.get_by_role("link", name="Ada")).to_have_count(0)


@in_each(READERS)
def test_a_message_is_shown_after_the_redirect_and_once(visit, lesson: str) -> None:
    page = visit(lesson).open("/")
    fill_in(page, "New book", Title="Nana", Author="Émile Zola")
    expect(page.get_by_role("status")).to_have_text("“Nana” stands on the Shelf.")
    page.reload()
    arrive(page, "Nana")
    expect(page.get_by_role("status")).to_have_count(0)


@in_each(READERS)
def test_a_cover_is_displayed_and_html_is_refused(visit, lesson: str) -> None:
    shelf = visit(lesson, **LONG)
    send_cover(shelf, b"<script>alert(1)</script>")
    assert_refused(shelf.page.get_by_label("A picture"), "A picture as PNG or JPEG, please.")
    send_cover(shelf, PIXEL)
    expect(shelf.page.get_by_role("img")).to_have_js_property("naturalWidth", 1)


@pytest.mark.parametrize("change, books", [(("", ""), 3), (NO_TOKEN, 4)], ids=["safe", "open"])
@in_each(FORMS)
def test_a_page_elsewhere_adds_a_book_only_without_the_token(
    visit, lesson: str, change: tuple[str, str], books: int
) -> None:
    shelf = visit(lesson, change)
    shelf.open("/books/new")
    trap = (ROOT / "lessons/07_forms/trap/index.html").read_text(encoding="utf-8")
    trap = trap.replace("http://127.0.0.1:8007", shelf.url)
    with served(Answer(trap, mimetype="text/html")) as elsewhere:
        shelf.page.goto(elsewhere)
        shelf.page.get_by_role("button").click()
        shelf.page.wait_for_url(f"{shelf.url}/**")
    expect(shelf.open("/").get_by_role("table", name=f"{books} books")).to_be_visible()


@in_each(PAGES)
def test_every_page_is_accessible_and_fits_a_phone(tour, lesson: str) -> None:
    found, _ = tour(lesson)
    assert not found, "\n".join(found)


def test_every_page_is_valid_html(validator: list[str], tour) -> None:
    found = html_errors(validator, [file for lesson in PAGES for file in tour(lesson)[1]])
    assert not found, "\n".join(found)
