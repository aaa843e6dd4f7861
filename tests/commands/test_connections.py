"""An operator records which Stripe account belongs to which company."""

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import Engine

from backlog.jobs import SYNC
from events.connection.accounts import connection_state
from events.log.read import stream_events
from events.log.tables import parked_event
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import StripeServer
from sandbox.valkey import ValkeyServer
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import record_events
from tests.support.payloads import event, new_invoice
from tests.support.syncs.run_states import run_of


def create_company(run: Run) -> int:
    company_id: int = json_of(run("companies", "create", "Zed", "--again"))["id"]
    return company_id


def test_what_was_parked_for_the_account_joins_the_log_in_order(run: Run, engine: Engine) -> None:
    record_events(
        engine, event(new_invoice("in_1")), event(new_invoice("in_2")), event(new_invoice("in_3"), account="acct_2")
    )
    company_id = create_company(run)

    fact = json_of(run("connections", "authorize", "--company", company_id, "--account", "acct_tests", "--json"))

    assert fact == {
        "company_id": company_id,
        "account_id": "acct_tests",
        "livemode": True,
        "is_new": True,
        "joined": 2,
        "sync_run_id": 1,
    }
    with engine.connect() as connection:
        log = list(stream_events(connection, company_id))
        left = connection.execute(parked_event.select()).all()
    assert [(event.type, event.entity) for event in log] == [
        ("connection.authorized", "connection:stripe"),
        ("sync.requested", "connection:stripe"),
        ("invoice.paid", "invoice:in_1"),
        ("invoice.paid", "invoice:in_2"),
    ]
    assert (log[0].actor, log[0].account_id) == ("operator", "acct_tests")
    assert [parked.account_id for parked in left] == ["acct_2"]


def test_more_is_joined_than_moves_in_one_go(run: Run, engine: Engine) -> None:
    record_events(engine, *(event(new_invoice(f"in_{number}")) for number in range(501)))

    fact = json_of(
        run("connections", "authorize", "--company", create_company(run), "--account", "acct_tests", "--json")
    )

    assert fact["joined"] == 501


def test_authorizing_again_changes_nothing(run: Run, engine: Engine) -> None:
    words = ("connections", "authorize", "--company", create_company(run), "--account", "acct_tests")
    assert "owns acct_tests (live)" in run(*words).stdout

    again = json_of(run(*words, "--json"))

    assert (again["is_new"], again["joined"], again["sync_run_id"]) == (False, 0, None)
    assert json_of(run("events", "status", "--json"))["companies"][0]["events"] == 2


def test_authorizing_requests_the_first_sync_and_wakes_the_workers(
    run: Run, engine: Engine, redis: Redis, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    company_id = create_company(run)
    monkeypatch.setenv("REDIS_URL", valkey.url)

    output = run("connections", "authorize", "--company", company_id, "--account", "acct_tests").stdout

    first = run_of(engine, company_id, 1)
    assert (first.trigger, first.status, first.requested_by) == ("initial", "queued", "operator")
    assert f"flask sync {company_id} --wait" in output
    assert len(Queue(SYNC, connection=redis, serializer="json")) == 1
    assert json_of(run("sync", company_id, "--json"))["id"] == 1


def test_an_account_has_one_company_and_a_company_one_account(run: Run) -> None:
    first, second = create_company(run), create_company(run)
    json_of(run("connections", "authorize", "--company", first, "--account", "acct_1", "--json"))

    for company_id, account_id, mode in (
        (second, "acct_1", ()),
        (first, "acct_2", ()),
        (first, "acct_1", ("--test",)),
    ):
        output = error_of(run("connections", "authorize", "--company", company_id, "--account", account_id, *mode))
        assert "already connected" in output
    assert [log["company_id"] for log in json_of(run("events", "status", "--json"))["companies"]] == [first]


def test_an_account_in_test_mode_takes_its_test_events_alone(run: Run, engine: Engine) -> None:
    record_events(engine, event(new_invoice("in_1")), event(new_invoice("in_2"), livemode=False))

    fact = json_of(
        run("connections", "authorize", "--company", create_company(run), "--account", "acct_tests", "--test", "--json")
    )

    assert (fact["livemode"], fact["joined"]) == (False, 1)
    assert json_of(run("events", "status", "--json"))["parked"] == 1


def test_an_invalid_account_id_is_refused(run: Run) -> None:
    company_id = create_company(run)

    for account_id in ("", "acct_", "cus_1", "acct_1 ", "acct_1\n", "acct_é", "acct_" + "1" * 251):
        assert "acct_1Abc" in error_of(
            run("connections", "authorize", "--company", company_id, "--account", account_id)
        )
    assert "flask companies list" in error_of(run("connections", "authorize", "--company", 999, "--account", "acct_1"))


def test_account_is_recorded_with_the_name_that_stripe_gives_it(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = SimulatedStripe(lambda: 1_700_000_000, seed=7)
    account = simulated.create_account("Sample Books")
    company_id = create_company(run)
    with StripeServer(simulated) as server:
        monkeypatch.setenv("STRIPE_SECRET_KEY", simulated.platform_key(livemode=True))
        monkeypatch.setenv("STRIPE_API_BASE", server.url)

        told = run("connections", "authorize", "--company", company_id, "--account", account.id).stdout

    with engine.connect() as connection:
        state = connection_state(connection, company_id)
    assert state is not None
    assert state.account_name == "Sample Books"
    assert "0 parked events moved to its log." in told
