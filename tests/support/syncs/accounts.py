"""Accounts of the simulated Stripe with chosen invoices, and the faults that a test sets."""

from collections.abc import Sequence

from sqlalchemy import Engine

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from tests.support.clock import NOON
from tests.support.company import company_with

YESTERDAY = int(NOON.timestamp()) - 86_400


def set_faults(server: StripeServer, faults: Sequence[Fault]) -> None:
    """Replace the server's faults by these."""
    server.faults.clear()
    for fault in faults:
        server.faults.add(fault)


def account_with_invoices(
    simulated: SimulatedStripe, engine: Engine, created: Sequence[int], *, draft: int | None = None
) -> tuple[Account, int, list[str]]:
    """Create an account with an open one-line invoice per creation time; return it, its company id and invoice ids.

    The invoice at index `draft` stays a draft.
    """
    account = simulated.create_account("Corner Shop")
    buyer = account.live.create_customer("Zed Inc", at=created[0])
    ids = []
    for index, at in enumerate(created):
        invoice = account.live.create_invoice(buyer.id, [LineSpec(amount=100)], at=at)
        if index != draft:
            account.live.finalize_invoice(invoice.id, at=at)
        ids.append(invoice.id)
    return account, company_with(engine, account.id), ids
