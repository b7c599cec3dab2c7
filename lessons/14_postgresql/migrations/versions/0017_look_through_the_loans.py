"""look through the loans"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade():
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE loan VALIDATE CONSTRAINT ck_loan_due_on")


def downgrade():
    pass
