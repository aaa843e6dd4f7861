"""Count the lines of each stream, and add up what they come to."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text

from projections.reads.snapshots import NotFoldedYetError, Snapshot

# So many are counted of a stream: counting a million takes too long for a page.
MOST_COUNTED = 10_000


class StreamTotal(NamedTuple):
    """What a stream has: up to `MOST_COUNTED` lines, and what all come to after credits, in minor units by currency."""

    lines: int
    money: list[tuple[str, int]]


_LINES = text("""
    SELECT stream.id, (
        SELECT count(*) FROM (
            SELECT FROM revenue_part p
            WHERE p.company_id = :company_id AND p.build = :build AND p.stream_id = stream.id
                AND p.step = 0 AND p.layer <> 'unmapped' AND p.livemode = :livemode
            LIMIT :most
        ) counted
    ) FROM unnest(CAST(:streams AS text[])) AS stream (id)
""")
_MONEY = text("""
    SELECT stream_id, currency, sum(earned + contra) FROM recognition_by_month
    WHERE company_id = :company_id AND build = :build AND livemode = :livemode AND stream_id <> ''
    GROUP BY stream_id, currency ORDER BY abs(sum(earned + contra)) DESC, currency
""")

_BILLED = text("""
    SELECT stream_id, currency, sum(earned + contra) FROM recognition_by_month
    WHERE company_id = :company_id AND build = :build AND livemode = :livemode AND stream_id <> ''
        AND booked_month = :month
    GROUP BY stream_id, currency ORDER BY abs(sum(earned + contra)) DESC, currency
""")


def total_streams(snapshot: Snapshot, stream_ids: Sequence[str], *, livemode: bool) -> dict[str, StreamTotal]:
    """Return what each of these streams has now, over all time. A line of two shares in a stream counts twice.

    :raises NotFoldedYetError: the table was built by an older release, which mapped nothing
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    bound = {**snapshot.bound(), "livemode": livemode}
    counted = snapshot.connection.execute(_LINES, {**bound, "streams": list(stream_ids), "most": MOST_COUNTED})
    totals = {stream_id: StreamTotal(lines, []) for stream_id, lines in counted}
    for stream_id, currency, amount in snapshot.connection.execute(_MONEY, bound):
        if stream_id in totals and amount:
            totals[stream_id].money.append((currency, int(amount)))
    return totals


def billed_to_streams(snapshot: Snapshot, month: int, *, livemode: bool) -> dict[str, list[tuple[str, int]]]:
    """Return what each stream got of the lines that were booked in a month, in minor units by currency.

    A month is the number of months since year 0. Streams that got nothing are left out; so are all if the table was
    built by an older release, which mapped nothing.
    """
    billed: dict[str, list[tuple[str, int]]] = {}
    if snapshot.is_whole:
        bound = {**snapshot.bound(), "livemode": livemode, "month": month}
        for stream_id, currency, amount in snapshot.connection.execute(_BILLED, bound):
            if amount:
                billed.setdefault(stream_id, []).append((currency, int(amount)))
    return billed
