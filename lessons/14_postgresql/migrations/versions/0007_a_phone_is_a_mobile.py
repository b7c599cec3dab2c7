"""a phone is a mobile"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade():
    with op.batch_alter_table("reader") as batch_op:
        batch_op.alter_column("phone", new_column_name="mobile")


def downgrade():
    with op.batch_alter_table("reader") as batch_op:
        batch_op.alter_column("mobile", new_column_name="phone")
