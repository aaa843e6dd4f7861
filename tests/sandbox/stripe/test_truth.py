"""The truth: literal rows for hand-written invoices, and sums computed in another way."""

import json
from collections import Counter
from typing import Any

import pytest

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.account.truth import revenue_rows, revenue_table
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.records.records import Discount, Tax
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec
from sandbox.stripe.records.versions import shape_of

NOVEMBER = 1_761_955_200  # 2025-11-01T00:00:00Z
FEBRUARY = 1_769_904_000  # 2026-02-01T00:00:00Z


def test_a_quarter_of_a_subscription_is_one_row(acme: Account) -> None:
    ledger = acme.live
    customer = ledger.create_customer("Zed Inc")
    product = ledger.create_product("Team plan")
    price = ledger.create_price(product.id, 10_000, every=(3, "month"), price_id="price_q", lookup_key="team_q")
    subscription = ledger.create_subscription(customer.id, [price.id])
    line = LineSpec(
        amount=30_000,
        description="3 x Team plan",
        period=(NOVEMBER, FEBRUARY),
        quantity="3",
        price="price_q",
        subscription=subscription.id,
        from_subscription=True,
        discounts=(Discount("di_1", 3_000),),
        taxes=(Tax("txr_1", 2_700, 27_000, inclusive=False),),
    )
    invoice = ledger.create_paid_invoice(customer.id, [line], InvoiceSpec(subscription=subscription.id))
    ledger.rename_customer(customer.id, "Zed Holdings")
    ledger.rename_product(product.id, "Crew plan")
    ledger.create_credit_note(invoice.id, 500, line_id=invoice.lines[0].id)
    ledger.create_credit_note(invoice.id, 250)

    assert revenue_table(acme, livemode=True) == [
        {
            "object": "revenue_line",
            "invoice_line_item_id": invoice.lines[0].id,
            "subscription_id": subscription.id,
            "customer_name": "Zed Holdings",
            "customer_id": customer.id,
            "description": "3 x Team plan",
            "date": "2025-11-01",
            "amount": 30_000,
            "currency": "usd",
            "currency_exponent": 2,
            "discount_amount": 3_000,
            "tax_amount": 0,
            "net_amount": 27_000,
            "type": "recurring",
            "cadence": "quarterly",
            "interval": {"unit": "month", "count": 3},
            "cadence_source": "price",
            "price_id": "price_q",
            "price_name": "team_q",
            "product_id": product.id,
            "product_name": "Crew plan",
            "period": {"start": "2025-11-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
            "proration": False,
            "quantity": "3",
            "customer_name_on_invoice": "Zed Inc",
            "customer_email": customer.email,
            "invoice_id": invoice.id,
            "invoice_number": invoice.number,
            "invoice_status": "paid",
            "invoice_complete": True,
            "credited_amount": 750,
            "livemode": True,
        }
    ]


def only_row(account: Account, line: LineSpec, spec: InvoiceSpec | None = None) -> dict[str, Any]:
    customer = account.live.create_customer()
    account.live.create_paid_invoice(customer.id, [line], spec)
    (row,) = revenue_table(account, livemode=True)
    return row


def test_a_line_without_a_price_is_one_time(acme: Account) -> None:
    row = only_row(acme, LineSpec(amount=700, description=None, quantity=None))

    assert (row["type"], row["cadence"], row["cadence_source"]) == ("one_time", "one_time", "no_price")
    assert (row["price_id"], row["product_id"], row["interval"], row["quantity"]) == (None, None, None, None)


def test_inclusive_tax_is_taken_out_and_exclusive_tax_was_never_in(acme: Account) -> None:
    taxes = (Tax("txr_in", 190, 1_000, inclusive=True), Tax("txr_out", 70, 1_000, inclusive=False))

    row = only_row(acme, LineSpec(amount=1_290, taxes=taxes, discounts=(Discount("di_1", 100),)))

    assert (row["amount"], row["discount_amount"], row["tax_amount"], row["net_amount"]) == (1_290, 100, 190, 1_000)


def test_a_line_without_a_subscription_of_its_own_has_that_of_its_invoice(acme: Account) -> None:
    row = only_row(acme, LineSpec(amount=700), InvoiceSpec(subscription="sub_of_the_invoice"))

    assert row["subscription_id"] == "sub_of_the_invoice"


def test_the_date_is_the_day_in_utc_on_which_the_period_starts(acme: Account) -> None:
    row = only_row(acme, LineSpec(amount=700, period=(NOVEMBER - 1, FEBRUARY)))

    assert row["date"] == "2025-10-31"


@pytest.mark.parametrize(
    ("every", "cadence"),
    [
        ((1, "month"), "monthly"),
        ((3, "month"), "quarterly"),
        ((6, "month"), "semi_annual"),
        ((12, "month"), "annual"),
        ((1, "year"), "annual"),
        ((2, "year"), "other"),
        ((1, "week"), "other"),
        ((1, "day"), "other"),
        ((2, "month"), "other"),
        (None, "one_time"),
    ],
)
def test_the_cadence_is_that_of_the_price(acme: Account, every: tuple[int, str] | None, cadence: str) -> None:
    product = acme.live.create_product("Team plan")
    price = acme.live.create_price(product.id, 100, every=every)

    assert only_row(acme, LineSpec(amount=100, price=price.id))["cadence"] == cadence


@pytest.mark.parametrize(("currency", "exponent"), [("jpy", 0), ("usd", 2), ("kwd", 3), ("isk", 2)])
def test_each_currency_has_its_own_exponent(acme: Account, currency: str, exponent: int) -> None:
    row = only_row(acme, LineSpec(amount=100), InvoiceSpec(currency=currency))

    assert row["currency_exponent"] == exponent


def test_drafts_have_no_rows_and_void_and_uncollectible_invoices_keep_theirs(acme: Account) -> None:
    customer = acme.live.create_customer()
    drafts = [acme.live.create_invoice(customer.id, [LineSpec(amount=place)]) for place in range(4)]
    for invoice in drafts[1:]:
        acme.live.finalize_invoice(invoice.id)
    acme.live.void_invoice(drafts[2].id)
    acme.live.mark_uncollectible(drafts[3].id)

    rows = revenue_table(acme, livemode=True)

    assert {row["amount"]: row["invoice_status"] for row in rows} == {1: "open", 2: "void", 3: "uncollectible"}


def test_a_deleted_customer_keeps_its_newest_name_and_one_that_never_had_a_name_has_none(acme: Account) -> None:
    named, nameless = acme.live.create_customer("Zed Inc"), acme.live.create_customer(None)
    for customer in (named, nameless):
        acme.live.create_paid_invoice(customer.id, [LineSpec(amount=1)])
    acme.live.rename_customer(named.id, "Zed Holdings")
    acme.live.rename_customer(named.id, None)
    acme.live.delete_customer(named.id)

    names = {row["customer_id"]: row["customer_name"] for row in revenue_table(acme, livemode=True)}

    assert names == {named.id: "Zed Holdings", nameless.id: None}


def test_rows_are_sorted_by_invoice_and_line(acme: Account) -> None:
    generate(acme, invoices=60, seed=1)

    rows = revenue_table(acme, livemode=True)

    keys = [(row["invoice_id"], row["invoice_line_item_id"]) for row in rows]
    assert keys == sorted(keys)
    assert list(revenue_rows(acme, livemode=True)) == rows


def test_the_truth_agrees_with_the_sums_that_the_invoices_show(simulated: SimulatedStripe, acme: Account) -> None:
    """Add up the rendered totals without tax, another way to the same number."""
    generate(acme, invoices=300, seed=3)
    shape = shape_of(simulated.api_version)
    net_of_tax, counted = Counter[str](), Counter[str]()
    for invoice in acme.live.invoices:
        shown = json.loads(json.dumps(acme.live.renderer.render(invoice, shape)))
        if shown["status"] != "draft":
            net_of_tax[shown["currency"]] += shown["total_excluding_tax"]
            counted[shown["status"]] += shown["lines"]["total_count"]

    rows = revenue_table(acme, livemode=True)

    summed = Counter[str]()
    for row in rows:
        summed[row["currency"]] += row["net_amount"]
    assert summed == net_of_tax
    assert Counter(row["invoice_status"] for row in rows) == counted
