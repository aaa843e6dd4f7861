"""docs/connect-stripe.md names the events and permissions that the code counts on."""

from app.webhooks.deauthorizations import DEAUTHORIZED_BY_STRIPE
from events.stripe.words import is_about_revenue
from stripe_gateway.restricted_keys import ENDPOINT_EVENTS, NEEDED_PERMISSIONS
from tests.docs.markdown import DOCS, named_in, rows, section

PAGE = DOCS / "connect-stripe.md"


def test_event_types_are_those_of_the_endpoint_that_a_key_makes_and_the_deauthorization() -> None:
    told = [name for row in rows(section(PAGE, "Event types")) for name in named_in(row[1])]

    assert sorted(told) == sorted([*ENDPOINT_EVENTS, DEAUTHORIZED_BY_STRIPE])
    assert [name for name in told if name != DEAUTHORIZED_BY_STRIPE and not is_about_revenue(name)] == []


def test_permissions_of_a_restricted_key_are_those_that_are_tried() -> None:
    table = rows(section(PAGE, "Connect with a restricted key"))

    assert [name for row in table for name in named_in(row[2])] == [
        "rak_invoice_read",
        "rak_plan_read",
        "rak_customer_read",
        "rak_credit_note_read",
        "rak_product_read",
    ]
    assert {name for row in table if row[2].startswith("yes") for name in named_in(row[2])} == set(NEEDED_PERMISSIONS)
