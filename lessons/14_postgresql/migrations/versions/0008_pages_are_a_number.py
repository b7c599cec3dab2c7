"""pages are a number"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade():
    connection = op.get_bind()
    noted = sa.text("SELECT number, pages FROM book WHERE pages IS NOT NULL")
    books = [
        {"number": number, "pages": last_number(pages)}
        for number, pages in connection.execute(noted)
    ]
    if books:
        connection.execute(sa.text("UPDATE book SET pages = :pages WHERE number = :number"), books)
    with op.batch_alter_table("book") as batch_op:
        batch_op.alter_column(
            "pages",
            existing_type=sa.String(20),
            type_=sa.Integer(),
            postgresql_using="pages::integer",
        )
        batch_op.create_check_constraint("pages", "pages > 0")


def last_number(pages):
    """Return the last number in “xii, 474” as text, or None; 0 does not count."""
    found = [each for each in re.findall("[0-9]+", pages) if 0 < int(each) < 2**31]
    return str(int(found[-1])) if found else None


def downgrade():
    with op.batch_alter_table("book") as batch_op:
        batch_op.drop_constraint("pages", type_="check")
        batch_op.alter_column("pages", existing_type=sa.Integer(), type_=sa.String(20))
