"""Explain why a fact changed a line or did not: the rules of the fold, in sentences about one fact. Pure."""

from collections.abc import Iterator, Sequence

from events.stripe.cadence import cadence_of
from events.stripe.observations import (
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CustomerNamed,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    Observation,
    PriceSeen,
    ProductNamed,
    Unreadable,
)
from projections.facts.facts import Fact
from projections.revenue.fold import RevenueState
from projections.revenue.invoice_after import STATUS_RANK
from projections.revenue.register import Register, Value
from projections.revenue.row import Row
from projections.revenue.state import InvoiceState, Key

# How the explanation of a fact that could not be read begins; its technical reason follows.
UNREAD = "The event couldn't be read: "
_NOTHING = InvoiceState()


class Explainer:
    """The explanations of facts about one invoice, in the order of the log: what each did, and why."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._revenue = RevenueState()

    def reasons(self, fact: Fact, before: Row | None, after: Row | None) -> list[str]:
        """Return what a fact did to a line that stood as `before` and then as `after`, and why. Pass each fact once."""
        if fact.sighting.livemode != self._key[0]:
            return ["This event is in the other mode."]
        held = self._invoice()
        about = [one for one in fact.observations if getattr(one, "invoice_id", None) == self._key[1]]
        self._revenue.apply(fact.sighting, fact.entity, about)
        credited = tuple(row.credited_amount if row else 0 for row in (before, after))
        sentences = [
            *_of_invoice(held, self._invoice(), about),
            *_of_credit(about, *credited),
            *_of_values(fact.observations, before, after),
        ]
        return sentences or ["This event says nothing about this line."]

    def _invoice(self) -> InvoiceState:
        held = self._revenue.invoices.get(self._key)
        return held.invoice if held else _NOTHING


def _of_invoice(before: InvoiceState, after: InvoiceState, about: Sequence[Observation]) -> Iterator[str]:
    for seen in about:
        match seen:
            case InvoiceDeleted():
                yield "The invoice was deleted: its lines left the table for good."
            case InvoiceLinesSeen(lines=lines):
                yield _of_lines(before.lines, after.lines, lines, is_whole=True)
            case InvoiceSeen():
                yield _of_status(before.status, after.status, seen.status)
                yield _of_lines(before.lines, after.lines, seen.lines, is_whole=seen.is_complete)
                yield _of_header(before.header, after.header, seen.header)
            case _:
                pass


def _of_credit(about: Sequence[Observation], before: int, after: int) -> Iterator[str]:
    for seen in about:
        if isinstance(seen, CreditNoteSeen | CreditNoteLinesSeen):
            if before != after:
                yield f"Credit note {seen.note_id} changed what is credited on the line from {before} to {after}."
            else:
                yield f"Credit note {seen.note_id} changed nothing on this line."


def _of_status(before: Register[str] | None, after: Register[str] | None, value: str) -> str:
    if before is None or after is None:
        return f"First known status: {value}."
    if value == before.value:
        return f"The status was already {value}."
    if after.value == value:
        return f"The status went from {before.value} to {value}."
    if STATUS_RANK[value] < STATUS_RANK[before.value]:
        return f"The status {value} was ignored: a status never goes back, and it is already {before.value}."
    return f"The status {value} was ignored: {_why_not(after)}. It stays {before.value}."


def _of_lines(before: Register[Value] | None, after: Register[Value] | None, lines: Value, *, is_whole: bool) -> str:
    which = "whole line set" if is_whole else "part of the lines"
    if before is None or after is None:
        return f"First known lines: the {which}."
    if lines == before.value:
        return (
            f"Its {which} was already known." if is_whole == bool(before.stamp[0]) else f"The same lines, as a {which}."
        )
    if after.value == lines:
        return f"Its {which} replaced what was known: it is {'newer' if before.stamp[0] == is_whole else 'complete'}."
    if before.stamp[0] and not is_whole:
        return "Its lines were ignored: a part never replaces the whole line set."
    return f"Its lines were ignored: {_why_not(after)}."


def _of_header(before: Register[Value] | None, after: Register[Value] | None, header: Value) -> str:
    if before is None or after is None:
        return "First known customer and number."
    if header == before.value:
        return "Customer and number were already known."
    if after.value == header:
        return "Customer and number come from this newer version."
    return f"Customer and number were ignored: {_why_not(after)}."


def _why_not(after: Register[Value]) -> str:
    if after.is_contested:
        return "another event of the same second differs, so we ask Stripe"
    return "a newer version of the invoice was already known"


def _of_values(observations: Sequence[Observation], before: Row | None, after: Row | None) -> Iterator[str]:
    row = after or before
    for seen in observations:
        match seen:
            case CustomerNamed() if row and seen.customer_id == row.customer_id:
                yield _of_value("customer's name", seen.name, before and before.customer_name, row.customer_name)
            case PriceSeen() if row and seen.price_id == row.price_id:
                recurrence = seen.recurrence
                cadence = cadence_of(recurrence.unit, recurrence.count) if recurrence else "one_time"
                yield _of_value("price's cadence", cadence, before and before.cadence, row.cadence)
                yield from _of_price_name(seen.name, before and before.price_name, row.price_name)
            case ProductNamed() if row and seen.product_id == row.product_id:
                yield _of_value("product's name", seen.name, before and before.product_name, row.product_name)
            case Unreadable():
                yield f"{UNREAD}{seen.reason}."
            case _:
                pass


def _of_price_name(name: str | None, before: str | None, after: str | None) -> Iterator[str]:
    if name is None and after is None:
        if before is not None:
            yield "The price has no name any more."
    elif name is None:
        yield f"That the price has no name was ignored: a newer or more reliable event names it {after!r}."
    else:
        yield _of_value("price's name", name, before, after)


def _of_value(what: str, value: str, before: str | None, after: str | None) -> str:
    if value != after:
        return f"The {what} {value!r} was ignored: a newer or more reliable one was already known."
    return f"The {what} was already known." if before == value else f"The {what} is known from this: {value!r}."
