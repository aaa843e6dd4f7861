"""Conditions on what a line is mapped to, as SQL: a line meets them if one of its shares does."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, Text, any_, bindparam, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from projections.reads.table.bound import BUILD, COMPANY_ID, POSITION
from projections.revenue.store.parts.part_tables import revenue_part, revenue_part_past

ColumnOf = Callable[[str], ColumnElement[Any]]

_EQUAL = ("stream_id", "plan_id", "layer")
OF_PARTS = frozenset({*_EQUAL, "mapped"})
UNMAPPED = "unmapped"


def is_mapped_so(
    asked: Collection[str], column: ColumnOf, *, is_past: bool, is_walked: bool = False
) -> ColumnElement[bool]:
    """Return the condition that a share of the line has what is asked, now or as of the bound position.

    If the lines are walked, the share of each is looked up by its key: PostgreSQL might rather read all parts.
    """
    now, past = revenue_part.c, revenue_part_past.c
    if not is_past:
        shares = _shares(now, asked, column)
        return shares.limit(1).scalar_subquery() if is_walked else shares.exists()
    unchanged = _shares(now, asked, column, now.position <= POSITION).exists()
    return or_(unchanged, _shares(past, asked, column, past.position <= POSITION, past.until > POSITION).exists())


def is_billed(parts: Any) -> ColumnElement[bool]:  # noqa: ANN401 - those of either table
    """Return the condition that parts are of the billing, as indexes have it: each share has one."""
    return parts.step == literal_column("0")  # type: ignore[no-any-return]


def is_mapped(parts: Any) -> ColumnElement[bool]:  # noqa: ANN401 - those of either table
    """Return the condition that something maps parts, as indexes have it."""
    return parts.layer != literal_column(f"'{UNMAPPED}'")  # type: ignore[no-any-return]


def _shares(
    parts: Any,  # noqa: ANN401 - those of either table
    asked: Collection[str],
    column: ColumnOf,
    *standing: ColumnElement[bool],
) -> Select[bool]:
    key = (parts[name] == column(name) for name in ("livemode", "invoice_id", "invoice_line_item_id"))
    of_billing = (parts.company_id == COMPANY_ID, parts.build == BUILD, is_billed(parts))
    has = [parts[name] == any_(bindparam(name, type_=ARRAY(Text))) for name in _EQUAL if name in asked]
    if "mapped" in asked:
        has.append(is_mapped(parts) == bindparam("mapped", type_=Boolean))
    if "stream_id" in asked:
        has.append(is_mapped(parts))  # true of them all, and a condition of their index
    return select(true()).where(*of_billing, *key, *has, *standing)
