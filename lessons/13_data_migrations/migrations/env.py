"""What runs when a `flask db` command asks the models or the database."""

import logging

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import event


def run():
    """Run what the command asks for, each script as one transaction."""
    with db.engine.connect() as connection:
        switch_foreign_keys(connection, "OFF")
        event.listen(connection, "begin", begin)
        try:
            context.configure(
                connection=connection,
                transactional_ddl=True,
                transaction_per_migration=True,
                on_version_apply=check_foreign_keys,
                **settings,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()  # ends what reading has begun, if no script ran
            switch_foreign_keys(connection, "ON")


def switch_foreign_keys(connection, answer):
    """Switch SQLite's foreign keys: while rows refer to a table, it cannot be replaced."""
    if connection.dialect.name == "sqlite":
        connection.connection.execute(f"PRAGMA foreign_keys = {answer}")


def begin(connection):
    """Have SQLite begin a transaction when SQLAlchemy does, not with the first row."""
    autocommit = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    if connection.dialect.name == "sqlite" and not autocommit:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def check_foreign_keys(ctx, **_):
    """Refuse to go on while a row refers to one that is not there."""
    if ctx.dialect.name == "sqlite":
        broken = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken:
            raise CommandError(f"Row {broken[1]} of {broken[0]} refers to no row of {broken[2]}.")


def print_sql():
    """Print the SQL of the scripts, for `--sql`."""
    context.configure(dialect_name=db.engine.name, literal_binds=True, **settings)
    with context.begin_transaction():
        context.run_migrations()


def write_no_empty_script(_, revision, scripts):
    """Have `flask db migrate` write nothing when it finds nothing."""
    options = context.config.cmd_opts
    if getattr(options, "autogenerate", False) and scripts[0].upgrade_ops.is_empty():
        scripts.clear()
        logging.getLogger("alembic.env").info("No changes in schema detected.")


logging.basicConfig(format="%(levelname)-5s [%(name)s] %(message)s")
logging.getLogger("alembic").setLevel("INFO")
db = current_app.extensions["migrate"].db
settings = {
    "target_metadata": db.metadata,
    "process_revision_directives": write_no_empty_script,
    **current_app.extensions["migrate"].configure_args,
}
if context.is_offline_mode():
    print_sql()
else:
    run()
