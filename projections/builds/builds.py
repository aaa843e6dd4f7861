"""Begin builds beside the live one, abandon them, and make one live. Changes state rows and folds nothing.

A build belongs to one projection of one company. It is *building* until it reaches the end of the log, *ready* while it
waits there for the flip, *live* while readers see it, and *retired* after another replaced it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from projections.engine.folding import Claim
from projections.registry import BY_NAME, versions


class Begun(NamedTuple):
    """A build that was begun or resumed, and the length of the log that it is made from."""

    projection: str
    company_id: int
    build: int
    position: int
    head: int


# Builds that were begun and not finished are resumed.
_BEGIN = text("""
    WITH wanted AS (
        SELECT p.name, p.version, h.company_id FROM company_head h
        CROSS JOIN unnest(CAST(:names AS text[]), CAST(:versions AS integer[])) AS p (name, version)
        WHERE (CAST(:company_id AS bigint) IS NULL OR h.company_id = :company_id) AND p.name = ANY (:chosen)
    ), taken AS (
        UPDATE projection_state s SET is_automatic = false, status = 'building' FROM wanted w
        WHERE s.projection = w.name AND s.company_id = w.company_id AND s.version = w.version
          AND s.status IN ('building', 'ready') AND :is_resumed
        RETURNING s.projection, s.company_id, s.build
    ), begun AS (
        INSERT INTO projection_state (projection, build, company_id, version, status, is_automatic)
        SELECT w.name, 1 + coalesce((SELECT max(s.build) FROM projection_state s
                                     WHERE s.projection = w.name AND s.company_id = w.company_id), 0),
               w.company_id, w.version, 'building', false
        FROM wanted w
        WHERE NOT EXISTS (SELECT FROM taken t WHERE t.projection = w.name AND t.company_id = w.company_id)
        RETURNING projection, company_id, build
    )
    SELECT b.projection, b.company_id, b.build, coalesce(s.position, 0), h.position
    FROM (SELECT * FROM taken UNION ALL SELECT * FROM begun) b
    JOIN company_head h ON h.company_id = b.company_id
    LEFT JOIN projection_state s
        ON s.projection = b.projection AND s.company_id = b.company_id AND s.build = b.build
    ORDER BY h.position DESC, b.company_id, b.projection
""")
_UNFINISHED = text("""
    SELECT projection, company_id, build, position FROM projection_state s
    WHERE (CAST(:company_id AS bigint) IS NULL OR company_id = :company_id)
      AND (status IN ('building', 'ready') OR (status = 'halted' AND NOT EXISTS (
          SELECT FROM projection_active a
          WHERE a.projection = s.projection AND a.company_id = s.company_id AND a.build = s.build)))
    ORDER BY company_id, projection
""")
_ABANDON = text("""
    UPDATE projection_state SET status = 'retired', updated_at = statement_timestamp()
    WHERE projection = :projection AND company_id = :company_id AND build = :build
      AND status IN ('building', 'ready', 'halted')
""")
_LOCK_BUILD = text("""
    SELECT position FROM projection_state
    WHERE projection = :projection AND company_id = :company_id AND build = :build FOR UPDATE
""")
_LOCK_LIVE = text("""
    SELECT s.projection, s.company_id, s.build, s.position
    FROM projection_active a JOIN projection_state s
        ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    WHERE a.projection = :projection AND a.company_id = :company_id FOR UPDATE OF s
""")
_LOCK_HEAD = text("SELECT position FROM company_head WHERE company_id = :company_id FOR UPDATE")
_MAKE_LIVE = text("""
    WITH retired AS (
        UPDATE projection_state SET status = 'retired', attempts = 0, retry_at = NULL,
            updated_at = statement_timestamp()
        WHERE projection = :projection AND company_id = :company_id AND status IN ('live', 'halted') AND build <> :build
    ), pointed AS (
        INSERT INTO projection_active (projection, company_id, build) VALUES (:projection, :company_id, :build)
        ON CONFLICT (projection, company_id) DO UPDATE SET build = excluded.build
    )
    UPDATE projection_state SET status = 'live', is_automatic = true, updated_at = statement_timestamp()
    WHERE projection = :projection AND company_id = :company_id AND build = :build
""")


def begin_builds(
    connection: Connection, *, company_id: int | None, chosen: Sequence[str] = tuple(BY_NAME), is_resumed: bool = True
) -> list[Begun]:
    """Begin a build of each chosen projection of one company or of all, longest log first. Commits nothing.

    With `is_resumed`, an unfinished build of this version is resumed instead. Only the caller finishes these builds:
    automatic workers leave them alone.
    """
    parameters = versions() | {"company_id": company_id, "chosen": list(chosen), "is_resumed": is_resumed}
    return [Begun(*row) for row in connection.execute(_BEGIN, parameters)]


def unfinished_builds(connection: Connection, *, company_id: int | None) -> list[Claim]:
    """Return the builds of one company or of all that were begun and that readers do not see yet."""
    return [Claim(*row) for row in connection.execute(_UNFINISHED, {"company_id": company_id})]


def abandon(connection: Connection, builds: Sequence[Claim]) -> None:
    """Retire builds that readers do not see yet. Commits nothing."""
    for build in builds:
        connection.execute(_ABANDON, build._asdict())


def lock_for_flip(connection: Connection, claim: Claim) -> tuple[Claim, int] | None:
    """Lock the build, the live one and the company's head until the commit; return the build as it stands and the head.

    The states are locked before the head: workers that fold never wait for a head with a state locked. Returns None
    if the build is gone.
    """
    at = claim._asdict()
    position = connection.execute(_LOCK_BUILD, at).scalar_one_or_none()
    if position is None:
        return None
    connection.execute(_LOCK_LIVE, at)
    head = connection.execute(_LOCK_HEAD, at).scalar_one()
    return claim._replace(position=position), head


def make_live(connection: Connection, claim: Claim) -> None:
    """Make the build live and retire the one it replaces. Commits nothing. Requires the locks of `lock_for_flip`."""
    connection.execute(_MAKE_LIVE, claim._asdict())
