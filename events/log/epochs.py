"""Tell the histories of a database apart: a restored backup assigns positions a second time.

The epoch is a random text, or the empty one as long as nothing was restored.
"""

from secrets import token_hex

from sqlalchemy import Connection, text

_DRAW = text("""
    INSERT INTO log_epoch (epoch, restored_at) VALUES (:epoch, statement_timestamp())
    ON CONFLICT (is_only) DO UPDATE SET epoch = excluded.epoch, restored_at = excluded.restored_at
""")
_CURRENT = text("SELECT epoch FROM log_epoch")


def current_epoch(connection: Connection) -> str:
    """Return the epoch of the database's history."""
    return connection.scalars(_CURRENT).one_or_none() or ""


def begin_epoch(connection: Connection) -> str:
    """Begin another history, and return its epoch. The caller commits."""
    epoch = token_hex(8)
    connection.execute(_DRAW, {"epoch": epoch})
    return epoch
