"""What an invoice's lines must add up to, in every kind of invoice that the simulated Stripe makes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.stripe.subtotal import Subtotal, line_discounts_of, subtotal_of
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.records.records import Invoice
from sandbox.stripe.records.versions import shape_of
from tests.support.payloads import new_invoice, new_line
from tests.support.stripe_clock import HandClock


def off_by(invoice: Invoice, account: Account, version: str) -> int | None:
    renderer = account.live.renderer
    shape = shape_of(version)
    lines = [renderer.line(line, invoice, shape) for line in invoice.lines]
    said = subtotal_of(json.dumps(renderer.render(invoice, shape)).encode())
    own = line_discounts_of(json.dumps({"data": lines}).encode())
    if said.amount is None or own is None:
        return None
    return sum(int(line["amount"]) for line in lines) - own - said.amount


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000), version=st.sampled_from(["2020-08-27", "2025-02-24.acacia", "2026-10-28.endive"]))
def test_lines_add_up_to_the_subtotal_in_every_kind_of_invoice(seed: int, version: str) -> None:
    simulated = SimulatedStripe(HandClock(), seed=seed, api_version=version)
    account = simulated.create_account("Acme Samples")
    generate(account, invoices=60, seed=seed)

    assert [one.id for one in account.live.invoices if off_by(one, account, version) != 0] == []


SHARED = {"amount": 250, "discount": "di_invoice"}
OWN = {"amount": 30, "discount": "di_line"}


@pytest.mark.parametrize(
    ("discounts", "line_discounts"),
    [
        # As Stripe shows a subscription's coupon: no line has it as its own.
        ({"discount_amounts": [SHARED], "discounts": []}, 0),
        ({"discount_amounts": [OWN, SHARED], "discounts": ["di_line"]}, 30),
        ({"discount_amounts": [OWN, SHARED], "discounts": [{"id": "di_line", "object": "discount"}]}, 30),
        ({"discount_amounts": [OWN]}, None),
        ({"discount_amounts": []}, 0),
        ({"discount_amounts": None, "discounts": None}, 0),
    ],
)
def test_only_discounts_that_a_line_names_as_its_own_are_in_the_subtotal(
    discounts: dict[str, Any], line_discounts: int | None
) -> None:
    invoice = new_invoice("in_1", new_line(**discounts), new_line("il_2"), subtotal=60_000)

    assert subtotal_of(json.dumps(invoice).encode()) == Subtotal(60_000, line_discounts)


@pytest.mark.parametrize("fields", [{"subtotal": "60000"}, {"subtotal": 2**70}, {"lines": 7}, {"subtotal": None}])
def test_a_subtotal_that_cannot_be_read_is_none_and_refuses_nothing(fields: dict[str, object]) -> None:
    assert subtotal_of(json.dumps(new_invoice() | fields).encode()).amount is None
    assert line_discounts_of(b'{"data": [{"discount_amounts": [{}]}]}') is None
