"""What an error means and what to do about it, from the table `translations.toml`."""

import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course.lessons import Lesson, find_lesson

TABLE = Path(__file__).parent / "translations.toml"


@dataclass(frozen=True)
class Translation:
    """A message in plain words; `name` is that of its row."""

    name: str
    cause: str
    cure: str


def translate(lesson: Lesson, folder: str, *texts: str) -> Translation | None:
    """Return what the table says of the first text that it knows.

    Args:
        lesson: whose app it is.
        folder: how the app's folder is called.
        texts: what went wrong, the most telling first: the error, the output, the response.
    """
    for text in texts:
        if missing := _missing_file(lesson, folder, text):
            return missing
        for row in _rows():
            if found := row["says"].search(text):
                words = {name: value or "" for name, value in found.groupdict().items()}
                words |= {"folder": folder, "n": lesson.number, "python": _short(sys.executable)}
                cause, cure = (row[each].format_map(words) for each in ("cause", "cure"))
                return Translation(row["name"], cause, cure)
    return None


def _missing_file(lesson: Lesson, folder: str, text: str) -> Translation | None:
    """Say of a missing file that the page makes or copies it, if it does."""
    module = re.search(r"No module named '([\w.]+)'", text)
    opened = re.search(rf"No such file or directory: '{folder}/(.+)'", text)
    if not (module or opened):
        return None
    file = module[1].replace(".", "/") + ".py" if module else opened[1]
    for fence in lesson.page.fences:
        if fence.path == file and fence.how == "a new file" and fence.section.step:
            step = fence.section.step
            cause = (
                f"There is no file `{fence.path}` in {folder}. Step {step} of the page makes it."
            )
            cure = (
                "If you are not that far, go on. If you have made it, look at its name and folder."
            )
            return Translation("file-to-come", cause, cure)
    for number, copied in lesson.page.starts_from:
        source = find_lesson(str(number), lesson.root).folder
        if copied in ("", file) and (source / file).exists():
            cause = (
                f"There is no file `{file}` in {folder}. The page's first commands copy it there."
            )
            command = f"cp lessons/{source.name}/{file} {folder}/{file}"
            cure = "If you have it under another name, rename that. Else, in the course's folder: "
            cure += f"`{command}`"
            return Translation("file-to-copy", cause, cure)
    return None


@cache
def _rows() -> list[dict]:
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["message"]
    return [row | {"says": re.compile(row["says"])} for row in rows]


def _short(path: str) -> str:
    """Return a path as seen from the clone, if it is in there."""
    root = Path(__file__).parent.parent
    return str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else path
