"""Read lines by which a person chooses what to map: their keys, and the money that they come to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, Text, bindparam, exists, func, literal_column
from sqlalchemy.dialects.postgresql import ARRAY

from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import now
from projections.reads.table.filters import LineFilter, condition_of
from projections.revenue.store.tables import revenue_line


class MappableLine(NamedTuple):
    """A line's key and its net amount, in minor units of its currency."""

    livemode: bool
    invoice_id: str
    invoice_line_item_id: str
    currency: str
    net_amount: int


_COLUMNS = [revenue_line.c[name] for name in MappableLine._fields]
_KEY = (revenue_line.c.invoice_id, revenue_line.c.invoice_line_item_id)


def lines_meeting(snapshot: Snapshot, line_filter: LineFilter, *, limit: int) -> list[MappableLine]:
    """Return up to `limit` lines that meet a filter, in the order of their keys."""
    rows = now().where(condition_of(line_filter.asked(), revenue_line.c.__getitem__))
    statement = rows.select(*_COLUMNS).order_by(*_KEY).limit(limit)
    return _lines(snapshot, statement, line_filter.bound())


def lines_with_keys(snapshot: Snapshot, keys: Sequence[tuple[str, str]], *, livemode: bool) -> list[MappableLine]:
    """Return the lines of a mode with these invoice and line ids that are still in the table."""
    texts = ARRAY(Text)
    wanted = func.unnest(bindparam("invoices", type_=texts), bindparam("lines", type_=texts))
    known = wanted.table_valued("invoice_id", "line_id").render_derived("wanted")
    is_wanted = exists().where(known.c.invoice_id == _KEY[0], known.c.line_id == _KEY[1])
    statement = now().where(is_wanted).where(revenue_line.c.livemode == bindparam("livemode")).select(*_COLUMNS)
    parameters = {"invoices": [key[0] for key in keys], "lines": [key[1] for key in keys], "livemode": livemode}
    return _lines(snapshot, statement, parameters)


def has_subscription(snapshot: Snapshot, subscription_id: str, *, livemode: bool) -> bool:
    """Return whether a line of a mode belongs to this subscription."""
    is_of_it = revenue_line.c.subscription_id == bindparam("subscription_id")
    rows = now().where(is_of_it).where(revenue_line.c.livemode == bindparam("livemode"))
    parameters = {**snapshot.bound(), "subscription_id": subscription_id, "livemode": livemode}
    return snapshot.connection.execute(rows.select(literal_column("1")).limit(1), parameters).scalar() is not None


def money_of(lines: Iterable[MappableLine]) -> list[dict[str, object]]:
    """Return the net amounts of lines added up by currency."""
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.currency] += line.net_amount
    return [{"currency": currency, "net_amount": sums[currency]} for currency in sorted(sums)]


def _lines(snapshot: Snapshot, statement: Select[Any], parameters: Mapping[str, object]) -> list[MappableLine]:
    rows = snapshot.connection.execute(statement, {**snapshot.bound(), **parameters})
    return [MappableLine._make(row) for row in rows]
