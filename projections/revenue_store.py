"""Load the parts of the books that some facts touch; write back what they changed. Commits nothing."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from psycopg import sql
from sqlalchemy import Connection, Table, text

from events.observations import (
    CustomerNamed,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    Observation,
    PriceSeen,
    Unreadable,
)
from projections.register import Register
from projections.revenue_lines import Books, Change, Held, HeldValue, InvoiceBook, Key, PricedAs
from projections.revenue_rows import Row, billing_of, rows_of
from projections.tables import revenue_customer, revenue_invoice, revenue_line, revenue_price, revenue_quarantine

_INVOICE_BOOK = msgspec.json.Decoder(InvoiceBook)
_PRICE_BOOK = msgspec.json.Decoder(Register[PricedAs])
_NAME_BOOK = msgspec.json.Decoder(Register[str])
_ENCODER = msgspec.json.Encoder()

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
      AND (r.position < v.position OR r.cadence_source <> v.source)
""")


class Shelf(NamedTuple):
    """Where a company's books of one build stand."""

    connection: Connection
    company_id: int
    build: int


def load_touched(shelf: Shelf, observations: Iterable[tuple[bool, Observation]]) -> Books:
    """Give the books with everything that these observations may change, and nothing else."""
    invoices: set[Key] = set()
    prices: set[Key] = set()
    names: set[Key] = set()
    for livemode, observation in observations:
        match observation:
            case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted():
                invoices.add((livemode, observation.invoice_id))
            case PriceSeen():
                prices.add((livemode, observation.price_id))
            case CustomerNamed():
                names.add((livemode, observation.customer_id))
            case Unreadable():
                pass
    books = Books()
    for key, book, change in _read(shelf, revenue_invoice, invoices):
        books.invoices[key] = Held(_INVOICE_BOOK.decode(book), change)
    _load_values(shelf, books, prices, names)
    return books


def save_touched(shelf: Shelf, books: Books) -> None:
    """Write what the fold touched, and the rows that follow from it."""
    _load_what_lines_name(shelf, books)
    touched = sorted(books.touched_invoices)
    rows = [row for key in touched for row in rows_of(key, books.invoices[key], books)]
    _replace(shelf, revenue_line, "invoice_id", touched, rows, Row._fields)
    _save_invoices(shelf, books, touched)
    _save_prices(shelf, books, sorted(books.touched_prices))
    _save_names(shelf, books, sorted(books.touched_names))
    _save_quarantined(shelf, books)


def _load_values(shelf: Shelf, books: Books, prices: Iterable[Key], names: Iterable[Key]) -> None:
    for key, book, change in _read(shelf, revenue_price, prices):
        books.prices[key] = HeldValue(_PRICE_BOOK.decode(book), change)
    for key, book, change in _read(shelf, revenue_customer, names):
        books.names[key] = HeldValue(_NAME_BOOK.decode(book), change)


def _load_what_lines_name(shelf: Shelf, books: Books) -> None:
    # A fact about an invoice can name prices and customers that facts long ago told of.
    prices: set[Key] = set()
    names: set[Key] = set()
    for livemode, invoice_id in books.touched_invoices:
        book = books.invoices[livemode, invoice_id].book
        if book.header and book.header.value.customer_id:
            names.add((livemode, book.header.value.customer_id))
        for line in book.lines.value if book.lines else ():
            if line.price_id:
                prices.add((livemode, line.price_id))
    _load_values(shelf, books, prices - books.prices.keys(), names - books.names.keys())


def _read(shelf: Shelf, table: Table, keys: Iterable[Key]) -> Iterable[tuple[Key, bytes, Change]]:
    wanted = list(keys)
    if not wanted:
        return
    rows = shelf.connection.exec_driver_sql(
        f"SELECT t.livemode, t.id, t.book, t.position, t.changed_at FROM {table.name} t"  # noqa: S608 - our own name
        " JOIN unnest(%(livemode)b::boolean[], %(id)b::text[]) AS k (livemode, id)"
        " ON t.livemode = k.livemode AND t.id = k.id WHERE t.company_id = %(company_id)s AND t.build = %(build)s",
        _key_columns(wanted) | {"company_id": shelf.company_id, "build": shelf.build},
    )
    for livemode, object_id, book, position, changed_at in rows:
        yield (livemode, object_id), book, Change(position, changed_at)


