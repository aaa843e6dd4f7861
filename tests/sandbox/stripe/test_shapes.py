"""The shape of an invoice and its lines in each API version."""

from dataclasses import replace
from typing import Any

import pytest

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.records.records import Discount, Tax
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec
from sandbox.stripe.records.versions import shape_of

Json = dict[str, Any]

OLD_LINE = {"price", "plan", "type", "subscription", "proration", "tax_amounts", "invoice_item"}
NEW_LINE = {"parent", "pricing", "taxes", "pretax_credit_amounts"}
OLD_INVOICE = {"subscription", "paid", "charge", "tax", "total_tax_amounts", "payment_intent", "quote"}
NEW_INVOICE = {"parent", "total_taxes", "amount_overpaid"}


def rendered(account: Account, version: str) -> Json:
    """Return a subscription's paid invoice: a discounted quarter with tax, and a fee without a price."""
    ledger = account.live
    customer = ledger.create_customer("Zed Samples")
    product = ledger.create_product("Team plan")
    price = ledger.create_price(product.id, 10_000, every=(3, "month"), price_id=f"small-quarterly-{version}")
    subscription = ledger.create_subscription(customer.id, [price.id])
    quarter = LineSpec(
        amount=30_000,
        description="3 x Team plan",
        period=(1_761_955_200, 1_769_904_000),
        quantity="3",
        price=price.id,
        subscription=subscription.id,
        from_subscription=True,
        discounts=(Discount("di_1", 3_000, on_invoice=True),),
        taxes=(Tax("txr_1", 2_700, 27_000, inclusive=False),),
    )
    fee = LineSpec(amount=500, description=None, quantity="1.5")
    spec = InvoiceSpec(subscription=subscription.id, billing_reason="subscription_cycle")
    invoice = ledger.create_paid_invoice(customer.id, [quarter, fee], spec)
    return ledger.renderer.render(invoice, shape_of(version))


@pytest.mark.parametrize(
    ("version", "old", "new"),
    [
        ("2020-08-27", True, False),
        ("2024-06-20", True, False),
        ("2024-12-18.acacia", True, True),
        ("2025-02-24.acacia", True, True),
        ("2025-03-31.basil", False, True),
        ("2025-12-15.clover", False, True),
        ("2026-10-28.endive", False, True),
    ],
)
def test_a_version_has_the_keys_of_its_shape(acme: Account, version: str, *, old: bool, new: bool) -> None:
    invoice = rendered(acme, version)
    line = invoice["lines"]["data"][0]

    assert (line.keys() & OLD_LINE) == (OLD_LINE if old else set())
    assert (line.keys() & NEW_LINE) == (NEW_LINE if new else set())
    assert (invoice.keys() & OLD_INVOICE) == (OLD_INVOICE if old else set())
    assert (invoice.keys() & NEW_INVOICE) == (NEW_INVOICE if new else set())


@pytest.mark.parametrize(
    ("version", "subtotal", "quantity_decimal"),
    [
        ("2025-11-17.clover", False, False),
        ("2025-12-15.clover", True, False),
        ("2026-03-25.dahlia", True, True),
        ("2026-10-28.endive", True, True),
    ],
)
def test_later_versions_add_keys_to_the_line(
    acme: Account, version: str, *, subtotal: bool, quantity_decimal: bool
) -> None:
    line = rendered(acme, version)["lines"]["data"][1]

    assert ("subtotal" in line, "quantity_decimal" in line) == (subtotal, quantity_decimal)


def test_an_old_line_carries_its_price_and_plan_inline(acme: Account) -> None:
    line = rendered(acme, "2024-06-20")["lines"]["data"][0]

    assert line["type"] == "subscription"
    assert line["price"]["recurring"]["interval"] == "month"
    assert line["price"]["recurring"]["interval_count"] == 3
    assert (line["plan"]["interval"], line["plan"]["interval_count"]) == ("month", 3)
    assert line["tax_amounts"][0]["inclusive"] is False


def test_a_new_line_carries_only_the_id_of_its_price(acme: Account) -> None:
    line = rendered(acme, "2026-10-28.endive")["lines"]["data"][0]

    details = line["parent"]["subscription_item_details"]
    assert line["pricing"]["price_details"]["price"] == "small-quarterly-2026-10-28.endive"
    assert details["subscription"].startswith("sub_")
    assert (details["proration"], details["invoice_item"]) == (False, None)
    assert line["taxes"][0]["tax_behavior"] == "exclusive"


def test_a_line_without_a_price_has_none_in_either_shape(acme: Account) -> None:
    line = rendered(acme, "2025-02-24.acacia")["lines"]["data"][1]

    assert (line["price"], line["plan"], line["pricing"]) == (None, None, None)
    assert line["parent"]["type"] == "invoice_item_details"
    assert line["description"] is None


def test_a_fraction_of_a_quantity_is_cut_off_beside_its_exact_value(acme: Account) -> None:
    line = rendered(acme, "2026-10-28.endive")["lines"]["data"][1]

    assert (line["quantity"], line["quantity_decimal"]) == (1, "1.5")


