"""The connection's projection: what the log says of it, and how well it does seen from now."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from events.log.append import NewEvent, append
from projections.connection.fold import ConnectionState
from projections.connection.store import connection_of
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, keep
from tests.support.payloads import ACCOUNT, event, old_invoice
from tests.support.signing import json_bytes

ERROR = {"code": "stripe_unavailable", "title": "Stripe did not answer", "what_you_can_do": "Wait."}


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def say(engine: Engine, company_id: int, fact_type: str, **said: object) -> None:
    """Put a fact of our own into the log, and fold it."""
    fact = NewEvent(
        type=fact_type,
        source="revmap",
        external_id=f"{fact_type}-{json_bytes(said)!r}",
        payload=json_bytes(said),
        livemode=True,
        occurred_at=NOON,
        entity="connection:stripe",
    )
    with engine.begin() as connection:
        append(connection, company_id, [fact])
    catch_up(engine)


def state_of(engine: Engine, company_id: int) -> ConnectionState:
    with engine.connect() as connection:
        return connection_of(connection, company_id)


def finished(run_id: int, status: str, error: object = None) -> dict[str, object]:
    return {
        "run_id": run_id,
        "trigger": "scheduled",
        "status": status,
        "started_at": "2026-03-01T11:00:00Z",
        "finished_at": "2026-03-01T12:00:00Z",
        "data_through": "2026-03-01T11:00:00Z" if status == "succeeded" else None,
        "error": error,
    }


def test_an_authorized_account_is_connected(engine: Engine, company_id: int) -> None:
    catch_up(engine)

    state = state_of(engine, company_id)

    assert (state.status, state.account_id, state.livemode, state.position) == ("connected", ACCOUNT, True, 1)
    assert state_of(engine, company_id + 1) == ConnectionState()


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (["connection.paused"], "paused"),
        (["connection.paused", "connection.resumed"], "connected"),
        (["connection.deauthorized"], "reauthorization_required"),
        (["connection.disconnected"], "disconnected"),
        (["connection.renamed", "sync.dreamt"], "connected"),
    ],
)
def test_the_last_fact_about_it_says_how_it_stands(
    engine: Engine, company_id: int, facts: list[str], status: str
) -> None:
    for fact in facts:
        say(engine, company_id, fact)

    assert state_of(engine, company_id).status == status


def test_an_account_that_stripe_says_is_deauthorized_needs_somebody_until_it_is_authorized_again(
    engine: Engine, company_id: int
) -> None:
    keep(engine, event({"id": "ca_1", "object": "application"}, "account.application.deauthorized"))
    catch_up(engine)
    before = state_of(engine, company_id)

    say(engine, company_id, "connection.reauthorized", account_id="acct_second", livemode=False)

    after = state_of(engine, company_id)
    assert before.status == "reauthorization_required"
    assert (after.status, after.account_id, after.livemode) == ("connected", "acct_second", False)


def test_runs_leave_their_last_success_and_the_last_error(engine: Engine, company_id: int) -> None:
    say(engine, company_id, "sync.requested", run_id=1, trigger="initial")
    asked = state_of(engine, company_id)
    say(engine, company_id, "sync.finished", **finished(1, "succeeded"))
    keep(engine, event(old_invoice()))
    say(engine, company_id, "sync.finished", **finished(2, "failed", ERROR))
    failed = state_of(engine, company_id)

    assert (asked.run_id, asked.run_status, asked.last_success_at) == (1, "queued", None)
    assert failed.last_success_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert failed.data_through == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert (failed.run_id, failed.run_status, failed.run_error) == (2, "failed", ERROR)
