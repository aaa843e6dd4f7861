"""What was announced reaches its endpoints, signed, at least once, and nobody waits for an endpoint that is bad."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from standardwebhooks import Webhook, WebhookVerificationError

from notices import claims
from notices.announcements import announce
from notices.attempts import DISABLED_AFTER, Attempt, note_attempt
from notices.causes import open_notices
from notices.claims import Standing, claim_deliveries, is_any_delivery_due
from notices.deliveries import delivery_backlog, purge_deliveries, redeliver
from notices.endpoints import change_endpoint, delete_endpoint, find_endpoint, rotate_secret
from notices.vocabulary import SYNC_FAILED, SYNC_SUCCEEDED
from runtime.clock import utc_now
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.endpoints import BOX, attempts, deliveries, end_leases, let_pass, new_endpoint
from tests.support.receiver import Receiver
from workers.notices.desk import Desk
from workers.notices.jobs import send_with

DAY = timedelta(days=1)
_MANY = text("""
    WITH many AS (INSERT INTO company (name, created_at) SELECT 'Zed ' || n, now() FROM generate_series(1, :companies) n
                  RETURNING id),
    listening AS (INSERT INTO webhook_endpoint (company_id, url, types, created_at, standing)
                  SELECT id, 'https://hooks.zed.test/' || n, '{}', now(), 'slow' FROM many, generate_series(1, 5) n
                  RETURNING company_id, id)
    INSERT INTO webhook_delivery (company_id, endpoint_id, type, occurred_at)
    SELECT company_id, id, 'sync.failed', now() FROM listening
