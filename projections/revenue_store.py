"""Load the parts of the books that some facts touch; write back what they changed. Many companies in one go.

Commits nothing.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from events.observations import CustomerNamed, InvoiceDeleted, InvoiceLinesSeen, InvoiceSeen, Observation, PriceSeen
from projections.known import Held, HeldValue, InvoiceBook, PricedAs
from projections.register import Register
from projections.shelves import Place, Record, Volume, copy_in, read_books, replace
from projections.tables import revenue_customer, revenue_invoice, revenue_price, revenue_quarantine

_INVOICE_BOOK = msgspec.json.Decoder(InvoiceBook)
_PRICE_BOOK = msgspec.json.Decoder(Register[PricedAs])
_NAME_BOOK = msgspec.json.Decoder(Register[str])
_ENCODER = msgspec.json.Encoder()
_BOOK = ("livemode", "id", "book", "position", "changed_at")
_QUARANTINE = ("position", "livemode", "entity", "reason", "seen_at", "recorded_at")


def load_touched(connection: Connection, told: Iterable[tuple[Volume, bool, Observation]]) -> None:
    """Fill the books with everything that these observations may change, and with what the lines they had name."""
    invoices: set[Place] = set()
    prices: set[Place] = set()
    names: set[Place] = set()
    for volume, livemode, observation in told:
        match observation:
            case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted():
                invoices.add((volume, (livemode, observation.invoice_id)))
                _note_named(volume, livemode, observation, prices, names)
            case PriceSeen():
                prices.add((volume, (livemode, observation.price_id)))
            case CustomerNamed():
                names.add((volume, (livemode, observation.customer_id)))
            case _:
                pass
    for place, book, change in read_books(connection, revenue_invoice, invoices):
        volume, key = place
        volume.books.invoices[key] = Held(_INVOICE_BOOK.decode(book), change)
        _note_held(place, prices, names)
    for (volume, key), book, change in read_books(connection, revenue_price, prices):
        volume.books.prices[key] = HeldValue(_PRICE_BOOK.decode(book), change)
    for (volume, key), book, change in read_books(connection, revenue_customer, names):
        volume.books.names[key] = HeldValue(_NAME_BOOK.decode(book), change)


def save_touched(connection: Connection, volumes: Sequence[Volume]) -> None:
    """Write back what was touched of the books, and what could not be read."""
    invoices = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_invoices)]
    prices = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_prices)]
    names = [(volume, key) for volume in volumes for key in sorted(volume.books.touched_names)]
    more = ("seen_at", "lacks_lines", "is_contested")
    replace(connection, revenue_invoice, invoices, map(_invoice_record, invoices), (*_BOOK, *more))
    replace(connection, revenue_price, prices, map(_price_record, prices), _BOOK)
    replace(connection, revenue_customer, names, map(_name_record, names), (*_BOOK, "is_contested"))
    copy_in(connection, revenue_quarantine, _quarantine_records(volumes), _QUARANTINE)


def _note_named(
    volume: Volume,
    livemode: bool,  # noqa: FBT001 - a value
    seen: InvoiceSeen | InvoiceLinesSeen | InvoiceDeleted,
    prices: set[Place],
    names: set[Place],
) -> None:
    if isinstance(seen, InvoiceDeleted):
        return
    if isinstance(seen, InvoiceSeen) and seen.header.customer_id:
        names.add((volume, (livemode, seen.header.customer_id)))
    prices.update((volume, (livemode, line.price_id)) for line in seen.lines if line.price_id)


def _note_held(place: Place, prices: set[Place], names: set[Place]) -> None:
    # A fact about an invoice can bring rows back to mind whose prices and customer facts long ago told of.
    volume, (livemode, _) = place
    book = volume.books.invoices[place[1]].book
    if book.header and book.header.value.customer_id:
        names.add((volume, (livemode, book.header.value.customer_id)))
    prices.update(
        (volume, (livemode, line.price_id)) for line in (book.lines.value if book.lines else ()) if line.price_id
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


def _quarantine_records(volumes: Sequence[Volume]) -> list[Record]:
    return [
        (volume, (at.change.position, at.livemode, entity, reason, at.seen_at, at.change.recorded_at))
        for volume in volumes
        for at, entity, reason in volume.books.quarantined
    ]
