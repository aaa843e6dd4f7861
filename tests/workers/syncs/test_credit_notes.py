"""Credit notes are read whole, kept up to date and proven by syncs; who may not read them still gets its lines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.records import CreditNote
from sandbox.stripe.records.specs import CreditSpec, LineSpec
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway
from stripe_gateway.rate_limit import RateLimit
from tests.support.clock import SetClock
from tests.support.company import company_with, record_events
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import reset_rate_limits, sync
from tests.support.syncs.truth import table_of, truth_of
from workers.jobs import catch_up_with, fetch_with
from workers.wiring.tools import Tools

WITHOUT_CREDIT_NOTES = ("rak_invoice_read", "rak_customer_read", "rak_event_read", "rak_plan_read", "rak_product_read")


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    """Return an account with an open invoice of three lines."""
    account = simulated.create_account("Sample Studio")
    buyer = account.live.create_customer("Zed Inc", at=YESTERDAY)
    invoice = account.live.create_invoice(
        buyer.id, [LineSpec(amount=amount) for amount in (6000, 3000, -1000)], at=YESTERDAY
    )
    account.live.finalize_invoice(invoice.id, at=YESTERDAY)
    return account


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


def credit(account: Account, *amounts: int, at: int = YESTERDAY) -> CreditNote:
    """Credit amounts on the first line of the account's only invoice."""
    (invoice,) = account.live.invoices
    lines = [CreditSpec(amount=amount, line_id=invoice.lines[0].id) for amount in amounts]
    return account.live.create_credit_note(invoice.id, lines=lines, at=at)


def rows_in(engine: Engine) -> list[tuple[str, str, int, bool, int]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT credit_note_id, status, net_amount, is_complete, unapplied_amount FROM revenue_credit_note")
        )
        return [tuple(row) for row in rows]


def test_a_sync_reads_credit_notes_whole_and_later_ones_find_what_changed(
    tools: Tools, account: Account, company_id: int, clock: SetClock
) -> None:
    short, long = credit(account, 10), credit(account, *range(1, 26))
    first = sync(tools, company_id, trigger="initial")
    read = sorted(rows_in(tools.engine))
    clock.advance(timedelta(hours=1))
    account.live.void_credit_note(short.id)
    account.live.journal.recording = False
    (invoice,) = account.live.invoices
    unheard = account.live.create_credit_note(invoice.id, 800)
    second = sync(tools, company_id)

    assert read == sorted([(short.id, "issued", 10, True, 0), (long.id, "issued", 325, True, 0)])
    assert (first.status, second.status) == ("succeeded", "succeeded")
    assert sorted(rows_in(tools.engine)) == sorted(
        [(short.id, "void", 10, True, 0), (long.id, "issued", 325, True, 0), (unheard.id, "issued", 800, True, 0)]
    )
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_a_webhook_alone_brings_a_credit_note_with_all_its_lines_and_its_invoice(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    endpoint = simulated.add_endpoint("", ["whsec_x"], types=("credit_note.created",))
    note = credit(account, *[5] * 130)
    record_events(tools.engine, *(delivery.body for delivery in simulated.signed_deliveries(endpoint)))

    while catch_up_with(tools) + fetch_with(tools):
        pass

    assert rows_in(tools.engine) == [(note.id, "issued", 650, True, 0)]
    assert table_of(tools.engine, company_id) == truth_of(account)
    assert stripe_server.requests.counts()["GET /v1/credit_notes/:id"] == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE revenue_credit_note SET status = 'void'",
        "UPDATE revenue_credit_note SET amount = amount - 1",
        "UPDATE revenue_credit_note SET lines_digest = ''",
        "DELETE FROM revenue_credit_note",
    ],
)
def test_a_credit_note_that_differs_from_stripe_is_told_and_no_success(
    damage: str, tools: Tools, account: Account, company_id: int
) -> None:
    note = credit(account, 10)
    sync(tools, company_id, trigger="initial")
    with tools.engine.begin() as connection:
        connection.execute(text(damage))

    run = sync(tools, company_id)

    assert run.status == "partially_succeeded"
    assert [(one["resource"], one["object_id"]) for one in run.reconciliation["differences"]] == [
        ("credit_note", note.id)
    ]


def test_without_the_permission_to_read_credit_notes_a_sync_succeeds_with_a_notice(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    credit(account, 10)
    key = simulated.restricted_key(account.id, livemode=True, permissions=WITHOUT_CREDIT_NOTES)
    limit = RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis))
    gateway = StripeGateway(PlatformKeyring(key), api_base=stripe_server.url, rate_limit=limit, pause=tools.pause)

    run = sync(replace(tools, stripe=gateway), company_id, trigger="initial")
    later = sync(tools, company_id)

    assert (run.status, run.reconciliation["differences"]) == ("succeeded", [])
    assert [one["resource"] for one in run.reconciliation["notices"]] == ["credit_notes"]
    assert (later.status, later.reconciliation["notices"]) == ("succeeded", [])
    assert table_of(tools.engine, company_id) == truth_of(account)
