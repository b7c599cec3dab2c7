"""Ask SQLite and PostgreSQL the same, one statement after the other, and keep nothing."""

import os
import sys

from shelf import with_driver
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

for address in ["sqlite:///instance/shelf.db", with_driver(os.environ["DATABASE_URL"])]:
    with create_engine(address).connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        for statement in sys.argv[1:]:
            try:
                result = connection.execute(text(statement))
                answer = result.all() if result.returns_rows else "done"
            except DBAPIError as error:
                answer = str(error.orig).splitlines()[0]
            print(f"{connection.dialect.name}: {answer}")