""")


def tell(engine: Engine, company_id: int, number: int = 1, *, what: str = SYNC_FAILED) -> None:
    with engine.begin() as connection:
        announce(connection, company_id, what, {"sync_id": number}, now=NOON)


def work(desk: Desk) -> None:
    """Send all that is due now, and wait for the answers."""
    while desk.sender.send_some():
        desk.drain()


def test_a_webhook_is_verified_by_the_librarys_own_verifier(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    _, secret = new_endpoint(engine, company_id, f"{server.url}/hooks?a=b", SYNC_FAILED)
    tell(engine, company_id)
    tell(engine, company_id, what=SYNC_SUCCEEDED)  # it does not want this

    assert send_with(desk) == 1
    desk.drain()

    (received,) = server.received
    expected = {
        "type": "sync.failed",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {"company_id": company_id, "sync_id": 1},
    }
    assert Webhook(secret).verify(received.body, received.headers) == expected
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body.replace(b"1", b"2"), received.headers)
    (row,) = deliveries(engine)
    assert (row.status, row.body, row.message_id) == ("delivered", json.dumps(expected), received.headers["webhook-id"])
    assert attempts(engine) == [(1, 204, None)]


def test_what_is_rolled_back_is_never_sent(engine: Engine, desk: Desk, server: Receiver, company_id: int) -> None:
    new_endpoint(engine, company_id, server.url)
    with engine.connect() as connection:
        announce(connection, company_id, SYNC_FAILED, {}, now=NOON)
        connection.rollback()

    assert send_with(desk) == 0


def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    endpoint_id, old = new_endpoint(engine, company_id, server.url)
    with engine.begin() as connection:
        new = rotate_secret(connection, BOX, company_id, endpoint_id, actor="tests", now=utc_now())
    tell(engine, company_id)
    work(desk)
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_secret SET expires_at = expires_at - interval '24 hours'"))
    tell(engine, company_id, 2)
    work(desk)

    first, second = server.received
    for secret in (old, new):
        Webhook(secret).verify(first.body, first.headers)
    Webhook(new).verify(second.body, second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(second.body, second.headers)
    with engine.connect() as connection:
        sealed = b"".join(connection.scalars(text("SELECT sealed FROM webhook_secret")))
    assert old.encode() not in sealed
    assert new.encode() not in sealed


def test_a_process_that_dies_between_commit_and_answer_loses_nothing_and_repeats_with_the_same_id(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    _, secret = new_endpoint(engine, company_id, server.url)
    tell(engine, company_id)

    (leased,) = claim_deliveries(engine, {"new": 9})  # and is killed here, before or after it sent this
    desk.sender._outcome(leased, utc_now())
    assert not claim_deliveries(engine, {"new": 9})
    assert send_with(desk) == 0
    end_leases(engine)
    work(desk)

    first, second = server.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    Webhook(secret).verify(second.body, second.headers)
    assert [(row.status, row.attempts) for row in deliveries(engine)] == [("delivered", 2)]


def test_a_failure_is_tried_again_ever_more_rarely_for_three_days(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    new_endpoint(engine, company_id, f"{server.url}/down")
    server.statuses["/down"] = 503
    tell(engine, company_id)
    rests = []
    while (row := deliveries(engine)[0]).status == "waiting":
        work(desk)
        after = deliveries(engine)[0]
        if after.status == "waiting":
            rests.append((after.due_at - utc_now()).total_seconds())
        let_pass(engine, max(timedelta(minutes=5), after.due_at - utc_now() + timedelta(seconds=1)))

    assert row.status == "failed"
    assert row.ended_at is not None
    assert 3 < rests[0] < 7
    assert 14 < rests[1] < 26
    assert max(rests) <= 10.1 * 3600
    assert 12 <= len(attempts(engine)) <= 18
    assert {one[1] for one in attempts(engine)} == {503}
    assert len({one.headers["webhook-id"] for one in server.received}) == 1


def fail_for_five_days(engine: Engine, desk: Desk, company_id: int, url: str) -> int:
    """Create an endpoint and let it fail until it is disabled; return its id."""
    endpoint_id, _ = new_endpoint(engine, company_id, url)
    for number, wait in enumerate((DISABLED_AFTER - timedelta(minutes=1), timedelta(minutes=10), timedelta(0))):
        tell(engine, company_id, number)
        work(desk)
        with engine.connect() as connection:
            endpoint = find_endpoint(connection, company_id, endpoint_id)
        assert endpoint is not None
        assert endpoint.is_enabled == (number < 2)
        let_pass(engine, wait)
    return endpoint_id


def test_an_endpoint_that_fails_for_five_days_is_disabled_and_somebody_is_told(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    endpoint_id = fail_for_five_days(engine, desk, company_id, f"{server.url}/redirect")
    tell(engine, company_id, 4)

    with engine.connect() as connection:
        notices = open_notices(connection, company_id)
        facts = connection.execute(text("SELECT type, entity, actor FROM event ORDER BY position")).all()
        assert delivery_backlog(connection).waiting == 0
    assert [(one.type, one.details["endpoint_id"]) for one in notices] == [("webhook_endpoint.disabled", endpoint_id)]
    assert facts[-1] == ("access.webhook_endpoint_disabled", f"webhook_endpoint:{endpoint_id}", "sender")
    assert len(deliveries(engine)) == 3


def test_an_endpoint_that_is_enabled_by_hand_gets_what_waits(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    endpoint_id = fail_for_five_days(engine, desk, company_id, f"{server.url}/redirect")
    with engine.begin() as connection:
        disabled = find_endpoint(connection, company_id, endpoint_id)
        assert disabled is not None
        changes = {"is_enabled": True, "url": server.url}
        assert change_endpoint(connection, company_id, disabled, changes, actor="tests", now=utc_now()).is_enabled
        assert open_notices(connection, company_id) == []
    let_pass(engine, timedelta(minutes=1))
    work(desk)

    assert [row.status for row in deliveries(engine)] == ["failed", "delivered", "delivered"]  # one was too old


def test_a_delivery_is_sent_again_with_the_same_id_and_body(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    endpoint_id, _ = new_endpoint(engine, company_id, server.url)
    tell(engine, company_id)
    work(desk)
    delivery = deliveries(engine)[0]
    with engine.begin() as connection:
        redeliver(connection, company_id, endpoint_id, delivery.id)
        redeliver(connection, company_id, endpoint_id + 1, delivery.id)
    work(desk)

    first, second = server.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert attempts(engine) == [(1, 204, None), (2, 204, None)]


def test_one_request_at_a_time_is_under_way_to_an_endpoint_in_order(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    new_endpoint(engine, company_id, f"{server.url}/one")
    for number in range(12):
        tell(engine, company_id, number)

    send_with(desk)
    desk.drain()

    assert [json.loads(one.body)["data"]["sync_id"] for one in server.received] == list(range(12))
    assert server.most_at_once == {"/one": 1}


def test_companies_take_turns_and_have_four_requests_under_way_at_most(engine: Engine, company_id: int) -> None:
    other = company_with(engine, "acct_other")
    for number in range(8):
        new_endpoint(engine, company_id, f"http://127.0.0.1:9/{number}")
    new_endpoint(engine, other, "http://127.0.0.1:9/other")
    tell(engine, company_id)
    tell(engine, other)

    first = claim_deliveries(engine, {"new": 2})
    second = claim_deliveries(engine, {"new": 16})
    third = claim_deliveries(engine, {"new": 16})

    assert sorted(one.company_id for one in first) == sorted([company_id, other])
    assert [one.company_id for one in second] == [company_id] * 3
    assert third == []


def claim_one(engine: Engine, standing: Standing) -> str:
    """Claim one delivery of this standing, have it refused or accepted as its URL says, and return that URL."""
    (claimed,) = claim_deliveries(engine, {standing: 1})
    note_attempt(engine, claimed, Attempt(NOON, 10, 503 if "down" in claimed.url else 204), now=NOON)
    return claimed.url.rsplit("/", 1)[-1]


def test_however_much_waits_for_one_endpoint_the_others_have_their_turns_in_between(
    engine: Engine, company_id: int
) -> None:
    for number in range(5):
        new_endpoint(engine, company_with(engine, f"acct_{number}"), f"http://127.0.0.1:9/{number}")
    set_standing(engine, "quick")
    for _ in range(4):
        with engine.begin() as connection:
            for number in range(1, 5):
                announce(connection, company_id + number, SYNC_FAILED, {}, now=NOON)
    with engine.begin() as connection:
        announce(connection, company_id + 5, SYNC_FAILED, {}, now=NOON)

    first_round = [claim_one(engine, "quick") for _ in range(5)]

    assert first_round == ["0", "1", "2", "3", "4"]
    assert claim_one(engine, "quick") == "0"


def test_an_endpoint_that_failed_once_does_not_wait_for_those_that_always_fail(engine: Engine, company_id: int) -> None:
    for number in range(4):
        new_endpoint(engine, company_with(engine, f"acct_{number}"), f"http://127.0.0.1:9/down-{number}")
    new_endpoint(engine, company_id, "http://127.0.0.1:9/mended")
    set_standing(engine, "slow", failures=7)
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_endpoint SET failures = 1 WHERE url LIKE '%mended'"))
    for number in (1, 2, 3, 4, 0):
        tell(engine, company_id + number)
        tell(engine, company_id + number)

    assert claim_one(engine, "slow") == "mended"
    set_standing(engine, "slow", failures=3)
    assert [claim_one(engine, "slow") for _ in range(5)] == ["down-0", "down-1", "down-2", "down-3", "mended"]


def set_standing(engine: Engine, standing: Standing, *, failures: int = 0) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE webhook_endpoint SET standing = :standing, failures = :failures"),
            {"standing": standing, "failures": failures},
        )


def test_choosing_whom_to_ask_costs_as_much_for_each_endpoint_however_many_wait(engine: Engine) -> None:
    companies = 400
    with engine.begin() as connection:
        connection.execute(_MANY, {"companies": companies})
        chosen = f"EXPLAIN (ANALYZE, FORMAT JSON) {claims._CHOOSE}"
        limits = {"quick": 16, "new": 8, "slow": 8, "most_of_company": 4, "failures_that_count": 3}
        plan = connection.execute(text(chosen), limits).scalar_one()

    assert rows_touched(plan[0]["Plan"]) < 60 * 5 * companies


def rows_touched(node: Any) -> float:
    """Return how many rows a plan's nodes read together, those that they left out included."""
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    own = sum(node.get(name, 0) for name in names) * node["Actual Loops"]
    return float(own + sum(rows_touched(below) for below in node.get("Plans", ())))


def test_a_deleted_endpoint_takes_its_deliveries_along(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    endpoint_id, _ = new_endpoint(engine, company_id, server.url)
    tell(engine, company_id)
    (leased,) = claim_deliveries(engine, {"new": 9})
    with engine.begin() as connection:
        assert delete_endpoint(connection, company_id, endpoint_id, actor="tests", now=NOON)
    desk.sender._send(leased)

    assert deliveries(engine) == []


def test_what_is_over_is_kept_for_a_month_and_what_waits_for_as_long_as_it_does(
    engine: Engine, desk: Desk, server: Receiver, company_id: int
) -> None:
    new_endpoint(engine, company_id, server.url)
    tell(engine, company_id)
    work(desk)
    tell(engine, company_id, 2)
    with engine.connect() as connection:
        assert is_any_delivery_due(connection)
    with engine.begin() as connection:
        purge_deliveries(connection)
        kept = len(deliveries(engine))
        connection.execute(text("UPDATE webhook_delivery SET ended_at = ended_at - interval '31 days'"))
        purge_deliveries(connection)

    assert kept == 2
    assert [row.status for row in deliveries(engine)] == ["waiting"]
