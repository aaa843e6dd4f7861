"""The life of an invoice, and its events."""

import json
from typing import Any

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.records.records import Event, Invoice
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.render.render import render_event


def payload(event: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(render_event(event, next(iter(event.data))))
    return body


def types(account: Account) -> list[str]:
    return [event.type for event in account.live.journal.events]


def last(account: Account, event_type: str) -> dict[str, Any]:
    return payload([event for event in account.live.journal.events if event.type == event_type][-1])


def draft(account: Account, amount: int = 5_000) -> Invoice:
    customer = account.live.create_customer("Zed Samples")
    return account.live.create_invoice(customer.id, [LineSpec(amount=amount)])


def test_a_draft_that_is_finalized_and_paid_tells_each_step(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)
    acme.live.pay_invoice(invoice.id)

    assert types(acme) == [
        "customer.created",
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_an_update_says_the_former_values_of_what_changed_and_of_nothing_else(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)

    acme.live.pay_invoice(invoice.id)

    assert last(acme, "invoice.updated")["data"]["previous_attributes"] == {
        "amount_paid": 0,
        "amount_remaining": 5_000,
        "attempt_count": 0,
        "attempted": False,
        "status": "open",
        "status_transitions": {"paid_at": None},
    }


def test_an_event_never_changes_after_it_happened(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)
    finalized = last(acme, "invoice.finalized")

    acme.live.pay_invoice(invoice.id)

    assert last(acme, "invoice.finalized") == finalized
    assert finalized["data"]["object"]["status"] == "open"


def test_an_invoice_that_is_finalized_and_paid_in_one_request_is_paid_in_its_finalized_event(acme: Account) -> None:
    invoice = draft(acme)

    acme.live.finalize_invoice(invoice.id, pay=True)

    assert last(acme, "invoice.finalized")["data"]["object"]["status"] == "paid"


def test_a_finalized_invoice_keeps_the_name_it_was_billed_to(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)

    acme.live.rename_customer(invoice.customer.id, "Zed & Daughters")

    assert invoice.frozen_name == "Zed Samples"
    assert last(acme, "customer.updated")["data"]["previous_attributes"] == {"name": "Zed Samples"}


def test_a_draft_follows_the_name_of_its_customer(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.rename_customer(invoice.customer.id, "Zed & Daughters")

    acme.live.finalize_invoice(invoice.id)

    assert last(acme, "invoice.finalized")["data"]["object"]["customer_name"] == "Zed & Daughters"


def test_a_deleted_draft_is_unknown_from_then_on(acme: Account) -> None:
    invoice = draft(acme)

    acme.live.delete_invoice(invoice.id)

    assert acme.live.invoices.get(invoice.id) is None
    assert types(acme)[-1] == "invoice.deleted"


def test_paying_elsewhere_is_told_as_paid_but_not_as_a_payment_that_succeeded(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)

    acme.live.pay_invoice(invoice.id, out_of_band=True)

    assert types(acme)[-1] == "invoice.paid"


def test_an_announced_invoice_has_no_id_and_is_not_kept(acme: Account) -> None:
    customer = acme.live.create_customer("Zed Samples")

    acme.live.announce_invoice(customer.id, [LineSpec(amount=900)])

    shown = last(acme, "invoice.upcoming")["data"]["object"]
    assert "id" not in shown
    assert shown["lines"]["data"][0]["id"].startswith("il_tmp_")
    assert len(acme.live.invoices) == 0
