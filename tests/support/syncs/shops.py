"""Accounts of the simulated Stripe with a shape made for a test, and the faults set for reading them."""

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


def strike(server: StripeServer, faults: Sequence[Fault]) -> None:
    """Set these faults instead of those there were."""
    server.faults.clear()
    for fault in faults:
        server.faults.add(fault)


def shop_with(
    simulated: SimulatedStripe, engine: Engine, created: Sequence[int], *, draft: int | None = None
) -> tuple[Account, int, list[str]]:
    """Give an account of open invoices of a line each, made at these times, its company, and the invoices' ids.

    The one at place `draft` stays a draft.
    """
    account = simulated.create_account("Corner Shop")
    buyer = account.live.create_customer("Zed Inc", at=created[0])
    ids = []
    for place, at in enumerate(created):
        invoice = account.live.create_invoice(buyer.id, [LineSpec(amount=100)], at=at)
        if place != draft:
            account.live.finalize_invoice(invoice.id, at=at)
        ids.append(invoice.id)
    return account, company_with(engine, account.id), ids
