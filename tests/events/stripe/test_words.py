"""Translating Stripe's payloads into observations, for each shape."""

import pytest

from events.stripe.cadence import cadence_of
from events.stripe.money import EXPONENTS, UnknownCurrencyError, exponent_of
from events.stripe.observations import InvoiceSeen, Line, PriceSeen, Recurrence
from events.stripe.words import observations_of
from tests.support.payloads import event, new_invoice, new_line, old_invoice, old_line, price
from tests.support.signing import json_bytes


def seen(invoice: dict) -> InvoiceSeen:
    found = observations_of("invoice.paid", None, json_bytes(event(invoice)))
    assert isinstance(found[0], InvoiceSeen), found
    return found[0]


def line(read: dict) -> Line:
    return seen(new_invoice("in_1", read)).lines[0]


def test_both_shapes_of_one_invoice_say_the_same() -> None:
    assert seen(old_invoice()) == seen(new_invoice())


def test_both_shapes_at_once_are_read_new_first() -> None:
    both = old_line() | new_line(subscription="sub_old", proration=True, tax_amounts=[{"amount": 9, "inclusive": True}])

    read = line(both)

    assert (read.subscription_id, read.proration, read.tax_amount) == ("sub_1", False, 0)


def test_a_price_that_is_inline_is_seen_along_with_the_line() -> None:
    found = observations_of("invoice.paid", None, json_bytes(event(old_invoice())))

    assert PriceSeen("price_q", Recurrence("month", 3), "price") in found


def test_a_plan_alone_tells_the_recurrence() -> None:
    planned = old_line(price=None, plan={"id": "plan_y", "interval": "year", "interval_count": 1, "product": "prod_9"})

    found = observations_of("invoice.paid", None, json_bytes(event(old_invoice("in_1", planned))))

    assert PriceSeen("plan_y", Recurrence("year", 1), "plan") in found
    assert seen(old_invoice("in_1", planned)).lines[0].product_id == "prod_9"


@pytest.mark.parametrize(
    ("fields", "subscription_id"),
    [
        ({"parent": {"subscription_item_details": {"subscription": "sub_a"}}}, "sub_a"),
        ({"parent": {"invoice_item_details": {"subscription": "sub_b"}}}, "sub_b"),
        ({"parent": {"invoice_item_details": {"subscription": {"id": "sub_c"}}}}, "sub_c"),
        ({"parent": None, "subscription": "sub_d"}, "sub_d"),
        ({"parent": None}, None),
    ],
)
def test_a_lines_subscription_is_found_wherever_its_shape_has_it(fields: dict, subscription_id: str | None) -> None:
    assert line(new_line(**fields)).subscription_id == subscription_id


def test_the_invoices_subscription_is_found_in_both_places() -> None:
    assert seen(new_invoice(parent=None, subscription={"id": "sub_x"})).header.subscription_id == "sub_x"
    assert seen(new_invoice()).header.subscription_id == "sub_1"


def test_only_inclusive_tax_is_in_the_amount() -> None:
    new = new_line(taxes=[{"amount": 7, "tax_behavior": "inclusive"}, {"amount": 5, "tax_behavior": "exclusive"}])
    old = old_line(tax_amounts=[{"amount": 7, "inclusive": True}, {"amount": 5, "inclusive": False}])

    assert (line(new).tax_amount, seen(old_invoice("in_1", old)).lines[0].tax_amount) == (7, 7)


def test_discounts_add_up_and_the_amount_stays_before_them() -> None:
    read = line(new_line(discount_amounts=[{"amount": 300}, {"amount": 45}]))

    assert (read.amount, read.discount_amount) == (30_000, 345)


@pytest.mark.parametrize(
    ("fields", "quantity"),
    [
        ({"quantity": 3}, "3"),
        ({"quantity": 1, "quantity_decimal": "1.50"}, "1.5"),
        ({"quantity": 100}, "100"),
        ({"quantity": None}, None),
        ({"quantity": 0}, "0"),
    ],
)
def test_a_quantity_is_an_exact_decimal(fields: dict, quantity: str | None) -> None:
    assert line(new_line(**fields)).quantity == quantity


def test_the_order_of_lines_in_the_payload_means_nothing() -> None:
    forth = seen(new_invoice("in_1", new_line("il_1"), new_line("il_2")))
    back = seen(new_invoice("in_1", new_line("il_2"), new_line("il_1")))

    assert forth == back


def test_a_one_time_price_is_one_time_and_a_recurring_one_without_its_interval_tells_nothing() -> None:
    once = observations_of("price.created", None, json_bytes(event(price("price_o", None), "price.created")))
    vague = price("price_v") | {"recurring": None}

    assert once == [PriceSeen("price_o", None, "price")]
    assert observations_of("price.created", None, json_bytes(event(vague, "price.created"))) == []


@pytest.mark.parametrize(
    ("unit", "count", "cadence"),
    [
        ("month", 1, "monthly"),
        ("month", 3, "quarterly"),
        ("month", 6, "semi_annual"),
        ("month", 12, "annual"),
        ("year", 1, "annual"),
        ("year", 2, "other"),
        ("week", 4, "other"),
        ("day", 30, "other"),
        ("month", 2, "other"),
    ],
)
def test_a_cadence_is_named_by_its_exact_interval(unit: str, count: int, cadence: str) -> None:
    assert cadence_of(unit, count) == cadence


def test_exponents_follow_stripe_and_not_the_locale_data() -> None:
    assert (exponent_of("jpy"), exponent_of("isk"), exponent_of("ugx"), exponent_of("huf"), exponent_of("kwd")) == (
        0,
        2,
        2,
        2,
        3,
    )
    assert len(EXPONENTS) > 130


def test_currencies_have_two_decimals_except_those_that_stripe_lists() -> None:
    by_exponent = {
        exponent: " ".join(sorted(currency for currency, its in EXPONENTS.items() if its == exponent))
        for exponent in set(EXPONENTS.values()) - {2}
    }

    assert by_exponent == {
        0: "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf",
        3: "bhd jod kwd omr tnd",
    }


def test_a_currency_nobody_checked_has_no_exponent() -> None:
    with pytest.raises(UnknownCurrencyError):
        exponent_of("xyz")


def test_previews_and_events_about_other_things_tell_nothing() -> None:
    assert observations_of("invoice.upcoming", None, json_bytes(event({"object": "invoice"}))) == []
    assert observations_of("charge.refunded", None, b"not even JSON") == []
