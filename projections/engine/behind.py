"""Which companies have events that their tables lack, without a look at all of them.

Whoever appends to a log marks the company's head, in the same transaction: `behind_since`. An index holds the marked
heads alone. A mark is taken off only when the company's live builds have reached its head, so it may stand too long,
but is never missing. The audit looks at all companies, a few at a time, in case a mark was lost all the same.
"""

import logging
from collections.abc import Iterable

from sqlalchemy import Connection, Engine, text

from projections.registry import versions
from runtime.database import Driver, raw_driver
from runtime.json_rows import as_rows, rows_of

_AUDITED_AT_ONCE = 500

_log = logging.getLogger(__name__)

# Whether the projection `p` has a build of this version, and whether every build that readers see is at the head. One
# that a command began does not count before there is a build for readers: the command may never be gone on with.
_HAS_BUILD = """
    EXISTS (SELECT FROM projection_state s
            WHERE s.projection = p.name AND s.company_id = h.company_id AND s.version = p.version
              AND (s.status IN ('live', 'halted') OR (s.status IN ('building', 'ready') AND (s.is_automatic OR EXISTS (
                  SELECT FROM projection_active a WHERE a.projection = p.name AND a.company_id = h.company_id)))))
"""
_IS_BEHIND = f"""
    EXISTS (SELECT FROM unnest(%(names)s::text[], %(versions)s::integer[]) AS p (name, version)
            WHERE NOT {_HAS_BUILD} OR EXISTS (
                SELECT FROM projection_active a JOIN projection_state s
                    ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
                WHERE a.projection = p.name AND a.company_id = h.company_id AND s.position < h.position))
"""  # noqa: S608 - our own words
# A company whose live build has another version gets a build of this version beside it, which any worker may fold.
_BEGIN_LACKING = f"""
    WITH lacking AS (
        SELECT p.name, p.version, h.company_id,
               coalesce((SELECT max(s.build) FROM projection_state s
                         WHERE s.projection = p.name AND s.company_id = h.company_id), 0) + 1 AS build,
               EXISTS (SELECT FROM projection_active a
                       WHERE a.projection = p.name AND a.company_id = h.company_id) AS is_active
        FROM company_head h CROSS JOIN unnest(%(names)s::text[], %(versions)s::integer[]) AS p (name, version)
        WHERE h.behind_since IS NOT NULL AND NOT {_HAS_BUILD}
    ), begun AS (
        INSERT INTO projection_state (projection, build, company_id, version, status, updated_at)
        SELECT name, build, company_id, version, CASE WHEN is_active THEN 'building' ELSE 'live' END,
               statement_timestamp() FROM lacking
        ON CONFLICT DO NOTHING RETURNING projection, company_id, build, status
    ), pointed AS (
        INSERT INTO projection_active (projection, company_id, build)
        SELECT projection, company_id, build FROM begun WHERE status = 'live' ON CONFLICT DO NOTHING
    )
    SELECT EXISTS (SELECT FROM begun) OR EXISTS (
        SELECT FROM projection_state
        WHERE status = 'building' AND is_automatic AND projection = ANY (%(names)s::text[]))
"""  # noqa: S608 - our own words
_ANYBODY_BEHIND = f"""
    SELECT EXISTS (
        SELECT FROM company_head h
        CROSS JOIN unnest(%(names)s::text[], %(versions)s::integer[]) AS p (name, version)
        LEFT JOIN projection_state s ON s.projection = p.name AND s.company_id = h.company_id
            AND s.version = p.version AND s.status = 'live'
        WHERE h.behind_since IS NOT NULL
          AND CASE WHEN s.status IS NULL THEN NOT {_HAS_BUILD} ELSE s.position < h.position
                   AND (s.retry_at IS NULL OR s.retry_at <= statement_timestamp()) END)
        OR EXISTS (SELECT FROM projection_state
            WHERE status = 'building' AND is_automatic AND projection = ANY (%(names)s::text[]))
"""  # noqa: S608 - our own words
# A head that somebody appends to is left alone: it is behind in any case. The others are locked until the commit.
_UPDATE_MARKS = f"""
    UPDATE company_head m SET behind_since = CASE WHEN h.is_behind THEN h.now END
    FROM (SELECT h.company_id, {_IS_BEHIND} AS is_behind, statement_timestamp() AS now
          FROM company_head h JOIN {rows_of("company_id bigint")} ON h.company_id = k.company_id
          ORDER BY h.company_id FOR UPDATE OF h SKIP LOCKED) h
    WHERE m.company_id = h.company_id
"""  # noqa: S608 - our own words
_NEXT = text("SELECT company_id FROM company_head WHERE company_id > :after ORDER BY company_id LIMIT :most")
_WRONG = f"""
    SELECT h.company_id, h.behind_since IS NULL AS is_lost FROM company_head h
    WHERE h.company_id = ANY (%(company_ids)s::bigint[]) AND {_IS_BEHIND} = (h.behind_since IS NULL)
"""  # noqa: S608 - our own words


def is_anybody_behind(connection: Connection) -> bool:
    """Return whether any company's tables lack events that could be folded now."""
    return bool(connection.exec_driver_sql(_ANYBODY_BEHIND, versions()).scalar())


def begin_lacking_builds(engine: Engine) -> bool:
    """Begin the builds of this version that marked companies lack. Commits; safe to repeat.

    Returns whether there are builds, new or older, that any worker may fold.
    """
    with engine.begin() as connection:
        return bool(connection.exec_driver_sql(_BEGIN_LACKING, versions()).scalar())


def update_marks(driver: Driver, company_ids: Iterable[int]) -> None:
    """Take the marks off companies whose live builds reached their heads; the others go to the back. Commits nothing.

    Call it last in the transaction, because appends to these logs wait for its commit. It waits for nobody itself.
    """
    driver.execute(_UPDATE_MARKS, versions() | as_rows(("company_id",), ([one] for one in company_ids)))


def audit_marks(engine: Engine, after: int) -> int:
    """Compare the marks of the next 500 companies with their tables, and put them right. Commits.

    Returns the last of these companies, to go on `after` it; 0 after the last of all, to begin anew.
    """
    with engine.begin() as connection:
        company_ids = connection.scalars(_NEXT, {"after": after, "most": _AUDITED_AT_ONCE}).all()
        wrong = connection.exec_driver_sql(_WRONG, versions() | {"company_ids": list(company_ids)}).all()
        if wrong:
            with raw_driver(connection) as driver:
                update_marks(driver, [row.company_id for row in wrong])
    if lost := [row.company_id for row in wrong if row.is_lost]:
        _log.warning("companies were behind unmarked", extra={"company_ids": lost})
    return company_ids[-1] if len(company_ids) == _AUDITED_AT_ONCE else 0
