"""Hosts, the servers that they share, and the simulated Stripe."""

import base64
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from redis import Redis
from sqlalchemy import Engine

from migrations.run import upgrade
from runtime.database import open_engine
from sandbox.postgres import PostgresServer
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import Settings, StripeServer
from sandbox.valkey import ValkeyServer
from tests.prove.hosts.host import COMPONENTS, Host, kill_server
from tests.prove.hosts.network import network_of
from tests.prove.hosts.planted import ACKNOWLEDGES_EARLY, CLOCK_WAKES_NOBODY
from tests.prove.hosts.proxy import Place, Proxies
from tests.support.signing import SECRET

SYNC_SECONDS = 10
_START_SECONDS = 300
_LATENCY_MS = 10
_AGO_SECONDS = 86_400
_UNKNOWN_OUTCOMES = (b"COMMIT", b"evt_")


class StripeClock:
    """Time that passes as elsewhere, and a second more whenever something happens: no two changes are of one second.

    Changes of one second contradict each other until the object is fetched; that is tried elsewhere.
    """

    def __init__(self) -> None:
        self._began, self._started = int(time.time()) - _AGO_SECONDS, time.monotonic()

    def __call__(self) -> int:
        return self._began + int(time.monotonic() - self._started)

    def tick(self) -> None:
        """Let a second pass."""
        self._began += 1


@dataclass
class Stage:
    """Everything that runs. The servers are replaced when they are started again."""

    directory: Path
    postgres: PostgresServer
    valkey: ValkeyServer
    stripe: StripeServer
    clock: StripeClock
    engine: Engine
    hosts: list[Host]

    def close(self) -> None:
        """Stop the servers."""
        self.engine.dispose()
        self.valkey.stop()
        self.postgres.stop()

    def kill_postgres(self) -> None:
        """Kill PostgreSQL and start it again."""
        kill_server(self.postgres)
        self.engine.dispose()
        self.postgres = PostgresServer.start(self.postgres.directory, options=_POSTGRES)

    def kill_valkey(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Kill Valkey, with all that it held, and start it again; something may happen meanwhile."""
        kill_server(self.valkey)
        meanwhile()
        self.valkey = ValkeyServer.start(self.valkey.directory, durable=False)

    def empty_valkey(self) -> None:
        """Delete all that Valkey holds."""
        with Redis.from_url(self.valkey.url) as redis:
            redis.flushall()

    def tend(self) -> None:
        """Start what has died on the hosts."""
        for host in self.hosts:
            host.tend()


_POSTGRES = {"max_connections": "200"}


@contextmanager
def staged(*, hosts: int, seed: int, bug: str = "") -> Iterator[Stage]:
    """Start everything in a new directory, and stop everything afterwards."""
    clock = StripeClock()
    stripe = SimulatedStripe(clock, seed=seed)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="t-")))
        server = stack.enter_context(StripeServer(stripe, Settings(latency_ms=_LATENCY_MS)))
        postgres = PostgresServer.start(directory / "p", options=_POSTGRES)
        valkey = ValkeyServer.start(directory / "v", durable=False)
        engine = open_engine(postgres.url, name="tests", pool_size=3, statement_timeout_ms=0)
        stage = Stage(directory, postgres, valkey, server, clock, engine, [])
        stack.callback(stage.close)
        upgrade(engine)
        proxies = stack.enter_context(Proxies())
        for number in range(hosts):
            host = stack.enter_context(_host(stage, proxies, number, bug))
            stage.hosts.append(host)
        deadline = time.monotonic() + _START_SECONDS
        while not all(host.is_up() for host in stage.hosts):
            stage.tend()
            assert time.monotonic() < deadline, (directory / "host0.log").read_text()[-4000:]
            Event().wait(0.2)
        yield stage


@contextmanager
def _host(stage: Stage, proxies: Proxies, number: int, bug: str) -> Iterator[Host]:
    with network_of(number) as network:
        stripe_port = int(stage.stripe.url.rpartition(":")[2])
        sockets = {name: Place(str(stage.directory / name[0] / "socket" / file)) for name, file in _SOCKETS.items()}
        ways = {
            "postgres": proxies.open(network.servers, sockets["postgres"], markers=_UNKNOWN_OUTCOMES),
            "valkey": proxies.open(network.servers, sockets["valkey"]),
            "stripe": proxies.open(network.servers, Place(host="127.0.0.1", port=stripe_port)),
            "web": proxies.open("127.0.0.1", Place(host=network.address, port=network.port)),
        }
        reached = {name: f"{network.servers}:{way.port}" for name, way in ways.items()}
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://postgres@{reached['postgres']}/postgres",
            "REDIS_URL": f"redis://{reached['valkey']}/0",
            "STRIPE_API_BASE": f"http://{reached['stripe']}",
            "STRIPE_CONNECT_BASE": f"http://{reached['stripe']}",
            "STRIPE_SECRET_KEY": stage.stripe.stripe.platform_key(livemode=True),
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "APP_SECRET_KEY": "the tests' secret key, of 32 bytes",
            "ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
            "SYNC_INTERVAL_SECONDS": str(SYNC_SECONDS),
            "PUBLIC_URL": f"http://127.0.0.1:{ways['web'].port}",
            "WEB_CONCURRENCY": "1",
            "HOST": network.address,
            "PORT": str(network.port),
            "HOST_LOG": str(stage.directory / f"host{number}.log"),
        }
        host = Host(network, proxies, ways, environment, {**COMPONENTS, **_PLANTED.get(bug, {})})
        try:
            yield host
        finally:
            host.stop()


_SOCKETS = {"postgres": ".s.PGSQL.5432", "valkey": "valkey.sock"}
_PLANTED: dict[str, dict[str, Sequence[str]]] = {
    ACKNOWLEDGES_EARLY: {"web": ("-m", "gunicorn", "tests.prove.hosts.early_wsgi:app")},
    CLOCK_WAKES_NOBODY: {"clock": ("-m", "tests.prove.hosts.planted", CLOCK_WAKES_NOBODY, "workers", "clock")},
}
