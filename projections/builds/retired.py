"""Builds that readers no longer see: kept for a while to go back to, then deleted."""

from sqlalchemy import Connection, Engine, text

from projections.engine.folding import Claim
from projections.registry import BY_NAME

_ROWS_AT_ONCE = 5000

_PREVIOUS = text("""
    SELECT s.projection, s.company_id, s.build, s.position FROM projection_state s JOIN projection_active a
        ON a.projection = s.projection AND a.company_id = s.company_id AND s.build < a.build
    WHERE s.projection = :projection AND s.company_id = :company_id AND s.status = 'retired'
      AND s.position > 0 AND s.version = :version
    ORDER BY s.build DESC LIMIT 1
""")
# From now on nobody goes back to it: a build at position 0 does not count as a whole table.
_CLOSE = text("""
    UPDATE projection_state SET position = 0
    WHERE projection = :projection AND company_id = :company_id AND build = :build AND status = 'retired'
    RETURNING build
""")
_RETIRED_SINCE = text("""
    SELECT projection, company_id, build, position FROM projection_state
    WHERE status = 'retired' AND updated_at <= statement_timestamp() - make_interval(days => :days)
      AND projection = ANY (:names)
    ORDER BY company_id, projection, build
""")
_DELETE = """
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE company_id = :company_id AND build = :build LIMIT :at_once))
"""
_FORGET = text("""
    DELETE FROM projection_state WHERE projection = :projection AND company_id = :company_id AND build = :build
""")


class NoSuchBuildError(Exception):
    """There is no build of that kind to work on."""


def previous_build(connection: Connection, projection: str, company_id: int) -> Claim:
    """Return the build that was live before this one and that this version of the fold can continue.

    :raises NoSuchBuildError: there is none, or it was dropped
    """
    parameters = {"projection": projection, "company_id": company_id, "version": BY_NAME[projection].version}
    row = connection.execute(_PREVIOUS, parameters).one_or_none()
    if row is None:
        raise NoSuchBuildError(f"{projection} of company {company_id} has no earlier build to go back to")
    return Claim(row.projection, row.company_id, row.build, row.position)


def drop_build(engine: Engine, claim: Claim) -> None:
    """Delete a build that readers do not see, some thousand rows at a time. Commits; safe to repeat.

    :raises NoSuchBuildError: readers see it, or it is still being built
    """
    with engine.begin() as connection:
        if connection.execute(_CLOSE, claim._asdict()).scalar_one_or_none() is None:
            raise NoSuchBuildError(f"build {claim.build} of {claim.projection} is in use")
    for table in (table for tables in BY_NAME[claim.projection].tables.values() for table in tables):
        statement = text(_DELETE.format(table=table.name))
        while True:
            with engine.begin() as connection:
                if not connection.execute(statement, claim._asdict() | {"at_once": _ROWS_AT_ONCE}).rowcount:
                    break
    with engine.begin() as connection:
        connection.execute(_FORGET, claim._asdict())


def retired_builds(connection: Connection, *, days: int) -> list[Claim]:
    """Return the builds that were retired this many days ago or earlier."""
    return [Claim(*row) for row in connection.execute(_RETIRED_SINCE, {"days": days, "names": list(BY_NAME)})]
