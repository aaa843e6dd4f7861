"""Whatever goes wrong with its requests, a sync ends with the truth, or reports that it did not."""

from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import Connection, text

from backlog.syncs.requests import active_run
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from tests.support.company import company_with
from tests.support.promises import cases_of
from tests.support.syncs.accounts import YESTERDAY, set_faults
from tests.support.syncs.runs import ask_for_sync, finish_sync, reset_rate_limits, skip_waits, sync
from tests.support.syncs.truth import recognized_of, recognized_truth_of, table_of, truth_of
from workers.jobs import sync_with
from workers.syncs import reading
from workers.syncs.leases import Lease
from workers.syncs.segments import Segment
from workers.wiring.tools import Tools

PROMISE = "Faults of Stripe of every kind: the table ends as the truth, and no failure is called a success"
FAULTY_PATHS = ("/v1/invoices", "/v1/invoices/*/lines", "/v1/prices/*", "/v1/customers", "/v1/events")
FAULTS = {
    "429": Fault(kind=FaultKind.RATE_LIMITED),
    "429 with Retry-After": Fault(kind=FaultKind.RATE_LIMITED, retry_after=2),
    "429 for an hour": Fault(kind=FaultKind.RATE_LIMITED, retry_after=3600),
    "500": Fault(kind=FaultKind.ERROR, status=500),
    "502 as HTML": Fault(kind=FaultKind.HTML, status=502),
    "503": Fault(kind=FaultKind.ERROR, status=503),
    "200 as HTML": Fault(kind=FaultKind.HTML, status=200),
    "body cut": Fault(kind=FaultKind.CUT_BODY),
    "JSON cut": Fault(kind=FaultKind.TRUNCATED_JSON),
    "reset": Fault(kind=FaultKind.RESET),
    "no answer": Fault(kind=FaultKind.TIMEOUT, milliseconds=1),
    "slow": Fault(kind=FaultKind.SLOW, milliseconds=5),
    "drip": Fault(kind=FaultKind.DRIP, milliseconds=1, size=20_000),
    "blanks before the JSON": Fault(kind=FaultKind.HUGE_BODY, size=500_000),
    "empty page with more": Fault(kind=FaultKind.EMPTY_PAGE),
    "page repeated": Fault(kind=FaultKind.REPEATED_PAGE),
    "end too early": Fault(kind=FaultKind.ENDS_EARLY),
    "cursor gone": Fault(kind=FaultKind.DELETED_CURSOR),
    "draft gone": Fault(kind=FaultKind.DELETED_OBJECT),
    "foreign object": Fault(kind=FaultKind.FOREIGN_OBJECT),
}
# The only object of a page cannot be out of place.
NEEDS_FULL_PAGES = {"foreign object"}


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    # An older account, whose objects appear in pages where they do not belong.
    generate(simulated.create_account("Rival"), invoices=40, seed=5, until=YESTERDAY - 500 * 86_400)
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=130, seed=3, until=YESTERDAY)
    return account


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


