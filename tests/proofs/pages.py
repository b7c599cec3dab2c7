"""Checks that read the pages beside the apps: complete, order, shape, same stem, links."""

import ast
import importlib.util
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from course import run_configurations
from course.lessons import Lesson, lessons_begun
from course.page import YOUR_TURN, Fence, Page, anchor
from course.replay import ReplayError, Statement, app_files, rebuild, statements
from proofs.finding import Finding

BASIC_COMMANDS = {"cd", "mkdir", "cp", "ls", "cat", "echo", "python", "python3", "-p"}
PARTS = ["What you built", "Your turn", "Check yourself", "Where this lives"]
_BUILTIN_METHODS = {name for kind in (str, bytes, dict, list, set, int) for name in dir(kind)}


def complete(lesson: Lesson) -> Iterator[Finding]:
    """Compare the app rebuilt from the page with the finished one, statement by statement.

    What "Your turn" names in backticks may be in the finished app alone, and so may the
    migrations that it asks for. When a migration was written does not matter.
    """
    page = lesson.page
    with tempfile.TemporaryDirectory() as name:
        built = Path(name) / lesson.stem
        try:
            rebuild(lesson, built)
        except ReplayError as error:
            yield Finding(page.name, None, 1, str(error), "a listing that cannot be followed")
            return
        files = {f.relative_to(top) for top in (built, lesson.folder) for f in app_files(top)}
        asked = re.findall(r"[Rr]evision (\d+)", page.section_text("Your turn"))
        for path in sorted(files):
            if path.match("migrations/versions/*") and path.name[:4] in asked:
                continue
            yield from _compare(page, path, _text(built / path), _text(lesson.folder / path))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _compare(page: Page, path: Path, built: str, finished: str) -> Iterator[Finding]:
    fences = [f for f in page.fences if f.path == str(path)]
    line, step = (fences[-1].line, fences[-1].section.step) if fences else (1, 0)
    if path.suffix != ".py":
        if built != finished and str(path) not in page.your_turn:
            yield Finding(page.name, step, line, f"{path} as in the finished app", "another text")
        return
    excused = not built or path.match("migrations/versions/*")
    names = page.your_turn | ({"the docstring"} if excused else set())
    ours, theirs = _outside(statements(built), names), _outside(statements(finished), names)
    for statement in theirs:
        if statement.text not in [each.text for each in ours]:
            line, step = _listing_of(statement, fences, (line, step))
            expected = f"a listing of this statement of the finished {path}\n{statement.text}"
            known = [each.text for each in ours if each.name and each.name == statement.name]
            found = f"the page's\n{known[0]}" if known else "none"
            yield Finding(page.name, step, line, expected, found)
    for statement in ours:
        if statement.name not in {each.name for each in theirs}:
            line, step = _listing_of(statement, fences, (line, step))
            yield Finding(
                page.name,
                step,
                line,
                f"no such statement, as in the finished {path}",
                statement.text,
            )
    if sorted(s.text for s in ours) == sorted(s.text for s in theirs):
        order, wanted = ([s.text for s in each if not s.is_import] for each in (ours, theirs))
        if order != wanted:
            yield Finding(page.name, step, line, f"the order of the finished {path}", "another")


def _outside(found: list[Statement], names: set[str]) -> list[Statement]:
    """Leave out the statements that belong to "Your turn"."""
    return [s for s in found if s.name not in names and not (s.is_import and s.text in names)]


def _listing_of(
    statement: Statement, fences: list[Fence], otherwise: tuple[int, int | None]
) -> tuple[int, int | None]:
    """Return line and step of the last listing that shows a statement of this name."""
    for fence in reversed(fences):
        if statement.name in [each.name for each in statements(fence.text) if each.name]:
            return fence.line, fence.section.step
    return otherwise


