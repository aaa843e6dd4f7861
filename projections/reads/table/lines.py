"""Read the revenue mapping table. A company's readers see one build at one position, never a mix."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, Text, bindparam, select, union_all

from projections.reads.read_since import is_read_since
from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import versions_of_line
from projections.reads.table.filters import LineFilter
from projections.reads.table.listing import LINE_COLUMNS, Question, Way, listing, steps_of, way_of
from projections.reads.table.orders import After, Sort, check_order
from projections.reads.table.rare_lines import count_of
from projections.revenue.store.tables import revenue_quarantine

LineRow = Row[Any]

# This many rows are walked past in a few milliseconds; a condition that too few of them meet is rare.
STEPS = 5_000
# Reading the whole table, by several processes at once, is faster than finding this many rows by an index.
MANY = 100_000


def list_lines(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, limit: int, after: After | None
) -> Sequence[LineRow]:
    """Return up to `limit` rows that follow `after`, in the order of `sort`, then of their ids.

    :raises NotFoldedYetError: the table was built by an older release and has no such order
    """
    check_order(snapshot, sort)
    question = Question(line_filter.asked(), sort, is_past=snapshot.is_past, is_continued=after is not None)
    parameters = {**snapshot.bound(), **line_filter.bound(), "limit": limit, "steps": STEPS}
    parameters |= after.bound() if after else {}
    way = way_of(question, is_whole=snapshot.is_whole)
    of_combinations = None if way in {Way.SORT, Way.STREAMS} else count_of(snapshot, line_filter)
    if of_combinations == 0:
        return []
    if of_combinations is not None and of_combinations <= STEPS:
        way = Way.COMBINATIONS
    rows = snapshot.connection.execute(listing(question, way), parameters).all()
    if way is not Way.WALK or len(rows) == limit:
        return rows
    if snapshot.connection.execute(steps_of(question), parameters).scalar_one() < STEPS:
        return rows
    # Matches are rare: find all of them, then sort them.
    way = Way.COMBINATIONS if of_combinations is not None and of_combinations <= MANY else Way.SORT
    return snapshot.connection.execute(listing(question, way), parameters).all()


def find_line(snapshot: Snapshot, line_id: str, *, livemode: bool) -> LineRow | None:
    """Return one line of a mode by its id. If two invoices have the id (Stripe before 2019), the newer one's."""
    parameters = {**snapshot.bound(), "line_id": line_id, "livemode": livemode}
    return snapshot.connection.execute(_finding(is_past=snapshot.is_past), parameters).one_or_none()


def list_quarantined(snapshot: Snapshot, *, limit: int, before: int | None) -> Sequence[LineRow]:
    """Return facts that could not be read, newest first; `is_resolved` if their object was read since."""
    parameters = {"company_id": snapshot.company_id, "build": snapshot.build, "limit": limit}
    if before is not None:
        parameters["before"] = before
    return snapshot.connection.execute(_quarantined(is_first=before is None), parameters).all()


@lru_cache
def _quarantined(*, is_first: bool) -> Select[Any]:
    held = revenue_quarantine.c
    is_resolved = is_read_since().label("is_resolved")
    statement = (
        select(held.position, held.livemode, held.entity, held.reason, held.recorded_at, is_resolved)
        .where(held.company_id == bindparam("company_id"), held.build == bindparam("build"))
        .order_by(held.position.desc())
        .limit(bindparam("limit"))
    )
    return statement if is_first else statement.where(held.position < bindparam("before"))


@lru_cache
def _finding(*, is_past: bool) -> Select[Any]:
    held = union_all(
        *(
            part.where(part.column("livemode") == bindparam("livemode")).select(*map(part.column, LINE_COLUMNS))
            for part in versions_of_line(bindparam("line_id", type_=Text), is_past=is_past)
        )
    ).subquery()
    return select(held).order_by(held.c.date.desc(), held.c.invoice_id.desc()).limit(1)
