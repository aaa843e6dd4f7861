"""Conditions on what a line is mapped to, as SQL: a line meets them if one of its shares does."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Exists, Text, any_, bindparam, exists, or_
from sqlalchemy.dialects.postgresql import ARRAY

from projections.reads.table.bound import BUILD, COMPANY_ID, POSITION
from projections.revenue.store.parts.part_tables import revenue_part, revenue_part_past

ColumnOf = Callable[[str], ColumnElement[Any]]

_EQUAL = ("stream_id", "plan_id", "layer")
OF_PARTS = frozenset({*_EQUAL, "mapped"})
UNMAPPED = "unmapped"


def is_mapped_so(asked: Collection[str], column: ColumnOf, *, is_past: bool) -> ColumnElement[bool]:
    """Return the condition that a share of the line has what is asked, now or as of the bound position."""
    now, past = revenue_part.c, revenue_part_past.c
    if not is_past:
        return _has_share(now, asked, column)
    unchanged = _has_share(now, asked, column, now.position <= POSITION)
    return or_(unchanged, _has_share(past, asked, column, past.position <= POSITION, past.until > POSITION))


def _has_share(parts: Any, asked: Collection[str], column: ColumnOf, *standing: ColumnElement[bool]) -> Exists:  # noqa: ANN401 - those of either table
    key = (parts[name] == column(name) for name in ("livemode", "invoice_id", "invoice_line_item_id"))
    of_billing = (parts.company_id == COMPANY_ID, parts.build == BUILD, parts.step == 0)
    has = [parts[name] == any_(bindparam(name, type_=ARRAY(Text))) for name in _EQUAL if name in asked]
    if "mapped" in asked:
        has.append((parts.layer != UNMAPPED) == bindparam("mapped", type_=Boolean))
    return exists().where(*of_billing, *key, *has, *standing)
