"""Make this deployment's schema a distributed one of a Citus cluster, which places and moves it as a whole.

https://docs.citusdata.com/en/stable/develop/api_udf.html: citus_schema_distribute.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from migrations.distribution_checks import is_distributed, where_tables_are
from migrations.rights import listed_tables
from runtime.roles import ALL

_FORCED = text("""
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relforcerowsecurity ORDER BY 1
""")
_CREATED = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)")
_FUNCTIONS = """
    SELECT CAST(CAST(p.oid AS regprocedure) AS text) AS signature
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = :schema AND p.prokind = 'f'
"""
_OUR_FUNCTIONS = text(f"{_FUNCTIONS} AND p.proname = ANY (:names) ORDER BY 1")
# What acts as its owner has a path of its own, and a trigger needs one on the nodes: there, nobody's session names the
# schema. Other functions are for queries to take in, which a path would keep them from.
_ASTRAY = text(f"""{_FUNCTIONS}
    AND (p.prosecdef OR p.prorettype = CAST('trigger' AS regtype))
    AND NOT coalesce(p.proconfig, '{{}}') @> ARRAY['search_path=' || quote_ident(:schema) || ', pg_temp'] ORDER BY 1
""")
_ON_COORDINATOR_ALONE = text(f"""{_FUNCTIONS}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_dist_object d
                    WHERE d.classid = CAST('pg_proc' AS regclass) AND d.objid = p.oid) ORDER BY 1
""")
# None of them is there with DATABASE_ROLES=none.
_ROLES = text("SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles) ORDER BY 1")
_CANNOT_LOG_IN = text("SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles) AND NOT rolcanlogin ORDER BY 1")
# Where the setting is known: Citus has it, others and later ones need not.
_LET_TRIGGERS = text("""
    SELECT set_config('citus.enable_unsafe_triggers', 'on', :is_local)
    WHERE current_setting('citus.enable_unsafe_triggers', true) IS NOT NULL
""")
_DISTRIBUTE = text("SELECT citus_schema_distribute(CAST(quote_ident(:schema) AS regnamespace))")
_TAKE_TO_NODES = text("SELECT create_distributed_function(CAST(:signature AS regprocedure))")


def distribute(connection: Connection, schema: str) -> Iterator[str]:
    """Move the tables into the schema, if they are in `public`, and distribute it; yield what was done.

    Commits nothing; safe to repeat. It copies all rows, and locks all tables until the transaction ends.
    """
    place = where_tables_are(connection, schema)
    if place != schema:
        _move(connection, place, schema)
        yield f"moved the tables and functions from {place} to {schema}"
    yield from _make_movable(connection, schema)
    if not is_distributed(connection, schema):
        let_triggers(connection, is_local=True)
        connection.execute(_DISTRIBUTE, {"schema": schema})
        yield f"distributed the schema {schema}"


def settle(connection: Connection, schema: str) -> Iterator[str]:
    """Bring what a distributed schema needs beside its tables to all nodes; yield what was done.

    Commits nothing; safe to repeat. Later migrations may have added tables and functions.
    """
    yield from _make_movable(connection, schema)
    functions = connection.scalars(_ON_COORDINATOR_ALONE, {"schema": schema}).all()
    for signature in functions:
        connection.execute(_TAKE_TO_NODES, {"signature": signature})
    if functions:
        yield f"brought {len(functions)} functions to all nodes"
    names = connection.scalars(_CANNOT_LOG_IN, {"roles": list(ALL)}).all()
    for name in names:
        connection.exec_driver_sql(f"ALTER ROLE {name} LOGIN")
    if names:
        yield f"let the nodes sign in to each other as {', '.join(names)}"


def let_triggers(connection: Connection, *, is_local: bool = False) -> None:
    """Have Citus accept triggers: each of ours reads and changes rows of its own schema alone, so of one node."""
    connection.execute(_LET_TRIGGERS, {"is_local": is_local})


def _move(connection: Connection, place: str, schema: str) -> None:
    # Extensions and other programs may have functions there, too.
    scripts = Path(__file__).parent.glob("versions/*.*")
    names = sorted({name for script in scripts for name in _CREATED.findall(script.read_text())})
    functions = connection.scalars(_OUR_FUNCTIONS, {"schema": place, "names": names}).all()
    # Not distributed before it has its tables.
    connection.exec_driver_sql("SET LOCAL citus.enable_schema_based_sharding = off")
    connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    for role in connection.scalars(_ROLES, {"roles": list(ALL)}):
        connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{schema}" TO {role}')
    # Sequences and indexes go along with their tables.
    for table in listed_tables():
        connection.exec_driver_sql(f'ALTER TABLE "{place}".{table} SET SCHEMA "{schema}"')
    for signature in functions:
        connection.exec_driver_sql(f'ALTER FUNCTION {signature} SET SCHEMA "{schema}"')


def _make_movable(connection: Connection, schema: str) -> Iterator[str]:
    # An online move writes as a table's owner, whom FORCE would refuse. The owner's policy lets all rows through.
    forced = connection.scalars(_FORCED, {"schema": schema}).all()
    for table in forced:
        connection.exec_driver_sql(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    if forced:
        yield f"took FORCE ROW LEVEL SECURITY from {len(forced)} tables; the policies stay"
    astray = connection.scalars(_ASTRAY, {"schema": schema}).all()
    for signature in astray:
        connection.exec_driver_sql(f'ALTER FUNCTION {signature} SET search_path = "{schema}", pg_temp')
    if astray:
        yield f"fixed the search path of {len(astray)} functions"
