"""no loan is due before it begins"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade():
    with op.batch_alter_table("loan") as batch_op:
        batch_op.create_check_constraint(
            "due_on", "due_on >= lent_on", postgresql_not_valid=True
        )


def downgrade():
    with op.batch_alter_table("loan") as batch_op:
        batch_op.drop_constraint("due_on", type_="check")
