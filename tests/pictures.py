"""Draw the schema at each revision of a history: the pictures that lie beside the pages."""

from collections.abc import Iterator
from html import escape

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, inspect

COLUMNS = [["book", "author"], ["loan", "reader", "wrote"]]  # where each table stands
WIDTH, LINE, GAP = 208, 19, 12  # of a box, a line of text, and between boxes, in pixels
FIRST = {"12_migrations": "0001", "13_data_migrations": "0004", "14_postgresql": "0012"}
Schema = dict[str, list[str]]


def pictures(app: Flask, stem: str) -> dict[str, str]:
    """Return the pictures that belong to a lesson, by the names of their files.

    Args:
        app: an app with an empty database; its context is active.
        stem: the lesson's.
    """
    found, before = {}, {}
    for revision in _revisions(app.extensions["migrate"].migrate.get_config()):
        upgrade(revision=revision)
        engine = app.extensions["sqlalchemy"].engine
        after = _schema(engine)
        if revision >= FIRST[stem]:
            found[f"{stem}_{revision}.svg"] = _picture(_noted(engine), before, after)
        before = after
    return found


def _revisions(config: Config) -> list[str]:
    walked = ScriptDirectory.from_config(config).walk_revisions()
    return sorted(each.revision for each in walked)


def _noted(engine: Engine) -> str:
    """Return what the database says it is at: of two branches, the last revision of each."""
    with engine.connect() as connection:
        return " and ".join(sorted(MigrationContext.configure(connection).get_current_heads()))


def _schema(engine: Engine) -> Schema:
    """Return the lines that describe each table: its columns, then its constraints and indexes."""
    inspector, found = inspect(engine), {}
    for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        keys = {
            key["constrained_columns"][0]: key["referred_table"]
            for key in inspector.get_foreign_keys(table)
        }
        found[table] = [_column(each, keys) for each in inspector.get_columns(table)]
        for kind in ("unique_constraints", "check_constraints", "indexes"):
            known = getattr(inspector, f"get_{kind}")(table)
            found[table] += sorted(
                each["name"] for each in known if "duplicates_constraint" not in each
            )
    return found


def _column(column: dict, keys: dict[str, str]) -> str:
    name, empty = column["name"], "?" if column["nullable"] else ""
    if name in keys:
        return f"{name}{empty} → {keys[name]}"
    return f"{name} {str(column['type']).lower().replace('varchar', 'text')}{empty}"


def _picture(at: str, before: Schema, after: Schema) -> str:
    """Return an SVG of a schema: green and + for what came, red and − for what went."""
    boxes, bottom = [], 0
    for number, tables in enumerate(COLUMNS):
        top = GAP
        for table in tables:
            lines = list(_differences(before.get(table, []), after.get(table, [])))
            if lines:
                boxes.append(_box(GAP + number * (WIDTH + GAP), top, table, lines))
                top += (len(lines) + 1) * LINE + 2 * GAP
        bottom = max(bottom, top)
    title = escape(f"The tables at revision {at}: {', '.join(after)}")
    width = GAP + len(COLUMNS) * (WIDTH + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom}" width="{width}"'
        f' height="{bottom}" font-family="ui-monospace, Consolas, monospace" font-size="13"'
        f' role="img" aria-labelledby="t">\n  <title id="t">{title}</title>\n'
        f'  <rect width="{width}" height="{bottom}" rx="10" fill="#fbfaf5"/>\n'
        + "".join(boxes)
        + "</svg>\n"
    )


def _differences(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each line with what became of it: " ", "+" or "−"."""
    for line in after:
        yield (" " if line in before else "+"), line
    for line in before:
        if line not in after:
            yield "−", line


def _box(x: int, y: int, table: str, lines: list[tuple[str, str]]) -> str:
    height = (len(lines) + 1) * LINE + GAP
    colours = {" ": "#1d2427", "+": "#1f6b2e", "−": "#a3261e"}
    text = "".join(
        f'  <text x="{x + 8}" y="{y + (number + 2) * LINE - 2}" fill="{colours[mark]}"'
        f' xml:space="preserve">{escape(f"{mark} {line}")}</text>\n'
        for number, (mark, line) in enumerate(lines)
    )
    return (
        f'  <rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="6" fill="#fff"'
        f' stroke="#1f645f"/>\n  <text x="{x + 8}" y="{y + LINE - 2}" font-weight="600"'
        f' fill="#1f645f">{table}</text>\n{text}'
    )
