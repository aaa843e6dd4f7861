"""Give each role the rights that `rights.txt` lists, and take all others: the one place where rights are granted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from runtime.roles import ALL, OPERATOR, WEB, WORKER

_LIST = Path(__file__).with_name("rights.txt")
_LETTERS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE", "X": "EXECUTE"}
_CELL = re.compile(r"([SIUDX])(?:\(([\w,]+)\))?")
# The tables that are made from the log. Their role owns them, because COPY into a table that has row-level security is
# for its owner alone.
_OWNED = "own"

_ROLES = text("""
    SELECT w.name, r.oid IS NOT NULL AS is_there, coalesce(pg_has_role(session_user, r.oid, 'MEMBER'), false) AS is_ours
    FROM unnest(CAST(:roles AS text[])) WITH ORDINALITY AS w (name, place)
    LEFT JOIN pg_roles r ON r.rolname = w.name ORDER BY w.place
""")
_IS_OPERATOR = text("""
    SELECT pg_has_role(o.oid, r.oid, 'USAGE') FROM pg_roles o, pg_roles r
    WHERE o.rolname = :operator AND r.rolname = :role
""")
_UNWALLED = text("""
    SELECT c.relname FROM pg_class c
    WHERE c.relrowsecurity AND c.relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'all_companies') ORDER BY 1
""")
_OWNERS = text("""
    SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE r.rolname = :role AND c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY 1
""")
# PUBLIC (grantee 0) may call every function unless that is revoked.
_HELD = text("""
    SELECT r.rolname AS role, x.privilege_type AS privilege, o.name AS object, o.columns
    FROM (
        SELECT c.relname AS name, NULL AS columns, c.relacl AS acl, c.relowner AS owner FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        UNION ALL
        SELECT c.relname, a.attname, a.attacl, c.relowner FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND a.attacl IS NOT NULL
        UNION ALL
        SELECT p.proname || '()', NULL, p.proacl, p.proowner FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace
    ) o CROSS JOIN LATERAL aclexplode(o.acl) x JOIN pg_roles r ON r.oid = x.grantee
    WHERE r.rolname = ANY (:roles) AND x.grantee <> o.owner
""")
_OPEN_FUNCTIONS = text("""
    SELECT p.proname || '()' FROM pg_proc p
    CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
    WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef AND x.grantee = 0 ORDER BY 1
""")


class Right(NamedTuple):
    """What a role may do with a table, with one column of it, or with a function, whose name ends with ()."""

    object: str
    role: str
    privilege: str
    column: str | None = None

    def statement(self, verb: str) -> str:
        """Return the statement that grants or revokes the right; `verb` is GRANT … TO or REVOKE … FROM."""
        word, preposition = verb.split()
        column = f" ({self.column})" if self.column else ""
        target = f"FUNCTION {self.object[:-2]}" if self.object.endswith("()") else self.object
        return f"{word} {self.privilege}{column} ON {target} {preposition} {self.role}"


class RolesNotPermittedError(Exception):
    """The database's user may neither create the roles nor act in them."""


def listed_rights() -> set[Right]:
    """Return the rights in the list, without those of owners."""
    return {
        Right(name, role, _LETTERS[letter], column or None)
        for name, role, cell in _cells()
        if cell != _OWNED
        for letter, columns in _CELL.findall(cell)
        for column in columns.split(",")
    }


def listed_tables_of(role: str) -> set[str]:
    """Return the tables that the role owns by the list."""
    return {name for name, one, cell in _cells() if cell == _OWNED and one == role}


def listed_tables() -> list[str]:
    """Return the names of all tables in the list."""
    return sorted({name for name, _, _ in _cells() if not name.endswith("()")})


def held_rights(connection: Connection) -> set[Right]:
    """Return the rights that our roles hold in the database, without those of owners."""
    rows = connection.execute(_HELD, {"roles": list(ALL)})
    return {Right(row.object, row.role, row.privilege, row.columns) for row in rows}


def apply_rights(connection: Connection) -> None:
    """Create missing roles, and make the rights in the database those of the list. May be repeated. Commits nothing.

    It changes nothing where nothing differs. Row-level security lets the roles that work for all companies through.

    :raises RolesNotPermittedError: it may not; the message is what an administrator has to run
    """
    _ensure_roles(connection)
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    for statement in (
        *(f"GRANT USAGE ON SCHEMA {schema} TO {role}" for role in ALL),
        *(
            f"CREATE POLICY all_companies ON {table} TO {WEB}, {WORKER} USING (true) WITH CHECK (true)"
            for table in connection.scalars(_UNWALLED)
        ),
        *_changes_of_owner(connection, schema),
        *(f"REVOKE EXECUTE ON FUNCTION {name[:-2]} FROM PUBLIC" for name in connection.scalars(_OPEN_FUNCTIONS)),
    ):
        connection.exec_driver_sql(statement)
    listed, held = listed_rights(), held_rights(connection)
    for right in sorted(held - listed, key=str):
        connection.exec_driver_sql(right.statement("REVOKE FROM"))
    for right in sorted(listed - held, key=str):
        connection.exec_driver_sql(right.statement("GRANT TO"))


def _cells() -> Iterator[tuple[str, str, str]]:
    for line in _LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            name, *cells = line.split()
            yield from ((name, role, cell) for role, cell in zip(ALL, cells, strict=True) if cell != "-")


def _ensure_roles(connection: Connection) -> None:
    statements = []
    for name, is_there, is_ours in connection.execute(_ROLES, {"roles": list(ALL)}):
        statements += [] if is_there else [f"CREATE ROLE {name} NOLOGIN"]
        statements += [] if is_ours else [f"GRANT {name} TO CURRENT_USER"]
    for role in (WEB, WORKER):
        if not connection.execute(_IS_OPERATOR, {"operator": OPERATOR, "role": role}).scalar():
            statements.append(f"GRANT {role} TO {OPERATOR}")
    try:
        for statement in statements:
            with connection.begin_nested():
                connection.exec_driver_sql(statement)
    except ProgrammingError as error:
        user = connection.exec_driver_sql("SELECT quote_ident(session_user)").scalar_one()
        missing = "; ".join(statements).replace("CURRENT_USER", user)
        raise RolesNotPermittedError(
            f"this user may not create or grant roles; have an administrator run: {missing};"
        ) from error


def _changes_of_owner(connection: Connection, schema: str) -> Iterator[str]:
    others = sorted(listed_tables_of(WORKER) - set(connection.scalars(_OWNERS, {"role": WORKER})))
    if others:
        # An owner needs the right to create at the moment when it becomes one, and never again.
        yield f"GRANT CREATE ON SCHEMA {schema} TO {WORKER}"
        yield from (f"ALTER TABLE {table} OWNER TO {WORKER}" for table in others)
        yield f"REVOKE CREATE ON SCHEMA {schema} FROM {WORKER}"
