"""Classify errors of PostgreSQL: transient, an outage of the database for everybody, or neither.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# Connection exceptions, transaction rollbacks, insufficient resources, objects in use or locked, shutdowns and starts,
# system errors.
_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57P", "58")
# A read-only transaction on a standby, and transactions that idled or lasted too long.
_TRANSIENT_STATES = frozenset({"25006", "25P03", "25P04"})
# Rollbacks and locks only concern transactions that want the same rows.
_CLASSES_OF_CONFLICT = ("40", "55")
# A statement took too long. It may finish in time with less to do, so repeating the same one does not help.
_QUERY_CANCELED = "57014"
# What a node said that was shut down amid a COPY: Citus passes on its words, but not its code.
_OF_NODE = "XX000"
_SHUT_DOWN = "terminating connection"
# A trigger of ours refuses to begin the log of an erased company again.
_COMPANY_ERASED = "EV410"


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of a driver's error, or of SQLAlchemy's around it; None if the server sent none."""
    state: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state


def is_connection_lost(error: BaseException) -> bool:
    """Return whether no connection could be made, or the existing one ended."""
    if isinstance(error, PoolTimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    is_of_connection = isinstance(getattr(error, "orig", error), psycopg.OperationalError | psycopg.InterfaceError)
    return is_of_connection and sqlstate_of(error) is None


def is_transient(error: BaseException) -> bool:
    """Return whether a retry may succeed. Every other error is an answer to the statement itself."""
    state = sqlstate_of(error) or ""
    is_retried = state.startswith(_TRANSIENT_CLASSES) or state in _TRANSIENT_STATES
    return is_retried or is_connection_lost(error) or _is_node_shut_down(error)


def _is_node_shut_down(error: BaseException) -> bool:
    return sqlstate_of(error) == _OF_NODE and str(getattr(error, "orig", error)).startswith(_SHUT_DOWN)


def is_statement_timeout(error: BaseException) -> bool:
    """Return whether a statement took too long, or was cancelled by somebody."""
    return sqlstate_of(error) == _QUERY_CANCELED


def is_outage(error: BaseException) -> bool:
    """Return whether any statement would have failed in the same way at that moment."""
    state = sqlstate_of(error) or ""
    return is_statement_timeout(error) or (is_transient(error) and not state.startswith(_CLASSES_OF_CONFLICT))


def is_of_erased_company(error: BaseException) -> bool:
    """Return whether the statement was refused because the company was erased meanwhile."""
    return sqlstate_of(error) == _COMPANY_ERASED
