"""The whole product in one thread, driven by one seed: its doors, workers, tables, and the Stripe that it reads.

Each step is chosen by the seed alone. A crash abandons what a step does at one of its statements. At rest, the log, the
tables, their sums and what the API shows have to equal what the simulated Stripe knows.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app.wiring.tools import Tools as WebTools
from backlog.syncs.requests import request_sync
from events.connection.accounts import Account, authorize, connection_state
from events.connection.lifecycle import disconnect
from events.intake.group_append import NotDurableError
from events.intake.parked import join_parked_events
from events.intake.receive import Received, receive
from events.log.append import NewEvent
from projections.builds import builds
from projections.builds.rebuild import build_on, flip
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from projections.engine.folding import Claim
from projections.mapping.decisions.payloads import StreamCreated
from sandbox.stripe.account.platform import SimulatedStripe, Told
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.running import StripeServer
from tests.prove.simulation.business import Business
from tests.prove.simulation.crashes import Crashes
from tests.support.clock import SetClock
from tests.support.decisions import decide, rules
from tests.support.signing import SECRET, signed
from tests.support.syncs.runs import reset_rate_limits, skip_waits, sync
from tests.support.syncs.worker_tools import worker_tools
from tests.support.web.lines import Reader
from tests.support.web.tools import app_with
from tests.support.web.webhooks import WEBHOOK_PATH
from workers.jobs import catch_up_with, fetch_with, sync_with
from workers.syncs.leases import claim_run
from workers.syncs.turns import take_turn

STEPS = 60
_FAULTS = (
    FaultKind.RATE_LIMITED,
    FaultKind.ERROR,
    FaultKind.HTML,
    FaultKind.CUT_BODY,
    FaultKind.TRUNCATED_JSON,
    FaultKind.RESET,
    FaultKind.EMPTY_PAGE,
    FaultKind.REPEATED_PAGE,
    FaultKind.ENDS_EARLY,
    FaultKind.DELETED_CURSOR,
)
_PATHS = ("/v1/invoices", "/v1/invoices/*/lines", "/v1/prices/*", "/v1/customers", "/v1/events", "/v1/credit_notes")
STREAMS = ("str_saas", "str_fees")


_PUBLISHED = text("SELECT count(*) FROM event WHERE company_id = :id AND type = 'mapping.rules_published'")


class SerialExecutor(ThreadPoolExecutor):
    """Runs everything at once in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **options))
        except Exception as error:  # noqa: BLE001 - as every executor does
            done.set_exception(error)
        return done


