"""the day when a book is due"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

DAYS = [sa.column("lent_on", sa.Date()), sa.column("due_on", sa.Date())]
loan = sa.table("loan", sa.column("number"), *DAYS)


def upgrade():
    with op.batch_alter_table("loan") as batch_op:
        batch_op.add_column(sa.Column("due_on", sa.Date()))
    connection = op.get_bind()
    for number, lent_on in connection.execute(sa.select(loan.c.number, loan.c.lent_on)).all():
        due_on = lent_on + timedelta(days=28)
        connection.execute(loan.update().where(loan.c.number == number).values(due_on=due_on))
    with op.batch_alter_table("loan") as batch_op:
        batch_op.alter_column("due_on", existing_type=sa.Date(), nullable=False)


def downgrade():
    with op.batch_alter_table("loan") as batch_op:
        batch_op.drop_column("due_on")