@pytest.mark.parametrize("name", cases_of(PROMISE, FAULTS, nth=3))
def test_a_fault_of_any_kind_costs_nothing_but_time(
    name: str, tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    random = Random(name)
    most = 1 if name in NEEDS_FULL_PAGES else 3
    faults = [
        replace(FAULTS[name], path=path, nth=random.randint(1, most), times=random.randint(1, most))
        for path in FAULTY_PATHS
    ]
    set_faults(stripe_server, faults)

    first = sync(tools, company_id, trigger="initial")
    set_faults(stripe_server, faults)
    second = sync(tools, company_id)

    assert table_of(tools.engine, company_id) == truth_of(account)
    assert (first.status, second.status) == ("succeeded", "succeeded")


@pytest.mark.parametrize("seed", cases_of(PROMISE, range(4), nth=2))
def test_any_mix_of_faults_costs_nothing_but_time(
    seed: int, tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    random = Random(seed)
    kinds = sorted(FAULTS.keys() - NEEDS_FULL_PAGES)
    faults = [
        replace(FAULTS[random.choice(kinds)], path=random.choice(FAULTY_PATHS), nth=random.randint(1, 9), times=1)
        for _ in range(12)
    ]
    for trigger in ("initial", "manual"):
        set_faults(stripe_server, faults)

        run = sync(tools, company_id, trigger=trigger)

        assert table_of(tools.engine, company_id) == truth_of(account)
        assert recognized_of(tools.engine, company_id) == recognized_truth_of(account)
        assert run.status == "succeeded"


LASTING = [
    ("500", "/v1/invoices", "failed"),
    ("200 as HTML", "/v1/invoices", "failed"),
    ("JSON cut", "/v1/invoices", "failed"),
    ("empty page with more", "/v1/invoices", "failed"),
    ("page repeated", "/v1/invoices", "failed"),
    ("cursor gone", "/v1/invoices", "failed"),
    ("reset", "/v1/customers", "failed"),
    ("503", "/v1/invoices/*/lines", "partially_succeeded"),
    ("page repeated", "/v1/invoices/*/lines", "partially_succeeded"),
    ("end too early", "/v1/invoices/*/lines", "partially_succeeded"),
    ("cursor gone", "/v1/invoices/*/lines", "partially_succeeded"),
    ("foreign object", "/v1/invoices/*/lines", "partially_succeeded"),
    ("200 as HTML", "/v1/prices/*", "partially_succeeded"),
    ("body cut", "/v1/prices/*", "partially_succeeded"),
]


@pytest.mark.parametrize(("name", "path", "status"), cases_of(PROMISE, LASTING, nth=3))
def test_what_cannot_be_read_is_never_called_a_success_and_the_next_sync_repairs_it(  # noqa: PLR0913, PLR0917 - seven fixtures and parameters
    name: str, path: str, status: str, tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    set_faults(stripe_server, [replace(FAULTS[name], path=path, times=None)])

    run = sync(tools, company_id, trigger="initial")

    assert run.status == status
    assert run.error_code == ("stripe_unavailable" if status == "failed" else None)
    assert run.reconciliation is None or run.reconciliation["differences"]

    set_faults(stripe_server, [])
    assert sync(tools, company_id).status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.planted("a page that could not be read counts as read (faults of Stripe)", trials=(0, 1))
def test_a_failure_that_counts_as_success_is_found(
    tools: Tools, account: Account, company_id: int, stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pass_over(connection: Connection, lease: Lease, segment: Segment, _error: object) -> bool:
        ended = text("UPDATE sync_segment SET ended_as = 'read' WHERE run_id = :id AND number = :number")
        connection.execute(ended, {"id": lease.run_id, "number": segment.number})
        return False

    monkeypatch.setattr(reading, "note_page_failure", pass_over)
    set_faults(stripe_server, [replace(FAULTS["500"], path="/v1/invoices", times=None)])

    run = sync(tools, company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) != truth_of(account)


@pytest.mark.parametrize("name", ["end too early", "draft gone", "slow"])
def test_a_list_that_is_odd_for_ever_is_read_to_its_end_all_the_same(
    name: str, tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    set_faults(stripe_server, [replace(FAULTS[name], path="/v1/invoices", times=None)])

    run = sync(tools, company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_a_sync_that_is_told_to_wait_for_ever_waits_and_claims_nothing(
    tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    set_faults(stripe_server, [replace(FAULTS["429 for an hour"], path="/v1/invoices", times=None)])
    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")

    for _ in range(9):
        sync_with(tools)
        skip_waits(tools.engine)
        reset_rate_limits(tools.redis)
        with tools.engine.connect() as connection:
            run = active_run(connection, company_id)
        assert run is not None
        assert (run.status, run.waits_for) == ("running", "stripe")

    set_faults(stripe_server, [])
    assert finish_sync(tools, company_id, run_id).status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.parametrize("path", ["/v1/prices/*", "/v1/invoices/*/lines"])
def test_an_object_that_is_put_off_for_an_hour_is_waited_for(
    path: str, tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    set_faults(stripe_server, [replace(FAULTS["429 for an hour"], path=path)])

    run = sync(tools, company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)
