"""What webhooks change while a sync compares is left to the next: that of a busy company succeeds as any other's."""

from threading import Lock

import pytest

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import CreditSpec, LineSpec
from tests.support.syncs.accounts import YESTERDAY, account_with_invoices
from tests.support.syncs.arrivals import receive_all
from tests.support.syncs.gateway_hooks import with_hook
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from workers.wiring.tools import Tools


class Business:
    """An account that invoices and credits whenever Stripe has shown an invoice; its webhooks arrive at once."""

    def __init__(self, tools: Tools, simulated: SimulatedStripe) -> None:
        self.account, self.company_id, (self.first_id,) = account_with_invoices(simulated, tools.engine, [YESTERDAY])
        self._tools, self._simulated = tools, simulated
        self._endpoint = simulated.add_endpoint("", ["whsec_x"])
        self._one_at_a_time = Lock()

    def go_on(self, _number: int, path: str) -> None:
        if path.startswith("/v1/invoices"):
            with self._one_at_a_time:
                receive_all(self._tools.engine, self.invoice_and_credit())

    def invoice_and_credit(self) -> list[bytes]:
        """Return the webhooks that tell of it."""
        live, at = self.account.live, int(self._tools.clock().timestamp())
        before = len(self._simulated.outbox[self._endpoint.id])
        invoice = live.create_invoice(live.invoices[self.first_id].customer.id, [LineSpec(amount=100)], at=at)
        live.finalize_invoice(invoice.id, at=at)
        live.create_credit_note(invoice.id, lines=[CreditSpec(amount=10, line_id=invoice.lines[0].id)], at=at)
        deliveries = self._simulated.signed_deliveries(self._endpoint, account=self.account)
        return [one.body for one in deliveries][before:]


@pytest.fixture
def business(tools: Tools, simulated: SimulatedStripe) -> Business:
    return Business(tools, simulated)


def test_a_sync_of_a_company_whose_business_goes_on_meanwhile_succeeds_and_says_what_is_left_to_the_next(
    tools: Tools, business: Business
) -> None:
    busy = sync(with_hook(tools, business.go_on), business.company_id)
    quiet = sync(tools, business.company_id)

    assert (busy.status, busy.reconciliation["differences"]) == ("succeeded", [])
    notices = {one["resource"]: one for one in busy.reconciliation["notices"]}
    assert {one["kind"] for one in notices.values()} == {"changed_meanwhile"}
    assert notices["invoices"]["objects"] > 0
    assert all(book["is_equal"] for book in busy.reconciliation["books"])
    assert (quiet.status, quiet.reconciliation["notices"]) == ("succeeded", [])
    assert table_of(tools.engine, business.company_id) == truth_of(business.account)


@pytest.mark.parametrize("name", ["invoice", "credit_note"])
def test_what_no_webhook_explains_is_a_difference_however_busy_the_company_is(
    name: str, tools: Tools, business: Business
) -> None:
    prefix = {"invoice": b'"in_', "credit_note": b'"cn_'}[name]
    told = [body.replace(prefix, prefix + b"x").replace(b'"evt_', b'"evt_x') for body in business.invoice_and_credit()]
    receive_all(tools.engine, told)

    run = sync(with_hook(tools, business.go_on), business.company_id)

    (difference,) = run.reconciliation["differences"]
    assert (run.status, difference["kind"]) == ("partially_succeeded", "not_shown_by_stripe")
    assert difference.get("invoice_id", difference.get("object_id")).startswith(prefix[1:].decode() + "x")
    assert {one["kind"] for one in run.reconciliation["notices"]} == {"changed_meanwhile"}
