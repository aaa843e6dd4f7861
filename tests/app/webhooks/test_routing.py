"""An event belongs to the company of its signed account and mode, or is parked until somebody connects that account."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from events.connection.accounts import Account, authorize
from events.connection.lifecycle import disconnect
from events.intake.parked import PARKED_FOR_DAYS, join_parked_events, owners_of_parked, purge_parked_events
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.payloads import ACCOUNT, event, new_invoice
from tests.support.signing import json_bytes, signed
from tests.support.web.webhooks import WEBHOOK_PATH, bodies_of, count, invoice_event, log_of, post


def join(engine: Engine, *, limit: int = 500) -> int:
    """Append parked events to their owners' logs, at most `limit` per owner, and return how many."""
    with engine.begin() as connection:
        return sum(join_parked_events(connection, owner, limit=limit) for owner in owners_of_parked(connection))


def connect(engine: Engine, company_id: int, account_id: str) -> None:
    with engine.begin() as connection:
        authorize(connection, company_id, Account(account_id, livemode=True), now=NOON, actor="tests")


def ids(engine: Engine, company_id: int) -> list[str]:
    return [recorded.external_id for recorded in log_of(engine, company_id)]


def test_event_goes_to_the_company_of_its_account_and_no_other(client: FlaskClient, engine: Engine) -> None:
    acme, zed = company_with(engine, "acct_a"), company_with(engine, "acct_z")

    for account_id in ("acct_a", "acct_z"):  # ids are unique within an account only
        assert post(client, invoice_event(id="evt_1", account=account_id)).status_code == 200

    assert ids(engine, acme) == ["acct_a/live/evt_1"]
    assert ids(engine, zed) == ["acct_z/live/evt_1"]


def test_test_event_of_a_live_account_is_kept_apart_from_live_ones(client: FlaskClient, engine: Engine) -> None:
    company = company_with(engine, ACCOUNT)

    for livemode in (True, False):
        assert post(client, invoice_event(id="evt_1", livemode=livemode)).status_code == 200

    assert [(recorded.external_id, recorded.livemode) for recorded in log_of(engine, company)] == [
        (f"{ACCOUNT}/live/evt_1", True),
        (f"{ACCOUNT}/test/evt_1", False),
    ]


def test_live_event_of_an_account_connected_for_tests_only_is_nobodys(client: FlaskClient, engine: Engine) -> None:
    company = company_with(engine, ACCOUNT, livemode=False)

    for livemode in (True, False):
        assert post(client, invoice_event(id="evt_1", livemode=livemode)).status_code == 200

    assert ids(engine, company) == [f"{ACCOUNT}/test/evt_1"]
    assert count(engine, "parked_event") == 1
    assert join(engine) == 0


def test_account_that_two_companies_share_by_mode_sends_each_its_own(client: FlaskClient, engine: Engine) -> None:
    live, test = company_with(engine, ACCOUNT), company_with(engine, ACCOUNT, livemode=False)

    for livemode in (True, False):
        assert post(client, invoice_event(id="evt_1", livemode=livemode)).status_code == 200

    assert ids(engine, live) == [f"{ACCOUNT}/live/evt_1"]
    assert ids(engine, test) == [f"{ACCOUNT}/test/evt_1"]


def test_event_of_an_unknown_account_is_acknowledged_and_visible_to_nobody(client: FlaskClient, engine: Engine) -> None:
    company = company_with(engine, ACCOUNT)

    body = invoice_event(account="acct_stranger")
    assert [post(client, body).status_code for _ in range(2)] == [200, 200]

    assert ids(engine, company) == []
    assert count(engine, "parked_event") == 1
    assert join(engine) == 0


def test_parked_events_join_in_the_order_they_came_once_their_account_is_connected(
    client: FlaskClient, engine: Engine
) -> None:
    company = company_with(engine, "acct_other")
    bodies = [invoice_event(livemode=bool(n % 2), api_version="2020-08-27") for n in range(5)]
    for body in (*bodies, invoice_event(account="acct_stranger")):
        post(client, body)
    with engine.begin() as connection:
        disconnect(connection, company, actor="tests", now=NOON)

    connect(engine, company, ACCOUNT)
    joined = [join(engine, limit=2) for _ in range(4)]

    assert joined == [2, 2, 1, 0]
    assert bodies_of(engine, company) == bodies
    assert {(recorded.type, recorded.api_version, recorded.account_id) for recorded in log_of(engine, company)} == {
        ("invoice.paid", "2020-08-27", ACCOUNT)
    }
    assert count(engine, "parked_event") == 1


