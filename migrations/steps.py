"""Tell which step a database is at, and which one this code expects; what migrates takes long to load."""

from pathlib import Path

from sqlalchemy import Connection, text

_STEPS = Path(__file__).with_name("versions")
_IS_THERE = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_CURRENT = text("SELECT version_num FROM alembic_version")


def expected_step() -> str:
    """Return the id of the newest step this code knows; the name of each step's file begins with its id."""
    return max(path.name.partition("_")[0] for path in _STEPS.glob("*.py"))


def current_step(connection: Connection) -> str | None:
    """Return the id of the database's current step; None for an empty database."""
    return connection.scalar(_CURRENT) if connection.scalar(_IS_THERE) else None
