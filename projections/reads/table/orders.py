"""The orders that the table can be read in. Each has an index, so that a page costs the same at any depth."""

from datetime import date
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Row, bindparam, tuple_
from sqlalchemy.sql.selectable import Subquery

from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.reads.table.as_of import Rows
from projections.reads.table.filters import AMONG, about
from projections.revenue.store.tables import revenue_line

Sort = Literal[
    "date", "-date", "amount", "-amount", "customer_name", "-customer_name",
    "updated_at", "-updated_at",
]  # fmt: skip
SORTS: tuple[Sort, ...] = (
    "date", "-date", "amount", "-amount", "customer_name", "-customer_name",
    "updated_at", "-updated_at",
)  # fmt: skip

_IDS = ("invoice_line_item_id", "invoice_id")
# What rows are ordered by. Amounts are compared in one currency only; positions follow the time.
_FIELDS: dict[str, tuple[str, ...]] = {
    "date": ("date",),
    "amount": ("currency", "amount"),
    "customer_name": ("customer_order",),
    "updated_at": ("position",),
}
# Lines hardly ever change what they are ordered by here, as `projections.reads.table.as_of` says.
_KEEPS_PLACE = frozenset({"date", "amount"})


class After(NamedTuple):
    """The last row of the previous page: what it is ordered by, and the ids that order rows with the same values."""

    values: tuple[date | int | str | None, ...]
    invoice_line_item_id: str
    invoice_id: str

    def bound(self) -> dict[str, object]:
        """Return the parameters for a statement that continues after the row."""
        values: dict[str, object] = {f"after_{place}": value for place, value in enumerate(self.values)}
        return values | {
            "after_invoice_line_item_id": self.invoice_line_item_id,
            "after_invoice_id": self.invoice_id,
        }


def after_row(row: Row[Any], sort: Sort) -> After:
    """Return the mark after which a list continues: this row, in this order."""
    values = tuple(getattr(row, name) for name in fields_of(sort))
    return After(values, row.invoice_line_item_id, row.invoice_id)


def fields_of(sort: Sort) -> tuple[str, ...]:
    """Return the columns by which rows are ordered before their ids."""
    return _FIELDS[sort.removeprefix("-")]


def check_order(snapshot: Snapshot, sort: Sort) -> None:
    """Raise an error if a table cannot be read in this order.

    :raises NotFoldedYetError: an older release built it, which did not keep what lines are ordered by
    """
    if "customer_order" in fields_of(sort) and not snapshot.is_whole:
        raise NotFoldedYetError


def keeps_place(sort: Sort) -> bool:
    """Return whether rows of the past stood where their lines stand now, in this order."""
    return sort.removeprefix("-") in _KEEPS_PLACE


def of_index(asked: frozenset[str], sort: Sort) -> frozenset[str]:
    """Return the conditions that bound the walk through the index of an order."""
    leading = {
        "date": ("livemode", "date"),
        "amount": ("livemode", "currency", "amount") if "currency" in asked else ("livemode",),
        "updated_at": (),
    }
    # Several currencies are not one stretch of the index.
    return about(asked, *leading.get(sort.removeprefix("-"), ("livemode",))).difference(AMONG)


def in_order(part: Rows | Subquery, sort: Sort) -> list[ColumnElement[Any]]:
    """Return what the table is ordered by: the values of `sort`, then the ids."""
    column = part.column if isinstance(part, Rows) else part.c.__getitem__
    keys = [column(name) for name in keys_of(sort)]
    return [key.desc() for key in keys] if sort.startswith("-") else keys


def after_the_last(part: Rows, sort: Sort) -> Rows:
    """Return the rows that follow the last one of the page before, which `After.bound` binds."""
    here, there = tuple_(*map(part.column, keys_of(sort))), tuple_(*keys_after(sort))
    return part.where(here < there if sort.startswith("-") else here > there)


def keys_of(sort: Sort) -> tuple[str, ...]:
    """Return the columns that rows are ordered by, down to the ids."""
    return *fields_of(sort), *_IDS


def keys_after(sort: Sort) -> list[ColumnElement[Any]]:
    """Return the same of the last row of the previous page, as parameters; `After.bound` has their values."""
    names = [*(str(place) for place, _ in enumerate(fields_of(sort))), *_IDS]
    columns = (revenue_line.c[name] for name in keys_of(sort))
    return [bindparam(f"after_{name}", type_=column.type) for name, column in zip(names, columns, strict=True)]
