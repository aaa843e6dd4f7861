"""Find customers, subscriptions, prices and products that lines have, by a part of their name or id, as one types."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
)

from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.reads.table.as_of import scope_of
from projections.reads.table.filters import ESCAPE, anywhere
from projections.revenue.facets import CUSTOMER, PRICE, PRODUCT, SUBSCRIPTION
from projections.revenue.store.facet_table import revenue_facet
from projections.revenue.store.tables import revenue_line

# So many that have no lines any more may be passed over.
_MOST_WITHOUT_LINES = 50
_ID_OF_LINE = {
    CUSTOMER: revenue_line.c.customer_id,
    SUBSCRIPTION: revenue_line.c.subscription_id,
    PRICE: revenue_line.c.price_id,
    PRODUCT: revenue_line.c.product_id,
}
_LIVEMODE = bindparam("livemode", type_=Boolean)
# No character comes after it.
_LAST_CHARACTER = literal_column("U&'\\+10FFFF'", Text)


def suggest(
    snapshot: Snapshot, facet: str, typed: str, *, livemode: bool, limit: int, most_counted: int | None = None
) -> Sequence[Row[Any]]:
    """Return up to `limit` of those that have lines now: first those that begin with what was typed, then the others.

    Each has its id, name, hint and number of lines, of which no more than `most_counted` are counted. Case does not
    count, and ids and hints are searched, too.

    :raises NotFoldedYetError: the table was built by an older release
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    bound = {
        **snapshot.bound(),
        "facet": facet,
        "livemode": livemode,
        "limit": limit,
        "most_read": limit + _MOST_WITHOUT_LINES,
        "most_counted": most_counted,
        "typed": typed,
        "typed_anywhere": anywhere(typed),
    }
    found: list[Row[Any]] = []
    # A whole id, as somebody pastes it, is looked up; what is in the middle of words is found by reading all of them.
    for way in ("is", "begins", "contains") if typed else ("begins",):
        known = {row.id for row in found}
        found += [row for row in snapshot.connection.execute(_finding(facet, way), bound) if row.id not in known]
        if len(found) >= limit or (way == "is" and found):
            break
    return found[:limit]


@lru_cache
def _finding(facet: str, way: str) -> Select[Any]:
    columns = revenue_facet.c
    statement = select(columns.id, columns.name, columns.hint, columns.words).where(*_scope(columns))
    if way == "is":
        statement = statement.where(columns.id == bindparam("typed", type_=Text))
    else:
        # The words alone, which are in the index: reading the rows, too, would take several times as long.
        inner = revenue_facet.alias("inner_facet").c
        words = select(inner.words).where(*_scope(inner), _is_meant(inner.words, way)).order_by(inner.words)
        found = words.limit(bindparam("most_read", type_=Integer)).subquery("found")
        statement = statement.join(found, columns.words == found.c.words)
    # Limits keep PostgreSQL from reading all lines to join them, and from counting those of more than are shown.
    has_lines = _lines_of(facet, columns.id).limit(1).scalar_subquery().is_not(None)
    statement = statement.where(has_lines).order_by(columns.words)
    shown = statement.limit(bindparam("limit", type_=Integer)).subquery("shown")
    most_counted = bindparam("most_counted", type_=Integer)
    lines = _lines_of(facet, shown.c.id).correlate(shown).limit(most_counted).subquery("lines")
    line_count = select(func.count()).select_from(lines).scalar_subquery().label("line_count")
    return select(shown.c.id, shown.c.name, shown.c.hint, line_count).order_by(shown.c.words)


def _lines_of(facet: str, one: ColumnElement[str]) -> Select[Any]:
    lines = revenue_line.c
    return select(literal(1)).where(*scope_of(lines), lines.livemode == _LIVEMODE, _ID_OF_LINE[facet] == one)


def _is_meant(words: ColumnElement[str], way: str) -> ColumnElement[bool]:
    if way == "contains":
        return words.like(func.lower(bindparam("typed_anywhere", type_=Text)), escape=ESCAPE)
    lowered = func.lower(bindparam("typed", type_=Text))
    return and_(words >= lowered, words < lowered.concat(_LAST_CHARACTER))


def _scope(columns: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - the table's or its alias's
    return [*scope_of(columns), columns.livemode == _LIVEMODE, columns.facet == bindparam("facet", type_=Text)]
