"""Add up the table: a filter by currency, and the whole by month. Stored sums answer most of it."""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Numeric,
    Select,
    and_,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.selectable import Subquery

from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import Rows, rows_at
from projections.reads.table.filters import LineFilter, about, condition_of
from projections.revenue.store.past_tables import MONTH_KEY, revenue_by_month, revenue_line_past, revenue_month_stretch
from projections.revenue.store.tables import revenue_line
from projections.revenue.sums import MONTH_STRETCH

_SUMS = ("count", "amount", "net_amount")
# The statuses of invoices that are not expected to be paid, and so are no billed revenue.
VOID, UNCOLLECTIBLE = NOT_BILLED = ("void", "uncollectible")


@dataclass(frozen=True, slots=True)
class Total:
    """The totals of a filter in one currency, in its minor units.

    `amount` is billed_amount + void_amount + uncollectible_amount; only the first is billed revenue.
    """

    currency: str
    count: int
    amount: int
    net_amount: int
    billed_amount: int
    billed_net_amount: int
    void_amount: int
    uncollectible_amount: int


class MonthTotal(NamedTuple):
    """What is billed for the lines that begin in a month, by the fields they are grouped by; minor units."""

    month: date
    currency: str
    invoice_status: str
    type: str
    cadence: str
    line_count: int
    amount: int
    net_amount: int


def total_lines(snapshot: Snapshot, line_filter: LineFilter) -> list[Total]:
    """Return the totals of the whole filter, one for each currency: currencies are never added together."""
    is_kept = _is_kept(snapshot, line_filter)
    statement = _from_months(snapshot, line_filter) if is_kept else _from_lines(snapshot, line_filter)
    rows = snapshot.connection.execute(statement, snapshot.bound() | line_filter.bound())
    return [Total(currency, *map(int, sums)) for currency, *sums in rows]


def list_months(snapshot: Snapshot, line_filter: LineFilter) -> list[MonthTotal]:
    """Return the stored sums by month that a filter selects, in order. It may name only what sums are grouped by."""
    months = _months(snapshot)
    keys = [months.c[name] for name in MONTH_KEY if name != "livemode"]
    statement = select(*keys, *(months.c[name] for name in _SUMS)).where(_condition(months, line_filter))
    rows = snapshot.connection.execute(statement.order_by(*keys), line_filter.bound())
    return [MonthTotal._make((*key, int(count), int(amount), int(net))) for *key, count, amount, net in rows]


def sum_months(snapshot: Snapshot, line_filter: LineFilter) -> list[MonthTotal]:
    """Return the sums by month of any filter, in order: the stored sums if they suffice, else the sums of its lines."""
    if _is_kept(snapshot, line_filter):
        return list_months(snapshot, line_filter)
    parameters = snapshot.bound() | line_filter.bound()
    rows = snapshot.connection.execute(_months_from_lines(snapshot, line_filter), parameters)
    return [MonthTotal._make((*key, int(count), int(amount), int(net))) for *key, count, amount, net in rows]


def list_currencies(snapshot: Snapshot, *, livemode: bool) -> list[str]:
    """Return the currencies that a mode's lines have now, those with most lines first; none in a table without sums."""
    kept = revenue_by_month.c
    rows = snapshot.connection.execute(
        select(kept.currency)
        .where(*_scope(snapshot, kept), kept.livemode == livemode, kept.count > 0)
        .group_by(kept.currency)
        .order_by(func.sum(kept.count).desc(), kept.currency)
    )
    return list(rows.scalars())


def _is_kept(snapshot: Snapshot, line_filter: LineFilter) -> bool:
    # The sums by month know what they are grouped by, and days that begin a month.
    asked, days = line_filter.asked(), (line_filter.date_from, line_filter.date_to)
    is_known = asked == about(asked, *MONTH_KEY, "date")
    return snapshot.is_whole and is_known and all(day is None or day.day == 1 for day in days)


def _from_months(snapshot: Snapshot, line_filter: LineFilter) -> Select[Any]:
    months = _months(snapshot)
    return (
        select(months.c.currency, *_sums_of(months, func.sum(months.c.count)))
        .where(_condition(months, line_filter))
        .group_by(months.c.currency)
        .order_by(months.c.currency)
    )


