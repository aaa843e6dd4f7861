"""What a failure of the database means: trouble of its own, or that it refuses what it was told.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# Connection exceptions, transaction rollbacks, insufficient resources, objects in use or locked, system errors.
_CLASSES_OF_TROUBLE = ("08", "40", "53", "55", "58")
# A read-only transaction on a standby, transactions that idled or lasted too long.
_STATES_OF_TROUBLE = frozenset({"25006", "25P03", "25P04"})
# Shutdowns, crashes and starts; but not 57014, a statement that took too long: fewer events may be done in time.
_OPERATORS_INTERVENTION = "57P"
# Locks, lost races and objects in use are trouble of those who want the same; a slow statement is slow for all.
_TROUBLE_OF_SOME = ("40", "55")
_QUERY_CANCELED = "57014"


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of a driver's error or of SQLAlchemy's around it; None when the server sent none."""
    found: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found


def is_connection_lost(error: BaseException) -> bool:
    """Tell whether there was no connection to be had, or the one there was ended without a word from the server."""
    if isinstance(error, PoolTimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    is_of_connection = isinstance(getattr(error, "orig", error), psycopg.OperationalError | psycopg.InterfaceError)
    return is_of_connection and sqlstate_of(error) is None


def is_trouble(error: BaseException) -> bool:
    """Tell whether the database was in trouble, so that the same may succeed another time; else it was refused."""
    state = sqlstate_of(error) or ""
    is_named = state.startswith((*_CLASSES_OF_TROUBLE, _OPERATORS_INTERVENTION)) or state in _STATES_OF_TROUBLE
    return is_named or is_connection_lost(error)


def is_everybodys_trouble(error: BaseException) -> bool:
    """Tell whether whoever asked just then would have met the same."""
    state = sqlstate_of(error) or ""
    return state == _QUERY_CANCELED or (is_trouble(error) and not state.startswith(_TROUBLE_OF_SOME))
