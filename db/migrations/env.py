"""How Alembic runs here: inside the transaction of `db.migrate`, or on its own on the database of
NIGHTJAR_DATABASE_URL.

For the embedded one: `NIGHTJAR_DATABASE_URL=$(nightjar db url --role owner) alembic check`. An argument would
show the password to whoever lists processes.
"""

import os

from alembic import context
from sqlalchemy import Connection

from db.migrate import VERSION_TABLE, is_ours
from db.session import make_engine
from db.tables import SCHEMA, Table


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        include_schemas=True,
        include_name=is_ours,
        version_table=VERSION_TABLE,
        version_table_schema=SCHEMA,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with make_engine(os.environ["NIGHTJAR_DATABASE_URL"]).begin() as opened:
        migrate(opened)
