"""pages and conditions

Revision ID: 0010
Revises: 0008, 0009
Create Date: 2026-11-26 10:39:38.960760

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0010'
down_revision = ('0008', '0009')
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
