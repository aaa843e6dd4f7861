"""A busy account's past over HTTP: reading as of an instant equals reading a log that ends there, byte for byte."""

import json
import os
from datetime import datetime
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.records.versions import NEWEST
from sandbox.stripe.render.render import render_event
from tenants.companies import add_company
from tests.support.clock import NOON
from tests.support.company import catch_up, new_key_headers, record_events
from tests.support.log import copy_log
from tests.support.web.lines import Reader

INSTANTS = int(os.environ.get("REVMAP_INSTANTS", "10"))
_LIST: dict[str, Any] = {"limit": "500", "include": "totals"}
# Each instant reads the whole list and one of these in turn, which cover every sort and several filters.
READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/revenue-lines", _LIST),
    ("/revenue-lines", _LIST | {"sort": "-amount"}),
    ("/revenue-lines", _LIST | {"sort": "date", "invoice_status": "paid"}),
    ("/revenue-lines", _LIST | {"sort": "amount", "type": "recurring", "currency": "usd"}),
    ("/revenue-lines", _LIST | {"cadence": "annual", "amount_min": "1"}),
    ("/revenue-lines", _LIST | {"sort": "customer_name", "currency": ["eur", "usd"]}),
    ("/revenue-lines", _LIST | {"sort": "-updated_at", "invoice_status": ["open", "paid"]}),
    ("/revenue-lines", _LIST | {"sort": "-customer_name"}),
)


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    """Return Stripe's events of a year of an account with every kind of invoice, shuffled."""
    stripe = SimulatedStripe(lambda: int(NOON.timestamp()), seed=7, api_version=NEWEST)
    account = stripe.create_account("Busy Samples")
    generate(account, invoices=60, seed=7)
    events = [render_event(event, NEWEST, account_id=account.id) for event in account.live.journal.events]
    Random(7).shuffle(events)
    return events


def test_random_instants_of_a_busy_account_read_like_a_replay_of_the_log_cut_there(
    client: FlaskClient, engine: Engine, bodies: list[bytes]
) -> None:
    busy = Reader.of_new_company(client, engine, json.loads(bodies[0])["account"])
    for start in range(0, len(bodies), 8):
        record_events(engine, *bodies[start : start + 8])
    catch_up(engine)
    with engine.begin() as connection:
        company_id = add_company(connection, "Replayed").id
    replayed = Reader(client, engine, company_id, new_key_headers(engine, company_id))

    reached = 0
    for turn, (position, instant) in enumerate(moments(engine, busy.company_id)):
        copy_log(engine, busy.company_id, replayed.company_id, after=reached, through=position)
        catch_up(engine)
        reached = position
        for path, query in (READS[0], READS[turn % len(READS)]):
            assert_same(busy.get(path, **query, as_of=instant.isoformat()), replayed.get(path, **query))
        assert_same(busy.get("/revenue-by-month", as_of=instant.isoformat()), replayed.get("/revenue-by-month"))

    assert len(replayed.page(limit="500")["data"]) > 50


def moments(engine: Engine, company_id: int) -> list[tuple[int, datetime]]:
    """Return random instants at which events were recorded, in order, each with the log's length then."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT max(position), recorded_at FROM event WHERE company_id = :id GROUP BY recorded_at ORDER BY 1"),
            {"id": company_id},
        ).all()
    return [(row[0], row[1]) for row in sorted(Random(11).sample(rows, INSTANTS))]


def assert_same(past: Any, now: Any) -> None:
    assert (past.status_code, now.status_code) == (200, 200), (past.text, now.text)
    assert past.get_data() == now.get_data()
