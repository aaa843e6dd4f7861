"""Note when and for which company a key or a session was used: not worth turning its user away for."""

import logging

from sqlalchemy import Connection, Update
from sqlalchemy.exc import InternalError, OperationalError

_log = logging.getLogger(__name__)


def note_use(connection: Connection, statement: Update) -> None:
    """Note it if the database takes writes: a full disk or a server in recovery still lets people read.

    Commits nothing.

    :raises sqlalchemy.exc.DBAPIError: the connection died
    """
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except (OperationalError, InternalError) as error:
        if error.connection_invalidated:
            raise
        _log.warning("use not noted", extra={"error": type(error.orig).__name__})