class DirectAppender:
    """Appends in the caller's thread, each event by itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, event: NewEvent) -> Received:
        try:
            with self._engine.connect() as connection:
                [received] = receive(connection, [event])
        except Exception as error:
            raise NotDurableError(str(error)) from error
        return received

    def crash(self) -> None:
        """Forget what is only in memory: nothing."""


@dataclass
class World:
    """One company with its account; `acknowledged` are the external ids of events that were answered with 200."""

    random: Random
    engine: Engine
    intake: Engine
    web: WebTools
    clock: SetClock
    server: StripeServer
    crashes: Crashes
    appender: DirectAppender
    company_id: int = 0
    published: dict[int, tuple[str, str]] = field(default_factory=dict)  # a currency, and the stream it goes to
    client: FlaskClient = field(init=False)
    business: Business = field(init=False)
    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        stripe = self.server.stripe
        self.client = app_with(replace(self.web, clock=self.clock, appender=self.appender)).test_client()
        self.account = stripe.create_account("Simulated Samples")
        api_version = self.random.choice(("2024-06-20", stripe.api_version))
        self.endpoint = stripe.add_endpoint("", [SECRET], api_version=api_version)
        self.tools = worker_tools(self.engine, self.web.redis, self.server, self.clock, SerialExecutor())
        self.reader = Reader.of_new_company(self.client, self.engine, self.account.id)
        self.company_id = self.reader.company_id
        self.business = Business(self.account, self.random)
        self.undelivered: list[Told] = []
        self._told = 0
        decide(self.engine, self.company_id, *(StreamCreated(one, one) for one in STREAMS))

    # What may happen.

    def step(self) -> None:
        """Let something happen, and perhaps crash in the middle of it."""
        steps = {
            self.act: 10, self.deliver: 12, self.project: 6, self.fetch: 3, self.ask_for_sync: 2, self.sync_turn: 4,
            self.move_clock: 3, self.rebuild: 2, self.reconnect: 1, self.publish: 2, self.fault: 3, self.flush: 1,
        }  # fmt: skip
        [step] = self.random.choices(list(steps), list(steps.values()))
        self.happened[step.__name__] += 1
        if step in (self.act, self.move_clock, self.fault, self.flush) or self.random.random() < 0.6:
            step()
            return
        before = self.crashes.count
        with self.crashes.at(self.random.randint(1, 25), is_before=self.random.random() < 0.5):
            step()
        if self.crashes.count > before:
            self.restart()

    def restart(self) -> None:
        """Begin again as a new process would, after the leases of the one before have expired."""
        self.appender.crash()
        self.engine.dispose()
        self.intake.dispose()
        self.web.engine.dispose()
        self.let_time_pass()

    def act(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.business.act()
            self.clock.advance(timedelta(seconds=self.random.choice((0, 0, 1, 3))))

    def deliver(self) -> None:
        """Deliver some events, in any order, some of them twice and some never."""
        self.hear()
        for _ in range(min(len(self.undelivered), self.random.randint(1, 6))):
            told = self.undelivered.pop(self.random.randrange(len(self.undelivered)))
            if self.random.random() < 0.15:
                self.happened["lost"] += 1
                continue
            if self.random.random() < 0.2:
                self.undelivered.append(told)
            self.send(told)

    def hear(self) -> None:
        outbox = self.server.stripe.outbox[self.endpoint.id]
        self.undelivered += outbox[self._told :]
        self._told = len(outbox)

    def send(self, told: Told) -> None:
        delivery = self.server.stripe.sign(told, self.endpoint)
        external_id = f"{json.loads(delivery.body)['id']}"
        self.sent.add(external_id)
        answer = self.client.post(WEBHOOK_PATH, data=delivery.body, headers=signed(delivery.body, at=self.clock()))
        assert answer.status_code in {200, 503}, answer.text
        if answer.status_code == 200:
            self.acknowledged.add(external_id)

    def project(self) -> None:
        begin_lacking_builds(self.engine)
        advance(self.engine, batch_size=self.random.choice((1, 3, 1000)))

    def fetch(self) -> None:
        catch_up_with(self.tools)
        fetch_with(self.tools)

    def ask_for_sync(self) -> None:
        with self.engine.begin() as connection:
            state = connection_state(connection, self.company_id)
            if state is not None and state.status == "connected":
                request_sync(connection, self.company_id, trigger="manual", actor="tests", now=self.clock())

    def sync_turn(self) -> None:
        if lease := claim_run(self.engine, now=self.clock()):
            take_turn(self.tools, lease)

    def move_clock(self) -> None:
        self.clock.advance(timedelta(hours=self.random.choice((1, 5, 30, 200))))
        self.let_time_pass()

    def let_time_pass(self) -> None:
        skip_waits(self.engine)
        reset_rate_limits(self.web.redis)
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE projection_state SET retry_at = NULL WHERE retry_at IS NOT NULL"))

    def rebuild(self) -> None:
        with self.engine.begin() as connection:
            begun = builds.begin_builds(connection, company_id=self.company_id)
        ours, size = [self.company_id], self.random.choice((7, 1000))
        while build_on(self.engine, is_automatic=False, company_ids=ours, chunk_events=size):
            pass
        for one in begun:
            flip(self.engine, Claim(one.projection, one.company_id, one.build, 0))

    def reconnect(self) -> None:
        with self.engine.begin() as connection:
            disconnect(connection, self.company_id, actor="tests", now=self.clock())
        self.deliver()
        self.connect()

    def connect(self) -> None:
        with self.engine.begin() as connection:
            authorize(
                connection, self.company_id, Account(self.account.id, livemode=True), now=self.clock(), actor="tests"
            )
        while True:
            with self.engine.begin() as connection:
                if not join_parked_events(connection, self.company_id, limit=100):
                    return

    def publish(self) -> None:
        currency, stream_id = self.random.choice(("usd", "eur", "jpy")), self.random.choice(STREAMS)
        version = self.rules_version() + 1
        # Noted first: whether a crash came before or after the commit, the log knows.
        self.published[version] = (currency, stream_id)
        outcome = {"shares": [{"bp": 10_000, "stream_id": stream_id}]}
        decide(self.engine, self.company_id, rules(version, ("currency", "is", currency), outcome=outcome))

    def rules_version(self) -> int:
        """Return how often rules were published, according to the log."""
        with self.engine.connect() as connection:
            return int(connection.execute(_PUBLISHED, {"id": self.company_id}).scalar_one())

    def fault(self) -> None:
        kind, path, nth = self.random.choice(_FAULTS), self.random.choice(_PATHS), self.random.randint(1, 3)
        self.server.faults.add(Fault(kind=kind, path=path, nth=nth, times=self.random.choice((1, 1, 3))))

    def flush(self) -> None:
        self.web.redis.flushall()

    # At rest.

    def settle(self) -> None:
        """Let all faults end, and the product do all it wants to."""
        self.happened["faults"] += len(self.server.faults.struck)
        self.happened["crashes"] += self.crashes.count
        self.server.faults.clear()
        self.let_time_pass()
        self.connect()
        while sync_with(self.tools):
            self.let_time_pass()
        # What changed while a run read on is in the table after the next one.
        runs = [sync(self.tools, self.company_id, trigger="manual") for _ in range(2)]
        assert runs[1].status == "succeeded", f"the last sync {runs[1].status}: {runs[1].error_code}"
        while catch_up_with(self.tools) + fetch_with(self.tools):
            pass


@contextmanager
def new_world(
    seed: int, engine: Engine, intake: Engine, web: WebTools, appender: Callable[[Engine], DirectAppender]
) -> Iterator[World]:
    """Yield a new world in which nothing has happened yet."""
    clock, crashes = SetClock(), Crashes()
    stripe = SimulatedStripe(lambda: int(clock().timestamp()), seed=seed)
    with ExitStack() as stack:
        server = stack.enter_context(StripeServer(stripe))
        stack.enter_context(crashes.installed())
        yield World(Random(seed), engine, intake, web, clock, server, crashes, appender(intake))