def test_event_that_was_parked_and_then_sent_again_is_kept_once(client: FlaskClient, engine: Engine) -> None:
    parked, resent = invoice_event(id="evt_1"), invoice_event("in_other", id="evt_1")
    post(client, parked)
    company = company_with(engine, ACCOUNT)
    post(client, resent)

    assert join(engine) == 1

    assert bodies_of(engine, company) == [resent]
    assert (count(engine, "event_conflict"), count(engine, "parked_event")) == (1, 0)


def test_another_body_under_the_id_of_a_parked_event_is_set_aside_when_they_join(
    client: FlaskClient, engine: Engine
) -> None:
    first, second = invoice_event(id="evt_1"), invoice_event("in_other", id="evt_1")
    for body in (first, second, first, second):
        assert post(client, body).status_code == 200
    company = company_with(engine, ACCOUNT)

    assert join(engine) == 2

    assert bodies_of(engine, company) == [first]
    assert (count(engine, "event_conflict"), count(engine, "parked_event")) == (1, 0)


def test_two_who_join_at_once_move_every_event_once(client: FlaskClient, engine: Engine) -> None:
    bodies = [invoice_event() for _ in range(6)]
    for body in bodies:
        post(client, body)
    company = company_with(engine, ACCOUNT)

    with engine.connect() as slow:
        assert join_parked_events(slow, company, limit=3) == 3
        with engine.connect() as other:
            taken = other.execute(text("SELECT count(*) FROM parked_event")).scalar_one()
            assert taken == 6  # not committed yet
        slow.commit()
    assert join(engine) == 3

    assert bodies_of(engine, company) == bodies


def test_platform_event_without_an_account_is_kept_for_nobody(client: FlaskClient, engine: Engine) -> None:
    company = company_with(engine, ACCOUNT)
    body = json_bytes(event(new_invoice(account=ACCOUNT), id="evt_1", account=None))

    assert post(client, body).status_code == 200

    assert ids(engine, company) == []
    assert count(engine, "parked_event") == 1
    assert join(engine) == 0


def test_event_that_comes_through_the_platforms_and_the_accounts_endpoint_is_the_companys_once(
    client: FlaskClient, engine: Engine
) -> None:
    company = company_with(engine, ACCOUNT)
    connected, platforms = invoice_event(id="evt_1"), invoice_event(id="evt_1", account=None)

    assert [post(client, body).status_code for body in (connected, platforms, connected)] == [200] * 3
    join(engine)

    assert bodies_of(engine, company) == [connected]


@pytest.mark.parametrize("header", ["Stripe-Account", "Stripe-Context"])
def test_account_is_taken_from_what_is_signed_and_from_nothing_else(
    client: FlaskClient, engine: Engine, header: str
) -> None:
    acme, zed = company_with(engine, "acct_a"), company_with(engine, "acct_z")
    body = json_bytes(event(new_invoice(account="acct_z"), id="evt_1", account="acct_a"))

    assert client.post(WEBHOOK_PATH, data=body, headers=signed(body) | {header: "acct_z"}).status_code == 200

    assert (bodies_of(engine, acme), bodies_of(engine, zed)) == ([body], [])


def test_event_that_nobody_claims_is_forgotten_after_thirty_days(client: FlaskClient, engine: Engine) -> None:
    for number in range(2):
        post(client, invoice_event(id=f"evt_{number}"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE parked_event SET received_at = clock_timestamp() - make_interval(days => :days, secs => 1) "
                "WHERE external_id LIKE '%evt_0'"
            ),
            {"days": PARKED_FOR_DAYS},
        )
        assert purge_parked_events(connection) == 1
    company = company_with(engine, ACCOUNT)
    join(engine)

    assert ids(engine, company) == [f"{ACCOUNT}/live/evt_1"]
