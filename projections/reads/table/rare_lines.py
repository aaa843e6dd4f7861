"""Find lines of some combinations by an index, and count them from the stored sums by month.

A combination is a cadence, a status and a currency. There are few of them, and a walk through the table would search
long for those that few lines have.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, func, select, true

from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import Rows, scope_of, stood
from projections.reads.table.bound import POSITION
from projections.reads.table.filters import LineFilter, about, condition_of
from projections.revenue.store.past_tables import MONTH_KEY, revenue_by_month, revenue_month_stretch
from projections.revenue.store.tables import COMBINATION, revenue_line
from projections.revenue.sums import MONTH_STRETCH


def count_of(snapshot: Snapshot, line_filter: LineFilter) -> int | None:
    """Return how many lines have the combinations that a filter names; None if it names none, or there are no sums.

    As of a moment, only whole stretches of the log are counted, so it is an estimate; but 0 always means none.
    """
    asked = _named(line_filter.asked())
    if not snapshot.is_whole or asked == {"livemode"}:
        return None
    bound = {**snapshot.bound(), **line_filter.bound(), "stretches": snapshot.position // MONTH_STRETCH}
    is_known, count = snapshot.connection.execute(_counting(asked, is_past=snapshot.is_past), bound).one()
    return max(int(count), 1 if snapshot.is_past else 0) if is_known else 0


def rows_of_combinations(asked: Collection[str], *, is_past: bool) -> list[Rows]:
    """Return the rows that meet conditions, as `as_of.rows_at` does, found by the combinations that they name.

    In the past: rows that have not changed since, and those that have, found by reading all past rows.
    """
    standing, past = _standing(asked, is_past=is_past), stood()
    if not is_past:
        return [standing]
    unchanged = standing.where(standing.column("position") <= POSITION)
    return [unchanged, past.where(condition_of(asked, past.column, is_past=True))]


def _standing(asked: Collection[str], *, is_past: bool) -> Rows:
    months, now = revenue_by_month.c, revenue_line.c
    combinations = (
        select(*(months[name] for name in COMBINATION))
        .where(*scope_of(months), condition_of(_named(asked), months.__getitem__))
        .distinct()
        .subquery("combinations")
    )
    # OFFSET makes the planner look up each combination by itself, and in its index.
    lines = (
        select(*now)
        .where(*scope_of(now), condition_of({"livemode"}, now.__getitem__))
        .where(*(now[name] == combinations.c[name] for name in COMBINATION))
        .offset(0)
        .lateral("lines")
    )
    is_met = condition_of(asked, lines.c.__getitem__, is_past=is_past)
    return Rows(combinations.join(lines, true()), [is_met], lines.c.__getitem__)


@lru_cache(maxsize=256)
def _counting(asked: frozenset[str], *, is_past: bool) -> Select[Any]:
    ever, stretches = revenue_by_month.c, revenue_month_stretch.c
    known = select(func.count() > 0, func.coalesce(func.sum(ever.count), 0))
    known = known.where(*scope_of(ever), condition_of(asked, ever.__getitem__))
    if not is_past:
        return known
    whole = stretches.stretch < bindparam("stretches", type_=BigInteger)
    then = select(func.coalesce(func.sum(stretches.count), 0))
    then = then.where(*scope_of(stretches), condition_of(asked, stretches.__getitem__), whole)
    return known.with_only_columns(func.count() > 0, then.scalar_subquery())


def _named(asked: Collection[str]) -> frozenset[str]:
    return about(asked, *MONTH_KEY)
