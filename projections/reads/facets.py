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
    literal_column,
    not_,
    select,
)

from projections.reads.as_of import scope_of
from projections.reads.filters import ESCAPE, anywhere
from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.revenue.store.facet_table import revenue_facet

# No character comes after it.
_LAST_CHARACTER = literal_column("U&'\\+10FFFF'", Text)


def suggest(snapshot: Snapshot, facet: str, typed: str, *, livemode: bool, limit: int) -> Sequence[Row[Any]]:
    """Return up to `limit` of those that have lines now: first those that begin with what was typed, then the others.

    Each has its id, name, hint and number of lines. Case does not count, and ids and hints are searched, too.

    :raises NotFoldedYetError: the table was built by an older release
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    bound = {
        **snapshot.bound(),
        "facet": facet,
        "livemode": livemode,
        "typed": typed,
        "typed_anywhere": anywhere(typed),
    }
    found = snapshot.connection.execute(_finding(begins=True), bound | {"limit": limit}).all()
    if len(found) == limit:
        return found
    # Few begin with it: now all are read, up to as many as are still wanted.
    return [*found, *snapshot.connection.execute(_finding(begins=False), bound | {"limit": limit - len(found)})]


@lru_cache
def _finding(*, begins: bool) -> Select[Any]:
    columns, lowered = revenue_facet.c, func.lower(bindparam("typed", type_=Text))
    prefix = and_(columns.words >= lowered, columns.words < lowered.concat(_LAST_CHARACTER))
    infix = columns.words.like(func.lower(bindparam("typed_anywhere", type_=Text)), escape=ESCAPE)
    is_meant: ColumnElement[bool] = prefix if begins else and_(infix, not_(prefix))
    return (
        select(columns.id, columns.name, columns.hint, columns.line_count)
        .where(
            *scope_of(columns),
            columns.livemode == bindparam("livemode", type_=Boolean),
            columns.facet == bindparam("facet", type_=Text),
            columns.line_count > 0,
            is_meant,
        )
        .order_by(columns.words)
        .limit(bindparam("limit", type_=Integer))
    )
