"""The life of a connection: every step is a fact, and what everybody sees of it."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.wiring.tools import Tools
from events.connection.health import SYNC_FINISHED
from events.connection.lifecycle import note_deauthorized
from events.log.append import NewEvent, append
from events.log.payloads import decompressed
from runtime.clock import utc_now
from sandbox.stripe.faults.faults import Fault, FaultKind
from tenants.companies import add_company
from tests.support.clock import SetClock
from tests.support.company import key_of
from tests.support.signing import SECRET
from tests.support.web.people import Browser, signed_in
from tests.support.web.stripe_page import Stage


@pytest.fixture
def stage(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[Stage]:
    with Stage.opened(web_tools, engine, clock) as opened:
        yield opened


@pytest.fixture
def company_id(engine: Engine) -> int:
    with engine.begin() as connection:
        return add_company(connection, "Acme Samples").id


@pytest.fixture
def ada(stage: Stage, engine: Engine, company_id: int) -> Browser:
    browser = signed_in(stage.app, engine, company_id)
    assert stage.connect(browser, company_id, stage.acme).status_code == 303
    return browser


def path(company_id: int, below: str = "") -> str:
    return f"/v1/companies/{company_id}/connection{below}"


def told(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def sync_told(engine: Engine, company_id: int, fact: str, at: datetime, **details: object) -> None:
    """Put a fact about a sync into the log."""
    new = NewEvent(
        type=fact,
        source="revmap",
        external_id=f"{fact}:{at.isoformat()}",
        payload=json.dumps(details).encode(),
        livemode=True,
        occurred_at=at,
        entity="connection:stripe",
    )
    with engine.begin() as connection:
        append(connection, company_id, [new])


def finish(stage: Stage, company_id: int, *, status: str = "succeeded") -> None:
    """Have the sync under way end now."""
    with stage.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT payload_zstd FROM event WHERE type = 'sync.requested' ORDER BY position DESC LIMIT 1"
        ).all()
    run_id = json.loads(decompressed(rows[0].payload_zstd))["run_id"]
    at = stage.clock().isoformat()
    sync_told(
        stage.engine,
        company_id,
        SYNC_FINISHED,
        stage.clock(),
        run_id=run_id,
        status=status,
        finished_at=at,
        data_through=at if status == "succeeded" else None,
    )


def deliver_deauthorization(stage: Stage, endpoint: Any) -> list[int]:
    """Deliver what Stripe has to tell, and give the answers."""
    deliveries = stage.server.stripe.signed_deliveries(endpoint)
    client = stage.app.test_client()
    return [
        client.post("/webhooks/stripe", data=delivery.body, headers=delivery.headers).status_code
        for delivery in deliveries
    ]


def test_a_company_without_a_connection_is_told_so(stage: Stage, engine: Engine, company_id: int) -> None:
    browser = signed_in(stage.app, engine, company_id, "viewer")

    answer = told(browser.get(path(company_id)))

    assert (answer["object"], answer["status"], answer["health"]) == (
        "connection",
        "pending_authorization",
        "never_synced",
    )
    assert {answer[name] for name in ("account_id", "livemode", "last_success_at", "next_sync_at", "data_through")} == {
        None
    }


def test_a_session_is_given_stripes_page_and_a_key_the_door_to_it(
    stage: Stage, engine: Engine, company_id: int
) -> None:
    browser = signed_in(stage.app, engine, company_id)

    by_session = told(browser.send(path(company_id), json={}))["authorization_url"]
    headers = key_of(engine, company_id, "admin")
    by_key = told(stage.app.test_client().post(path(company_id), json={}, headers=headers))["authorization_url"]

    assert browser.get(stage.decide(by_session, stage.acme)).status_code == 303
    assert by_key == f"https://localhost/connect/stripe?company={company_id}"
    assert stage.connection(company_id).status == "connected"


def test_pausing_and_resuming_are_facts_and_repeating_them_is_none(stage: Stage, ada: Browser, company_id: int) -> None:
    statuses = [
        told(ada.send(path(company_id, below)))["status"] for below in ("/pause", "/pause", "/resume", "/resume")
    ]

    assert statuses == ["paused", "paused", "connected", "connected"]
    assert stage.facts(company_id)[2:] == ["connection.paused", "connection.resumed"]


def test_a_paused_connection_plans_no_sync_and_stays_paused_when_connected_again(
    stage: Stage, ada: Browser, company_id: int
) -> None:
    ada.send(path(company_id, "/pause"))
    assert told(ada.get(path(company_id)))["next_sync_at"] is None

    stage.connect(ada, company_id, stage.acme)

    assert stage.connection(company_id).status == "paused"


def test_disconnecting_lets_go_at_stripe_and_is_safe_to_repeat(stage: Stage, ada: Browser, company_id: int) -> None:
    statuses = [told(ada.send(path(company_id), "DELETE"))["status"] for _ in range(2)]

    assert statuses == ["disconnected", "disconnected"]
    assert not stage.is_connected_at_stripe(stage.acme)
    assert stage.facts(company_id)[2:] == ["connection.disconnected"]
    assert stage.server.requests.counts()["POST /oauth/deauthorize"] == 1


def test_what_stripe_cannot_be_told_is_not_done(stage: Stage, ada: Browser, company_id: int) -> None:
    stage.server.faults.add(Fault(kind=FaultKind.ERROR, method="POST", path="/oauth/deauthorize", status=500))

    away = ada.send(path(company_id), "DELETE")

    assert (away.status_code, away.headers["Retry-After"], away.get_json()["code"]) == (503, "5", "stripe_away")
    assert stage.connection(company_id).status == "connected"
    assert told(ada.send(path(company_id), "DELETE"))["status"] == "disconnected"


def test_an_account_that_is_gone_at_stripe_can_be_disconnected(stage: Stage, ada: Browser, company_id: int) -> None:
    stage.server.stripe.disconnect(stage.acme.id, livemode=True)

    assert told(ada.send(path(company_id), "DELETE"))["status"] == "disconnected"


def test_what_is_not_connected_is_neither_paused_nor_resumed(stage: Stage, ada: Browser, company_id: int) -> None:
    ada.send(path(company_id), "DELETE")

    for below in ("/pause", "/resume"):
        refused = ada.send(path(company_id, below))
        assert (refused.status_code, refused.get_json()["code"]) == (409, "not_connected")


def test_o14_a_deauthorization_closes_the_connection_and_connecting_again_opens_it(
    stage: Stage, ada: Browser, company_id: int
) -> None:
    endpoint = stage.server.stripe.add_endpoint("", [SECRET])
    stage.clock.pass_by(timedelta(seconds=5))
    stage.server.stripe.disconnect(stage.acme.id, livemode=True)

    answers = deliver_deauthorization(stage, endpoint) + deliver_deauthorization(stage, endpoint)
    closed = told(ada.get(path(company_id)))
    stage.clock.pass_by(timedelta(seconds=5))
    stage.connect(ada, company_id, stage.acme)

    assert answers == [200, 200]
    assert (closed["status"], closed["health"], closed["next_sync_at"]) == (
        "reauthorization_required",
        "action_required",
        None,
    )
    # The first sync, which nobody has worked on yet, goes on with the new authorization.
    assert stage.facts(company_id)[2:] == ["connection.deauthorized", "connection.reauthorized"]
    # Stripe repeats an event for days: what it told before is no news about the new connection.
    assert deliver_deauthorization(stage, endpoint) == [200]
    assert stage.connection(company_id).status == "connected"


def test_a_deauthorization_in_the_other_mode_closes_nothing(stage: Stage, ada: Browser, company_id: int) -> None:
    endpoint = stage.server.stripe.add_endpoint("", [SECRET])
    stage.server.stripe.connect(stage.acme.id, livemode=False)
    stage.server.stripe.disconnect(stage.acme.id, livemode=False)

    assert deliver_deauthorization(stage, endpoint) == [200]
    assert stage.connection(company_id).status == "connected"


def test_a_refusal_by_any_call_closes_the_connection_like_stripes_own_event(
    stage: Stage, ada: Browser, company_id: int, engine: Engine
) -> None:
    now = stage.clock()
    with engine.begin() as connection:
        is_new = [
            note_deauthorized(connection, company_id, reason="stripe_refusal", occurred_at=now, now=now)
            for _ in range(2)
        ]

    assert is_new == [True, False]
    assert stage.connection(company_id).status == "reauthorization_required"


def test_health_follows_the_age_of_the_last_success(stage: Stage, ada: Browser, company_id: int) -> None:
    assert stage.connection(company_id).health == "syncing"
    finish(stage, company_id)
    start = stage.clock()

    seen = {}
    for hours in (0, 24, 26, 49):
        stage.clock.now = start + timedelta(hours=hours)
        seen[hours] = stage.connection(company_id).health

    assert seen == {0: "healthy", 24: "healthy", 26: "delayed", 49: "failing"}


def test_a_first_sync_that_failed_is_told(stage: Stage, ada: Browser, company_id: int) -> None:
    finish(stage, company_id, status="failed")

    found = stage.connection(company_id)

    assert (found.health, found.last_success_at, found.data_through) == ("failing", None, None)


def test_the_next_sync_is_an_interval_after_the_last_and_never_in_the_past(
    stage: Stage, ada: Browser, company_id: int
) -> None:
    asked_at = utc_now()  # the log stamps what it records by its own clock
    finish(stage, company_id)

    stage.clock.now = asked_at
    soon = stage.connection(company_id).next_sync_at
    stage.clock.now = asked_at + timedelta(days=3)
    late = stage.connection(company_id).next_sync_at

    assert soon is not None
    assert timedelta(hours=23) < soon - asked_at < timedelta(hours=25)
    assert late == stage.clock()


def test_unknown_fields_and_other_kinds_of_bodies_are_refused(stage: Stage, ada: Browser, company_id: int) -> None:
    assert ada.send(path(company_id), json={"company_id": 2}).status_code == 422
    assert ada.send(path(company_id), json=[1]).status_code == 422
    assert ada.send(path(company_id), data="x", content_type="application/json").status_code == 400