def test_the_sums_of_an_invoice_add_up(acme: Account) -> None:
    invoice = rendered(acme, "2026-10-28.endive")

    assert (invoice["subtotal"], invoice["total"], invoice["amount_paid"]) == (30_500, 30_200, 30_200)
    assert invoice["total_excluding_tax"] == 27_500
    assert invoice["total_discount_amounts"] == [{"amount": 3_000, "discount": "di_1"}]
    assert invoice["discounts"] == ["di_1"]


def test_a_discount_of_one_line_is_inside_the_subtotal_already(acme: Account) -> None:
    customer = acme.live.create_customer()
    line = LineSpec(amount=8_700, discounts=(Discount("di_line", 870), Discount("di_all", 783, on_invoice=True)))

    invoice = acme.live.create_paid_invoice(customer.id, [line])

    shown = acme.live.renderer.render(invoice, shape_of("2026-10-28.endive"))
    assert (shown["subtotal"], shown["total"]) == (7_830, 7_047)
    assert shown["lines"]["data"][0]["discounts"] == ["di_line"]


def test_ten_lines_stand_in_the_invoice_and_the_rest_is_announced(acme: Account) -> None:
    customer = acme.live.create_customer()
    invoice = acme.live.create_paid_invoice(customer.id, [LineSpec(amount=place) for place in range(11)])

    lines = acme.live.renderer.render(invoice, shape_of("2026-10-28.endive"))["lines"]

    assert [line["amount"] for line in lines["data"]] == list(range(10))
    assert (lines["has_more"], lines["total_count"]) == (True, 11)
    assert lines["url"] == f"/v1/invoices/{invoice.id}/lines"


def test_a_proration_names_what_it_gives_back(acme: Account) -> None:
    customer = acme.live.create_customer()
    product = acme.live.create_product("Team plan")
    price = acme.live.create_price(product.id, 2_500, every=(1, "month"))
    subscription = acme.live.create_subscription(customer.id, [price.id])
    credit = LineSpec(
        amount=-2_500, price=price.id, subscription=subscription.id, from_subscription=True, proration=True
    )

    invoice = acme.live.create_paid_invoice(customer.id, [credit])

    line = acme.live.renderer.render(invoice, shape_of("2025-02-24.acacia"))["lines"]["data"][0]
    assert (line["type"], line["proration"], line["discountable"]) == ("invoiceitem", True, False)
    details = line["parent"]["subscription_item_details"]
    assert details["proration"] is True
    assert details["invoice_item"] == line["invoice_item"] == line["id"].replace("il_", "ii_")
    assert line["pricing"]["unit_amount_decimal"] is None


def test_an_invoice_of_nothing_but_items_has_no_parent(acme: Account) -> None:
    customer = acme.live.create_customer()

    invoice = acme.live.create_invoice(customer.id, [LineSpec(amount=1)])

    shown = acme.live.renderer.render(invoice, shape_of("2025-02-24.acacia"))
    assert (shown["parent"], shown["subscription"]) == (None, None)
    assert (shown["number"], shown["effective_at"], shown["status"]) == (None, None, "draft")


def test_a_name_that_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid Stripe API version: yesterday"):
        shape_of("yesterday")


@pytest.mark.parametrize("version", ["2024-06-20", "2025-02-24.acacia", "2026-10-28.endive"])
def test_metadata_is_where_each_version_has_it(acme: Account, version: str) -> None:
    ledger, region, tier = acme.live, {"region": "emea"}, {"tier": "standard"}
    customer = ledger.create_customer("Zed Samples", country="CZ", metadata={"segment": "partner"})
    product = ledger.create_product("Team plan", metadata=tier)
    price = ledger.create_price(product.id, 10_000, every=(3, "month"), metadata=tier)
    subscription = ledger.create_subscription(customer.id, [price.id], metadata=region)
    month = LineSpec(amount=10_000, price=price.id, subscription=subscription.id, from_subscription=True)
    unused = replace(month, amount=-500, proration=True)
    fee = LineSpec(amount=500, metadata={"project": "P-7"})
    spec = InvoiceSpec(subscription=subscription.id, metadata={"channel": "shop"})
    shape = shape_of(version)
    render = ledger.renderer.render
    invoice = render(ledger.create_paid_invoice(customer.id, [month, unused, fee], spec), shape)

    copies = []
    if shape.old:
        copies.append(invoice["subscription_details"]["metadata"])
        assert invoice["lines"]["data"][0]["price"]["metadata"] == tier
    if shape.new:
        copies.append(invoice["parent"]["subscription_details"]["metadata"])
    assert copies == [region] * (shape.old + shape.new)
    assert [line["metadata"] for line in invoice["lines"]["data"]] == [region, {}, {"project": "P-7"}]
    assert (invoice["metadata"], invoice["customer_address"]["country"]) == ({"channel": "shop"}, "CZ")
    assert [render(one, shape)["metadata"] for one in (customer, product, price, subscription)] == [
        {"segment": "partner"},
        tier,
        tier,
        region,
    ]
