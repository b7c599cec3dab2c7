"""fill plain titles"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
BATCH = 1000  # books


def upgrade():
    fill("plain_title", plain)


def downgrade():
    fill("folded_title", str.casefold)


def fill(column, rule):
    """Fill a column where it is empty, from the title, batch by batch."""
    empty = sa.text(f"SELECT number, title FROM book WHERE {column} IS NULL LIMIT {BATCH}")
    note = sa.text(f"UPDATE book SET {column} = :text WHERE number = :number")
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        while books := connection.execute(empty).all():
            connection.exec_driver_sql("BEGIN")
            try:
                texts = [{"number": number, "text": rule(title)} for number, title in books]
                connection.execute(note, texts)
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
            print(f"filled {len(books)}", flush=True)


def plain(text):
    """Return a text as it is searched: without capitals and, where it goes, without accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(each for each in letters if not unicodedata.combining(each))
