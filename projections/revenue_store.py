"""Load the parts of the books that some facts touch; write back what they changed. Many companies in one go.

Commits nothing.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from events.observations import CustomerNamed, InvoiceDeleted, InvoiceLinesSeen, InvoiceSeen, Observation, PriceSeen
from projections.known import Held, HeldValue, InvoiceBook, PricedAs
from projections.register import Register
from projections.revenue_moves import move_names, move_prices
from projections.revenue_rows import Row, rows_of
from projections.shelves import Place, Record, Volume, copy_in, read_books, replace
from projections.tables import revenue_customer, revenue_invoice, revenue_line, revenue_price, revenue_quarantine

_INVOICE_BOOK = msgspec.json.Decoder(InvoiceBook)
_PRICE_BOOK = msgspec.json.Decoder(Register[PricedAs])
_NAME_BOOK = msgspec.json.Decoder(Register[str])
_ENCODER = msgspec.json.Encoder()
_BOOK = ("livemode", "id", "book", "position", "changed_at")


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
    for (volume, key), book, change in read_books(connection, revenue_invoice, invoices):
        volume.books.invoices[key] = Held(_INVOICE_BOOK.decode(book), change)
    _load_values(connection, prices, names)


def save_touched(connection: Connection, volumes: Sequence[Volume]) -> None:
    """Write what the fold touched, and the rows that follow from it."""
    _load_what_lines_name(connection, volumes)
    invoices = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_invoices)]
    prices = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_prices)]
    names = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_names)]
    rows = ((volume, row) for volume, key in invoices for row in rows_of(key, volume.books.invoices[key], volume.books))
    replace(connection, revenue_line, "invoice_id", invoices, rows, Row._fields)
    replace(
        connection,
        revenue_invoice,
        "id",
        invoices,
        map(_invoice_record, invoices),
        (*_BOOK, "seen_at", "lacks_lines", "is_contested"),
    )
    replace(connection, revenue_price, "id", prices, map(_price_record, prices), _BOOK)
    replace(connection, revenue_customer, "id", names, map(_name_record, names), (*_BOOK, "is_contested"))
    for volume in volumes:
        move_prices(connection, volume.company_id, volume.build, volume.books)
        move_names(connection, volume.company_id, volume.build, volume.books)
    copy_in(connection, revenue_quarantine, _quarantine_records(volumes), _QUARANTINE)


def _load_values(connection: Connection, prices: set[Place], names: set[Place]) -> None:
    for (volume, key), book, change in read_books(connection, revenue_price, prices):
        volume.books.prices[key] = HeldValue(_PRICE_BOOK.decode(book), change)
    for (volume, key), book, change in read_books(connection, revenue_customer, names):
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
