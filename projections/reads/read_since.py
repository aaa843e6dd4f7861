"""Whether the object of a quarantined fact was read since, as a condition of a statement."""

from functools import cache

from sqlalchemy import BigInteger, Column, ColumnElement, and_, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from projections.revenue.store.credit_note_tables import revenue_credit_note
from projections.revenue.store.tables import (
    revenue_customer,
    revenue_invoice,
    revenue_price,
    revenue_product,
    revenue_quarantine,
)


@cache
def is_read_since() -> ColumnElement[bool]:
    """Return the condition that an object of `revenue_quarantine` was read as it was then, or newer; never null."""
    # An object that was never read compares as null.
    is_read = or_(
        _is_read_since("invoice", revenue_invoice.c.id, revenue_invoice.c.seen_at),
        _is_read_since("credit_note", revenue_credit_note.c.credit_note_id, revenue_credit_note.c.seen_at),
        _is_read_since("price", revenue_price.c.id, _stamped(revenue_price.c.book, 1)),
        _is_read_since("plan", revenue_price.c.id, _stamped(revenue_price.c.book, 1)),
        _is_read_since("product", revenue_product.c.id, _stamped(revenue_product.c.book, 0)),
        _is_read_since("customer", revenue_customer.c.id, _stamped(revenue_customer.c.book, 0)),
    )
    return func.coalesce(is_read, false())


def _is_read_since(kind: str, object_id: Column[str], seen_at: ColumnElement[int]) -> ColumnElement[bool]:
    held, known = revenue_quarantine.c, object_id.table.c
    # A credit note that names another invoice in a later fact is kept for each.
    of_object = select(func.max(seen_at)).where(
        known.company_id == held.company_id,
        known.build == held.build,
        known.livemode == held.livemode,
        object_id == func.substr(held.entity, len(kind) + 2),
    )
    return and_(held.entity.startswith(f"{kind}:"), of_object.scalar_subquery() >= held.seen_at)


def _stamped(book: ColumnElement[bytes], place: int) -> ColumnElement[int]:
    # A settled value is kept as [value, stamp, is_contested]; one place of the stamp is a time in Unix seconds.
    stamp = cast(func.convert_from(book, "UTF8"), JSONB)[1]
    return cast(stamp[place].astext, BigInteger)
