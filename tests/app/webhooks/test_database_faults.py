"""A database that fails in every possible way: the sender is asked to retry, and nothing is stored twice."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app.wiring.tools import Tools
from events.intake.group_append import GroupAppender
from runtime.database import open_engine
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.databases import Databases
from tests.support.payloads import ACCOUNT, event, new_invoice
from tests.support.sqlstates import SQLSTATES
from tests.support.web.lines import Reader
from tests.support.web.people import signed_in
from tests.support.web.tools import app_with
from tests.support.web.webhooks import bodies_of, count, count_stored, inject_fault, invoice_event, post, remove_fault


@pytest.fixture
def company(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


@pytest.fixture
def running_app(app: Flask, web_tools: Tools, company: int) -> Flask:
    """Return an app whose intake has opened its database connection already."""
    assert post(app.test_client(), invoice_event(account="acct_of_nobody")).status_code == 200
    return app


def is_asked_to_retry(client: FlaskClient, body: bytes) -> bool:
    """Return whether the response is 503 with Retry-After, within two seconds."""
    started = time.monotonic()
    answer = post(client, body)
    took = time.monotonic() - started
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0 and took < 2


@pytest.mark.promise("Database errors: each SQLSTATE has its answer, and no event is acknowledged and lost")
def test_whatever_the_database_answers_the_sender_is_asked_to_retry_and_then_served(
    client: FlaskClient, engine: Engine, company: int
) -> None:
    bodies = []
    for sqlstate in SQLSTATES:
        bodies.append(invoice_event())
        inject_fault(engine, sqlstate)
        assert is_asked_to_retry(client, bodies[-1]), sqlstate
        remove_fault(engine)
        assert post(client, bodies[-1]).status_code == 200, sqlstate

    assert bodies_of(engine, company) == bodies


@pytest.mark.promise("Database errors: each SQLSTATE has its answer, and no event is acknowledged and lost")
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_lost_race_in_the_database_is_not_the_senders_business(
    client: FlaskClient, engine: Engine, company: int, sqlstate: str
) -> None:
    inject_fault(engine, sqlstate, when="nextval('fault_count') <= 2")
    body = invoice_event()

    assert post(client, body).status_code == 200
    assert bodies_of(engine, company) == [body]


@pytest.mark.promise("Database errors: each SQLSTATE has its answer, and no event is acknowledged and lost")
@pytest.mark.parametrize("sqlstate", ["23514", "40001", "53100", "XX000"])
def test_event_whose_commit_fails_is_not_acknowledged(
    client: FlaskClient, engine: Engine, company: int, sqlstate: str
) -> None:
    inject_fault(engine, sqlstate, at_commit=True)

    assert is_asked_to_retry(client, invoice_event())
    assert count_stored(engine) == 0


def test_connection_that_the_database_closed_is_replaced_within_the_request(
    running_app: Flask, engine: Engine, company: int
) -> None:
    close = text(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE application_name = :name AND datname = current_database()"
    )
    with engine.connect() as connection:
        closed = connection.execute(close, {"name": "revmap-intake"}).scalar_one()
    body = invoice_event()

    assert closed == 1
    assert post(running_app.test_client(), body).status_code == 200
    assert bodies_of(engine, company) == [body]


def test_event_that_waits_too_long_for_a_lock_is_refused_in_time(
    client: FlaskClient, engine: Engine, company: int
) -> None:
    body = invoice_event()
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE event IN EXCLUSIVE MODE"))
        assert is_asked_to_retry(client, body)

    assert post(client, body).status_code == 200
    assert bodies_of(engine, company) == [body]


@pytest.fixture
def read_only_app(web_tools: Tools, database_url: str, engine: Engine, company: int) -> Iterator[Flask]:
    """Yield an app whose intake connected while the database was read-only, as a standby is."""
    switch = "ALTER DATABASE {} SET default_transaction_read_only = {}"
    with engine.begin() as connection:
        connection.execute(text(switch.format(engine.url.database, "on")))
    intake = open_engine(database_url, name="intake", pool_size=1, statement_timeout_ms=1500, autocommit=True)
    app = app_with(replace(web_tools, appender=GroupAppender(intake, after_commit=lambda: None)))
    assert is_asked_to_retry(app.test_client(), invoice_event())
    with engine.begin() as connection:
        connection.execute(text(switch.format(engine.url.database, "off")))
    yield app
    intake.dispose()


def test_intake_leaves_a_read_only_server_for_a_writable_one(
    read_only_app: Flask, engine: Engine, company: int
) -> None:
    body = invoice_event()

    assert post(read_only_app.test_client(), body).status_code == 200
    assert bodies_of(engine, company) == [body]


_FULL_DISK = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';
    END $$;
"""
_FULL_DISK_TRIGGER = (
    "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION full_disk()"
)


@contextmanager
def full_disk(engine: Engine) -> Iterator[None]:
    with engine.begin() as connection:
        connection.exec_driver_sql(_FULL_DISK)
        for table in ("event", "api_key", "user_session"):
            connection.exec_driver_sql(_FULL_DISK_TRIGGER.format(table))
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION full_disk CASCADE")


@contextmanager
def standby(engine: Engine) -> Iterator[None]:
    switch = "ALTER DATABASE {} SET default_transaction_read_only = {}"
    with engine.begin() as connection:
        connection.execute(text(switch.format(engine.url.database, "on")))
    yield
    with engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.execute(text(switch.format(engine.url.database, "off")))
        connection.commit()


@pytest.mark.promise("Database errors: each SQLSTATE has its answer, and no event is acknowledged and lost")
@pytest.mark.parametrize("trouble", [full_disk, standby])
def test_while_nothing_can_be_written_the_table_is_read_and_afterwards_nobody_has_to_do_anything(
    trouble: Callable[[Engine], AbstractContextManager[None]],
    web_tools: Tools,
    engine: Engine,
    databases: Databases,
    clock: SetClock,
) -> None:
    app = app_with(web_tools)
    reader = Reader.of_new_company(app.test_client(), engine)
    reader.receive(event(new_invoice("in_1")))
    browser = signed_in(app, engine, reader.company_id)
    clock.advance(timedelta(hours=1))  # by now the use of the key and of the session would be recorded
    databases.disconnect()
    body = invoice_event("in_2")

    with trouble(engine):
        refused = post(app.test_client(), body, at=clock())
        page = browser.get(f"/companies/{reader.company_id}/revenue-mapping")
        read = [reader.get(), browser.get(reader.path()), page, browser.get("/readyz")]
    web_tools.engine.dispose()
    served = post(app.test_client(), body, at=clock())

    assert [answer.status_code for answer in (refused, *read, served)] == [503, 200, 200, 200, 200, 200]
    assert len(bodies_of(engine, reader.company_id)) == 2


def test_same_event_from_many_requests_at_once_is_kept_once(app: Flask, engine: Engine, company: int) -> None:
    body = invoice_event()

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: post(app.test_client(), body).status_code, range(50)))

    assert answers == [200] * 50
    assert bodies_of(engine, company) == [body]
    assert count(engine, "event_conflict") == 0
