"""The API as Stripe's own client sees it."""

import pytest
import stripe

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from tests.support.stripe_clock import HandClock


def options(account: Account) -> stripe.RequestOptions:
    return {"stripe_account": account.id}


def bill(account: Account, *amounts: int, at: int | None = None) -> str:
    customer = account.live.create_customer("Zed Samples", at=at)
    return account.live.create_paid_invoice(customer.id, [LineSpec(amount=amount) for amount in amounts], at=at).id


def test_an_event_is_shown_in_the_version_of_its_time_whatever_the_request_says(
    client: stripe.StripeClient, simulated: SimulatedStripe
) -> None:
    old = simulated.create_account("Old Samples", api_version="2024-06-20")
    bill(old, 1)

    event = client.v1.events.list({"type": "invoice.paid"}, options(old)).data[0]

    assert event.api_version == "2024-06-20"
    assert event.data.object["paid"] is True


def test_a_request_is_answered_in_the_version_it_asks_for(client: stripe.StripeClient, acme: Account) -> None:
    invoice_id = bill(acme, 1)

    old = client.v1.invoices.retrieve(invoice_id, None, {**options(acme), "stripe_version": "2024-06-20"})
    new = client.v1.invoices.retrieve(invoice_id, None, options(acme))

    assert "paid" in old
    assert "paid" not in new
    assert old.last_response is not None
    assert old.last_response.headers["Stripe-Version"] == "2024-06-20"


def test_a_price_is_expanded_on_lines(client: stripe.StripeClient, acme: Account) -> None:
    customer, product = acme.live.create_customer(), acme.live.create_product("Team plan")
    price = acme.live.create_price(product.id, 100, every=(6, "month"))
    invoice = acme.live.create_paid_invoice(customer.id, [LineSpec(amount=1, price=price.id)])

    expanded = {"expand": ["data.pricing.price_details.price"]}
    page = client.v1.invoices.line_items.list(invoice.id, expanded, options(acme))  # type: ignore[arg-type]

    line = page.data[0].to_dict()
    assert line["pricing"]["price_details"]["price"]["recurring"]["interval_count"] == 6


def test_nothing_is_expanded_deeper_than_four_levels(client: stripe.StripeClient, acme: Account) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.invoices.list({"expand": ["data.lines.data.pricing.price_details.price"]}, options(acme))

    assert (refused.value.http_status, refused.value.code) == (400, "property_expansion_max_depth")


def test_a_customer_is_expanded_and_a_deleted_one_is_only_said_to_be(
    client: stripe.StripeClient, acme: Account
) -> None:
    invoice = acme.live.invoices[bill(acme, 1)]
    shown = client.v1.invoices.retrieve(invoice.id, {"expand": ["customer"]}, options(acme)).to_dict()

    acme.live.delete_customer(invoice.customer.id)

    gone = client.v1.invoices.list({"expand": ["data.customer"]}, options(acme)).data[0].to_dict()
    assert shown["customer"]["name"] == "Zed Samples"
    assert gone["customer"] == {"id": invoice.customer.id, "object": "customer", "deleted": True}


def test_a_deleted_customer_is_fetched_as_deleted_and_not_listed(client: stripe.StripeClient, acme: Account) -> None:
    customer = acme.live.create_customer("Zed Samples")
    acme.live.delete_customer(customer.id)

    fetched = client.v1.customers.retrieve(customer.id, None, options(acme)).to_dict()

    assert fetched == {"id": customer.id, "object": "customer", "deleted": True}
    assert client.v1.customers.list({}, options(acme)).data == []


def test_the_answer_says_when_and_for_which_account_it_was_given(
    client: stripe.StripeClient, acme: Account, clock: HandClock
) -> None:
    clock.now = 1_760_000_060

    answer = client.v1.invoices.list({}, options(acme)).last_response

    assert answer is not None
    assert answer.headers["Date"] == "Thu, 09 Oct 2025 08:54:20 GMT"
    assert answer.headers["Stripe-Account"] == acme.id
    assert answer.headers["Request-Id"].startswith("req_")


def test_requests_are_counted_per_operation_and_account(
    client: stripe.StripeClient, server: StripeServer, acme: Account
) -> None:
    invoice_id = bill(acme, 1)
    client.v1.invoices.list({}, options(acme))
    client.v1.invoices.line_items.list(invoice_id, {}, options(acme))
    client.v1.invoices.line_items.list(invoice_id, {}, options(acme))

    assert server.requests.counts(acme.id) == {"GET /v1/invoices": 1, "GET /v1/invoices/:id/lines": 2}
    assert server.requests.counts("acct_other") == {}
