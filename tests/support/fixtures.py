"""Fixtures for all tests: servers that a process starts once, and a fresh database for each test."""

from collections.abc import Iterator
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
from tests.support.clock import SetClock
from tests.support.databases import Databases, as_web_login, template_server
from tests.support.web.tools import app_with, tools_on

settings.register_profile("at any pace", deadline=None)
settings.load_profile("at any pace")


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
    lanes = AppendLanes(intake, after_commit=waker.ask)
    yield tools_on(
        web,
        redis,
        appender=lanes,
        clock=clock,
        wake_sync=sync_waker.ask,
        pause=stopping.wait,
    )
    lanes.close()
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
