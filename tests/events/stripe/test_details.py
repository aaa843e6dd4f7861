"""Reading what only rules test: metadata, nicknames and what customers say, in each shape and however damaged."""

from typing import Any

import pytest

from events.stripe.details import CustomerDetails, InvoiceDetails, PriceDetails
from events.stripe.metadata import metadata_of
from events.stripe.observations import (
    CustomerNamed,
    CustomerSeen,
    InvoiceLinesSeen,
    InvoiceSeen,
    Observation,
    PriceSeen,
    ProductNamed,
    Recurrence,
)
from events.stripe.words import observations_of
from tests.support.payloads import customer, event, new_invoice, new_line, old_invoice, old_line, price, product
from tests.support.signing import json_bytes

REGION = {"region": "emea", "team": "a"}
READ = (("region", "emea"), ("team", "a"))
ADDRESS = {"city": "Prague", "country": "CZ", "line1": None}


def read(subject: dict, event_type: str = "invoice.paid") -> list[Observation]:
    return observations_of(event_type, None, json_bytes(event(subject, event_type)))


def seen(invoice: dict) -> InvoiceSeen:
    found = read(invoice)[0]
    assert isinstance(found, InvoiceSeen), found
    return found


def new_parent(metadata: object) -> dict:
    return {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": metadata}}


def test_an_invoice_tells_of_itself_of_its_subscription_and_of_the_country_in_every_shape() -> None:
    own: dict[str, Any] = {"metadata": {"order": "7"}, "customer_address": ADDRESS}
    told = InvoiceDetails((("order", "7"),), READ, "CZ")

    assert seen(new_invoice(**own, parent=new_parent(REGION))).details == told
    assert seen(old_invoice(**own, subscription_details={"metadata": REGION})).details == told
    both = old_invoice(**own, parent=new_parent(REGION), subscription_details={"metadata": {"region": "apac"}})
    assert seen(both).details == told
    assert seen(new_invoice()).details is seen(old_invoice()).details is None


@pytest.mark.parametrize("frozen", [{}, {"subscription_details": None}, {"subscription_details": {"metadata": None}}])
def test_an_invoice_without_a_copy_of_its_subscriptions_metadata_has_what_its_lines_mirror(frozen: dict) -> None:
    lines = [
        old_line("il_1", type="invoiceitem", metadata={"region": "of an item"}),
        old_line("il_2", proration=True, metadata={"region": "of a proration"}),
        old_line("il_3", subscription="sub_2", metadata={"region": "of another subscription"}),
        old_line("il_4", metadata=REGION),
        old_line("il_5", metadata={"region": "of a later line"}),
    ]
    told = seen(old_invoice("in_1", *lines, **frozen)).details

    assert told == InvoiceDetails((), READ) == seen(old_invoice("in_1", *reversed(lines), **frozen)).details
    new = new_invoice("in_2", new_line(metadata=REGION), parent=new_parent(None))
    assert seen(new).details == InvoiceDetails((), READ)
    assert seen(new | {"parent": new_parent({})}).details is None


def test_lines_tell_of_themselves_however_they_come() -> None:
    lines = [new_line("il_2", metadata=REGION), new_line("il_1", metadata={"region": ""}), new_line("il_3")]

    assert seen(new_invoice("in_1", *lines)).line_metadata == {"il_2": READ}
    assert seen(old_invoice("in_1", old_line("il_2", metadata=REGION), old_line())).line_metadata == {"il_2": READ}
    assert seen(new_invoice()).line_metadata is None
    fetched = observations_of("invoice_lines.fetched", "invoice:in_1", json_bytes({"data": lines, "has_more": False}))
    assert isinstance(fetched[0], InvoiceLinesSeen)
    assert fetched[0].line_metadata == {"il_2": READ}


def test_prices_plans_and_products_tell_of_themselves_inline_too() -> None:
    named = {"nickname": "Quarterly", "lookup_key": "quarterly", "metadata": REGION}
    details = PriceDetails("Quarterly", "quarterly", READ)
    quarterly = PriceSeen("price_q", Recurrence("month", 3), "price", "Quarterly", details)

    assert read(price() | named, "price.updated") == [quarterly]
    assert quarterly in read(old_invoice("in_1", old_line(price=price() | named)))
    plan = {"id": "plan_y", "interval": "year", "interval_count": 1, "nickname": "Yearly", "metadata": REGION}
    yearly = PriceSeen("plan_y", Recurrence("year", 1), "plan", "Yearly", PriceDetails("Yearly", None, READ))
    assert read(plan, "plan.created") == [yearly]
    assert read(product() | {"metadata": REGION}, "product.created") == [ProductNamed("prod_1", "Team plan", READ)]


def test_a_customer_tells_of_itself_unless_only_a_stub_is_left_of_it() -> None:
    whole = customer() | {"email": "ap@zed.test", "address": ADDRESS, "metadata": REGION}
    said = CustomerSeen("cus_1", CustomerDetails("ap@zed.test", "CZ", READ))

    assert read(whole, "customer.updated") == [CustomerNamed("cus_1", "Zed Inc", None), said]
    assert read(whole | {"name": None}, "customer.deleted") == [said]
    assert read(customer() | {"metadata": {}}, "customer.updated")[1:] == [CustomerSeen("cus_1", CustomerDetails())]
    assert read({"id": "cus_1", "object": "customer", "deleted": True}, "customer.deleted") == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"b": "2", "a": "1"}, (("a", "1"), ("b", "2"))),
        (
            {"flag": True, "list": [1, {"x": None}], "long": 10**30, "none": None, "zero": 0},
            (("flag", "true"), ("list", '[1,{"x":null}]'), ("long", str(10**30)), ("zero", "0")),
        ),
        ({"": "no key", "k" * 40: "v", "k" * 41: "v", "empty": ""}, (("k" * 40, "v"),)),
        ({"long": "é" * 501}, (("long", "é" * 500),)),
        ({f"{number:03}": "v" for number in range(60)}, tuple((f"{number:03}", "v") for number in range(50))),
        (None, ()),
        ([["a", "b"]], ()),
        ("text", ()),
        (7, ()),
    ],
)
def test_metadata_is_read_whatever_it_is(said: object, kept: tuple) -> None:
    assert metadata_of(said) == kept


