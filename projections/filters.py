"""What a reader may ask of the table, as a value: the same filter gives the same rows, totals and cursor."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, or_

from projections.tables import revenue_line

Sort = Literal["date", "-date", "amount", "-amount"]
SORTS: tuple[Sort, ...] = ("date", "-date", "amount", "-amount")

_EQUAL = ("customer_id", "subscription_id", "invoice_id", "invoice_status", "type", "cadence", "currency")
_SEARCHED = ("customer_name", "description", "invoice_number", "customer_id", "invoice_id", "invoice_line_item_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Which lines: all conditions hold. `date_from` is inclusive, `date_to` exclusive; amounts are inclusive."""

    livemode: bool
    customer_id: str | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None
    invoice_status: str | None = None
    type: str | None = None
    cadence: str | None = None
    currency: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    q: str | None = None
    modified_after: datetime | None = None

    def canonical(self) -> str:
        """Give the one text of this filter, for tags and cursors."""
        told = ((field.name, getattr(self, field.name)) for field in fields(self))
        return "&".join(f"{name}={value!r}" for name, value in told if value is not None)


ColumnOf = Callable[[str], ColumnElement[Any]]


def condition_of(line_filter: LineFilter, column: ColumnOf = revenue_line.c.__getitem__) -> ColumnElement[bool]:
    """Say the filter in SQL, about the columns that `column` gives for their names."""
    conditions = [column("livemode") == line_filter.livemode]
    conditions += [
        column(name) == getattr(line_filter, name) for name in _EQUAL if getattr(line_filter, name) is not None
    ]
    bounds = (
        (line_filter.date_from, column("date").__ge__),
        (line_filter.date_to, column("date").__lt__),
        (line_filter.amount_min, column("amount").__ge__),
        (line_filter.amount_max, column("amount").__le__),
        (line_filter.modified_after, column("updated_at").__gt__),
    )
    conditions += [compare(bound) for bound, compare in bounds if bound is not None]
    if line_filter.q is not None:
        conditions.append(or_(*(column(name).icontains(line_filter.q, autoescape=True) for name in _SEARCHED)))
    return and_(*conditions)
