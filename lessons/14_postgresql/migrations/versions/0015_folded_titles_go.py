"""folded titles go"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade():
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("LOCK TABLE book")
    left = connection.execute(
        sa.text("SELECT number, title FROM book WHERE plain_title IS NULL")
    ).all()
    if left:
        connection.execute(
            sa.text("UPDATE book SET plain_title = :plain WHERE number = :number"),
            [{"number": number, "plain": plain(title)} for number, title in left],
        )
    with op.batch_alter_table("book") as batch_op:
        batch_op.alter_column("plain_title", existing_type=sa.String(), nullable=False)
        batch_op.drop_column("folded_title")


def plain(text):
    """Return a text as it is searched: without capitals and, where it goes, without accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(each for each in letters if not unicodedata.combining(each))


def downgrade():
    with op.batch_alter_table("book") as batch_op:
        batch_op.add_column(sa.Column("folded_title", sa.String()))
        batch_op.alter_column("plain_title", existing_type=sa.String(), nullable=True)
