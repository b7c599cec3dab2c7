"""condition of a book"""

import sqlalchemy as sa
from alembic import context, op
from alembic.util import CommandError

revision = "0009"
down_revision = "0007"


def upgrade():
    with op.batch_alter_table("book") as batch_op:
        batch_op.add_column(
            sa.Column("condition", sa.String(7), nullable=False, server_default="good")
        )
        batch_op.create_check_constraint("condition", "condition IN ('good', 'worn', 'damaged')")


def downgrade():
    noted = op.get_bind().scalar(sa.text("SELECT count(*) FROM book WHERE condition <> 'good'"))
    if noted and context.get_x_argument(as_dictionary=True).get("lose") != "conditions":
        raise CommandError(
            f"This would destroy what is noted of {noted} worn or damaged books. "
            "If it may: flask db -x lose=conditions downgrade 0007"
        )
    with op.batch_alter_table("book") as batch_op:
        batch_op.drop_constraint("condition", type_="check")
        batch_op.drop_column("condition")
