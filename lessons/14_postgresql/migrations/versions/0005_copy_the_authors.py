"""copy the authors"""

import re

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
BATCH = 1000  # books


def upgrade():
    with op.get_context().autocommit_block():
        connection, last = op.get_bind(), 0
        while last is not None:
            connection.exec_driver_sql("BEGIN")
            try:
                last = copy_after(connection, last)
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
            if last is not None:
                print(f"copied up to book {last}", flush=True)


def copy_after(connection, last):
    """Copy the authors of the next books behind a number, and return the last one's, if any."""
    books = connection.execute(
        text(
            "SELECT number, author FROM book WHERE number > :last AND number NOT IN"
            " (SELECT book_number FROM wrote) ORDER BY number LIMIT :batch"
        ),
        {"last": last, "batch": BATCH},
    ).all()
    pairs = [(book, name) for book, names in books for name in names_in(names)]
    known = dict(connection.execute(text("SELECT name, number FROM author")).all())
    for name in dict.fromkeys(name for _, name in pairs if name not in known):
        add = text("INSERT INTO author (name) VALUES (:name) RETURNING number")
        known[name] = connection.scalar(add, {"name": name})
    if pairs:
        connection.execute(
            text("INSERT INTO wrote (book_number, author_number) VALUES (:book, :author)"),
            [{"book": book, "author": known[name]} for book, name in pairs],
        )
    return books[-1].number if books else None


def names_in(names):
    """Return the names in a text, each once: “Last, First” becomes “First Last”."""
    parts = [part.strip() for part in names.split(" and ")]
    turned = [re.sub(r"^([^,]+?) *, *([^,]+)$", r"\2 \1", part) for part in parts if part]
    return list(dict.fromkeys(turned)) or [names.strip()] * bool(names.strip())


def downgrade():
    op.execute("DELETE FROM wrote")
    op.execute("DELETE FROM author")
