"""Control of a simulated Stripe from another process."""

from threading import Event, Thread
from typing import Any

import pytest
import requests

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.truth import revenue_table
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer

Json = dict[str, Any]


class Control:
    """A client of `/_sandbox`."""

    def __init__(self, server: StripeServer, http: requests.Session) -> None:
        self.base = f"{server.url}/_sandbox"
        self.http = http

    def __call__(self, method: str, door: str, body: Json | list[Json] | None = None) -> Any:
        answer = self.http.request(method, f"{self.base}/{door}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["answer"]


@pytest.fixture
def control(server: StripeServer, http: requests.Session) -> Control:
    return Control(server, http)


def test_an_invoice_is_made_and_paid_from_outside(control: Control, acme: Account) -> None:
    def do(action: str, **arguments: object) -> str:
        return str(control("POST", "do", {"account": acme.id, "action": action, **arguments})["id"])

    customer, product = do("create_customer", name="Zed Samples"), do("create_product", name="Team plan")
    price = do("create_price", product_id=product, unit_amount=900, every=[3, "month"])
    line = {"amount": 900, "price": price, "period": [1_761_955_200, 1_769_904_000]}
    line |= {"discounts": [{"id": "di_1", "amount": 100}]}
    invoice = do("create_invoice", customer_id=customer, lines=[line], spec={"currency": "eur"})
    do("finalize_invoice", invoice_id=invoice)
    do("pay_invoice", invoice_id=invoice)

    (row,) = control("GET", f"truth?account={acme.id}")
    assert (row["invoice_id"], row["invoice_status"], row["cadence"]) == (invoice, "paid", "quarterly")
    assert (row["currency"], row["net_amount"]) == ("eur", 800)
    assert [row] == revenue_table(acme, livemode=True)
    # 8.00 over the 92 days of November, December and January.
    months = [["eur", "2025-11", 261], ["eur", "2025-12", 269], ["eur", "2026-01", 270]]
    assert control("GET", f"recognized?account={acme.id}") == months


def test_an_account_is_opened_and_filled_from_outside(control: Control, server: StripeServer) -> None:
    opened = control("POST", "accounts", {"name": "Fresh Samples"})
    control("POST", "generate", {"account": opened["id"], "invoices": 20, "seed": 3, "livemode": False})
    filled = control("POST", "generate", {"account": opened["id"], "invoices": 50, "bulk": True})

    account = server.stripe.accounts[opened["id"]]
    assert filled == {"invoices": 50}
    assert len(account.test.invoices) >= 15
    described = control("GET", "accounts")["accounts"]
    assert [each["platform"] for each in described] == [True, False]
    assert described[1]["keys"]["live"] == account.secret_key(livemode=True)


def test_faults_and_counts_are_set_and_read_from_outside(
    control: Control, http: requests.Session, server: StripeServer, live: dict[str, str]
) -> None:
    control("POST", "faults", [{"kind": "error", "status": 503}, {"kind": "html", "nth": 2, "status": 500}])

    statuses = [http.get(f"{server.url}/v1/invoices", headers=live).status_code for _ in range(3)]

    assert statuses == [503, 500, 200]
    assert control("GET", "faults") == [["error", "/v1/invoices"], ["html", "/v1/invoices"]]
    assert control("GET", f"requests?account={live['Stripe-Account']}") == {"GET /v1/invoices": 3}
    control("DELETE", "requests")
    control("DELETE", "faults")
    assert (control("GET", "requests"), control("GET", "faults")) == ({}, [])


def test_an_endpoint_is_registered_and_everything_sent_again_from_outside(
    control: Control, server: StripeServer, acme: Account
) -> None:
    control("POST", "endpoints", {"url": "http://127.0.0.1:9/", "secrets": ["whsec_1"]})
    acme.live.create_customer("Zed Samples")
    server.dispatcher.deliver_due()

    assert control("POST", "deliveries", {}) == {"queued": 1}
    server.dispatcher.deliver_due()
    attempts = control("GET", "deliveries")
    assert [(attempt["event_type"], attempt["status"]) for attempt in attempts] == [("customer.created", None)] * 2


def test_a_connection_is_made_and_taken_back_from_outside(
    control: Control, server: StripeServer, acme: Account
) -> None:
    control("POST", "disconnect", {"account": acme.id})
    assert (acme.id, True) not in server.stripe.connections

    control("POST", "connect", {"account": acme.id})
    assert (acme.id, True) in server.stripe.connections


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("do", {"account": "acct_unknown", "action": "create_customer"}),
        ("do", {"action": "create_customer"}),
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "error", "colour": "red"}),
        ("faults", {}),
    ],
)
def test_a_mistake_is_told(server: StripeServer, http: requests.Session, door: str, body: Json) -> None:
    answer = http.post(f"{server.url}/_sandbox/{door}", json=body)

    assert answer.status_code == 400
    assert answer.json()["mistake"]


def test_no_method_but_a_move_can_be_called(server: StripeServer, http: requests.Session, acme: Account) -> None:
    answer = http.post(f"{server.url}/_sandbox/do", json={"account": acme.id, "action": "__init__"})

    assert (answer.status_code, "no action '__init__'" in answer.json()["mistake"]) == (400, True)


def test_a_list_can_be_read_while_invoices_are_made_and_deleted(
    server: StripeServer, http: requests.Session, live: dict[str, str], acme: Account
) -> None:
    customer = acme.live.create_customer("Zed Samples")
    done = Event()

    def bustle() -> None:
        while not done.is_set():
            acme.live.delete_invoice(acme.live.create_invoice(customer.id, [LineSpec(amount=1)]).id)

    thread = Thread(target=bustle)
    thread.start()
    try:
        answers = [http.get(f"{server.url}/v1/invoices", headers=live) for _ in range(30)]
    finally:
        done.set()
        thread.join()

    assert {answer.status_code for answer in answers} == {200}
    assert {len(answer.json()["data"]) for answer in answers} <= {0, 1}
