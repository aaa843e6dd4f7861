"""Builds beside the live one: begin them, put one in the live one's place, go back, forget the old. Rows, no folding.

A build belongs to one projection of one company. It is *building* until it stands at the end of the log, *ready* when it
waits there for a word, *live* while readers see it, and *retired* after another took its place.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from projections.folding import Claim
from projections.registry import BY_NAME, versions


class NoSuchBuildError(Exception):
    """There is no build of that kind to work on."""


class Begun(NamedTuple):
    """A build that was begun or is gone on with, and how long the log is that it is made from."""

    projection: str
    company_id: int
    build: int
    position: int
    head: int


# What was begun and not finished is gone on with.
_BEGIN = text("""
    WITH wanted AS (
        SELECT p.name, p.version, h.company_id FROM company_head h
        CROSS JOIN unnest(CAST(:names AS text[]), CAST(:versions AS integer[])) AS p (name, version)
        WHERE (CAST(:company_id AS bigint) IS NULL OR h.company_id = :company_id) AND p.name = ANY (:chosen)
    ), taken AS (
        UPDATE projection_state s SET is_automatic = false, status = 'building' FROM wanted w
        WHERE s.projection = w.name AND s.company_id = w.company_id AND s.version = w.version
          AND s.status IN ('building', 'ready')
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
_ABANDON = text("""
    UPDATE projection_state SET status = 'retired', updated_at = clock_timestamp()
    WHERE status IN ('building', 'ready') AND projection = ANY (:chosen)
      AND (CAST(:company_id AS bigint) IS NULL OR company_id = :company_id)
    RETURNING projection, company_id, build, position
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
_RETIRE = text("""
    UPDATE projection_state SET status = 'retired', attempts = 0, retry_at = NULL, updated_at = clock_timestamp()
    WHERE projection = :projection AND company_id = :company_id AND status IN ('live', 'halted')
""")
_MAKE_LIVE = text("""
    UPDATE projection_state SET status = 'live', is_automatic = true, updated_at = clock_timestamp()
    WHERE projection = :projection AND company_id = :company_id AND build = :build
""")
_POINT = text("""
    INSERT INTO projection_active (projection, company_id, build) VALUES (:projection, :company_id, :build)
    ON CONFLICT (projection, company_id) DO UPDATE SET build = excluded.build
""")
_PREVIOUS = text("""
    SELECT s.projection, s.company_id, s.build, s.position FROM projection_state s JOIN projection_active a
        ON a.projection = s.projection AND a.company_id = s.company_id AND s.build < a.build
    WHERE s.projection = :projection AND s.company_id = :company_id AND s.status = 'retired'
      AND s.position > 0
    ORDER BY s.build DESC LIMIT 1
""")


def begin_builds(
    connection: Connection, *, company_id: int | None, chosen: Sequence[str] = tuple(BY_NAME)
) -> list[Begun]:
    """Begin a build of each chosen projection of one company or of all, biggest first. Commits nothing.

    A build of this version that somebody began and did not finish is gone on with. Nobody but its beginner ends it.
    """
    asked = versions() | {"company_id": company_id, "chosen": list(chosen)}
    return [Begun(*row) for row in connection.execute(_BEGIN, asked)]


def abandon_builds(
    connection: Connection, *, company_id: int | None, chosen: Sequence[str] = tuple(BY_NAME)
) -> list[Claim]:
    """Give up all builds that readers do not see yet; they are retired. Commits nothing."""
    rows = connection.execute(_ABANDON, {"company_id": company_id, "chosen": list(chosen)})
    return [Claim(row.projection, row.company_id, row.build, row.position) for row in rows]


def lock_for_flip(connection: Connection, claim: Claim) -> tuple[Claim, int] | None:
    """Hold the build, the live one and the company's head until the commit; give the build anew and the log's end.

    The order is: states, then the head. Those who fold never wait for a head while they hold a state. None if the build
    is gone.
    """
    at = claim._asdict()
    position = connection.execute(_LOCK_BUILD, at).scalar_one_or_none()
    if position is None:
        return None
    connection.execute(_LOCK_LIVE, at)
    head = connection.execute(_LOCK_HEAD, at).scalar_one()
    return claim._replace(position=position), head


def make_live(connection: Connection, claim: Claim) -> None:
    """Put the build in the place of the live one, which is retired. Commits nothing. Hold what `lock_for_flip` holds."""
    for statement in (_RETIRE, _MAKE_LIVE, _POINT):
        connection.execute(statement, claim._asdict())


def previous_build(connection: Connection, projection: str, company_id: int) -> Claim:
    """Give the build that was live before this one.

    :raises NoSuchBuildError: there is none, or it was dropped
    """
    row = connection.execute(_PREVIOUS, {"projection": projection, "company_id": company_id}).one_or_none()
    if row is None:
        raise NoSuchBuildError(f"{projection} of company {company_id} has no earlier build to go back to")
    return Claim(row.projection, row.company_id, row.build, row.position)
