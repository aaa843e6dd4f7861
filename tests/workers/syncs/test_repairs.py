"""Whatever happened to the webhooks, a sync makes the table equal to Stripe's books, and reports what it repaired."""

import json
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine, text

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.records.records import Discount
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec
from sandbox.stripe.running import StripeServer
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.promises import cases_of
from tests.support.syncs.accounts import YESTERDAY, account_with_invoices, set_faults
from tests.support.syncs.arrivals import fold_and_fetch, receive_all
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from workers.wiring.tools import Tools

MONTH_SECONDS = 30 * 86_400


def facts_from(engine: Engine, source: str) -> list[tuple[str, str]]:
    """Return the type and entity of each event from a source."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT type, entity FROM event WHERE source = :source ORDER BY company_id, position"),
            {"source": source},
        )
        return [(row.type, row.entity) for row in rows]


@pytest.mark.parametrize(
    "seed", cases_of("Webhooks lost, repeated, shuffled and late: the table ends as the truth", range(6), nth=3)
)
def test_webhooks_lost_repeated_shuffled_and_late_cost_nothing(
    seed: int, tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    random = Random(seed)
    account = simulated.create_account("Sample Studio")
    company_id = company_with(tools.engine, account.id)
    endpoint = simulated.add_endpoint("", ["whsec_x"], api_version=random.choice(["2024-06-20", "2026-10-28.endive"]))
    generate(account, invoices=120, seed=seed, until=YESTERDAY)
    bodies = [delivery.body for delivery in simulated.signed_deliveries(endpoint, account=account)]
    lost_percent = random.choice([5, 40, 95])
    arriving = [body for body in bodies if random.randrange(100) >= lost_percent]
    arriving += random.choices(arriving, k=len(arriving) // 3)
    random.shuffle(arriving)
    half = random.randrange(len(arriving))

    receive_all(tools.engine, arriving[:half])
    if random.random() < 0.5:
        fold_and_fetch(tools)
    first = sync(tools, company_id, trigger="manual")
    assert table_of(tools.engine, company_id) == truth_of(account)
    receive_all(tools.engine, arriving[half:])
    fold_and_fetch(tools)
    clock.advance(timedelta(hours=2))
    second = sync(tools, company_id)

    assert table_of(tools.engine, company_id) == truth_of(account)
    assert (first.status, second.status) == ("succeeded", "succeeded")
    assert first.reconciliation["repaired"] > 0
    assert second.reconciliation["repaired"] == 0


def test_an_event_that_was_never_delivered_is_found_while_stripe_keeps_it(
    tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account, company_id, ids = account_with_invoices(simulated, tools.engine, [YESTERDAY, YESTERDAY + 1])
    sync(tools, company_id, trigger="initial")
    clock.advance(timedelta(days=20))
    account.live.pay_invoice(ids[0])
    clock.advance(timedelta(days=9))

    run = sync(tools, company_id)

    assert run.status == "succeeded"
    assert ("invoice.paid", f"invoice:{ids[0]}") in facts_from(tools.engine, "stripe.events")
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_changes_whose_events_stripe_no_longer_has_are_repaired_from_the_lists(
    tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account, company_id, ids = account_with_invoices(simulated, tools.engine, [YESTERDAY, YESTERDAY + 1, YESTERDAY + 2])
    sync(tools, company_id, trigger="initial")
    clock.advance(timedelta(days=1))
    account.live.pay_invoice(ids[0])
    account.live.void_invoice(ids[1])
    account.live.rename_customer(account.live.invoices[ids[2]].customer.id, "Renamed Sample AG")
    clock.advance(timedelta(seconds=2 * MONTH_SECONDS))

    run = sync(tools, company_id)

    assert run.status == "succeeded"
    assert (run.invoices_new, run.invoices_changed, run.reconciliation["repaired"]) == (0, 2, 2)
    assert facts_from(tools.engine, "stripe.events") == []
    assert table_of(tools.engine, company_id) == truth_of(account)
    assert {row["customer_name"] for row in table_of(tools.engine, company_id)} == {"Renamed Sample AG"}


def test_lines_that_do_not_add_up_to_the_subtotal_are_named_until_they_do(
    tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    account = simulated.create_account("Corner Shop")
    company_id, at = company_with(tools.engine, account.id), YESTERDAY - 2 * MONTH_SECONDS
    buyer = account.live.create_customer("Zed Inc", at=at)
    cuts = (Discount("di_line", 40), Discount("di_all", 90, on_invoice=True))
    first, *others = [LineSpec(amount=1_000, discounts=cuts), *(LineSpec(amount=200) for _ in range(11))]
    short = account.live.create_paid_invoice(buyer.id, [first, others[0]], at=at)
    set_faults(stripe_server, [Fault(kind=FaultKind.LOST_LINE, path="/v1/invoices", times=None)])

    lacking = sync(tools, company_id, trigger="initial")
    set_faults(stripe_server, [])
    account.live.create_paid_invoice(buyer.id, [*others, first], at=at)
    whole = sync(tools, company_id)

    # What Stripe lists is all in the table: the sync succeeds, and says what it does not explain.
    assert (lacking.status, lacking.reconciliation["matched"]) == ("succeeded", 1)
    (notice,) = lacking.reconciliation["notices"]
    assert notice.pop("detail").startswith("In minor units of usd, the lines add up to 960")
    figures = {"currency": "usd", "subtotal": 1_160, "lines_subtotal": 960}
    assert notice == {"kind": "subtotal_differs", "invoice_id": short.id, **figures}
    assert (whole.reconciliation["notices"], whole.reconciliation["matched"]) == ([], 2)
    assert table_of(tools.engine, company_id) == truth_of(account)
    with tools.engine.connect() as connection:
        judged_by = connection.execute(text("SELECT subtotal, line_discounts FROM sync_sighting")).all()
    # Discounts of lines that come with later pages count as well.
    assert {tuple(row) for row in judged_by} == {(1_160, 40), (3_160, 40)}


def test_an_invoice_that_stripe_knows_nothing_of_is_named_and_stays(
    tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account, company_id, ids = account_with_invoices(simulated, tools.engine, [YESTERDAY, YESTERDAY + 1])
    endpoint = simulated.add_endpoint("", ["whsec_x"], types=("invoice.paid",))
    account.live.pay_invoice(ids[0])
    (delivery,) = simulated.signed_deliveries(endpoint)
    receive_all(tools.engine, [delivery.body.replace(ids[0].encode(), b"in_of_nobody").replace(b"evt_", b"evt_x")])

    run = sync(tools, company_id)

    assert run.status == "partially_succeeded"
    (difference,) = run.reconciliation["differences"]
    assert (difference["kind"], difference["invoice_id"]) == ("not_shown_by_stripe", "in_of_nobody")
    assert [row for row in table_of(tools.engine, company_id) if row["invoice_id"] != "in_of_nobody"] == truth_of(
        account
    )


def test_an_invoice_that_cannot_be_read_is_named_and_the_others_are_there(
    tools: Tools, simulated: SimulatedStripe
) -> None:
    account, company_id, ids = account_with_invoices(simulated, tools.engine, [YESTERDAY, YESTERDAY + 1])
    buyer_id = account.live.invoices[ids[0]].customer.id
    odd = account.live.create_paid_invoice(buyer_id, [LineSpec(amount=5)], InvoiceSpec(currency="zzz"), at=YESTERDAY)

    first, second = sync(tools, company_id), sync(tools, company_id)

    for run in (first, second):
        assert run.status == "partially_succeeded"
        (difference,) = run.reconciliation["differences"]
        assert (difference["kind"], difference["invoice_id"]) == ("unreadable", odd.id)
        assert "zzz" in difference["detail"]
    assert {row["invoice_id"] for row in table_of(tools.engine, company_id)} == set(ids)
    # Logged once, although it was unreadable twice.
    assert facts_from(tools.engine, "stripe.api").count(("invoice.fetched", f"invoice:{odd.id}")) == 1


def test_the_books_of_both_sides_stand_in_the_run_by_month_status_and_currency(
    tools: Tools, simulated: SimulatedStripe
) -> None:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=120, seed=9, until=YESTERDAY)
    company_id = company_with(tools.engine, account.id)

    books = sync(tools, company_id).reconciliation["books"]

    truth: dict[tuple[str, str], int] = {}
    for row in truth_of(account):
        key = (str(row["currency"]), str(row["invoice_status"]))
        truth[key] = truth.get(key, 0) + int(row["amount"])
    booked: dict[tuple[str, str], int] = {}
    for book in books:
        assert book["is_equal"]
        assert book["stripe"] == book["table"]
        key = (book["currency"], book["status"])
        booked[key] = booked.get(key, 0) + book["stripe"]["amount"]
    assert booked == truth
    assert json.dumps(books)


def test_a_reconciliation_of_an_unchanged_account_appends_nothing_and_asks_little(
    tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer, clock: SetClock
) -> None:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=300, seed=3, until=YESTERDAY)
    company_id = company_with(tools.engine, account.id)
    sync(tools, company_id, trigger="initial")
    assert max(len(invoice.lines) for invoice in account.live.invoices) > 100
    for _ in range(2):
        before = facts_from(tools.engine, "stripe.api"), facts_from(tools.engine, "stripe.events")
        stripe_server.requests.clear()
        clock.advance(timedelta(days=1))

        run = sync(tools, company_id, trigger="scheduled")

        assert run.status == "succeeded"
        assert (facts_from(tools.engine, "stripe.api"), facts_from(tools.engine, "stripe.events")) == before
        counts = stripe_server.requests.counts()
        assert counts.keys() <= {
            f"GET /v1/{name}" for name in ("invoices", "credit_notes", "customers", "products", "events")
        }
        assert sum(counts.values()) == run.requests <= 300 / 100 + 20
