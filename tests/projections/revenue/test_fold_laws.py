"""The fold's law: the order and repetition of facts do not matter."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from events.intake.envelope import event_from_stripe
from events.stripe.words import observations_of
from projections.facts.sightings import Change, Sighting
from projections.revenue.fold import RevenueState
from projections.revenue.invoice_rows import InvoiceRows
from tests.support.clock import NOON
from tests.support.payloads import (
    CREATED,
    customer,
    event,
    new_invoice,
    new_line,
    old_invoice,
    old_line,
    price,
    product,
)
from tests.support.signing import json_bytes

Observed = tuple[Sighting, str | None, list]


def observed(fact: dict) -> Observed:
    new = event_from_stripe(json_bytes(fact))
    assert new.occurred_at is not None
    seen_at = int(new.occurred_at.timestamp())
    sighting = Sighting(Change(1, NOON), new.livemode, (seen_at, 0))
    return sighting, new.entity, observations_of(new.type, new.entity, new.payload)


def table(facts: list[Observed]) -> list[tuple]:
    """Return the rows that these facts fold into, without the fields that depend on when they were received."""
    revenue = RevenueState()
    for sighting, entity, observations in facts:
        revenue.apply(sighting, entity, observations)
    rows = [
        row
        for key, invoice in revenue.invoices.items()
        for row in InvoiceRows(key).rows(invoice, revenue.prices.get, revenue.names.get, revenue.products.get)
    ]
    return sorted(
        (fixed.text, str(variable.names), str(variable.billing), variable.invoice_status, variable.is_complete)
        for fixed, variable in rows
    )


_STATUSES = ("draft", "open", "uncollectible", "paid", "void")
_SECONDS = st.integers(CREATED, CREATED + 3)
_INVOICES = st.sampled_from(("in_1", "in_2"))


@st.composite
def facts(draw: st.DrawFn) -> dict:
    at = draw(_SECONDS)
    kind = draw(st.sampled_from(("new", "old", "customer", "price", "product", "deleted")))
    livemode = draw(st.booleans())
    if kind == "customer":
        return event(
            customer(draw(st.sampled_from(("Zed", "Zeta", None)))), "customer.updated", created=at, livemode=livemode
        )
    if kind == "price":
        named = {"nickname": draw(st.sampled_from(("Quarterly", None))), "lookup_key": "quarterly"}
        changed = price("price_q", "month", draw(st.sampled_from((3, 6)))) | named
        return event(changed, "price.updated", created=at, livemode=livemode)
    if kind == "product":
        renamed = product(draw(st.sampled_from(("Team plan", "Team", None))))
        return event(renamed, "product.updated", created=at, livemode=livemode)
    invoice_id = draw(_INVOICES)
    if kind == "deleted":
        return event(
            {"id": invoice_id, "object": "invoice", "status": "draft"}, "invoice.deleted", created=at, livemode=livemode
        )
    amounts = draw(st.lists(st.integers(-2, 2), min_size=1, max_size=3))
    make, line = (new_invoice, new_line) if kind == "new" else (old_invoice, old_line)
    lines = [line(f"il_{number}", amount=amount) for number, amount in enumerate(amounts)]
    invoice = make(
        invoice_id,
        *lines,
        status=draw(st.sampled_from(_STATUSES)),
        customer_name=draw(st.sampled_from(("Zed", "Zap", None))),
    )
    invoice["lines"] = {"data": lines, "has_more": draw(st.booleans())}
    return event(invoice, "invoice.updated", created=at, livemode=livemode)


@settings(max_examples=400)
@given(st.lists(facts(), max_size=12), st.randoms(use_true_random=False))
def test_any_order_with_any_repetition_of_the_same_facts_gives_the_same_table(
    history: list[dict], random: Random
) -> None:
    once = [observed(fact) for fact in history]
    again = once + random.choices(once, k=len(once)) if once else []
    random.shuffle(again)

    assert table(again) == table(once)
