"""Report how far every projection is folded, for operators."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from projections.registry import BY_NAME, names_shown


class CompanyProjection(NamedTuple):
    """The status of one company's build of a projection. `head` is the last position of its log."""

    projection: str
    build: int
    company_id: int
    position: int
    head: int
    status: str
    error: str | None
    error_position: int | None


class Lag(NamedTuple):
    """How much is recorded but not folded, over all companies, halted ones included.

    A company is failing while its next event could not be folded so far and is tried again.
    """

    companies_behind: int
    companies_halted: int
    companies_failing: int
    events_behind: int
    oldest_recorded_at: datetime | None


_STATUS = text("""
    SELECT s.projection, s.build, s.company_id, s.position, h.position AS head, s.status, s.error, s.error_position
    FROM projection_state s JOIN company_head h ON h.company_id = s.company_id
    WHERE s.status <> 'retired' AND s.projection = ANY (:names) ORDER BY s.projection, s.company_id, s.build
""")
# The lag is measured from the log, never from a cursor: a company that is not enrolled yet counts as behind, too.
# Whoever is behind is marked, so nobody else is looked at.
_LAG = text("""
    SELECT count(*) AS behind, count(*) FILTER (WHERE b.status = 'halted') AS halted,
           count(*) FILTER (WHERE b.status <> 'halted' AND b.error IS NOT NULL) AS failing,
           coalesce(sum(b.head - b.position), 0) AS events,
           min((SELECT e.recorded_at FROM event e WHERE e.company_id = b.company_id AND e.position = b.position + 1))
    FROM (
        SELECT h.company_id, h.position AS head, coalesce(s.position, 0) AS position, s.status, s.error
        FROM company_head h
        LEFT JOIN projection_active a ON a.projection = :projection AND a.company_id = h.company_id
        LEFT JOIN projection_state s
            ON s.projection = :projection AND s.company_id = h.company_id AND s.build = a.build
        WHERE h.behind_since IS NOT NULL AND h.position > coalesce(s.position, 0)
    ) b
""")
_RESUME = text("""
    UPDATE projection_state s SET attempts = 0, retry_at = NULL, updated_at = statement_timestamp(),
        failing_since = CASE WHEN s.failing_since IS NOT NULL THEN n.now END,
        status = CASE WHEN s.status <> 'halted' THEN s.status WHEN EXISTS (
            SELECT FROM projection_active a
            WHERE a.projection = s.projection AND a.company_id = s.company_id AND a.build = s.build
        ) THEN 'live' ELSE 'building' END
    FROM (SELECT statement_timestamp() AS now) n
    WHERE s.company_id = :company_id AND s.status IN ('halted', 'live', 'building')
      AND (s.status = 'halted' OR s.error IS NOT NULL)
    RETURNING s.projection
""")


def projection_status(connection: Connection) -> list[CompanyProjection]:
    """Return the status of every company's builds that are not retired, once for each name that users see."""
    rows = [CompanyProjection(*row) for row in connection.execute(_STATUS, {"names": list(BY_NAME)})]
    return [row._replace(projection=name) for row in rows for name in names_shown(row.projection)]


def projection_lag(connection: Connection, projection: str) -> Lag:
    """Return how far a projection is behind the log."""
    behind, halted, failing, events, oldest = connection.execute(_LAG, {"projection": projection}).one()
    return Lag(behind, halted, failing, int(events), oldest)


def resume_company(connection: Connection, company_id: int) -> list[str]:
    """Resume a company's halted and failing builds, to be tried again now; return the projections. Commits nothing."""
    return [row.projection for row in connection.execute(_RESUME, {"company_id": company_id})]
