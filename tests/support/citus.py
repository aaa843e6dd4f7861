"""A database whose PostgreSQL takes itself for the coordinator of a Citus cluster: see `citus.sql`."""

from pathlib import Path

from sqlalchemy import Connection, make_url, text

from runtime.database import driver_of

_STAND_IN = Path(__file__).with_suffix(".sql").read_text()


def install(connection: Connection) -> None:
    """Install the stand-in, as CREATE EXTENSION citus would the extension."""
    driver_of(connection).execute(_STAND_IN.encode())  # its percent signs are no parameters


def in_schema(database_url: str, schema: str) -> str:
    """Return the address of the same database that names a schema."""
    return (
        make_url(database_url)
        .update_query_dict({"options": f"-csearch_path={schema}"})
        .render_as_string(hide_password=False)
    )


def calls(connection: Connection) -> list[str]:
    """Return what was called, in order."""
    return list(connection.scalars(text("SELECT what FROM standin.call ORDER BY id")))
