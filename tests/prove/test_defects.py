"""Defects known elsewhere, asked for by webhook and read by the API: docs/conformance.md names all of them."""

import csv
from datetime import UTC, datetime
from itertools import permutations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.company import catch_up
from tests.support.payloads import CREATED, event, new_invoice, new_line, old_invoice, old_line, price
from tests.support.signing import json_bytes
from tests.support.web.lines import Reader
from tests.support.web.webhooks import post


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def table_after(client: FlaskClient, engine: Engine, *events: dict, account: str) -> list[dict]:
    """Send webhooks for a new company, and return the lines that the API then shows, by their ids."""
    reader = Reader.of_new_company(client, engine, account)
    for one in events:
        assert post(client, json_bytes(one | {"account": account})).status_code == 200
        catch_up(engine)
    return sorted(reader.page()["data"], key=lambda line: str(line["invoice_line_item_id"]))


def test_d5_d7_the_lines_of_an_invoice_are_one_set_whatever_comes_late(client: FlaskClient, engine: Engine) -> None:
    first = new_invoice("in_1", new_line("il_a", amount=100), new_line("il_b", amount=200), status="open")
    second = new_invoice("in_1", new_line("il_b", amount=250), new_line("il_c", amount=300), status="open")
    paid = new_invoice("in_1", new_line("il_b", amount=250), new_line("il_c", amount=300), status="paid")
    history = [
        event(invoice, "invoice.updated", created=CREATED + at) for at, invoice in enumerate((first, second, paid))
    ]

    for number, order in enumerate(permutations(history)):
        lines = table_after(client, engine, *order, account=f"acct_{number}")
        told = [(line["invoice_line_item_id"], line["amount"], line["invoice_status"]) for line in lines]
        assert told == [("il_b", 250, "paid"), ("il_c", 300, "paid")], order


def test_d8_an_event_of_another_shape_clears_nothing(client: FlaskClient, engine: Engine) -> None:
    shapes = [old_invoice("in_1", old_line("il_1")), new_invoice("in_1", new_line("il_1"))]
    named = event(price(), "price.updated", created=CREATED)

    for number, order in enumerate(permutations(shapes)):
        history = [event(invoice, "invoice.updated", created=CREATED + at) for at, invoice in enumerate(order)]
        [line] = table_after(client, engine, named, *history, account=f"acct_{number}")
        assert (line["subscription_id"], line["cadence"], line["price_id"]) == ("sub_1", "quarterly", "price_q")


def test_d10_amounts_of_any_size_and_currency_are_exact(client: FlaskClient, reader: Reader) -> None:
    amounts = {"usd": 3_000_000_000, "jpy": 9_007_199_254_740_993, "kwd": 1_234_567_890}
    for currency, amount in amounts.items():
        line = new_line(f"il_{currency}", amount=amount, currency=currency)
        assert (
            post(client, json_bytes(event(new_invoice(f"in_{currency}", line, currency=currency)))).status_code == 200
        )
    catch_up(reader.engine)

    assert {line["currency"]: line["amount"] for line in reader.page()["data"]} == amounts
    table = csv.DictReader(reader.get("/revenue-lines.csv").text.removeprefix("\ufeff").splitlines())
    shown = {row["currency"].lower(): row["amount"] for row in table}
    assert shown == {"usd": "30000000.00", "jpy": "9007199254740993", "kwd": "1234567.890"}


def test_c5_a_line_is_dated_by_the_beginning_of_its_own_period(client: FlaskClient, reader: Reader) -> None:
    def unix(*moment: int) -> int:
        return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]

    begins = {
        "il_renewal": (unix(2026, 2, 1), unix(2026, 3, 1)),
        "il_arrears": (unix(2026, 1, 1), unix(2026, 2, 1)),
        "il_instant": (unix(2026, 1, 31, 23, 59, 59), unix(2026, 1, 31, 23, 59, 59)),
        "il_proration": (unix(2026, 2, 14, 13), unix(2026, 3, 1)),
        "il_anchor_31": (unix(2026, 1, 31), unix(2026, 2, 28)),
        "il_clock_change": (unix(2026, 3, 29, 1), unix(2026, 4, 29, 1)),
    }
    lines = [new_line(line_id, period={"start": start, "end": end}) for line_id, (start, end) in begins.items()]
    # An invoice's own period is the one before.
    invoice = new_invoice("in_1", *lines, period_start=unix(2026, 1, 1), period_end=unix(2026, 2, 1))
    assert post(client, json_bytes(event(invoice))).status_code == 200
    catch_up(reader.engine)

    shown = {line["invoice_line_item_id"]: line["date"] for line in reader.page()["data"]}
    assert shown == {
        line_id: datetime.fromtimestamp(start, UTC).date().isoformat() for line_id, (start, _) in begins.items()
    }
