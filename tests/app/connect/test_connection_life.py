"""The life of a connection: every step is a fact in the log, and shows in the API."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from backlog.syncs.requests import finished_fact
from backlog.tables import sync_run
from events.connection.lifecycle import note_deauthorized
from events.log.append import append
from sandbox.stripe.faults.faults import Fault, FaultKind
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tests.support.company import new_key_headers
from tests.support.signing import SECRET
from tests.support.web.people import Browser, signed_in
from tests.support.web.stripe_page import ConnectSetup


@pytest.fixture
def ada(setup: ConnectSetup, engine: Engine, company_id: int) -> Browser:
    browser = signed_in(setup.app, engine, company_id)
    assert setup.connect(browser, company_id, setup.acme).status_code == 303
    return browser


def connection_path(company_id: int, below: str = "") -> str:
    return f"/v1/companies/{company_id}/connection{below}"


def json_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def finish_sync(setup: ConnectSetup, company_id: int, *, status: str = "succeeded") -> None:
    """End the requested sync now, and append the fact about it."""
    now = setup.clock()
    ended = {"status": status, "phase": "finished", "finished_at": now, "coverage_to": now}
    with setup.engine.begin() as connection:
        run = connection.execute(
            update(sync_run)
            .where(sync_run.c.company_id == company_id, sync_run.c.status == "queued")
            .values(ended)
            .returning(sync_run)
        ).one()
        append(connection, company_id, [finished_fact(run, now=now, actor="tests")])


def deliver_deauthorization(setup: ConnectSetup, endpoint: Any) -> list[int]:
    """Deliver the endpoint's pending webhooks, and return the response statuses."""
    deliveries = setup.server.stripe.signed_deliveries(endpoint)
    client = setup.app.test_client()
    return [
        client.post("/webhooks/stripe", data=delivery.body, headers=delivery.headers).status_code
        for delivery in deliveries
    ]


def test_a_company_without_a_connection_is_told_so(setup: ConnectSetup, engine: Engine, company_id: int) -> None:
    browser = signed_in(setup.app, engine, company_id, "viewer")

    answer = json_of(browser.get(connection_path(company_id)))

    assert (answer["object"], answer["status"], answer["health"]) == (
        "connection",
        "pending_authorization",
        "never_synced",
    )
    assert {answer[name] for name in ("account_id", "livemode", "last_success_at", "next_sync_at", "data_through")} == {
        None
    }


def test_a_session_gets_the_url_of_stripes_page_and_a_key_the_route_to_it(
    setup: ConnectSetup, engine: Engine, company_id: int
) -> None:
    browser = signed_in(setup.app, engine, company_id)

    by_session = json_of(browser.send(connection_path(company_id), json={}))["authorization_url"]
    headers = new_key_headers(engine, company_id, "admin")
    by_key = json_of(setup.app.test_client().post(connection_path(company_id), json={}, headers=headers))[
        "authorization_url"
    ]

    assert browser.get(setup.decide(by_session, setup.acme)).status_code == 303
    assert by_key == f"https://localhost/connect/stripe?company={company_id}"
    assert setup.connection(company_id).status == "connected"


