"""The whole product in one process, with a small company: synced, told of a payment and of an unreadable invoice."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.factory import create_app
from app.wiring.settings import WebSettings
from app.wiring.tools import tools_from
from backlog.queues import JOB_OF
from backlog.syncs.requests import request_sync
from runtime.clock import utc_now
from sandbox.demo_company import demo_company
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings, simulated_stripe_environment
from sandbox.examples.books import Books
from sandbox.stripe.account.endpoints import Endpoint, signature
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.demo import FIRST_COMPANY
from sandbox.stripe.running import StripeServer
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tenants.users import add_user, set_member

ORIGIN = "https://revmap.example.com"
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_MOST_ROUNDS = 20
_PERMISSIONS = (*NEEDED_PERMISSIONS, "rak_webhook_write")
_SECOND_MEMBER = "grace@example.org"


@dataclass(frozen=True, slots=True)
class Demo:
    """The product, a company of it with its key, and ids that are worth asking for.

    `restricted_key` is one with which its account may be connected again; `receiver` takes what is sent to customers.
    """

    client: FlaskClient
    company_id: int
    key: str
    restricted_key: str
    receiver: str
    ids: dict[str, object] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - those of Werkzeug
        """Send a request with the company's key, and return the answer whatever its status is."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return self.client.open(path, method=method, base_url=ORIGIN, headers=headers, buffered=True, **options)

    def read(self, below: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of a path of the company."""
        return self.ask("GET", f"/v1/companies/{self.company_id}{below}").get_json()

    def work_until(self, is_so: Callable[[], object], what: str) -> None:
        """Do the work of the queues until this is true.

        :raises TimeoutError: it was not, for a minute
        """
        deadline, pause = time.monotonic() + _PATIENCE_SECONDS, Event()
        self.work()
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            pause.wait(_POLL_SECONDS)
            self.work()

    def work(self) -> None:
        """Do what is due in all queues, as the workers would."""
        for _ in range(_MOST_ROUNDS):
            done = [resolve_name(job.replace(".jobs.", ".jobs:"))() for job in JOB_OF.values()]
            if not any(done):
                return


@contextmanager
def running_demo(engine: Engine, database_url: str, redis_url: str) -> Iterator[Demo]:
    """Fill the company's table on this database and this Redis. Sets this process's environment: it is for it alone."""
    stripe = SimulatedStripe(lambda: int(time.time()), seed=SIMULATED_ACCOUNT_SEED)
    books = Books.written_in(stripe.create_account(FIRST_COMPANY))
    with TemporaryDirectory() as directory, StripeServer(stripe) as server, _receiver() as receiver:
        saved = DemoSettings.load(Path(directory, "demo.json"))
        os.environ.update(_environment(saved, server), DATABASE_URL=database_url, REDIS_URL=redis_url)
        key, company_id = demo_company(engine, saved)
        with engine.begin() as connection:
            second = add_user(connection, _SECOND_MEMBER, password_hash=None)
            set_member(connection, company_id, second.id, "editor", actor="demo", now=utc_now())
            request_sync(connection, company_id, trigger="initial", actor="clock", now=utc_now())
        restricted_key = stripe.restricted_key(books.account.id, livemode=True, permissions=_PERMISSIONS)
        client = create_app(tools_from(WebSettings.from_environ())).test_client()
        demo = Demo(client, company_id, key, restricted_key, receiver, {"user_id": second.id})
        demo.work_until(lambda: demo.read("/connection")["last_success_at"], "the first sync did not succeed")
        _tell(demo, books, stripe, stripe.add_endpoint(f"{ORIGIN}/webhooks/stripe", [saved.webhook_secret]))
        yield demo


def _environment(saved: DemoSettings, server: StripeServer) -> dict[str, str]:
    port = int(server.url.rpartition(":")[2])
    variables = saved.environment() | simulated_stripe_environment(saved, port, 0)
    return variables | {"PUBLIC_URL": ORIGIN, "SMTP_URL": "", "OUTBOUND_WEBHOOKS": "any"}


@contextmanager
def _receiver() -> Iterator[str]:
    """Yield the address of a server that takes whatever is posted to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taking) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


def _tell(demo: Demo, books: Books, stripe: SimulatedStripe, endpoint: Endpoint) -> None:
    """Send webhooks of an invoice that is opened and then paid, and one that repeats a line's id."""
    invoice = books.bill(pays=False)
    books.account.live.pay_invoice(invoice.id, at=invoice.created + 3_600)
    told = list(stripe.signed_deliveries(endpoint))
    for delivery in told:
        _post(demo, endpoint, delivery.body)
    demo.work_until(lambda: _is_paid(demo, invoice.id), "the payment did not reach the table")
    _post(demo, endpoint, _unreadable(next(one.body for one in told if one.event_type == "invoice.finalized")))
    demo.work_until(lambda: demo.read("/quarantine")["data"], "nothing was quarantined")
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


def _post(demo: Demo, endpoint: Endpoint, body: bytes) -> None:
    signed = signature(body, endpoint.secrets, at=int(time.time()))
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
    answer = demo.client.post(endpoint.url, data=body, headers=headers)
    if not answer.status.startswith("200"):
        raise RuntimeError(answer.text)
