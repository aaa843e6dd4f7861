"""What an error of PostgreSQL means: that it may pass, that the database is out for everybody, or neither.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# Connection exceptions, transaction rollbacks, insufficient resources, objects in use or locked, shutdowns and starts,
# system errors.
_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57P", "58")
# A read-only transaction on a standby, transactions that idled or lasted too long.
_TRANSIENT_STATES = frozenset({"25006", "25P03", "25P04"})
# Rollbacks and locks concern those alone who want the same rows.
_CLASSES_OF_CONFLICT = ("40", "55")
# A statement that took too long. With less to do it may be in time, so that trying the same again is no remedy.
_QUERY_CANCELED = "57014"


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of a driver's error or of SQLAlchemy's around it; None when the server sent none."""
    found: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found


def is_connection_lost(error: BaseException) -> bool:
    """Tell whether no connection could be made, or the one there was ended."""
    if isinstance(error, PoolTimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    is_of_connection = isinstance(getattr(error, "orig", error), psycopg.OperationalError | psycopg.InterfaceError)
    return is_of_connection and sqlstate_of(error) is None


def is_transient(error: BaseException) -> bool:
    """Tell whether the same may succeed another time. Every other error is an answer to what was asked."""
    state = sqlstate_of(error) or ""
    return state.startswith(_TRANSIENT_CLASSES) or state in _TRANSIENT_STATES or is_connection_lost(error)


def is_outage(error: BaseException) -> bool:
    """Tell whether anybody would have got the same error at that moment, whatever they asked."""
    state = sqlstate_of(error) or ""
    return state == _QUERY_CANCELED or (is_transient(error) and not state.startswith(_CLASSES_OF_CONFLICT))
