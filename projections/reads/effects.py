"""Find out what facts would change before they are appended: facts without news need not be stored."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from events.log.append import NewEvent
from events.stripe.observations import (
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CustomerNamed,
    CustomerSeen,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    Observation,
    PriceSeen,
    ProductNamed,
    Unreadable,
)
from events.stripe.words import FETCHED_FROM_STRIPE, observations_of
from projections.facts.sightings import Change, Sighting
from projections.revenue.build_state import BuildState
from projections.revenue.fold import NAME, RevenueState
from projections.revenue.state import Held, Key
from projections.revenue.store.load_state import load_state
from projections.revenue.tested.details import DetailStates
from runtime.database import raw_driver

_BUILD = text("SELECT build FROM projection_active WHERE projection = :projection AND company_id = :company_id")
_QUARANTINED = text("""
    SELECT livemode, entity, reason, seen_at FROM revenue_quarantine
    WHERE company_id = :company_id AND build = :build AND entity = ANY (:entities)
""")


class Effect(Enum):
    """What a fact would do to the table."""

    NOTHING = "nothing"
    CHANGED = "changed"
    NEW = "new"


class _Quarantined(NamedTuple):
    livemode: bool
    entity: str | None
    reason: str
    seen_at: int


class Compared(NamedTuple):
    """A fact compared with the table.

    `invoice` and `credit_note`: what it shows of one; `lacks_lines`: the invoice's other lines must be fetched;
    `unreadable`: why the table cannot show the fact.
    """

    effect: Effect
    invoice: InvoiceSeen | None = None
    credit_note: CreditNoteSeen | None = None
    lacks_lines: bool = False
    unreadable: str | None = None


def compare(connection: Connection, company_id: int, facts: Sequence[NewEvent]) -> list[Compared]:
    """Compare facts with the live table, in their order. Reads only.

    Compares what the table shows and what rules may test beside it, as facts are read today: what a later release reads
    in addition is found by a later comparison. A fact that can be read is news while an unreadable one about the same
    object is newer than all that was read of it.
    """
    build = connection.execute(_BUILD, {"projection": NAME, "company_id": company_id}).scalar() or 1
    build_state = BuildState(company_id, build, is_begun=True, revenue=RevenueState())
    observed = [(fact, observations_of(fact.type, fact.entity, fact.payload)) for fact in facts]
    with raw_driver(connection) as driver:
        load_state(driver, [(build_state, [(fact.livemode, found) for fact, found in observed])])
    quarantined = _quarantined(connection, company_id, build, observed)
    return [
        _compared(build_state.revenue, -ordinal, fact, found, quarantined)
        for ordinal, (fact, found) in enumerate(observed, 1)
    ]


def _compared(
    revenue: RevenueState,
    marker: int,
    fact: NewEvent,
    found: list[Observation],
    quarantined: Sequence[_Quarantined],
) -> Compared:
    seen_at = fact.occurred_at or datetime.min.replace(tzinfo=UTC)
    change = Change(marker, seen_at)
    invoice = next((one for one in found if isinstance(one, InvoiceSeen)), None)
    before = revenue.invoices.get((fact.livemode, invoice.invoice_id)) if invoice else None
    of_object = [one for one in quarantined if (one.livemode, one.entity) == (fact.livemode, fact.entity)]
    read_until = _read_until(revenue, fact.livemode, fact.entity)
    is_contested = any(_is_contested(revenue, fact.livemode, one) for one in found)
    stamp = (int(seen_at.timestamp()), int(fact.source == FETCHED_FROM_STRIPE))
    revenue.apply(Sighting(change, fact.livemode, stamp), fact.entity, found)
    unreadable = next((one.reason for one in found if isinstance(one, Unreadable)), None)
    if unreadable is None:
        is_news = bool(found) and any(one.seen_at > read_until for one in of_object)
    else:
        is_news = unreadable not in {one.reason for one in of_object}
    is_changed = is_contested or is_news or any(_changed_by(revenue, fact.livemode, one, change) for one in found)
    is_new = invoice is not None and (before is None or before.invoice.header is None)
    effect = Effect.NOTHING if not is_changed else Effect.NEW if is_new else Effect.CHANGED
    lacks_lines = invoice is not None and not invoice.is_complete and not _are_known(before, invoice.lines)
    credit_note = next((one for one in found if isinstance(one, CreditNoteSeen)), None)
    return Compared(effect, invoice, credit_note, lacks_lines, unreadable)


def _changed_by(revenue: RevenueState, livemode: bool, one: Observation, change: Change) -> bool:  # noqa: FBT001 - a value
    details = revenue.details
    match one:
        case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted() | CreditNoteSeen() | CreditNoteLinesSeen():
            key = (livemode, one.invoice_id)
            return revenue.invoices[key].change == change or _told(details.invoice_states, key, change)
        case PriceSeen():
            key = (livemode, one.price_id)
            return revenue.prices[key].change == change or _told(details.price_states, key, change)
        case ProductNamed():
            key = (livemode, one.product_id)
            return revenue.products[key].change == change or _told(details.product_states, key, change)
        case CustomerNamed():
            return revenue.names[livemode, one.customer_id].change == change
        case CustomerSeen():
            return _told(details.customer_states, (livemode, one.customer_id), change)
        case _:
            return False


def _told(states: DetailStates[Any], key: Key, change: Change) -> bool:
    return key in states and states[key][-1][0] == change.position


def _read_until(revenue: RevenueState, livemode: bool, entity: str | None) -> int:  # noqa: FBT001 - a value
    """Return when what is known of an object was seen, in Unix seconds; 0 if nothing is."""
    kind, _, object_id = (entity or "").partition(":")
    key = (livemode, object_id)
    if kind == "invoice":
        header = revenue.invoices[key].invoice.header if key in revenue.invoices else None
        return header.stamp[0] if header else 0
    if kind in ("price", "plan"):
        return revenue.prices[key].register.stamp[1] if key in revenue.prices else 0
    return revenue.names[key].register.stamp[0] if key in revenue.names else 0


def _is_contested(revenue: RevenueState, livemode: bool, one: Observation) -> bool:  # noqa: FBT001 - a value
    match one:
        case InvoiceSeen() | InvoiceLinesSeen():
            held = revenue.invoices.get((livemode, one.invoice_id))
            return held is not None and held.invoice.is_contested
        case CreditNoteSeen() | CreditNoteLinesSeen():
            held = revenue.invoices.get((livemode, one.invoice_id))
            return held is not None and one.note_id in held.invoice.contested_notes
        case CustomerNamed() | CustomerSeen():
            return revenue.is_contested_customer((livemode, one.customer_id))
        case PriceSeen():
            price = revenue.prices.get((livemode, one.price_id))
            return price is not None and price.register.is_contested
        case ProductNamed():
            product = revenue.products.get((livemode, one.product_id))
            return product is not None and product.register.is_contested
        case _:
            return False


def _are_known(before: Held | None, lines: tuple[Line, ...]) -> bool:
    held = before.invoice.lines if before and before.invoice.is_complete else None
    return held is not None and set(lines) <= set(held.value)


def _quarantined(
    connection: Connection, company_id: int, build: int, observed: list[tuple[NewEvent, list[Observation]]]
) -> list[_Quarantined]:
    entities = [fact.entity for fact, found in observed if found and fact.entity]
    rows = connection.execute(_QUARANTINED, {"company_id": company_id, "build": build, "entities": entities})
    return [_Quarantined(*row) for row in rows]
