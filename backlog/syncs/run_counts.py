"""Count the syncs of all companies by the hour in which they ended, so that no scrape counts them one by one."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

_NOTE = text("""
    INSERT INTO sync_run_count AS t (hour, status, runs, repaired)
    VALUES (date_trunc('hour', CAST(:ended_at AS timestamptz), 'UTC'), :status, 1, :repaired)
    ON CONFLICT (hour, status) DO UPDATE SET runs = t.runs + 1, repaired = t.repaired + excluded.repaired
""")
_SINCE = text("""
    SELECT status, sum(runs) AS runs, sum(repaired) AS repaired FROM (
        SELECT status, runs, repaired FROM sync_run_count
        WHERE hour > date_trunc('hour', CAST(:since AS timestamptz), 'UTC')
        UNION ALL
        SELECT status, 1, 0 FROM sync_run WHERE status IN ('queued', 'running')
    ) counted GROUP BY status ORDER BY status
""")


class RunCount(NamedTuple):
    """How many runs have this status, and how many invoices they repaired."""

    status: str
    runs: int
    repaired: int


def note_ended(connection: Connection, status: str, *, repaired: int, ended_at: datetime) -> None:
    """Count a run that ended. Commits nothing.

    Call it last in the transaction: runs of all companies that end in the same hour wait for its commit.
    """
    connection.execute(_NOTE, {"status": status, "repaired": repaired, "ended_at": ended_at})


def run_counts_since(connection: Connection, since: datetime) -> list[RunCount]:
    """Return the runs of all companies by status: those under way, and those that ended after that hour.

    Needs `across_companies`.
    """
    rows = connection.execute(_SINCE, {"since": since})
    return [RunCount(row.status, int(row.runs), int(row.repaired)) for row in rows]
