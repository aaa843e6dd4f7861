"""Run the whole product with a small company: synced once, told of a payment, and of an invoice it cannot read."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import requests
from sqlalchemy import Engine

from runtime.clock import utc_now
from sandbox.demo_company import demo_company
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings, simulated_stripe_environment
from sandbox.examples.books import Books
from sandbox.processes import process, web
from sandbox.stripe.account.endpoints import Endpoint, signature
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.demo import FIRST_COMPANY
from sandbox.stripe.running import StripeServer
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tenants.users import add_user, set_member

_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 30
_PERMISSIONS = (*NEEDED_PERMISSIONS, "rak_webhook_write")
_SECOND_MEMBER = "grace@example.org"


@dataclass(frozen=True, slots=True)
class Demo:
    """The running product, a company of it with its key, and ids that are worth asking for."""

    origin: str
    company_id: int
    key: str
    # A key of the same account at Stripe, with which it may be connected again.
    restricted_key: str
    ids: dict[str, object] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - those of requests
        """Send a request with the company's key, and return the answer whatever its status is."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        url = self.origin + path
        return requests.request(method, url, headers=headers, timeout=_TIMEOUT_SECONDS, **options)

    def read(self, below: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of a path of the company."""
        answer = self.ask("GET", f"/v1/companies/{self.company_id}{below}")
        answer.raise_for_status()
        return answer.json()


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait until this is true.

    :raises TimeoutError: it was not, for a minute
    """
    deadline, pause = time.monotonic() + _PATIENCE_SECONDS, Event()
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        pause.wait(_POLL_SECONDS)


@contextmanager
def running_demo(engine: Engine, database_url: str, redis_url: str) -> Iterator[Demo]:
    """Start all processes on this database and this Redis, and fill the company's table. Stop everything on exit."""
    stripe = SimulatedStripe(lambda: int(time.time()), seed=SIMULATED_ACCOUNT_SEED)
    books = Books.written_in(stripe.create_account(FIRST_COMPANY))
    with TemporaryDirectory() as directory, StripeServer(stripe) as server:
        saved = DemoSettings.load(Path(directory, "demo.json"))
        environment = _environment(saved, server) | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        key, company_id = demo_company(engine, saved)
        with engine.begin() as connection:
            second = add_user(connection, _SECOND_MEMBER, password_hash=None)
            set_member(connection, company_id, second.id, "viewer", actor="demo", now=utc_now())
        restricted_key = stripe.restricted_key(books.account.id, livemode=True, permissions=_PERMISSIONS)
        with (
            process(["-m", "workers", "clock"], environment),
            process(["-m", "workers", "work"], environment),
            web("wsgi:app", environment) as (port, _),
        ):
            demo = Demo(f"http://127.0.0.1:{port}", company_id, key, restricted_key, {"user_id": second.id})
            until(lambda: demo.read("/connection")["last_success_at"], "the first sync did not succeed")
            endpoint = stripe.add_endpoint(f"{demo.origin}/webhooks/stripe", [saved.webhook_secret])
            _tell(demo, books, server, endpoint)
            yield demo


def _environment(saved: DemoSettings, server: StripeServer) -> dict[str, str]:
    stripe_port = int(server.url.rpartition(":")[2])
    variables = os.environ | saved.environment() | simulated_stripe_environment(saved, stripe_port, 0)
    del variables["PUBLIC_URL"]
    # One web process is enough, and no setting of this machine may change an answer.
    return {**variables, "WEB_CONCURRENCY": "1", "SMTP_URL": ""}


def _tell(demo: Demo, books: Books, server: StripeServer, endpoint: Endpoint) -> None:
    """Send webhooks of an invoice that is opened and then paid, and one that repeats a line's id."""
    invoice = books.bill(pays=False)
    books.account.live.pay_invoice(invoice.id, at=invoice.created + 3_600)
    told = list(server.stripe.signed_deliveries(endpoint))
    for delivery in told:
        _post(endpoint, delivery.body)
    until(lambda: _is_paid(demo, invoice.id), "the payment did not reach the table")
    _post(endpoint, _unreadable(next(one.body for one in told if one.event_type == "invoice.finalized")))
    until(lambda: demo.read("/quarantine")["data"], "nothing was quarantined")
    line_id = demo.read(f"/revenue-lines?invoice_id={invoice.id}")["data"][0]["invoice_line_item_id"]
    position = demo.read(f"/revenue-lines/{line_id}/history")["data"][-1]["event"]["position"]
    demo.ids.update(line_id=line_id, position=position, run_id=demo.read("/syncs")["data"][-1]["id"])


def _is_paid(demo: Demo, invoice_id: str) -> bool:
    lines = demo.read(f"/revenue-lines?invoice_id={invoice_id}")["data"]
    return bool(lines) and lines[0]["invoice_status"] == "paid"


def _unreadable(body: bytes) -> bytes:
    event = json.loads(body)
    invoice = event["data"]["object"]
    event["id"], invoice["id"] = "evt_1ExampleThatRepeatsALine", "in_1ExampleThatRepeatsALine"
    invoice["lines"]["data"] *= 2
    return json.dumps(event).encode()


def _post(endpoint: Endpoint, body: bytes) -> None:
    headers = {
        "Content-Type": "application/json",
        "Stripe-Signature": signature(body, endpoint.secrets, at=int(time.time())),
    }
    requests.post(endpoint.url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS).raise_for_status()