def _key_columns(keys: Sequence[Key]) -> dict[str, object]:
    return {"livemode": [livemode for livemode, _ in keys], "id": [object_id for _, object_id in keys]}


def _replace(
    shelf: Shelf,
    table: Table,
    id_column: str,
    keys: Sequence[Key],
    rows: Sequence[Sequence[object]],
    columns: Sequence[str],
) -> None:
    if not keys:
        return
    shelf.connection.exec_driver_sql(
        f"DELETE FROM {table.name} t USING unnest(%(livemode)b::boolean[], %(id)b::text[]) AS k (livemode, id)"  # noqa: S608
        f" WHERE t.company_id = %(company_id)s AND t.build = %(build)s AND t.livemode = k.livemode"
        f" AND t.{id_column} = k.id",
        _key_columns(keys) | {"company_id": shelf.company_id, "build": shelf.build},
    )
    _copy(shelf, table, rows, columns)


def _copy(shelf: Shelf, table: Table, rows: Sequence[Sequence[object]], columns: Sequence[str]) -> None:
    if not rows:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, ("company_id", "build", *columns)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    driver = shelf.connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row((shelf.company_id, shelf.build, *row))


def _save_invoices(shelf: Shelf, books: Books, touched: Sequence[Key]) -> None:
    rows = []
    for key in touched:
        book, change = books.invoices[key]
        seen_at = book.header.stamp[0] if book.header else 0
        is_shown = book.header is not None and not book.is_deleted
        lacks_lines = is_shown and not book.is_complete
        rows.append((*key, _ENCODER.encode(book), *change, seen_at, lacks_lines, is_shown and book.is_contested))
    _replace(shelf, revenue_invoice, "id", touched, rows, (*_BOOK, "seen_at", "lacks_lines", "is_contested"))


_BOOK = ("livemode", "id", "book", "position", "changed_at")


def _save_prices(shelf: Shelf, books: Books, touched: Sequence[Key]) -> None:
    held = [books.prices[key] for key in touched]
    rows = [(*key, _ENCODER.encode(value.register), *value.change) for key, value in zip(touched, held, strict=True)]
    _replace(shelf, revenue_price, "id", touched, rows, _BOOK)
    if not touched:
        return
    billings = [billing_of(key[1], value) for key, value in zip(touched, held, strict=True)]
    shelf.connection.execute(
        _MOVE_PRICES,
        _key_columns(touched)
        | _changes(value.change for value in held)
        | {
            "company_id": shelf.company_id,
            "build": shelf.build,
            "type": [billing.type for billing in billings],
            "cadence": [billing.cadence for billing in billings],
            "unit": [billing.interval_unit for billing in billings],
            "count": [billing.interval_count for billing in billings],
            "source": [billing.cadence_source for billing in billings],
        },
    )


def _save_names(shelf: Shelf, books: Books, touched: Sequence[Key]) -> None:
    held = [books.names[key] for key in touched]
    rows = [
        (*key, _ENCODER.encode(value.register), *value.change, value.register.is_contested)
        for key, value in zip(touched, held, strict=True)
    ]
    _replace(shelf, revenue_customer, "id", touched, rows, (*_BOOK, "is_contested"))
    if not touched:
        return
    shelf.connection.execute(
        _MOVE_NAMES,
        _key_columns(touched)
        | _changes(value.change for value in held)
        | {
            "company_id": shelf.company_id,
            "build": shelf.build,
            "name": [value.register.value for value in held],
        },
    )


def _changes(changes: Iterable[Change]) -> dict[str, object]:
    told = list(changes)
    return {
        "position": [change.position for change in told],
        "changed_at": [change.recorded_at for change in told],
    }


def _save_quarantined(shelf: Shelf, books: Books) -> None:
    rows = [
        (
            told.sighting.change.position,
            told.sighting.livemode,
            told.entity,
            told.reason,
            told.sighting.seen_at,
            told.sighting.change.recorded_at,
        )
        for told in books.quarantined
    ]
    _copy(shelf, revenue_quarantine, rows, ("position", "livemode", "entity", "reason", "seen_at", "recorded_at"))
