"""Carry a price or a name that changed to all rows that show it, without loading them. Commits nothing."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from projections.known import Change, Key
from projections.revenue_lines import Books
from projections.revenue_rows import billing_of

_MOVE_NAMES = text("""
    UPDATE revenue_line r SET customer_name = v.name, position = greatest(r.position, v.position),
        updated_at = CASE WHEN v.position > r.position THEN v.changed_at ELSE r.updated_at END
    FROM unnest(CAST(:livemode AS boolean[]), CAST(:id AS text[]), CAST(:name AS text[]), CAST(:position AS bigint[]),
                CAST(:changed_at AS timestamptz[])) AS v (livemode, id, name, position, changed_at)
    WHERE r.company_id = :company_id AND r.build = :build AND r.customer_id = v.id AND r.livemode = v.livemode
      AND (r.position < v.position OR r.customer_name IS DISTINCT FROM v.name)
""")
_MOVE_PRICES = text("""
    UPDATE revenue_line r SET type = v.type, cadence = v.cadence, interval_unit = v.unit, interval_count = v.count,
        cadence_source = v.source, position = greatest(r.position, v.position),
        updated_at = CASE WHEN v.position > r.position THEN v.changed_at ELSE r.updated_at END
    FROM unnest(CAST(:livemode AS boolean[]), CAST(:id AS text[]), CAST(:type AS text[]), CAST(:cadence AS text[]),
                CAST(:unit AS text[]), CAST(:count AS integer[]), CAST(:source AS text[]), CAST(:position AS bigint[]),
                CAST(:changed_at AS timestamptz[]))
        AS v (livemode, id, type, cadence, unit, count, source, position, changed_at)
    WHERE r.company_id = :company_id AND r.build = :build AND r.price_id = v.id AND r.livemode = v.livemode
      AND r.position < v.position
""")


def move_prices(connection: Connection, company_id: int, build: int, books: Books) -> None:
    """Show what the prices say now in all rows of the company that carry them."""
    keys = sorted(books.moved_prices)
    if not keys:
        return
    held = [books.prices[key] for key in keys]
    billings = [billing_of(key[1], value) for key, value in zip(keys, held, strict=True)]
    columns: dict[str, object] = {
        "type": [billing.type for billing in billings],
        "cadence": [billing.cadence for billing in billings],
        "unit": [billing.interval_unit for billing in billings],
        "count": [billing.interval_count for billing in billings],
        "source": [billing.cadence_source for billing in billings],
    }
    at = _placed(company_id, build, keys, (value.change for value in held))
    connection.execute(_MOVE_PRICES, columns | at)


def move_names(connection: Connection, company_id: int, build: int, books: Books) -> None:
    """Show the customers' names in all rows of the company that belong to them."""
    keys = sorted(books.moved_names)
    if not keys:
        return
    held = [books.names[key] for key in keys]
    columns: dict[str, object] = {"name": [value.register.value for value in held]}
    connection.execute(_MOVE_NAMES, columns | _placed(company_id, build, keys, (value.change for value in held)))


def _placed(company_id: int, build: int, keys: Sequence[Key], changes: Iterable[Change]) -> dict[str, object]:
    told = list(changes)
    return {
        "company_id": company_id,
        "build": build,
        "livemode": [livemode for livemode, _ in keys],
        "id": [object_id for _, object_id in keys],
        "position": [change.position for change in told],
        "changed_at": [change.recorded_at for change in told],
    }
