"""Lists and their pages, as Stripe's own client sees them."""

import pytest
import stripe

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec
from tests.support.stripe_clock import HandClock


def options(account: Account) -> stripe.RequestOptions:
    return {"stripe_account": account.id}


def bill(account: Account, *amounts: int, at: int | None = None) -> str:
    customer = account.live.create_customer("Zed Samples", at=at)
    return account.live.create_paid_invoice(customer.id, [LineSpec(amount=amount) for amount in amounts], at=at).id


def test_every_invoice_is_listed_once_newest_first(client: stripe.StripeClient, acme: Account) -> None:
    generate(acme, invoices=250, seed=1)

    listed = list(client.v1.invoices.list({"limit": 100}, options(acme)).auto_paging_iter())

    assert sorted(invoice.id for invoice in listed) == sorted(invoice.id for invoice in acme.live.invoices)
    assert [invoice.created for invoice in listed] == sorted((invoice.created for invoice in listed), reverse=True)


def test_no_invoice_of_one_second_is_skipped_at_the_edge_of_a_page(client: stripe.StripeClient, acme: Account) -> None:
    ids = [bill(acme, 1, at=1_750_000_000) for _ in range(25)]

    listed = client.v1.invoices.list({"limit": 10}, options(acme)).auto_paging_iter()

    assert [invoice.id for invoice in listed] == ids[::-1]


def test_a_page_before_a_cursor_ends_right_above_it(client: stripe.StripeClient, acme: Account) -> None:
    ids = [bill(acme, 1, at=1_750_000_000 + place) for place in range(6)]

    page = client.v1.invoices.list({"limit": 2, "ending_before": ids[1]}, options(acme))

    assert [invoice.id for invoice in page.data] == [ids[3], ids[2]]
    assert page.has_more is True


def test_a_page_of_lines_starts_after_the_cursor(client: stripe.StripeClient, acme: Account) -> None:
    invoice_id = bill(acme, *range(12))
    lines = [line.id for line in acme.live.invoices[invoice_id].lines]

    page = client.v1.invoices.line_items.list(invoice_id, {"limit": 5, "starting_after": lines[4]}, options(acme))
    before = client.v1.invoices.line_items.list(invoice_id, {"limit": 5, "ending_before": lines[4]}, options(acme))

    assert ([line.id for line in page.data], page.has_more) == (lines[5:10], True)
    assert ([line.id for line in before.data], before.has_more) == (lines[:4], False)


def test_all_251_lines_of_an_invoice_are_paged(client: stripe.StripeClient, acme: Account) -> None:
    invoice_id = bill(acme, *range(251))

    lines = list(client.v1.invoices.line_items.list(invoice_id, {"limit": 100}, options(acme)).auto_paging_iter())

    assert [line.amount for line in lines] == list(range(251))


def test_created_bounds_are_inclusive_or_not_as_they_say(client: stripe.StripeClient, acme: Account) -> None:
    ids = [bill(acme, 1, at=1_750_000_000 + place) for place in range(4)]

    inside = client.v1.invoices.list({"created": {"gt": 1_750_000_000, "lte": 1_750_000_002}}, options(acme))
    exact = client.v1.invoices.list({"created": 1_750_000_003}, options(acme))

    assert [invoice.id for invoice in inside.data] == [ids[2], ids[1]]
    assert [invoice.id for invoice in exact.data] == [ids[3]]


def test_invoices_are_filtered_by_status_customer_and_subscription(client: stripe.StripeClient, acme: Account) -> None:
    customer = acme.live.create_customer("Zed Samples")
    product = acme.live.create_product("Team plan")
    price = acme.live.create_price(product.id, 100, every=(1, "month"))
    subscription = acme.live.create_subscription(customer.id, [price.id])
    paid = bill(acme, 1)
    draft = acme.live.create_invoice(customer.id, [LineSpec(amount=1)], InvoiceSpec(subscription=subscription.id))

    by_status = client.v1.invoices.list({"status": "paid"}, options(acme))
    by_customer = client.v1.invoices.list({"customer": customer.id}, options(acme))
    by_subscription = client.v1.invoices.list({"subscription": subscription.id, "status": "draft"}, options(acme))

    assert [invoice.id for invoice in by_status.data] == [paid]
    assert [invoice.id for invoice in by_customer.data] == [draft.id]
    assert [invoice.id for invoice in by_subscription.data] == [draft.id]


def test_events_are_listed_by_type(client: stripe.StripeClient, acme: Account) -> None:
    bill(acme, 1)

    page = client.v1.events.list({"types": ["invoice.paid", "invoice.finalized"]}, options(acme))

    assert sorted(event.type for event in page.data) == ["invoice.finalized", "invoice.paid"]
    assert client.v1.events.retrieve(page.data[0].id, None, options(acme)).type == page.data[0].type


def test_an_event_is_forgotten_after_thirty_days(client: stripe.StripeClient, acme: Account, clock: HandClock) -> None:
    acme.live.create_customer("Long ago", at=clock.now - 30 * 86_400 - 1)
    kept = acme.live.create_customer("Just in time", at=clock.now - 30 * 86_400)

    forgotten, _ = acme.live.journal.events
    listed = client.v1.events.list({}, options(acme)).data

    assert [event.data.object["id"] for event in listed] == [kept.id]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(forgotten.id, None, options(acme))


def test_only_active_prices_are_listed_but_every_price_is_fetched(client: stripe.StripeClient, acme: Account) -> None:
    product = acme.live.create_product("Team plan")
    legacy = acme.live.create_price(product.id, 100, every=(1, "month"), price_id="small-monthly")
    acme.live.deactivate_price(legacy.id)

    assert client.v1.prices.list({}, options(acme)).data == []
    assert [price.id for price in client.v1.prices.list({"active": False}, options(acme)).data] == ["small-monthly"]
    assert client.v1.prices.retrieve("small-monthly", None, options(acme)).recurring is not None


def test_the_other_lists_answer_too(client: stripe.StripeClient, acme: Account) -> None:
    generate(acme, invoices=120, seed=2)

    notes = client.v1.credit_notes.list({"limit": 100}, options(acme)).data
    subscriptions = client.v1.subscriptions.list({"limit": 100, "status": "all"}, options(acme)).data
    products = client.v1.products.list({}, options(acme)).data

    assert {note.id for note in notes} == {note.id for note in acme.live.credit_notes}
    assert len(subscriptions) == min(len(acme.live.subscriptions), 100)
    assert len(products) == 2
    assert client.v1.accounts.retrieve(acme.id).id == acme.id