def _from_lines(snapshot: Snapshot, line_filter: LineFilter) -> Select[Any]:
    names = ("currency", "invoice_status", "amount", "net_amount")
    lines = union_all(*(part.select(*map(part.column, names)) for part in _parts(snapshot, line_filter))).subquery()
    sums = _sums_of(lines, func.count())
    return select(lines.c.currency, *sums).group_by(lines.c.currency).order_by(lines.c.currency)


def _sums_of(rows: Subquery, count: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return the sums of a `Total`, in its order."""
    amount, net_amount, status = rows.c.amount, rows.c.net_amount, rows.c.invoice_status
    parts = (
        func.sum(amount).filter(status.not_in(NOT_BILLED)),
        func.sum(net_amount).filter(status.not_in(NOT_BILLED)),
        func.sum(amount).filter(status == VOID),
        func.sum(amount).filter(status == UNCOLLECTIBLE),
    )
    return [count, func.sum(amount), func.sum(net_amount), *(func.coalesce(part, 0) for part in parts)]


def _months_from_lines(snapshot: Snapshot, line_filter: LineFilter) -> Select[Any]:
    names = ("date", *MONTH_KEY[2:], "amount", "net_amount")
    lines = union_all(*(part.select(*map(part.column, names)) for part in _parts(snapshot, line_filter))).subquery()
    keys = [_month_of(lines.c.date).label("month"), *(lines.c[name] for name in MONTH_KEY[2:])]
    sums = (func.count(), func.sum(lines.c.amount), func.sum(lines.c.net_amount))
    return select(*keys, *sums).group_by(*keys).order_by(*keys)


def _parts(snapshot: Snapshot, line_filter: LineFilter) -> list[Rows]:
    return rows_at(line_filter.asked(), is_past=snapshot.is_past)


def _condition(months: Subquery, line_filter: LineFilter) -> ColumnElement[bool]:
    asked = about(line_filter.asked(), *MONTH_KEY)
    conditions = [months.c.count > 0, condition_of(asked, months.c.__getitem__)]
    if line_filter.date_from is not None:
        conditions.append(months.c.month >= line_filter.date_from)
    if line_filter.date_to is not None:
        conditions.append(months.c.month < line_filter.date_to)
    return and_(*conditions)


def _months(snapshot: Snapshot) -> Subquery:
    if not snapshot.is_past:
        kept = revenue_by_month.c
        return select(*(kept[name] for name in (*MONTH_KEY, *_SUMS))).where(*_scope(snapshot, kept)).subquery()
    # Whole stretches as they are stored, then what changed since the last of them.
    stretches = snapshot.position // MONTH_STRETCH
    since = stretches * MONTH_STRETCH
    kept, past = revenue_month_stretch.c, revenue_line_past.c
    parts = union_all(
        select(*(kept[name] for name in (*MONTH_KEY, *_SUMS))).where(*_scope(snapshot, kept), kept.stretch < stretches),
        _changed(snapshot, revenue_line.c, revenue_line.c.position, since, 1),
        _changed(snapshot, past, past.position, since, 1),
        _changed(snapshot, past, past.until, since, -1),
    ).subquery()
    keys = [parts.c[name] for name in MONTH_KEY]
    return select(*keys, *(func.sum(parts.c[name]).label(name) for name in _SUMS)).group_by(*keys).subquery()


def _changed(snapshot: Snapshot, rows: Any, at: Any, since: int, sign: int) -> Select[Any]:  # noqa: ANN401
    return select(
        rows.livemode,
        _month_of(rows.date).label("month"),
        *(rows[name] for name in MONTH_KEY[2:]),
        literal(sign).label("count"),
        cast(sign * rows.amount, Numeric).label("amount"),
        cast(sign * rows.net_amount, Numeric).label("net_amount"),
    ).where(*_scope(snapshot, rows), at > since, at <= snapshot.position)


def _month_of(day: ColumnElement[date]) -> ColumnElement[date]:
    return cast(func.date_trunc("month", cast(day, DateTime)), Date)


def _scope(snapshot: Snapshot, columns: Any) -> tuple[ColumnElement[bool], ...]:  # noqa: ANN401
    return columns.company_id == snapshot.company_id, columns.build == snapshot.build
