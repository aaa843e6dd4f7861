"""Generated accounts: with all oddities, and the same for the same seed."""

import os
import subprocess
import sys
from collections import Counter
from hashlib import sha256

import pytest

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.account.truth import revenue_table
from sandbox.stripe.generate.bulk import generate_bulk
from sandbox.stripe.generate.generate import generate
from tests.support.stripe_clock import HandClock

END = 1_760_000_000
_DIGEST = """
from tests.sandbox.stripe.test_generate import digest
print(digest(seed=5))
"""


def digest(seed: int) -> str:
    """Return a hash of all bytes that would be sent to an endpoint for a generated account."""
    simulated = SimulatedStripe(HandClock(), seed=seed)
    endpoint = simulated.add_endpoint("", ["whsec_1"], api_version="2024-12-18.acacia")
    generate(simulated.create_account("Acme Samples"), invoices=60, seed=seed)
    return sha256(b"".join(delivery.body for delivery in simulated.signed_deliveries(endpoint))).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    other = subprocess.run([sys.executable, "-c", _DIGEST], env=environment, capture_output=True, check=True, text=True)

    assert other.stdout.strip() == digest(seed=5)
    assert digest(seed=5) != digest(seed=6)


@pytest.fixture(scope="module")
def business() -> Account:
    simulated = SimulatedStripe(HandClock(END), seed=1)
    account = simulated.create_account("Acme Samples")
    generate(account, invoices=500, seed=1)
    return account


def test_every_status_comes(business: Account) -> None:
    statuses = Counter(invoice.status for invoice in business.live.invoices)

    assert statuses.keys() == {"draft", "open", "paid", "void", "uncollectible"}
    assert statuses["paid"] > 300


def test_every_cadence_type_and_currency_comes(business: Account) -> None:
    rows = revenue_table(business, livemode=True)

    cadences = {"one_time", "monthly", "quarterly", "semi_annual", "annual", "other"}
    assert {row["cadence"] for row in rows} == cadences
    assert {row["currency"] for row in rows} == {"usd", "eur", "gbp", "jpy", "kwd"}
    assert {row["cadence_source"] for row in rows} == {"price", "no_price"}
    intervals = {(row["interval"]["count"], row["interval"]["unit"]) for row in rows if row["interval"]}
    assert {(1, "week"), (1, "day"), (4, "week"), (2, "month"), (2, "year"), (12, "month")} < intervals


def test_every_oddity_of_lines_comes(business: Account) -> None:
    rows = revenue_table(business, livemode=True)

    assert {11, 101, 251} <= {len(invoice.lines) for invoice in business.live.invoices}
    assert {"1.5", "3", None} <= {row["quantity"] for row in rows}
    assert any(row["proration"] and row["amount"] < 0 for row in rows)
    assert any(row["discount_amount"] and row["tax_amount"] for row in rows)
    assert any(row["amount"] == 0 and row["type"] == "recurring" for row in rows)
    assert any(row["type"] == "one_time" and row["subscription_id"] for row in rows)
    assert {None, "=1+1", "<img src=x onerror=alert(1)>"} <= {row["description"] for row in rows}
    assert {"small-monthly", "small-annual"} <= {row["price_id"] for row in rows}


def test_every_oddity_of_customers_comes(business: Account) -> None:
    rows = revenue_table(business, livemode=True)
    customers = list(business.live.customers)

    assert {None, "東京テスト株式会社", "<img src=x onerror=alert(1)>"} <= {row["customer_name"] for row in rows}
    assert any(row["customer_name"] != row["customer_name_on_invoice"] for row in rows)
    assert any(customer.deleted for customer in customers)


def test_a_deleted_customer_has_the_name_that_its_invoices_froze(business: Account) -> None:
    """A deleted customer's name cannot be read any more, but a reader of the API must still be able to know it."""
    gone = {customer.id for customer in business.live.customers if customer.deleted}

    rows = [row for row in revenue_table(business, livemode=True) if row["customer_id"] in gone]

    assert rows
    assert all(row["customer_name"] == row["customer_name_on_invoice"] for row in rows)


def test_every_kind_of_event_comes_and_none_after_the_end(business: Account) -> None:
    events = list(business.live.journal.events)

    assert {event.type for event in events} >= {
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "credit_note.created",
        "invoice.created",
        "invoice.deleted",
        "invoice.finalized",
        "invoice.marked_uncollectible",
        "invoice.paid",
        "invoice.upcoming",
        "invoice.updated",
        "invoice.voided",
    }
    assert max(event.created for event in events) <= END
    assert max(Counter(invoice.created for invoice in business.live.invoices).values()) > 100


def test_money_of_three_decimals_ends_in_zero(business: Account) -> None:
    dinars = [row for row in revenue_table(business, livemode=True) if row["currency"] == "kwd"]

    assert dinars
    assert [row for row in dinars if row["net_amount"] % 10] == []


def test_before_dahlia_no_quantity_has_a_fraction() -> None:
    simulated = SimulatedStripe(HandClock(), seed=1, api_version="2024-06-20")
    account = simulated.create_account("Acme Samples")
    generate(account, invoices=100, seed=1)

    quantities = {row["quantity"] for row in revenue_table(account, livemode=True)}

    assert [quantity for quantity in quantities if quantity and "." in quantity] == []


def test_a_bulk_account_has_the_lines_it_should_and_no_events(acme: Account) -> None:
    generate_bulk(acme, invoices=1_000, lines_per_invoice=3)

    assert Counter(len(invoice.lines) for invoice in acme.live.invoices) == {3: 980, 25: 20}
    assert len(acme.live.journal.events) == 0
    assert {invoice.status for invoice in acme.live.invoices} == {"paid", "open", "void", "uncollectible"}
    assert len(revenue_table(acme, livemode=True)) == 3_440