@pytest.mark.parametrize("damaged", [[], "text", 7, False, [{"region": "emea"}], {"metadata": 3}, {"country": {}}])
def test_what_only_rules_test_makes_nothing_unreadable(damaged: object) -> None:
    hostile: dict[str, Any] = {"metadata": damaged, "customer_address": damaged, "subscription_details": damaged}
    line: dict[str, Any] = {"metadata": damaged, "type": damaged}

    for invoice in (new_invoice("in_1", new_line(**line), **hostile), old_invoice("in_1", old_line(**line), **hostile)):
        assert seen(invoice).lines[0].line_id == "il_1"
    assert seen(new_invoice(parent=new_parent(damaged))).header.subscription_id == "sub_1"
    said = read(customer() | {"metadata": damaged, "email": damaged, "address": damaged}, "customer.updated")
    assert said[0] == CustomerNamed("cus_1", "Zed Inc", None)
    assert isinstance(read(price() | {"metadata": damaged}, "price.updated")[0], PriceSeen)
    assert isinstance(read(product() | {"metadata": damaged}, "product.updated")[0], ProductNamed)


def test_what_postgresql_cannot_store_is_replaced_in_metadata_as_elsewhere() -> None:
    payload = json_bytes(event(new_invoice(metadata={"region": "NUL"}))).replace(b"NUL", rb"e\u0000a\ud800")
    found = observations_of("invoice.paid", None, payload)[0]

    assert isinstance(found, InvoiceSeen)
    assert found.details == InvoiceDetails((("region", "e\ufffda\ufffd"),))
