"""What the webhook endpoint accepts: every authentic event, stored verbatim and once, whatever it says or how late."""

import json
from datetime import timedelta
from hashlib import sha256
from itertools import permutations

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, text

from backlog.jobs import PROJECTION
from events.log.payloads import decompressed
from projections.engine.behind import is_anybody_behind
from tests.prove.simulation.bugs import first_of_a_second_wins
from tests.support.clock import NOON, SetClock
from tests.support.company import catch_up, company_with
from tests.support.payloads import ACCOUNT, CREATED, customer, event, new_invoice, new_line
from tests.support.signing import json_bytes
from tests.support.web.webhooks import bodies_of, count, count_stored, invoice_event, log_of, post, until


@pytest.fixture
def company(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def lines_of(engine: Engine, company_id: int) -> list[tuple[object, ...]]:
    """Return the company's table without the columns that depend on when an event was received."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
                SELECT invoice_id, invoice_line_item_id, customer_name, amount, invoice_status, date, invoice_complete
                FROM revenue_line WHERE company_id = :company ORDER BY 1, 2
            """),
            {"company": company_id},
        )
        return [tuple(row) for row in rows]


def test_event_is_kept_with_what_its_envelope_says(client: FlaskClient, engine: Engine, company: int) -> None:
    body = invoice_event("in_7", id="evt_7", api_version="2020-08-27")

    assert post(client, body).status_code == 200

    [recorded] = log_of(engine, company)
    assert (recorded.type, recorded.external_id) == ("invoice.paid", f"{ACCOUNT}/live/evt_7")
    assert (recorded.entity, recorded.account_id, recorded.livemode) == ("invoice:in_7", ACCOUNT, True)
    assert (recorded.api_version, recorded.occurred_at and recorded.occurred_at.timestamp()) == ("2020-08-27", CREATED)
    assert (recorded.payload, recorded.payload_sha256) == (body, sha256(body).digest())
    assert recorded.correlation_id is not None


VERBATIM = {
    "spaces of its own": json.dumps(event(new_invoice()), indent=7).encode() + b"\n\n",
    "NUL, escaped": invoice_event().replace(b"Zed", rb"\u0000"),
    "lone surrogate": invoice_event().replace(b"Zed", rb"\ud800"),
    "another alphabet": json.dumps(event(new_invoice(customer_name="Ζήτα 株式会社 🧾")), ensure_ascii=False).encode(),
    "amount that is no integer": invoice_event().replace(b"30000", b"0.1"),
    "amount over 64 bits": invoice_event().replace(b"30000", b"99999999999999999999"),
    "minus zero": invoice_event().replace(b"30000", b"-0"),
    "type nobody knows": invoice_event(event_type="teapot.brewed"),
    "subject nobody knows": json_bytes(event({"id": "tea_1", "object": "teapot"}, "teapot.brewed")),
    "subject without an id": json_bytes(event({"object": "balance", "available": []}, "balance.available")),
    "no subject": json_bytes(event({}, "account.updated", data=None)),
    "fields nobody knows": json_bytes(event(new_invoice(brand_new={"a": [1]}), brand_new=True)),
    "words nobody knows": json_bytes(event(new_invoice(status="half_paid"))),
    "needed fields missing": json_bytes(event({"id": "in_1", "object": "invoice"})),
    "version of the future": invoice_event(api_version="2099-01-01.zinnia"),
    "no version": invoice_event(api_version=None),
    "no time": invoice_event(created=None),
    "time beyond all calendars": invoice_event(created=10**30),
}


def test_authentic_event_is_kept_byte_for_byte_whatever_it_tells(
    client: FlaskClient, engine: Engine, company: int
) -> None:
    answered = {what: post(client, body).status_code for what, body in VERBATIM.items()}

    assert answered == dict.fromkeys(VERBATIM, 200)
    assert bodies_of(engine, company) == list(VERBATIM.values())


def test_event_sent_again_is_acknowledged_and_kept_once(
    client: FlaskClient, engine: Engine, company: int, clock: SetClock
) -> None:
    body = invoice_event()

    at_once = [post(client, body).status_code for _ in range(3)]
    clock.advance(timedelta(days=2))
    days_later = post(client, body, at=clock.now).status_code

    assert (at_once, days_later) == ([200] * 3, 200)
    assert bodies_of(engine, company) == [body]


