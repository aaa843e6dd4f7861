"""Load the parts of the books that some facts touch; write back what they changed. Many companies in one go.

Commits nothing. A statement costs more than a row, so each of them serves all companies at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from psycopg import sql
from sqlalchemy import Connection, Table

from events.observations import CustomerNamed, InvoiceDeleted, InvoiceLinesSeen, InvoiceSeen, Observation, PriceSeen
from projections.register import Register
from projections.revenue_lines import Books, Change, Held, HeldValue, InvoiceBook, Key, PricedAs
from projections.revenue_moves import move_names, move_prices
from projections.revenue_rows import Row, rows_of
from projections.tables import revenue_customer, revenue_invoice, revenue_line, revenue_price, revenue_quarantine

_INVOICE_BOOK = msgspec.json.Decoder(InvoiceBook)
_PRICE_BOOK = msgspec.json.Decoder(Register[PricedAs])
_NAME_BOOK = msgspec.json.Decoder(Register[str])
_ENCODER = msgspec.json.Encoder()
_BOOK = ("livemode", "id", "book", "position", "changed_at")


class Volume(NamedTuple):
    """One company's books in one build."""

    company_id: int
    build: int
    books: Books


Place = tuple[Volume, Key]


def load_touched(connection: Connection, told: Iterable[tuple[Volume, bool, Observation]]) -> None:
    """Fill the books with everything that these observations may change, and nothing else."""
    invoices: set[Place] = set()
    prices: set[Place] = set()
    names: set[Place] = set()
    for volume, livemode, observation in told:
        match observation:
            case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted():
                invoices.add((volume, (livemode, observation.invoice_id)))
            case PriceSeen():
                prices.add((volume, (livemode, observation.price_id)))
            case CustomerNamed():
                names.add((volume, (livemode, observation.customer_id)))
            case _:
                pass
    for (volume, key), book, change in _read(connection, revenue_invoice, invoices):
        volume.books.invoices[key] = Held(_INVOICE_BOOK.decode(book), change)
    _load_values(connection, prices, names)


def save_touched(connection: Connection, volumes: Sequence[Volume]) -> None:
    """Write what the fold touched, and the rows that follow from it."""
    _load_what_lines_name(connection, volumes)
    invoices = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_invoices)]
    prices = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_prices)]
    names = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_names)]
    rows = ((volume, row) for volume, key in invoices for row in rows_of(key, volume.books.invoices[key], volume.books))
    _replace(connection, revenue_line, "invoice_id", invoices, rows, Row._fields)
    _replace(
        connection,
        revenue_invoice,
        "id",
        invoices,
        map(_invoice_record, invoices),
        (*_BOOK, "seen_at", "lacks_lines", "is_contested"),
    )
    _replace(connection, revenue_price, "id", prices, map(_price_record, prices), _BOOK)
    _replace(connection, revenue_customer, "id", names, map(_name_record, names), (*_BOOK, "is_contested"))
    for volume in volumes:
        move_prices(connection, volume.company_id, volume.build, volume.books)
        move_names(connection, volume.company_id, volume.build, volume.books)
    _copy(connection, revenue_quarantine, _quarantine_records(volumes), _QUARANTINE)


def _load_values(connection: Connection, prices: set[Place], names: set[Place]) -> None:
    for (volume, key), book, change in _read(connection, revenue_price, prices):
        volume.books.prices[key] = HeldValue(_PRICE_BOOK.decode(book), change)
    for (volume, key), book, change in _read(connection, revenue_customer, names):
        volume.books.names[key] = HeldValue(_NAME_BOOK.decode(book), change)


def _load_what_lines_name(connection: Connection, volumes: Sequence[Volume]) -> None:
    # A fact about an invoice can name prices and customers that facts long ago told of.
    prices: set[Place] = set()
    names: set[Place] = set()
    for volume in volumes:
        for livemode, invoice_id in volume.books.touched_invoices:
            book = volume.books.invoices[livemode, invoice_id].book
            if book.header and book.header.value.customer_id:
                names.add((volume, (livemode, book.header.value.customer_id)))
            for line in book.lines.value if book.lines else ():
                if line.price_id:
                    prices.add((volume, (livemode, line.price_id)))
    _load_values(
        connection,
        {(volume, key) for volume, key in prices if key not in volume.books.prices},
        {(volume, key) for volume, key in names if key not in volume.books.names},
    )


def _read(connection: Connection, table: Table, places: set[Place]) -> Iterator[tuple[Place, bytes, Change]]:
    if not places:
        return
    volumes = {volume.company_id: volume for volume, _ in places}
    rows = connection.exec_driver_sql(
        f"SELECT t.company_id, t.livemode, t.id, t.book, t.position, t.changed_at FROM {_AT_KEYS}"  # noqa: S608
        f" JOIN {table.name} t ON t.company_id = k.company_id AND t.build = k.build AND t.livemode = k.livemode"
        " AND t.id = k.id",
        _columns(list(places)),
    )
    for company_id, livemode, object_id, book, position, changed_at in rows:
        yield (volumes[company_id], (livemode, object_id)), book, Change(position, changed_at)


_AT_KEYS = (
    "unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])"
    " AS k (company_id, build, livemode, id)"
)


def _columns(places: Sequence[Place]) -> dict[str, object]:
    return {
        "company_id": [volume.company_id for volume, _ in places],
        "build": [volume.build for volume, _ in places],
        "livemode": [livemode for _, (livemode, _) in places],
        "id": [object_id for _, (_, object_id) in places],
    }


Record = tuple[Volume, Sequence[object]]


def _replace(
    connection: Connection,
    table: Table,
    id_column: str,
    places: Sequence[Place],
    records: Iterable[Record],
    columns: Sequence[str],
) -> None:
    if not places:
        return
    connection.exec_driver_sql(
        f"DELETE FROM {table.name} t USING {_AT_KEYS} WHERE t.company_id = k.company_id AND t.build = k.build"  # noqa: S608
        f" AND t.livemode = k.livemode AND t.{id_column} = k.id",
        _columns(places),
    )
    _copy(connection, table, list(records), columns)


def _copy(connection: Connection, table: Table, records: Sequence[Record], columns: Sequence[str]) -> None:
    if not records:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, ("company_id", "build", *columns)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for volume, record in records:
            copy.write_row((volume.company_id, volume.build, *record))


def _invoice_record(place: Place) -> Record:
    volume, key = place
    book, change = volume.books.invoices[key]
    seen_at = book.header.stamp[0] if book.header else 0
    is_shown = book.header is not None and not book.is_deleted
    gaps = (is_shown and not book.is_complete, is_shown and book.is_contested)
    return volume, (*key, _ENCODER.encode(book), *change, seen_at, *gaps)


def _price_record(place: Place) -> Record:
    volume, key = place
    held = volume.books.prices[key]
    return volume, (*key, _ENCODER.encode(held.register), *held.change)


def _name_record(place: Place) -> Record:
    volume, key = place
    held = volume.books.names[key]
    return volume, (*key, _ENCODER.encode(held.register), *held.change, held.register.is_contested)


_QUARANTINE = ("position", "livemode", "entity", "reason", "seen_at", "recorded_at")


def _quarantine_records(volumes: Sequence[Volume]) -> list[Record]:
    return [
        (volume, (at.change.position, at.livemode, entity, reason, at.seen_at, at.change.recorded_at))
        for volume in volumes
        for at, entity, reason in volume.books.quarantined
    ]
