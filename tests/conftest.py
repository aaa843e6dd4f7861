"""Fixtures for all tests: servers that a process starts once, and a fresh database for each test."""

import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from redis import Redis
from sqlalchemy import Engine

from app.factory import create_app
from app.http import request_counts
from app.http.stopping import stopping
from app.wiring.tools import Tools
from backlog.jobs import SYNC
from backlog.queues import Waker
from events.intake.lanes import AppendLanes
from runtime.database import acting_as, open_engine
from runtime.roles import APP, INTAKE
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer
from tests.support.chromium import MISSING
from tests.support.clock import SetClock
from tests.support.databases import Databases, as_web_login, template_server
from tests.support.web.tools import app_with, tools_on

pytest_plugins = ["tests.support.promises"]

_TESTS = Path(__file__).parent

if sys.dont_write_bytecode:
    # Without bytecode, this process and the dozens that tests start compile all modules: six seconds, and 0.2 each.
    # It is kept where pytest keeps its own things, and not beside the sources.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(_TESTS.parent / ".pytest_cache/bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("at any pace", deadline=None)
settings.load_profile("at any pace")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin two workers' shares with the slow tests, and keep those of a deployment together.

    Nobody waits for them at the end then: a worker that is done takes from the end of another one's share.
    """
    browser, whole, others = (list[pytest.Item]() for _ in range(3))
    for item in items:
        folder = item.nodeid.split("/")[1]  # relative_to() of each path would take half a second
        {"browser": browser, "whole": whole}.get(folder, others).append(item)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = len(items) // workers if workers > 1 else 0
    rest = [*browser, *others]
    items[:] = [*rest[:share], *whole, *rest[share:]]


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what lives as long as the process, and seldom begin: a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Report at the very end which tests were skipped for lack of a browser, and how to install one."""
    yield
    skipped = [one for one in terminalreporter.getreports("skipped") if MISSING in one.longreprtext]
    if skipped:
        terminalreporter.section("browser tests were skipped", yellow=True)
        terminalreporter.line(f"{len(skipped)} tests need a browser: {MISSING}", yellow=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Yield a server without fsync that has a migrated database to copy from."""
    with template_server() as server:
        yield server


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer.start(Path(tmp_path_factory.mktemp("valkey")), durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Iterator[Databases]:
    databases = Databases(postgres)
    yield databases
    databases.drop()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """Yield the URL of an empty, migrated database for this test alone."""
    with databases.lent() as url:
        yield url


@pytest.fixture
def engine(database_url: str, databases: Databases) -> Engine:
    return databases.engine("tests", lambda: open_engine(database_url, name="tests", pool_size=10))


@pytest.fixture
def redis(valkey: ValkeyServer) -> Iterator[Redis]:
    """Yield a client of an empty server; it waits for a slow machine as long as it takes."""
    with Redis.from_url(valkey.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def web_tools(database_url: str, databases: Databases, redis: Redis, clock: SetClock) -> Iterator[Tools]:
    url = as_web_login(database_url)
    intake = databases.engine(
        "intake",
        lambda: acting_as(
            open_engine(
                url, name="intake", pool_size=2, statement_timeout_ms=1500, lock_timeout_ms=50, autocommit=True
            ),
            INTAKE,
        ),
    )
    web = databases.engine("web", lambda: acting_as(open_engine(url, name="web", pool_size=10), APP))
    # What other tests asked for would be told with every reading of the metrics, and take a second.
    request_counts._answered.clear()
    waker, sync_waker = Waker(redis), Waker(redis, SYNC)
    yield tools_on(
        web,
        redis,
        appender=AppendLanes(intake, after_commit=waker.ask),
        clock=clock,
        wake_sync=sync_waker.ask,
        pause=stopping.wait,
    )
    waker.close()
    sync_waker.close()


@pytest.fixture
def app(web_tools: Tools) -> Flask:
    return app_with(web_tools)


@pytest.fixture
def extensible_app(web_tools: Tools) -> Flask:
    """Return an app that the test may add routes to."""
    return create_app(web_tools)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
