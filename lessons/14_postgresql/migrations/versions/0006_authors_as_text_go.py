"""authors as text go"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0006"
down_revision = "0005"


def upgrade():
    without = sa.text("SELECT author FROM book WHERE number NOT IN (SELECT book_number FROM wrote)")
    missing = [author for author in op.get_bind().scalars(without) if author.strip()]
    if missing:
        raise CommandError(
            f"{len(missing)} books would lose their authors. Go back to 0004, and upgrade again."
        )
    with op.batch_alter_table("book") as batch_op:
        batch_op.drop_index("ix_book_author")
        batch_op.drop_column("author")


def downgrade():
    with op.batch_alter_table("book") as batch_op:
        batch_op.add_column(sa.Column("author", sa.String(200), nullable=False, server_default=""))
    connection, texts = op.get_bind(), {}
    for book, name in connection.execute(
        sa.text(
            "SELECT book_number, name FROM wrote JOIN author ON author.number = author_number"
            " ORDER BY wrote.number"
        )
    ):
        texts[book] = f"{texts[book]} and {name}" if book in texts else name
    if texts:
        connection.execute(
            sa.text("UPDATE book SET author = :author WHERE number = :number"),
            [{"number": number, "author": author} for number, author in texts.items()],
        )
    with op.batch_alter_table("book") as batch_op:
        batch_op.alter_column("author", server_default=None)
        batch_op.create_index("ix_book_author", ["author"])
