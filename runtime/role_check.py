"""Check when a process starts that it can act in its roles: otherwise it would do everything as the database's user.

A pooler may drop what a connection asks for when it opens, its role among it.
"""

import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from runtime.database import open_engine
from runtime.environ import EXIT_MISCONFIGURED

_MISSING = text("""
    SELECT w.name FROM unnest(CAST(:roles AS text[])) WITH ORDINALITY AS w (name, place)
    WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = w.name AND pg_has_role(r.oid, 'MEMBER'))
    ORDER BY w.place
""")
_KEEPS_SETTINGS = text("SELECT current_setting('statement_timeout') = :statement_timeout")
# Without a schema in the address, Citus would not tell its nodes which company a transaction is for.
_IS_NAMELESS = text("""
    SELECT current_setting('citus.propagate_set_commands', true) <> 'local' AND current_schema() <> 'public'
""")
_STATEMENT_TIMEOUT_MS = 9_700  # no server's own
# PgBouncer's words, unless it is told to ignore them.
_REFUSED = "unsupported startup parameter"
WITHOUT_ROLES = (
    "DATABASE_ROLES=none: every process acts as the user of the database. Only its own filters keep a statement from "
    "reading other companies, and nothing keeps it from changing the log."
)
_log = logging.getLogger(__name__)


def refuse_missing_roles(database_url: str, roles: Sequence[str], *, has_roles: bool, is_pooled: bool = False) -> None:
    """Exit if the database's user cannot act in these roles, or a pooler would keep it from them.

    Without a database, only log a warning.

    Without roles (DATABASE_ROLES=none) log what is lost.

    :raises SystemExit: code 2, naming the roles and what to run, or the setting that is missing
    """
    if not has_roles:
        _log.error("acting without roles", extra={"lost": WITHOUT_ROLES})
        return
    try:
        missing = ", ".join(_missing(database_url, roles, is_pooled=is_pooled))
    except SQLAlchemyError as error:
        if _REFUSED in str(error):
            _refuse_pooler()
        # Each connection is refused that cannot act in its role.
        _log.warning("roles not checked", extra={"error": type(error).__name__})
        return
    if missing:
        _refuse(
            f"the user of DATABASE_URL cannot act as {missing}. Run 'flask db upgrade' as the "
            f"database's owner, and as the owner: GRANT {missing} TO that user. See docs/operate.md#database-roles"
        )


def _refuse_pooler() -> NoReturn:
    _refuse(
        "a pooler between it and PostgreSQL does not pass on what a connection sets. Set DATABASE_POOLER=transaction. "
        "See docs/operate.md#pgbouncer"
    )


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"revmap cannot start: {reason}\n")
    sys.exit(EXIT_MISCONFIGURED)


def _missing(database_url: str, roles: Sequence[str], *, is_pooled: bool) -> list[str]:
    limit = _STATEMENT_TIMEOUT_MS
    engine = open_engine(database_url, name="role-check", pool_size=1, statement_timeout_ms=limit, is_pooled=is_pooled)
    try:
        with engine.connect() as connection:
            if not connection.scalar(_KEEPS_SETTINGS, {"statement_timeout": f"{limit}ms"}):
                _refuse_pooler()
            if connection.scalar(_IS_NAMELESS):
                _refuse("name the schema in DATABASE_URL. See docs/operate.md#a-distributed-postgresql")
            return list(connection.scalars(_MISSING, {"roles": list(roles)}))
    finally:
        engine.dispose()
