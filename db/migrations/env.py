"""How Alembic runs here: inside the transaction of `db.migrate`, or on its own with `alembic -x url=postgresql://... <command>`."""

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
    with make_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        migrate(opened)
