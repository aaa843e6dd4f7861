"""The transitions of invoices that are allowed, and those that are not."""

from threading import Thread
from typing import Any

import pytest

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.invoicing import TransitionRefusedError
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.records import Event, Invoice
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec


def types(account: Account) -> list[str]:
    return [event.type for event in account.live.journal.events]


def draft(account: Account, amount: int = 5_000) -> Invoice:
    customer = account.live.create_customer("Zed Samples")
    return account.live.create_invoice(customer.id, [LineSpec(amount=amount)])


def test_an_invoice_with_nothing_due_is_paid_when_it_is_finalized(acme: Account) -> None:
    invoice = draft(acme, amount=-100)

    acme.live.finalize_invoice(invoice.id)

    assert (invoice.status, invoice.amount_due) == ("paid", 0)


def test_an_uncollectible_invoice_can_still_be_paid(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)
    acme.live.mark_uncollectible(invoice.id)

    acme.live.pay_invoice(invoice.id)

    assert invoice.status == "paid"
    assert invoice.uncollectible_at is not None


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ([], "pay_invoice"),
        ([], "void_invoice"),
        ([], "mark_uncollectible"),
        (["finalize_invoice"], "delete_invoice"),
        (["finalize_invoice"], "finalize_invoice"),
        (["finalize_invoice", "pay_invoice"], "void_invoice"),
        (["finalize_invoice", "void_invoice"], "pay_invoice"),
    ],
)
def test_a_move_that_stripe_does_not_allow_is_refused(acme: Account, steps: list[str], refused: str) -> None:
    invoice = draft(acme)
    for step in steps:
        getattr(acme.live, step)(invoice.id)

    with pytest.raises(TransitionRefusedError):
        getattr(acme.live, refused)(invoice.id)


def test_a_credit_note_before_payment_lowers_what_is_due_and_no_line(acme: Account) -> None:
    invoice = draft(acme)
    acme.live.finalize_invoice(invoice.id)

    acme.live.create_credit_note(invoice.id, 1_500, line_id=invoice.lines[0].id)

    assert (invoice.amount_due, invoice.total, invoice.lines[0].amount) == (3_500, 5_000, 5_000)
    assert types(acme)[-2:] == ["credit_note.created", "invoice.updated"]


def test_invoice_numbers_count_up_per_customer(acme: Account) -> None:
    customer = acme.live.create_customer("Zed Samples")
    invoices = [acme.live.create_paid_invoice(customer.id, [LineSpec(amount=1)], InvoiceSpec()) for _ in range(2)]

    assert [str(invoice.number).partition("-")[2] for invoice in invoices] == ["0001", "0002"]


def test_live_and_test_records_are_kept_apart(acme: Account) -> None:
    acme.test.create_customer("Only a test")

    assert len(acme.live.customers) == 0
    assert [event.livemode for event in acme.test.journal.events] == [False]


def test_a_move_is_made_while_nobody_else_reads_or_changes_anything(simulated: SimulatedStripe, acme: Account) -> None:
    lock: Any = simulated.lock
    free: list[bool] = []

    def look(_: Event) -> None:
        other = Thread(target=lambda: free.append(lock.acquire(blocking=False)))
        other.start()
        other.join()

    acme.live.journal.listeners.append(look)
    acme.live.create_customer("Zed Samples")

    assert free == [False]
