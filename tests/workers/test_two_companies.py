"""Workers see the rows of all companies: each statement takes those of one, and no wall stands behind it."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Engine, text

from backlog.fetch_requests import request_fetches
from backlog.fetches import claim_due, note_failure, put_back
from backlog.sync_vocabulary import COUNTS
from backlog.syncs.requests import SyncRun
from events.connection.lifecycle import disconnect
from events.log.read import stream_events
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.records.specs import LineSpec
from tests.support.clock import NOON, SetClock
from tests.support.company import catch_up, company_with
from tests.support.databases import arranging
from tests.support.rows import rows_of
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import recognized_of, recognized_truth_of, table_of, truth_of
from workers.wiring.tools import Tools

_FAILED = text("""
    UPDATE fetch_request SET attempts = 3, error = 'unanswered', due_at = clock_timestamp() - interval '1 hour',
        answered_at = NULL WHERE company_id = :company_id
""")


def open_books(simulated: SimulatedStripe) -> Account:
    """Return an account with old invoices, and with changes of the last minutes that its list of events tells."""
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=40, seed=3, until=YESTERDAY)
    buyer = account.live.create_customer("Zed Inc")
    voided = account.live.create_invoice(buyer.id, [LineSpec(amount=100)])
    account.live.finalize_invoice(voided.id)
    account.live.void_invoice(voided.id)
    account.live.create_paid_invoice(buyer.id, [LineSpec(amount=300)])
    account.live.rename_customer(buyer.id, "Renamed Sample AG")
    return account


def work(tools: Tools, clock: SetClock, company_id: int) -> list[object]:
    """Sync a company twice, so that its lists and then its events are read; return what came of it."""
    runs = []
    for trigger in ("initial", "manual"):
        runs.append(sync(tools, company_id, trigger=trigger))
        clock.advance(timedelta(minutes=5))
    return [*(outcome_of(run) for run in runs), log_of(tools.engine, company_id), *fetches_of(tools.engine, company_id)]


def outcome_of(run: SyncRun) -> list[object]:
    counted = [name for name in COUNTS if name not in ("requests", "rate_limited")]
    return [run.status, run.reconciliation, {name: getattr(run, name) for name in counted}]


def log_of(engine: Engine, company_id: int) -> list[tuple[str, ...]]:
    with engine.connect() as connection:
        return sorted(
            (event.source, event.type, event.entity or "", event.payload_sha256.hex())
            for event in stream_events(connection, company_id)
            if event.source.startswith("stripe")
        )


def fetches_of(engine: Engine, company_id: int) -> Iterable[tuple[object, ...]]:
    query = text("""
        SELECT kind, object_id, attempts, answered_at IS NULL, error FROM fetch_request
        WHERE company_id = :company_id ORDER BY kind, object_id
    """)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"company_id": company_id})]


def test_work_for_a_company_is_the_same_after_another_one_had_its_account_and_leaves_that_one_alone(
    tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account = open_books(simulated)
    theirs = company_with(tools.engine, account.id)
    alone = work(tools, clock, theirs)
    with arranging(tools.engine) as connection:
        assert disconnect(connection, theirs, actor="tests", now=NOON)
    ours = company_with(tools.engine, account.id)
    with arranging(tools.engine) as connection:
        # What waits is another company's until its own sync tries again.
        request_fetches(connection, theirs, "price", ["price_gone"], livemode=True)
        connection.execute(_FAILED, {"company_id": theirs})
    catch_up(tools.engine)
    before = rows_of(tools.engine, theirs)

    beside = work(tools, clock, ours)
    with arranging(tools.engine) as connection:
        request_fetches(connection, ours, "price", ["price_gone"], livemode=True)
    for request in claim_due(tools.engine, company_id=ours):
        note_failure(tools.engine, request, "refused")
        put_back(tools.engine, request, "paused", seconds=5)

    assert len(log_of(tools.engine, theirs)) > len({row["invoice_id"] for row in truth_of(account)})
    assert any(source == "stripe.events" for source, *_ in log_of(tools.engine, theirs))
    assert beside == alone
    after = rows_of(tools.engine, theirs)
    assert {table for table in before if before[table] != after[table]} == set()
    assert table_of(tools.engine, ours) == table_of(tools.engine, theirs) == truth_of(account)
    assert recognized_of(tools.engine, ours) == recognized_truth_of(account)
