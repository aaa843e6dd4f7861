"""The fold's law: the order and repetition of facts do not matter."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.intake.envelope import event_from_stripe
from events.stripe.words import observations_of
from projections.facts.sightings import Change, Sighting
from projections.recognition.days import zone_of
from projections.revenue.credit_notes import rows_of
from projections.revenue.fold import RevenueState
from projections.revenue.invoice_rows import InvoiceRows
from projections.revenue.tested.subjects_at import subjects_at
from tests.support.clock import NOON
from tests.support.payloads import (
    CREATED,
    credit_note,
    credit_note_line,
    customer,
    event,
    new_invoice,
    new_line,
    old_invoice,
    old_line,
    price,
    product,
)
from tests.support.promises import examples
from tests.support.signing import json_bytes

Observed = tuple[Sighting, str | None, list]


def observed(fact: dict) -> Observed:
    new = event_from_stripe(json_bytes(fact))
    assert new.occurred_at is not None
    seen_at = int(new.occurred_at.timestamp())
    sighting = Sighting(Change(1, NOON), new.livemode, (seen_at, 0))
    return sighting, new.entity, observations_of(new.type, new.entity, new.payload)


def table(facts: list[Observed]) -> list[tuple]:
    """Return the rows that these facts fold into, without the fields that depend on when they were received.

    These are the rows of lines, and of credit notes, and what rules may test of lines.
    """
    revenue = RevenueState()
    for sighting, entity, observations in facts:
        revenue.apply(sighting, entity, observations)
    rows = [
        row
        for key, invoice in revenue.invoices.items()
        for row in InvoiceRows(key).rows(invoice, revenue.prices.get, revenue.names.get, revenue.products.get)
    ]
    noted = (rows_of(key, held.invoice).values() for key, held in revenue.invoices.items())
    notes = [tuple(map(str, row)) for rows_of_one in noted for row in rows_of_one]
    lines = [
        (fixed.text, *map(str, (one.names, one.billing, one.invoice_status, one.is_complete, one.credited_amount)))
        for fixed, one in rows
    ]
    subjects = [
        (line.line_id, str(sorted(subject.items())))
        for key, held in revenue.invoices.items()
        for line, subject in subjects_at(revenue, key, held.invoice, None, zone_of("UTC"))
    ]
    return [*sorted(notes), *sorted(lines), *sorted(subjects)]


_STATUSES = ("draft", "open", "uncollectible", "paid", "void")
_SECONDS = st.integers(CREATED, CREATED + 3)
_CREDITED = st.sampled_from(("il_0", "il_1", "il_9", None))
_INVOICES = st.sampled_from(("in_1", "in_2"))
# Mostly none, as at Stripe.
_METADATA = st.sampled_from(({}, {}, {"region": "emea"}, {"region": "apac", "tier": "1"}))


@st.composite
def notes(draw: st.DrawFn, invoice_id: str) -> dict:
    asked = draw(st.lists(st.tuples(_CREDITED, st.integers(-1, 3)), max_size=3))
    lines = [credit_note_line(f"cnli_{place}", amount, of) for place, (of, amount) in enumerate(asked)]
    note_id, status = draw(st.sampled_from(("cn_1", "cn_2"))), draw(st.sampled_from(("issued", "void")))
    effective_at = draw(st.sampled_from((CREATED, CREATED + 86_400)))
    note = credit_note(note_id, *lines, invoice=invoice_id, status=status, effective_at=effective_at)
    note["lines"] = {"data": lines, "has_more": draw(st.booleans())}
    return note


@st.composite
def facts(draw: st.DrawFn) -> dict:
    at = draw(_SECONDS)
    kind = draw(st.sampled_from(("new", "old", "customer", "price", "product", "note", "deleted")))
    livemode = draw(st.booleans())
    if kind == "customer":
        address = draw(st.sampled_from(("CZ", "DE", None)))
        said = {"address": {"country": address}, "email": draw(st.sampled_from(("a@zed.test", None)))}
        changed = customer(draw(st.sampled_from(("Zed", "Zeta", None)))) | said | {"metadata": draw(_METADATA)}
        return event(changed, "customer.updated", created=at, livemode=livemode)
    if kind == "price":
        named = {"nickname": draw(st.sampled_from(("Quarterly", None))), "lookup_key": "quarterly"}
        changed = price("price_q", "month", draw(st.sampled_from((3, 6)))) | named | {"metadata": draw(_METADATA)}
        return event(changed, "price.updated", created=at, livemode=livemode)
    if kind == "product":
        renamed = product(draw(st.sampled_from(("Team plan", "Team", None)))) | {"metadata": draw(_METADATA)}
        return event(renamed, "product.updated", created=at, livemode=livemode)
    invoice_id = draw(_INVOICES)
    if kind == "note":
        return event(draw(notes(invoice_id)), "credit_note.updated", created=at, livemode=livemode)
    if kind == "deleted":
        return event(
            {"id": invoice_id, "object": "invoice", "status": "draft"}, "invoice.deleted", created=at, livemode=livemode
        )
    amounts = draw(st.lists(st.integers(-2, 2), min_size=1, max_size=3))
    make, line = (new_invoice, new_line) if kind == "new" else (old_invoice, old_line)
    lines = [line(f"il_{number}", amount=amount, metadata=draw(_METADATA)) for number, amount in enumerate(amounts)]
    invoice = make(
        invoice_id,
        *lines,
        status=draw(st.sampled_from(_STATUSES)),
        customer_name=draw(st.sampled_from(("Zed", "Zap", None))),
        customer_address={"country": draw(st.sampled_from(("CZ", "AT")))},
        metadata=draw(_METADATA),
    )
    invoice["lines"] = {"data": lines, "has_more": draw(st.booleans())}
    return event(invoice, "invoice.updated", created=at, livemode=livemode)


@pytest.mark.promise("Facts in any order, any of them again, fold to the same bytes", trials=(100, 2000))
@examples(100, 2000)
@given(st.lists(facts(), max_size=12), st.randoms(use_true_random=False))
def test_any_order_with_any_repetition_of_the_same_facts_gives_the_same_table(
    history: list[dict], random: Random
) -> None:
    once = [observed(fact) for fact in history]
    again = once + random.choices(once, k=len(once)) if once else []
    random.shuffle(again)

    assert table(again) == table(once)
