"""A lesson's page, read into its parts: the box, the new names, the steps, the fences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

YOUR_TURN = 99
LISTINGS = {"python", "jinja", "html", "css", "sql", "toml", "csv"}
_PATH = re.compile(r"`(?P<path>[\w./-]+)`(?:, (?P<how>a new file|the whole file))?:?")
_HINT = re.compile(
    r"^<details><summary>Hint: ([^\n]+)</summary>\n\n(.+?)\n</details>$", re.MULTILINE | re.DOTALL
)
_STEP = re.compile(r"Step (\d+) · .+")


@dataclass(frozen=True)
class Section:
    """A heading of the second level and what follows it.

    `step` is the step's number; before the first step it is 0, and in the sections
    after the last step it is None.
    """

    title: str
    line: int
    step: int | None


@dataclass(frozen=True)
class Fence:
    """A fenced block.

    `line` is the number of the first line of its text. A listing has a `path`, and `how`
    is "a new file", "the whole file", or empty where it joins a file that is there.
    """

    language: str
    text: str
    line: int
    section: Section
    path: str | None = None
    how: str = ""

    @property
    def is_listing(self) -> bool:
        return self.language in LISTINGS


@dataclass(frozen=True)
class Hint:
    """A collapsed block whose summary begins with "Hint: ": what it is about, and its text."""

    about: str
    text: str


class Page:
    """The page of a lesson.

    Args:
        path: its Markdown file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"docs/{path.name}"
        self.text = path.read_text(encoding="utf-8")
        self.tokens: list[Token] = MarkdownIt("commonmark").enable("table").parse(self.text)

    @cached_property
    def title(self) -> str:
        """The text of the first heading."""
        return next((text for tag, text, _ in self._headings() if tag == "h1"), "")

    @cached_property
    def sections(self) -> list[Section]:
        """The sections in order; what stands before the first is one too."""
        sections, step, steps_over = [Section(self.title, 1, 0)], 0, False
        for tag, text, line in self._headings():
            if tag != "h2":
                continue
            match = _STEP.fullmatch(text)
            steps_over = steps_over or (step > 0 and not match)
            step = int(match[1]) if match else step
            sections.append(Section(text, line, None if steps_over else step))
        return sections

    @cached_property
    def fences(self) -> list[Fence]:
        """The fenced blocks in order, listings with the path in the paragraph above them."""
        fences = []
        for index, token in enumerate(self.tokens):
            if token.type == "fence":
                line = token.map[0] + 2
                match = _PATH.fullmatch(self._paragraph_before(index))
                path, how = (match["path"], match["how"] or "") if match else (None, "")
                section = self.section_at(line)
                fences.append(Fence(token.info.strip(), token.content, line, section, path, how))
        return fences

    @cached_property
    def steps(self) -> int:
        """The number of the last step."""
        return max(section.step or 0 for section in self.sections)

    @cached_property
    def starts_from(self) -> list[tuple[int, str]]:
        """What is copied before step 1: a lesson, and a file of it ("" for its whole app).

        The box says it: "a copy of lesson 4's app and lesson 2's `middleware.py`".
        """
        if "a copy of" not in self.box:
            return []
        found = re.findall(r"lesson (\d+)'s (?:app|`([\w.]+)`)", self.box)
        return [(int(number), file) for number, file in found]

    @cached_property
    def box(self) -> str:
        """The quoted box under the title, as plain Markdown."""
        lines = self.text.splitlines()
        first = next((i for i, line in enumerate(lines) if line.startswith(">")), len(lines))
        box = []
        for line in lines[first:]:
            if not line.startswith(">"):
                break
            box.append(line.removeprefix(">").strip())
        return "\n".join(box)

    @cached_property
    def new_names(self) -> dict[str, int]:
        """The names in backticks on the "New here" line, each with the line it stands on."""
        return {name: line for kind, name, line in self._new_here() if kind == "`"}

    @cached_property
    def new_words(self) -> dict[str, int]:
        """The words in italics on the "New here" line, each with the line it stands on."""
        return {name: line for kind, name, line in self._new_here() if kind == "*"}

    @cached_property
    def your_turn(self) -> set[str]:
        """The names in backticks in the section "Your turn", but for its hints."""
        return set(re.findall(r"`([^`\n]+)`", self.without_hints("Your turn")))

    def section_text(self, title: str) -> str:
        """Return the Markdown of the section with this title, or an empty text."""
        match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", self.text, re.M | re.S)
        return match[1] if match else ""

    def without_hints(self, title: str) -> str:
        """Return the Markdown of the section with this title, but for its hints."""
        return re.sub(r"\n{3,}", "\n\n", _HINT.sub("", self.section_text(title))).strip()

    def section_at(self, line: int) -> Section:
        """Return the section in which a line stands."""
        return [section for section in self.sections if section.line <= line][-1]

    def section(self, step: int) -> Section:
        """Return the section of a step, or of the tasks (YOUR_TURN).

        Raises:
            StopIteration: if the page has none.
        """
        return next(
            section
            for section in self.sections
            if section.step == step or (step == YOUR_TURN and section.title == "Your turn")
        )

    def hints(self, step: int) -> list[Hint]:
        """Return the hints of a step, or of the tasks, in order."""
        text = self.section_text(self.section(step).title)
        return [Hint(*map(_as_markdown, match.groups())) for match in _HINT.finditer(text)]

    def prose(self, hints: bool = True) -> Iterator[tuple[int, str]]:
        """Yield line and Markdown of each paragraph, bullet and table cell, with no fences.

        Args:
            hints: also yield what the hints say.
        """
        left_out = set()
        for match in [] if hints else _HINT.finditer(self.text):
            first, last = (self.text.count("\n", 0, end) + 1 for end in match.span())
            left_out |= {*range(first, last + 1)}
        for token in self.tokens:
            if token.type == "inline" and token.map[0] + 1 not in left_out:
                yield token.map[0] + 1, token.content

    def _headings(self) -> Iterator[tuple[str, str, int]]:
        for opening, inline in zip(self.tokens, self.tokens[1:], strict=False):
            if opening.type == "heading_open":
                yield opening.tag, inline.content, opening.map[0] + 1

    def _paragraph_before(self, index: int) -> str:
        before = self.tokens[max(index - 3, 0) : index]
        kinds = [token.type for token in before]
        return before[1].content if kinds == ["paragraph_open", "inline", "paragraph_close"] else ""

    def _new_here(self) -> Iterator[tuple[str, str, int]]:
        for line, text in self.prose():
            if text.startswith("**New here:**"):
                for kind, name in re.findall(
                    r"([`*])([^`*]+)\1", text.removeprefix("**New here:**")
                ):
                    yield kind, name, line


def _as_markdown(html: str) -> str:
    return re.sub(r"</?code>", "`", html).replace("&lt;", "<").replace("&gt;", ">")


def anchor(title: str) -> str:
    """Return a heading's anchor as GitHub makes it: lower case, no punctuation, dashes."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
