"""Run the whole product in this process, with a small company of which there is a little of everything."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from sqlalchemy import Engine

from app.factory import create_app
from app.wiring.settings import WebSettings
from app.wiring.tools import tools_from
from backlog.syncs.requests import request_sync
from runtime.clock import utc_now
from sandbox.demo_company import demo_company
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings, simulated_stripe_environment
from sandbox.examples.books import Books
from sandbox.examples.demo import ORIGIN, Demo, Person
from sandbox.examples.mapped import decide_about_mapping
from sandbox.examples.story import Story
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.demo import FIRST_COMPANY
from sandbox.stripe.running import StripeServer
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tenants.people.users import add_user, set_member

_PERMISSIONS = (*NEEDED_PERMISSIONS, "rak_webhook_write")
_SECOND_MEMBER = "grace@example.org"


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
            decide_about_mapping(connection, company_id, now=utc_now())
        restricted_key = stripe.restricted_key(books.account.id, livemode=True, permissions=_PERMISSIONS)
        app = create_app(tools_from(WebSettings.from_environ()))
        demo = Demo(
            client=app.test_client(),
            company_id=company_id,
            key=key,
            person=Person.signed_in(app, engine),
            restricted_key=restricted_key,
            receiver=receiver,
            pay=lambda: story.pay(demo),
            ids={"user_id": second.id},
        )
        demo.work_until(lambda: demo.read("/connection")["last_success_at"], "the first sync did not succeed")
        story = Story.begun(demo, books, stripe, saved.webhook_secret)
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
