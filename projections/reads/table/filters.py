"""What a reader may select from the table, as a value: the same filter gives the same rows, totals and cursor."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, bindparam, func, true
from sqlalchemy.dialects.postgresql import ARRAY

from projections.reads.table.part_conditions import OF_PARTS, ColumnOf, is_mapped_so
from projections.revenue.store.tables import revenue_line

# Conditions that may name several values, of which a line has one.
_OF_LINES = (
    *("customer_id", "subscription_id", "invoice_id", "price_id", "product_id"),
    *("invoice_status", "type", "cadence", "currency"),
)
SEVERAL = (*_OF_LINES, "stream_id", "plan_id", "layer")
# The names of conditions that have several values: their statements differ from those for one value.
AMONG = {f"{name}_among": name for name in _OF_LINES}
_EQUAL = ("livemode", *_OF_LINES)
_BOUNDS: dict[str, tuple[str, str]] = {
    "date_from": ("date", ">="),
    "date_to": ("date", "<"),
    "amount_min": ("amount", ">="),
    "amount_max": ("amount", "<="),
    "modified_after": ("updated_at", ">"),
}
_COLUMN_OF = {name: column for name, (column, _) in _BOUNDS.items()} | AMONG
_SEARCHED = (
    *("customer_name", "customer_email", "product_name", "description", "invoice_number"),
    *("customer_id", "invoice_id", "invoice_line_item_id"),
)
ESCAPE = "/"
_BETWEEN = "\x1f"  # the unit separator, which nobody searches for

# One value or several; a line has to have one of them.
Values = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Conditions that lines must all meet. `date_from` is inclusive, `date_to` exclusive; amounts are inclusive."""

    livemode: bool
    customer_id: Values = ()
    subscription_id: Values = ()
    invoice_id: Values = ()
    price_id: Values = ()
    product_id: Values = ()
    invoice_status: Values = ()
    type: Values = ()
    cadence: Values = ()
    currency: Values = ()
    date_from: date | None = None
    date_to: date | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    q: str | None = None
    modified_after: datetime | None = None
    # What a line is mapped to, or one of its shares.
    stream_id: Values = ()
    plan_id: Values = ()
    layer: Values = ()
    mapped: bool | None = None

    def as_text(self) -> str:
        """Return the canonical text of this filter, for tags and cursors."""
        return "&".join(f"{name}={value!r}" for name, value in self.conditions().items())

    def asked(self) -> frozenset[str]:
        """Return the names of the conditions."""
        return frozenset(self.conditions())

    def bound(self) -> dict[str, object]:
        """Return the parameters for a statement with these conditions."""
        conditions = self.conditions()
        return conditions | {"q": anywhere(self.q)} if self.q is not None else conditions

    def conditions(self) -> dict[str, object]:
        """Return the conditions by name: with several values named as in `AMONG`, and as lists, like all of parts."""
        conditions: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                values = sorted(set(value))
                if values and field.name in OF_PARTS:
                    conditions[field.name] = values
                elif len(values) > 1:
                    conditions[f"{field.name}_among"] = values
                elif values:
                    conditions[field.name] = values[0]
            elif value is not None:
                conditions[field.name] = value
        return conditions


def condition_of(
    asked: Collection[str], column: ColumnOf, *, is_past: bool = False, is_walked: bool = False
) -> ColumnElement[bool]:
    """Return conditions as SQL, about the columns that `column` returns for their names; `bound` has their values.

    What a line is mapped to is read as of the bound position if the rows are those of the past, and looked up row by
    row if they are walked.
    """
    conditions = [column(name) == _value(name, name) for name in _EQUAL if name in asked]
    conditions += [
        column(of) == any_(bindparam(name, type_=ARRAY(revenue_line.c[of].type)))
        for name, of in AMONG.items()
        if name in asked
    ]
    conditions += [
        column(of).op(compare, is_comparison=True)(_value(name, of))
        for name, (of, compare) in _BOUNDS.items()
        if name in asked
    ]
    if "q" in asked:
        conditions.append(_text_of(column).like(func.lower(_value("q", "description")), escape=ESCAPE))
    if not OF_PARTS.isdisjoint(asked):
        conditions.append(is_mapped_so(asked, column, is_past=is_past, is_walked=is_walked))
    return and_(true(), *conditions)


def about(asked: Collection[str], *columns: str) -> frozenset[str]:
    """Return the conditions that are about these columns."""
    return frozenset(name for name in asked if _COLUMN_OF.get(name, name) in columns)


def anywhere(words: str) -> str:
    """Return the pattern for LIKE that finds these words anywhere, each of their characters as it stands."""
    for special in (ESCAPE, "%", "_"):
        words = words.replace(special, ESCAPE + special)
    return f"%{words}%"


def _value(name: str, column: str) -> ColumnElement[Any]:
    return bindparam(name, type_=revenue_line.c[column].type)


def _text_of(column: ColumnOf) -> ColumnElement[str]:
    # Concatenated first and lowered once: twice as fast as lowering each column.
    return func.lower(func.concat_ws(_BETWEEN, *map(column, _SEARCHED)))
