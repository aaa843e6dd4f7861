"""Real servers for all tests of a process, and a fresh database for each test."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from redis import Redis
from sqlalchemy import Engine, make_url

from app.factory import create_app
from app.stopping import stopping
from app.wiring import Tools
from events.database import open_engine, walled
from events.group_append import GroupAppender
from migrations.run import upgrade
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer
from tests.browser.chromium import MISSING
from tests.hands import SetClock
from tests.web_tools import tools_on
from workers.queues import SYNC, Bell, open_redis

_TEMPLATE = "revmap_template"
_names = count(1)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say at the very end what was not tried, and what it takes."""
    yield
    untried = [one for one in terminalreporter.getreports("skipped") if MISSING in one.longreprtext]
    if untried:
        terminalreporter.section("browser tests were skipped", yellow=True)
        terminalreporter.line(f"{len(untried)} tests need a browser: {MISSING}", yellow=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server without fsync, with a migrated database to copy from."""
    server = PostgresServer.start(Path(tmp_path_factory.mktemp("postgres")), durable=False)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    engine = open_engine(_url(server, _TEMPLATE), name="template", pool_size=1)
    upgrade(engine)
    engine.dispose()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer.start(Path(tmp_path_factory.mktemp("valkey")), durable=False)
    yield server
    server.stop()


def _url(server: PostgresServer, database: str) -> str:
    return make_url(server.url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def new_database(postgres: PostgresServer) -> Iterator[str]:
    """Give the URL of a migrated database that is gone afterwards."""
    name = f"test_{next(_names)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(_TEMPLATE))
        )
        yield _url(postgres, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """A migrated database of the test's own."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, name="tests", pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def redis(valkey: ValkeyServer) -> Iterator[Redis]:
    with open_redis(valkey.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def web_tools(database_url: str, redis: Redis, clock: SetClock) -> Iterator[Tools]:
    intake = open_engine(
        database_url, name="intake", pool_size=1, statement_timeout_ms=1500, lock_timeout_ms=250, autocommit=True
    )
    web = walled(open_engine(database_url, name="web", pool_size=10))
    bell, sync_bell = Bell(redis), Bell(redis, SYNC)
    yield tools_on(
        web,
        redis,
        appender=GroupAppender(intake, after_commit=bell.ask),
        clock=clock,
        ring_for_sync=sync_bell.ask,
        pause=stopping.wait,
    )
    bell.close()
    sync_bell.close()
    intake.dispose()
    web.dispose()


@pytest.fixture
def app(web_tools: Tools) -> Flask:
    return create_app(web_tools)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
