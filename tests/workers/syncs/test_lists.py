"""Every invoice of a list is read, wherever its pages end and whatever changes during the reading."""

from datetime import timedelta

import pytest

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.syncs.accounts import YESTERDAY, account_with_invoices, set_faults
from tests.support.syncs.gateway_hooks import on_request, with_hook
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from workers.wiring.tools import Tools


def test_a_second_with_more_invoices_than_a_page_holds_is_read_whole(tools: Tools, simulated: SimulatedStripe) -> None:
    created = [*range(20), *[20] * 230, *range(21, 90)]
    account, company_id, _ = account_with_invoices(simulated, tools.engine, [YESTERDAY + at for at in created])

    run = sync(tools, company_id, trigger="initial")

    assert (run.status, run.invoices_listed) == ("succeeded", len(created))
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.parametrize("is_burst", [False, True])
def test_the_loss_of_the_draft_that_the_next_page_begins_after_leaves_no_gap(
    *, is_burst: bool, tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    created = [YESTERDAY + (0 if is_burst else place) for place in range(240)]
    # The first page ends with a draft that is deleted once the page has been read.
    account, company_id, ids = account_with_invoices(simulated, tools.engine, created, draft=140)
    set_faults(
        stripe_server,
        [
            Fault(kind=FaultKind.DELETED_OBJECT, path="/v1/invoices", object_id=ids[140]),
        ],
    )

    run = sync(tools, company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)
    assert ids[140] not in account.live.invoices
    assert 400 in {seen.status for seen in stripe_server.requests.seen}


def test_invoices_of_any_length_are_read_whole(tools: Tools, simulated: SimulatedStripe) -> None:
    account = simulated.create_account("Corner Shop")
    buyer = account.live.create_customer("Zed Inc", at=YESTERDAY)
    for count in (1, 10, 11, 100, 101, 200, 251):
        account.live.create_paid_invoice(buyer.id, [LineSpec(amount=each) for each in range(count)], at=YESTERDAY)
    company_id = company_with(tools.engine, account.id)

    run = sync(tools, company_id, trigger="initial")

    assert (run.status, run.lines) == ("succeeded", 1 + 10 + 11 + 100 + 101 + 200 + 251)
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.parametrize("at_request", [1, 2, 3, 5, 8])
def test_what_changes_at_stripe_while_it_is_read_is_in_the_table_after_the_next_sync(
    at_request: int, tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account, company_id, ids = account_with_invoices(
        simulated, tools.engine, [YESTERDAY + place for place in range(130)]
    )

    def move() -> None:
        clock.advance(timedelta(seconds=1))
        for place, invoice_id in enumerate(ids[::7]):
            (account.live.pay_invoice, account.live.void_invoice)[place % 2](invoice_id)
        account.live.create_paid_invoice(account.live.invoices[ids[0]].customer.id, [LineSpec(amount=5)])

    sync(with_hook(tools, on_request(at_request, move)), company_id, trigger="initial")
    clock.advance(timedelta(hours=1))
    run = sync(tools, company_id)

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)
