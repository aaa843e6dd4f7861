"""Find the lines of streams by an index of their parts, which is in the lines' order by day.

A walk through the table would search long for a stream that few lines have, and sorting would read all that it has.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from projections.reads.table.as_of import Rows, now, scope_of
from projections.reads.table.filters import condition_of
from projections.reads.table.orders import Sort, after_the_last, in_order
from projections.reads.table.part_conditions import is_billed, is_mapped
from projections.revenue.store.parts.part_tables import revenue_part
from projections.revenue.store.tables import revenue_line

_BY_DAY = frozenset({"date", "-date"})
# What parts know of their lines.
_KNOWN = frozenset({"livemode", "stream_id", "date_from", "date_to"})
_PLACE = ("date", "invoice_line_item_id", "invoice_id")
_LIMIT: ColumnElement[int] = bindparam("limit", type_=Integer)


def are_found_by_parts(asked: Collection[str], sort: Sort) -> bool:
    """Return whether the lines that stand now can be found so."""
    return "stream_id" in asked and sort in _BY_DAY and _KNOWN.issuperset(asked)


def rows_of_streams(asked: Collection[str], sort: Sort, *, is_continued: bool) -> Rows:
    """Return the first `limit` rows, or more, of a page of the bound streams. A line with several shares is one row."""
    part = revenue_part.c
    streams = func.unnest(bindparam("stream_id", type_=ARRAY(Text))).table_valued("id", name="streams").render_derived()
    conditions = [*scope_of(part), part.stream_id == streams.c.id, is_billed(part), is_mapped(part)]
    shares = Rows(revenue_part, conditions, _of_part).where(condition_of(set(asked) - {"stream_id"}, _of_part))
    if is_continued:
        shares = after_the_last(shares, sort)
    place = [_of_part(name).label(name) for name in _PLACE]
    # PostgreSQL reads each stream's parts in the order of the index, and no more than so many.
    of_each = shares.select(*place).distinct().order_by(*in_order(shares, sort)).limit(_LIMIT).lateral("of_each")
    found = select(*of_each.c).select_from(streams.join(of_each, true())).distinct().subquery("found")
    lines, is_found = now(), [revenue_line.c[name] == found.c[name] for name in _PLACE]
    livemode = condition_of({"livemode"}, lines.column)
    at_each = lines.where(livemode).select(*revenue_line.c).where(*is_found).offset(0).lateral("at_each")
    return Rows(found.join(at_each, true()), [], at_each.c.__getitem__)


def _of_part(name: str) -> ColumnElement[Any]:
    return revenue_part.c["line_date" if name == "date" else name]
