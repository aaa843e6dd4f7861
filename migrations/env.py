"""How Alembic reaches our database: on the connection it is handed, in one transaction a step."""

from alembic import context
from sqlalchemy import Connection, text

from migrations.schema import metadata

# A migration that waits for a lock makes everybody behind it wait, too.
_LOCK_TIMEOUT = "4s"


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        context.run_migrations()


_migrate(context.config.attributes["connection"])
