"""find a year"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_book_year", "book", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_book_year", "book", ["year"], postgresql_concurrently=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_book_year", "book", if_exists=True, postgresql_concurrently=True)