def test_another_body_under_a_known_id_is_acknowledged_and_set_aside(
    client: FlaskClient, engine: Engine, company: int
) -> None:
    first, second = invoice_event("in_1", id="evt_1"), invoice_event("in_2", id="evt_1")

    assert [post(client, body).status_code for body in (first, second, second)] == [200] * 3

    assert bodies_of(engine, company) == [first]
    with engine.connect() as connection:
        [aside] = connection.execute(text("SELECT * FROM event_conflict"))
    assert (aside.company_id, decompressed(aside.payload_zstd)) == (company, second)


def test_event_that_could_not_be_folded_yet_is_acknowledged_again_and_folded_once(
    client: FlaskClient, engine: Engine, company: int
) -> None:
    body = invoice_event()
    post(client, body)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE revenue_line ADD CONSTRAINT closed CHECK (amount < 0)"))
    catch_up(engine)

    assert lines_of(engine, company) == []
    assert post(client, body).status_code == 200
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE revenue_line DROP CONSTRAINT closed"))
        connection.execute(text("UPDATE projection_state SET retry_at = NULL"))
    catch_up(engine)

    assert [line[3] for line in lines_of(engine, company)] == [30_000]
    assert count(engine, "event") == 1


def test_event_whose_wake_up_was_lost_is_found_in_the_tables(
    client: FlaskClient, engine: Engine, company: int, redis: Redis
) -> None:
    post(client, invoice_event())
    assert until(lambda: redis.llen(f"rq:queue:{PROJECTION}") == 1)
    redis.flushall()

    with engine.connect() as connection:
        assert is_anybody_behind(connection)
    catch_up(engine)

    assert len(lines_of(engine, company)) == 1


def test_burst_of_events_asks_for_one_job(client: FlaskClient, company: int, redis: Redis) -> None:
    for _ in range(50):
        post(client, invoice_event())

    assert until(lambda: redis.llen(f"rq:queue:{PROJECTION}") == 1)
    assert not until(lambda: redis.llen(f"rq:queue:{PROJECTION}") != 1, seconds=0.3)


def tables_of_all_orders(client: FlaskClient, engine: Engine) -> list[list[tuple[object, ...]]]:
    """Send events of one second and others in every order, each to a company of its own, and return their lines."""
    history = [
        event(new_invoice(status="open", customer_name="Zed"), "invoice.finalized", created=CREATED),
        event(new_invoice(status="paid", customer_name="Zed"), "invoice.paid", created=CREATED),
        event(customer("Zeta"), "customer.updated", created=CREATED + 1),
        event({"id": "in_2", "object": "invoice", "status": "draft"}, "invoice.deleted", created=CREATED + 2),
        event(new_invoice("in_2", new_line("il_2"), status="draft"), "invoice.updated", created=CREATED),
    ]
    companies = []
    for number, order in enumerate(permutations(history)):
        companies.append(company_with(engine, f"acct_{number}"))
        for payload in order:
            assert post(client, json_bytes(payload | {"account": f"acct_{number}"})).status_code == 200
    catch_up(engine)
    return [lines_of(engine, company) for company in companies]


def test_events_in_any_order_and_of_one_second_give_one_table(client: FlaskClient, engine: Engine) -> None:
    tables = tables_of_all_orders(client, engine)

    assert [line[:5] for line in tables[0]] == [("in_1", "il_1", "Zeta", 30_000, "paid")]
    assert tables == [tables[0]] * len(tables)


@pytest.mark.planted("of two facts of one second the second is dropped (webhooks in any order)", trials=(0, 1))
def test_that_the_second_of_two_facts_is_dropped_is_found(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_of_a_second_wins(monkeypatch)

    tables = tables_of_all_orders(client, engine)

    assert tables != [tables[0]] * len(tables)


def test_event_older_than_what_is_known_is_kept_and_sets_nothing_back(
    client: FlaskClient, engine: Engine, company: int, clock: SetClock
) -> None:
    post(client, json_bytes(event(new_invoice(status="paid"), created=CREATED + 60)))
    catch_up(engine)
    before = lines_of(engine, company)

    clock.advance(timedelta(days=3))
    late = json_bytes(event(new_invoice(status="open"), "invoice.finalized", created=CREATED))
    assert post(client, late, at=NOON + timedelta(days=3)).status_code == 200
    catch_up(engine)

    assert lines_of(engine, company) == before
    assert count_stored(engine) == 2
