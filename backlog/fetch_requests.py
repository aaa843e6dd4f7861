"""Request objects from Stripe: one row per object, however many callers request it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from projections.reads.gaps import GAPS, GAPS_AMONG
from projections.revenue.fold import NAME

# An answer that does not close its gap (a customer deleted meanwhile, a currency nobody has checked) would be fetched
# forever: it is requested again after 4 minutes, 16 minutes and so on, a day at most. If the object changed after the
# answer, it is another gap.
_LONGEST_REPEAT_SECONDS = 86_400
_ANSWERED_FOR_DAYS = 7
_MOST_AT_ONCE = 10_000
# Objects requested already are skipped; of the rest, companies take turns: one object of each, then a second.
# An answer that the table has not folded yet leaves its gap open, but is not requested again.
_REQUEST = """
    WITH requested AS (
        INSERT INTO fetch_request (company_id, livemode, kind, object_id, attempts, due_at)
        SELECT company_id, livemode, kind, object_id, CASE WHEN is_new THEN 0 ELSE attempts END,
               CASE WHEN is_new THEN statement_timestamp()
                    ELSE answered_at + make_interval(secs => least(:longest, 60 * power(4, least(attempts, 10)))) END
        FROM (
            SELECT g.*, f.attempts, f.answered_at, f.company_id IS NULL OR g.changed > f.answered_position AS is_new,
                   row_number() OVER (PARTITION BY g.company_id) AS turn
            FROM (
                SELECT company_id, livemode, kind, object_id, max(changed) AS changed, min(folded) AS folded
                FROM ({gaps}) found GROUP BY company_id, livemode, kind, object_id
            ) g LEFT JOIN fetch_request f ON f.company_id = g.company_id AND f.livemode = g.livemode AND f.kind = g.kind
                AND f.object_id = g.object_id
            WHERE f.company_id IS NULL OR (f.answered_at IS NOT NULL AND f.answered_position <= g.folded)
        ) lacking ORDER BY turn, company_id LIMIT :most
        ON CONFLICT (company_id, livemode, kind, object_id) DO UPDATE
            SET answered_at = NULL, error = NULL, attempts = excluded.attempts, due_at = excluded.due_at
        WHERE fetch_request.answered_at IS NOT NULL
        RETURNING due_at
    )
    SELECT due_at <= statement_timestamp() AS is_due FROM requested
"""
_REQUEST_ALL, _REQUEST_AMONG = (text(_REQUEST.format(gaps=gaps)) for gaps in (GAPS, GAPS_AMONG))
# What lacks something is found by its own indexes, and for each of those few the company's build by its key.
_LOOK_UP = text("""
    SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
           set_config('enable_seqscan', 'off', true)
""")
_REQUEST_SOON = text("""
    INSERT INTO fetch_request (company_id, livemode, kind, object_id, due_at)
    SELECT :company_id, :livemode, :kind, unnest(CAST(:object_ids AS text[])),
           statement_timestamp() + make_interval(secs => :seconds)
    ORDER BY 4
    ON CONFLICT (company_id, livemode, kind, object_id) DO UPDATE
        SET answered_at = NULL, error = NULL, due_at = excluded.due_at, attempts = 0
    WHERE fetch_request.answered_at IS NOT NULL
""")
_TRY_AGAIN = text("""
    UPDATE fetch_request SET attempts = 0, due_at = least(due_at, statement_timestamp())
    WHERE company_id = :company_id AND livemode = :livemode AND answered_at IS NULL AND error IS NOT NULL
""")
_LATEST = text("""
    SELECT f.livemode, f.kind, f.object_id, f.answered_at, f.error
    FROM fetch_request f JOIN unnest(
        CAST(:livemodes AS boolean[]), CAST(:kinds AS text[]), CAST(:object_ids AS text[])
    ) AS o (livemode, kind, object_id) USING (livemode, kind, object_id)
    WHERE f.company_id = :company_id
""")
_PURGE = text("DELETE FROM fetch_request WHERE answered_at < statement_timestamp() - make_interval(days => :days)")


class FetchedObject(NamedTuple):
    """An object at Stripe that can be requested."""

    livemode: bool
    kind: str
    object_id: str


class LatestFetch(NamedTuple):
    """When Stripe answered, None while it has not; `error` is why it has not, or that it has no such object."""

    answered_at: datetime | None
    error: str | None


def request_gaps(engine: Engine, *, company_ids: list[int] | None = None) -> int:
    """Request what the table lacks, for these companies or for all; return how many requests are due now. Commits."""
    parameters = {"projection": NAME, "most": _MOST_AT_ONCE, "longest": _LONGEST_REPEAT_SECONDS}
    with engine.begin() as connection:
        connection.execute(_LOOK_UP)
        if company_ids is None:
            requested = connection.execute(_REQUEST_ALL, parameters)
        else:
            requested = connection.execute(_REQUEST_AMONG, parameters | {"company_ids": company_ids})
        return sum(row.is_due for row in requested)


def request_fetches(
    connection: Connection,
    company_id: int,
    kind: str,
    object_ids: Sequence[str],
    *,
    livemode: bool,
    after_seconds: float = 0,
) -> None:
    """Request these objects, now or soon, even if they were fetched lately. Commits nothing; safe to repeat."""
    if object_ids:
        common = {"company_id": company_id, "livemode": livemode, "kind": kind}
        connection.execute(_REQUEST_SOON, {**common, "object_ids": sorted(set(object_ids)), "seconds": after_seconds})


def latest_fetches(
    connection: Connection, company_id: int, objects: Sequence[FetchedObject]
) -> dict[FetchedObject, LatestFetch]:
    """Return the latest request for each of these objects; none for those that were not requested within a week."""
    keys = {
        "livemodes": [one.livemode for one in objects],
        "kinds": [one.kind for one in objects],
        "object_ids": [one.object_id for one in objects],
    }
    rows = connection.execute(_LATEST, {"company_id": company_id, **keys})
    return {
        FetchedObject(row.livemode, row.kind, row.object_id): LatestFetch(row.answered_at, row.error) for row in rows
    }


def try_failed_again(connection: Connection, company_id: int, *, livemode: bool) -> None:
    """Make failed requests due now and reset their attempts. Commits nothing; safe to repeat."""
    connection.execute(_TRY_AGAIN, {"company_id": company_id, "livemode": livemode})


def purge_answered(connection: Connection) -> None:
    """Delete requests that were answered a week ago or earlier. Commits nothing."""
    connection.execute(_PURGE, {"days": _ANSWERED_FOR_DAYS})
