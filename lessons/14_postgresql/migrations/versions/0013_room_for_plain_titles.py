"""room for plain titles"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade():
    with op.batch_alter_table("book") as batch_op:
        batch_op.add_column(sa.Column("plain_title", sa.String()))
        batch_op.alter_column("folded_title", existing_type=sa.String(), nullable=True)


def downgrade():
    connection = op.get_bind()
    left = connection.execute(
        sa.text("SELECT number, title FROM book WHERE folded_title IS NULL")
    ).all()
    if left:
        connection.execute(
            sa.text("UPDATE book SET folded_title = :folded WHERE number = :number"),
            [{"number": number, "folded": title.casefold()} for number, title in left],
        )
    with op.batch_alter_table("book") as batch_op:
        batch_op.alter_column("folded_title", existing_type=sa.String(), nullable=False)
        batch_op.drop_column("plain_title")