def order(lessons: list[Lesson]) -> Iterator[Finding]:
    """Find names, commands and words that are used before a page introduces them."""
    known = set(BASIC_COMMANDS)
    pages = [lesson.page for lesson in lessons]
    for number, page in enumerate(pages):
        known |= {word for name in page.new_names for word in _words(name)}
        own = {word for fence in page.fences if fence.is_listing for word in _defined(fence)}
        for fence in page.fences:
            for word, line in _used(fence):
                if word not in known | own:
                    known.add(word)
                    yield Finding(
                        page.name, fence.section.step, line, f"“{word}” under “New here”", "nothing"
                    )
        known |= own
        yield from _explained(page)
        yield from _words_in_order(page, pages[:number])


def _words(name: str) -> list[str]:
    return re.findall(r"--?\w[\w.-]*|\w+", name)


def _defined(fence: Fence) -> Iterator[str]:
    """Yield the names that a listing defines: functions, classes, variables, attributes, macros."""
    if fence.language == "jinja":
        yield from re.findall(r"{%-? *macro (\w+)", fence.text)
    if fence.language != "python":
        return
    yield Path(fence.path or "").stem
    for node in ast.walk(ast.parse(fence.text)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                yield name


def _used(fence: Fence) -> Iterator[tuple[str, int]]:
    """Yield the words of other people's that a listing or a command uses, with their lines."""
    if fence.language == "python":
        for node in ast.walk(ast.parse(fence.text)):
            for word in _api_words(node):
                yield word, fence.line + node.lineno - 1
    elif fence.language in ("jinja", "html"):
        yield from _template_words(fence)
    elif fence.language in ("shell", "console"):
        for number, text in enumerate(fence.text.splitlines(), fence.line):
            if fence.language == "shell" or text.startswith("$ "):
                for word in _command_words(text.removeprefix("$ ")):
                    yield word, number


def _api_words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.ImportFrom(module=module, names=names):
            yield from module.split(".") if module else []
            yield from (alias.name for alias in names)
        case ast.Import(names=names):
            yield from (word for alias in names for word in alias.name.split("."))
        case ast.FunctionDef(decorator_list=decorators):
            for decorator in decorators:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(called, ast.Attribute):
                    yield called.attr
        case ast.Attribute(attr=name, ctx=ast.Load()) if name not in _BUILTIN_METHODS:
            yield name
        case ast.Subscript(value=ast.Name(id="environ"), slice=ast.Constant(value=str(key))):
            yield from _words(key)


def _template_words(fence: Fence) -> Iterator[tuple[str, int]]:
    """Yield the tags, filters, tests and called functions of a template, with their lines."""
    environment, opened = Environment(), False
    for line, kind, value in environment.lex(fence.text):
        if opened and kind == "name":
            yield value, fence.line + line - 1
        opened = kind == "block_begin" or (opened and kind == "whitespace")
    tree = environment.parse(fence.text)
    for node in tree.find_all((nodes.Filter, nodes.Test, nodes.Call)):
        word = node.name if not isinstance(node, nodes.Call) else getattr(node.node, "name", None)
        if word:
            yield word, fence.line + node.lineno - 1


def _command_words(command: str) -> Iterator[str]:
    """Yield the programs, subcommands and options of a command line."""
    command = re.sub(r"'[^']*'|\"[^\"]*\"", "''", command)
    for part in re.split(r"\s*(?:\||&&|;)\s*", command):
        words = [w for w in part.split() if "=" not in w or w.startswith("-")]
        if not words:
            continue
        name = words[1] if words[0] == "." else words[0]
        program = name.rpartition("/")[2]
        yield program
        if program in {"flask", "pipenv", "make", "pip"}:
            yield from [w for w in words[1:] if re.fullmatch(r"[a-z]+", w)][:1]
        yield from (w.partition("=")[0] for w in words[1:] if re.match(r"--?[A-Za-z]", w))


def _explained(page: Page) -> Iterator[Finding]:
    """Find what "New here" names and the page then does not explain."""
    spans = [
        span
        for line, text in page.prose()
        if not text.startswith("**New here:**")
        for span in re.findall(r"`([^`]+)`", text)
    ]
    for name, line in page.new_names.items():
        if not any(name in span for span in spans):
            yield Finding(page.name, 0, line, f"`{name}` explained in the text", "it is not there")


def _words_in_order(page: Page, earlier: list[Page]) -> Iterator[Finding]:
    """Find a word that is used on an earlier page, or before this one sets it in italics."""
    for word, line in page.new_words.items():
        used = re.compile(rf"\b{re.escape(word)}s?\b", re.IGNORECASE)
        for other in earlier:
            for where, text in other.prose():
                if used.search(_without_code(text)):
                    step = other.section_at(where).step
                    expected = f"“{word}” only from {page.name} on, which introduces it"
                    yield Finding(other.name, step, where, expected, text.splitlines()[0])
        for where, text in page.prose():
            if where > line and used.search(_without_code(text)):
                if not re.search(rf"\*{re.escape(word)}s?\*", text, re.IGNORECASE):
                    step = page.section_at(where).step
                    yield Finding(
                        page.name, step, where, f"*{word}* explained first", text.splitlines()[0]
                    )
                break
        else:
            yield Finding(page.name, 0, line, f"*{word}* explained in the text", "it is not there")


def _without_code(text: str) -> str:
    """Leave out code spans and links, whose text is a title of another page."""
    return re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", "", text)


def shape(lesson: Lesson) -> Iterator[Finding]:
    """Check that a page has its parts, in their order."""
    page, number = lesson.page, lesson.number

    def finding(expected: str, found: str, line: int = 1) -> Finding:
        return Finding(page.name, None, line, expected, found)

    if not re.fullmatch(rf"{number} · [\w -]+: .+", page.title):
        yield finding(f"a title such as “{number} · Topic: what it is about”", page.title)
    for part in ("You will", "You need", "Time"):
        if f"**{part}" not in page.box:
            yield finding(f"**{part}** in the box under the title", "none", 3)
    if not page.new_names:
        yield finding("a line **New here:** with at least one name in backticks", "none", 3)
    titles = [section.title for section in page.sections if section.step != 0]
    wanted = [f"Step {n}" for n in range(1, page.steps + 1)] + PARTS
    found = [title.partition(" · ")[0] for title in titles]
    if found != wanted:
        yield finding("the parts " + ", ".join(wanted), ", ".join(found))
    if "<details>" not in page.section_text("Check yourself"):
        yield finding("answers under <details> in “Check yourself”", "none")
    for step in [*tested_steps(lesson), YOUR_TURN]:
        if len(page.hints(step)) < 2:
            title, line = page.section(step).title, page.section(step).line
            yield finding(f"two hints or more in “{title}”", f"{len(page.hints(step))}", line)
    # Prose is what is read in full: neither hints, nor the list of names, nor the last links.
    texts = [text for _, text in page.prose(hints=False) if not text.startswith("**New here:**")]
    words = sum(len(text.split()) for text in texts[:-1])
    if not 900 <= words <= 1800:
        yield finding("900 to 1,800 words", f"{words}")


def tested_steps(lesson: Lesson) -> set[int]:
    """Return the steps that have tests."""
    source = lesson.tests.read_text(encoding="utf-8")
    return {int(n) for n in re.findall(r"^@(?:pytest\.mark\.)?step\((\d+)\)", source, re.M)}


def sources(lesson: Lesson) -> Iterator[Finding]:
    """Check that the files and names in "Where this lives" are there, in the installed packages.

    Each bullet begins with a file in backticks; the names in backticks after it are in it.
    """
    page = lesson.page
    for line, text in page.prose():
        if page.section_at(line).title == "Where this lives" and text.startswith("`"):
            file, *names = re.findall(r"`([^`]+)`", text)
            package, _, rest = file.partition("/")
            spec = importlib.util.find_spec(package.removesuffix(".py"))
            path = Path(spec.origin).parent / rest if spec and spec.origin else Path(file)
            path = Path(spec.origin) if spec and not rest else path
            if not path.is_file():
                yield Finding(page.name, None, line, f"{file} in an installed package", "none")
                continue
            source = path.read_text(encoding="utf-8")
            for name in names:
                if not re.search(rf"\b{re.escape(name)}\b", source):
                    yield Finding(page.name, None, line, f"`{name}` in {file}", "it is not there")


def glossary(root: Path, lessons: list[Lesson]) -> Iterator[Finding]:
    """Check that the glossary has each word of a "New here" line, once, with its lesson."""
    name = "docs/glossary.md"
    rows = dict(
        re.findall(r"^\| ([^|]+) \| .+ \| \[\d+\]\((\w+)\.md\) \|$", _text(root / name), re.M)
    )
    words = {word: lesson.stem for lesson in lessons for word in lesson.page.new_words}
    for word in sorted(rows.keys() | words.keys()):
        if rows.get(word) != words.get(word):
            found = rows.get(word, "no row")
            yield Finding(name, None, 1, f"“{word}” with {words.get(word, 'no lesson')}", found)
    if list(rows) != sorted(rows, key=str.casefold):
        yield Finding(name, None, 1, "the words in alphabetical order", "another order")


def neighbours(lessons: list[Lesson]) -> Iterator[Finding]:
    """Check that the last line of a page links to the pages before and after it."""
    stems = [lesson.stem for lesson in lessons]
    for number, lesson in enumerate(lessons):
        lines = lesson.page.text.rstrip().splitlines()
        for stem in stems[max(number - 1, 0) : number] + stems[number + 1 : number + 2]:
            if f"({stem}.md)" not in lines[-1]:
                name = lesson.page.name
                yield Finding(name, None, len(lines), f"a link to {stem}.md at the end", lines[-1])


def links(root: Path) -> Iterator[Finding]:
    """Follow every link and picture of README.md and docs/ that stays in the clone."""
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        page = Page(path)
        for token in page.tokens:
            for child in token.children or []:
                target = child.attrGet("href") or child.attrGet("src")
                if target and not _arrives(path, str(target)):
                    line = token.map[0] + 1
                    name = str(path.relative_to(root))
                    yield Finding(name, None, line, "a link to a file or heading", str(target))


def _arrives(path: Path, target: str) -> bool:
    if re.match(r"https?://", target):
        return True
    file, _, heading = target.partition("#")
    goal = path.parent / file if file else path
    if heading and goal.suffix == ".md":
        return heading in {anchor(section.title) for section in Page(goal).sections}
    return goal.is_file() and not heading


def same_stem(root: Path) -> Iterator[Finding]:
    """Check that every lesson has its page, tests, wrong answers, row and run configurations."""
    lessons = lessons_begun(root)
    readme = (root / "README.md").read_text(encoding="utf-8")
    for lesson in lessons:
        paths = [f"docs/{lesson.stem}.md", f"tests/test_{lesson.stem}.py"]
        for path in [*paths, f"tests/wrong_answers/{lesson.stem}.toml"]:
            if not _text(root / path).strip():
                yield Finding(
                    f"lessons/{lesson.stem}", None, 1, path, "no such file, or an empty one"
                )
        if f"(docs/{lesson.stem}.md)" not in readme:
            row = f"a row of the lesson table that links to docs/{lesson.stem}.md"
            yield Finding("README.md", None, 1, row, "none")
    wanted = run_configurations.texts(lessons)
    for name in sorted(wanted.keys() | {path.name for path in (root / ".run").glob("*")}):
        path = root / ".run" / name
        if _text(path) != wanted.get(name, ""):
            way_out = "what `python -m course run-configurations` writes"
            yield Finding(f".run/{name}", None, 1, way_out, "another text, or no file")
    stems = {lesson.stem for lesson in lessons}
    pages = {path.stem for path in (root / "docs").glob("[0-9][0-9]_*.md")}
    tests = {path.stem.removeprefix("test_") for path in (root / "tests").glob("test_[0-9]*.py")}
    for stem in sorted((pages | tests) - stems):
        yield Finding(f"docs/{stem}.md", None, 1, f"an app in lessons/{stem}", "no such folder")
