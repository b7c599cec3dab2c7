"""Turn a page's Markdown, or a source file, into HTML."""

from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.gfm import gfm_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

from course.page import anchor

_LEXERS = {"shell": "bash"}


def render(text: str) -> str:
    """Return a page of the course as HTML. Its raw HTML stays, since the pages are our own."""
    markdown = MarkdownIt("commonmark", {"highlight": _highlight})
    markdown.use(gfm_plugin).use(anchors_plugin, max_level=3, slug_func=anchor, permalink=True)
    return markdown.render(text).replace("<pre>", '<pre tabindex="0">')


def render_inline(text: str) -> str:
    """Return a sentence of a page as HTML, with no paragraph around it."""
    return MarkdownIt("commonmark").renderInline(text)


def highlight_file(path: Path) -> str:
    """Return a source file as highlighted HTML."""
    try:
        lexer = get_lexer_for_filename(path.name)
    except ClassNotFound:
        lexer = TextLexer()
    return highlight(path.read_text(encoding="utf-8"), lexer, HtmlFormatter(nowrap=True))


def highlight_styles() -> str:
    """Return the style sheet for highlighted listings, light and dark."""
    light = HtmlFormatter(style="tango").get_style_defs("pre")
    dark = HtmlFormatter(style="github-dark").get_style_defs("pre")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _highlight(text: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(_LEXERS.get(language, language or "text"))
    except ClassNotFound:
        lexer = TextLexer()
    return highlight(text, lexer, HtmlFormatter(nowrap=True))
