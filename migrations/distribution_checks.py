"""Find out what a database lacks before its schema can be distributed, without changing anything."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from migrations.rights import listed_tables
from runtime.roles import ALL

# Older ones do not tell the nodes of rights on columns, and before 12.1 they do not move schemas.
_LEAST_VERSION = (13, 1)
_EXTENSION = text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
_IS_COORDINATOR = text("SELECT groupid = 0 FROM pg_catalog.pg_dist_local_group")
_HAS_NODES = text("""
    SELECT EXISTS (SELECT FROM pg_catalog.pg_dist_node
                   WHERE isactive AND shouldhaveshards AND noderole = 'primary')
""")
_HAS_LOG = text("SELECT to_regclass(quote_ident(:schema) || '.company_head') IS NOT NULL")
_IS_DISTRIBUTED = text("""
    SELECT EXISTS (SELECT FROM pg_catalog.pg_dist_schema s JOIN pg_namespace n ON n.oid = s.schemaid
                   WHERE n.nspname = :schema)
""")
_OTHERS = text("""
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'f') AND NOT c.relname = ANY (:listed) ORDER BY 1
""")
_NOT_OURS = text("""
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :place AND c.relname = ANY (:listed) AND NOT pg_has_role(c.relowner, 'USAGE')
    UNION ALL
    SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = :schema AND NOT pg_has_role(nspowner, 'USAGE')
    UNION ALL
    SELECT 'database ' || current_database() WHERE to_regnamespace(quote_ident(:schema)) IS NULL
        AND NOT has_database_privilege(current_database(), 'CREATE')
    ORDER BY 1
""")
_CANNOT_LOG_IN = text("""
    SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles) AND NOT rolcanlogin
      AND NOT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) ORDER BY 1
""")


_HOLDER = text("""
    SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = 'company_head' AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
      AND to_regclass(quote_ident(:schema) || '.company_head') IS NULL
    ORDER BY n.nspname <> 'public', n.nspname LIMIT 1
""")


class TwoDeploymentsError(Exception):
    """Both `public` and the schema hold a deployment's tables."""


def is_distributed(connection: Connection, schema: str) -> bool:
    """Return whether the schema is a distributed one of a Citus cluster."""
    has_citus = connection.exec_driver_sql("SELECT to_regclass('pg_catalog.pg_dist_schema') IS NOT NULL").scalar()
    return bool(has_citus and connection.scalar(_IS_DISTRIBUTED, {"schema": schema}))


def holder_of_tables(connection: Connection, schema: str) -> str | None:
    """Return another schema that holds a deployment's tables, if this one holds none."""
    holder: str | None = connection.scalar(_HOLDER, {"schema": schema})
    return holder


def where_tables_are(connection: Connection, schema: str) -> str:
    """Return the schema that holds the tables: this one, or `public` if they are still to be moved.

    :raises TwoDeploymentsError: both do
    """
    places = [place for place in (schema, "public") if connection.scalar(_HAS_LOG, {"schema": place})]
    if len(places) > 1:
        raise TwoDeploymentsError(
            f"both public and {schema} hold tables of a deployment: drop the empty one, or name another schema"
        )
    return places[0] if places else schema


def lacking(connection: Connection, schema: str, newest_step: str | None) -> Iterator[str]:
    """Yield a sentence for whatever is missing, and what to do about it. Changes nothing.

    :raises TwoDeploymentsError: both `public` and the schema hold tables
    """
    yield from _lacking_in_cluster(connection)
    place = where_tables_are(connection, schema)
    if _step(connection, place) != newest_step:
        address = ", with an address that names no schema" if place == "public" else ""
        yield f"the tables in {place} are not at this release's schema: run 'flask db upgrade' first{address}"
        return
    listed = {"listed": listed_tables()}
    if others := connection.scalars(_OTHERS, listed | {"schema": schema}).all():
        yield f"{schema} holds tables that are not of revmap: {', '.join(others)}; move them elsewhere"
    if not_ours := connection.scalars(_NOT_OURS, listed | {"place": place, "schema": schema}).all():
        yield f"the user does not own: {', '.join(not_ours)}; set DATABASE_OWNER_URL to the owner"
    if connection.exec_driver_sql(
        f'SELECT EXISTS (SELECT FROM "{place}".company_head WHERE chain_position < position)'  # noqa: S608
    ).scalar():
        yield "some logs are not chained to their end: run 'flask events chain' first"
    if roles := connection.scalars(_CANNOT_LOG_IN, {"roles": list(ALL)}).all():
        statements = " ".join(f"ALTER ROLE {role} LOGIN;" for role in roles)
        yield f"this user may not let the nodes sign in to each other; have an administrator run: {statements}"


def _lacking_in_cluster(connection: Connection) -> Iterator[str]:
    version = connection.scalar(_EXTENSION)
    if version is None:
        yield "the extension citus is not installed in this database: see docs/operate.md#a-distributed-postgresql"
        return
    least = ".".join(map(str, _LEAST_VERSION))
    if tuple(int(part) for part in version.partition("-")[0].split(".")) < _LEAST_VERSION:
        yield f"Citus {version} is too old: {least} or newer is needed"
    if not connection.scalar(_IS_COORDINATOR):
        yield "this node is not the coordinator: set DATABASE_OWNER_URL to the coordinator's address"
    if not connection.scalar(_HAS_NODES):
        yield "the cluster has no node that takes rows: add one on the coordinator with citus_add_node"


def _step(connection: Connection, place: str) -> str | None:
    if not connection.scalar(_HAS_LOG, {"schema": place}):
        return None
    step: str | None = connection.exec_driver_sql(f'SELECT version_num FROM "{place}".alembic_version').scalar()  # noqa: S608
    return step
