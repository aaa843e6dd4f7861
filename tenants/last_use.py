"""Record when and for which company a key or session was used. Not important enough to refuse a request for."""

import logging

from sqlalchemy import Connection, Update
from sqlalchemy.exc import InternalError, OperationalError

_log = logging.getLogger(__name__)


def note_use(connection: Connection, statement: Update) -> None:
    """Record a use if the database accepts writes: with a full disk or a server in recovery, people can still read.

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