def test_pausing_and_resuming_are_facts_and_repeating_them_is_none(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    statuses = [
        json_of(ada.send(connection_path(company_id, below)))["status"]
        for below in ("/pause", "/pause", "/resume", "/resume")
    ]

    assert statuses == ["paused", "paused", "connected", "connected"]
    assert setup.facts(company_id)[2:] == ["connection.paused", "connection.resumed"]


def test_a_paused_connection_plans_no_sync_and_stays_paused_when_connected_again(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    ada.send(connection_path(company_id, "/pause"))
    assert json_of(ada.get(connection_path(company_id)))["next_sync_at"] is None

    setup.connect(ada, company_id, setup.acme)

    assert setup.connection(company_id).status == "paused"


def test_disconnecting_deauthorizes_at_stripe_and_is_safe_to_repeat(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    statuses = [json_of(ada.send(connection_path(company_id), "DELETE"))["status"] for _ in range(2)]

    assert statuses == ["disconnected", "disconnected"]
    assert not setup.is_connected_at_stripe(setup.acme)
    assert setup.facts(company_id)[2:] == ["connection.disconnected"]
    assert setup.server.requests.counts()["POST /oauth/deauthorize"] == 1


def test_a_connection_stays_while_stripe_cannot_be_told_to_end_it(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, method="POST", path="/oauth/deauthorize", status=500))

    away = ada.send(connection_path(company_id), "DELETE")

    assert (away.status_code, away.headers["Retry-After"], away.get_json()["code"]) == (503, "5", "stripe_away")
    assert setup.connection(company_id).status == "connected"
    assert json_of(ada.send(connection_path(company_id), "DELETE"))["status"] == "disconnected"


def test_an_account_that_is_gone_at_stripe_can_be_disconnected(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    setup.server.stripe.disconnect(setup.acme.id, livemode=True)

    assert json_of(ada.send(connection_path(company_id), "DELETE"))["status"] == "disconnected"


def test_what_is_not_connected_is_neither_paused_nor_resumed(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    ada.send(connection_path(company_id), "DELETE")

    for below in ("/pause", "/resume"):
        refused = ada.send(connection_path(company_id, below))
        assert (refused.status_code, refused.get_json()["code"]) == (409, "not_connected")


def test_o14_a_deauthorization_closes_the_connection_and_connecting_again_opens_it(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    endpoint = setup.server.stripe.add_endpoint("", [SECRET])
    setup.clock.advance(timedelta(seconds=5))
    setup.server.stripe.disconnect(setup.acme.id, livemode=True)

    answers = deliver_deauthorization(setup, endpoint) + deliver_deauthorization(setup, endpoint)
    closed = json_of(ada.get(connection_path(company_id)))
    setup.clock.advance(timedelta(seconds=5))
    setup.connect(ada, company_id, setup.acme)

    assert answers == [200, 200]
    assert (closed["status"], closed["health"], closed["next_sync_at"]) == (
        "reauthorization_required",
        "action_required",
        None,
    )
    # The first sync, which has not started yet, continues with the new authorization.
    assert setup.facts(company_id)[2:] == ["connection.deauthorized", "connection.reauthorized"]
    # Stripe repeats an event for days: an earlier deauthorization says nothing about the new connection.
    assert deliver_deauthorization(setup, endpoint) == [200]
    assert setup.connection(company_id).status == "connected"


def test_a_deauthorization_of_our_application_leaves_an_accounts_own_key_alone(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    endpoint = setup.server.stripe.add_endpoint("", [SECRET])
    ada.send(connection_path(company_id), "DELETE")
    key = setup.server.stripe.restricted_key(setup.acme.id, livemode=True, permissions=NEEDED_PERMISSIONS)
    ada.send(connection_path(company_id), json={"restricted_key": key})

    assert deliver_deauthorization(setup, endpoint) == [200]  # of the same second
    assert setup.connection(company_id).status == "connected"


def test_a_deauthorization_in_the_other_mode_closes_nothing(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    endpoint = setup.server.stripe.add_endpoint("", [SECRET])
    setup.server.stripe.connect(setup.acme.id, livemode=False)
    setup.server.stripe.disconnect(setup.acme.id, livemode=False)

    assert deliver_deauthorization(setup, endpoint) == [200]
    assert setup.connection(company_id).status == "connected"


def test_a_refusal_by_any_call_closes_the_connection_like_stripes_own_event(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    now = setup.clock()
    with engine.begin() as connection:
        is_new = [
            note_deauthorized(connection, company_id, reason="stripe_refusal", occurred_at=now, now=now)
            for _ in range(2)
        ]

    assert is_new == [True, False]
    assert setup.connection(company_id).status == "reauthorization_required"


def test_health_follows_the_age_of_the_last_success(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    assert setup.connection(company_id).health == "syncing"
    finish_sync(setup, company_id)
    start = setup.clock()

    seen = {}
    for hours in (0, 24, 26, 49):
        setup.clock.now = start + timedelta(hours=hours)
        seen[hours] = setup.connection(company_id).health

    assert seen == {0: "healthy", 24: "healthy", 26: "delayed", 49: "failing"}


def test_a_first_sync_that_failed_is_shown(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    finish_sync(setup, company_id, status="failed")

    found = setup.connection(company_id)

    assert (found.health, found.last_success_at, found.data_through) == ("failing", None, None)


def test_the_next_sync_is_an_interval_after_the_last_and_never_in_the_past(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    asked_at = setup.clock()
    finish_sync(setup, company_id)

    soon = setup.connection(company_id).next_sync_at
    setup.clock.now = asked_at + timedelta(days=3)
    late = setup.connection(company_id).next_sync_at

    assert soon == asked_at + timedelta(days=1)
    assert late == setup.clock()


def test_unknown_fields_and_other_kinds_of_bodies_are_refused(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    assert ada.send(connection_path(company_id), json={"company_id": 2}).status_code == 422
    assert ada.send(connection_path(company_id), json=[1]).status_code == 422
    assert ada.send(connection_path(company_id), data="x", content_type="application/json").status_code == 400
