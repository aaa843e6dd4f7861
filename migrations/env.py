"""Run Alembic on the connection it is given, with one transaction per step."""

from alembic import context
from sqlalchemy import Connection

from migrations.schema import metadata


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_migrate(context.config.attributes["connection"])
