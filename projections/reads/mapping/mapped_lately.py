"""Read what the newest lines are mapped to: the evidence for what others like them belong to."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import Label, Select, func, literal_column, select, true, union_all
from sqlalchemy.sql.selectable import Subquery

from projections.mapping.likely_streams import MappedLines, Sold
from projections.mapping.reading_outcomes import MAX_SHARES
from projections.reads.mapping.unmapped import phrase_of
from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.reads.table.as_of import scope_of
from projections.reads.table.bound import POSITION
from projections.reads.table.listing import Question, Way, listing
from projections.recognition.outcome import REVENUE
from projections.revenue.store.parts.part_tables import NOT_MAPPED, revenue_part, revenue_part_past

# So many tell what a company does nowadays, and are read in a moment.
NEWEST_LINES = 5_000
_KEY = ("livemode", "invoice_id", "invoice_line_item_id")


def list_mapped(snapshot: Snapshot, *, livemode: bool) -> Iterator[MappedLines]:
    """Yield to which streams the newest lines of a mode are mapped as revenue, by what they are of.

    :raises NotFoldedYetError: the table was built by an older release, which mapped nothing
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    parameters = {**snapshot.bound(), "livemode": livemode, "limit": NEWEST_LINES}
    rows = snapshot.connection.execute(_statement(is_past=snapshot.is_past), parameters)
    for product_id, price_id, phrase, stream_id, lines in rows:
        yield MappedLines(Sold(product_id, price_id, phrase or None), stream_id, lines)


@lru_cache
def _statement(*, is_past: bool) -> Select[Any]:
    question = Question(frozenset({"livemode"}), "-date", is_past=is_past, is_continued=False)
    lines = listing(question, Way.ORDER).subquery("line")
    # Looked up line by line: PostgreSQL would rather read all parts than so many of them.
    parts = _parts_of(lines, is_past=is_past).limit(MAX_SHARES).lateral("part")
    # What only lines without a product and a price have in common.
    phrase: Label[str] = literal_column(
        f"CASE WHEN line.product_id IS NULL AND line.price_id IS NULL THEN {phrase_of('line.description')} END"
    ).label("phrase")
    keys = [lines.c.product_id, lines.c.price_id, phrase, parts.c.stream_id]
    return select(*keys, func.count()).join_from(lines, parts, true()).group_by(*keys)


def _parts_of(lines: Subquery, *, is_past: bool) -> Select[Any]:
    now, past = revenue_part.c, revenue_part_past.c
    if not is_past:
        return _billed(now, lines)
    then = (
        _billed(now, lines).where(now.position <= POSITION),
        _billed(past, lines).where((past.position <= POSITION) & (past.until > POSITION)),
    )
    return select(union_all(*then).subquery())


def _billed(column: Any, lines: Subquery) -> Select[Any]:  # noqa: ANN401 - those of either table of parts
    return (
        select(column.stream_id)
        .where(*scope_of(column), *(column[name] == lines.c[name] for name in _KEY))
        .where(column.step == 0, column.layer != "unmapped", column.kind == REVENUE, column.stream_id != NOT_MAPPED)
        .correlate(lines)
    )
