"""A test has an empty database, whatever the one before it did to the same one."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from runtime.database import acting_as, open_engine
from runtime.roles import WORKER
from sandbox.postgres import PostgresServer
from tests.support.company import company_with, record_events
from tests.support.databases import Databases, arranging, as_worker_login
from tests.support.payloads import event, new_invoice

FAULT = """
    CREATE SEQUENCE faults;
    CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fault'; END $$;
    CREATE TRIGGER fault BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION fault();
"""
CHANGES = (
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET work_mem = 70', current_database()); END $$",
    "ALTER TABLE event ADD CONSTRAINT poison CHECK (position > 0)",
    "CREATE TABLE own_table (id int)",
    "CREATE INDEX own_index ON event (company_id)",
    "DROP INDEX event_entity_idx",
    "SET LOCAL session_replication_role = replica; DROP INDEX event_entity_idx",  # while no trigger is asked
    "GRANT SELECT ON event TO PUBLIC",
    "CREATE OR REPLACE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
)
MADE = text("""
    SELECT (SELECT count(*) FROM pg_proc WHERE proname = 'fault') + (SELECT count(*) FROM pg_class
            WHERE relname = 'faults') + (SELECT count(*) FROM pg_trigger WHERE tgname = 'fault')
""")


@pytest.fixture
def lender(postgres: PostgresServer) -> Iterator[Databases]:
    lender = Databases(postgres)
    yield lender
    lender.drop()


def use(lender: Databases, *statements: str) -> str:
    """Record an event with what an empty database gives it, and do this to the database; return its URL."""
    with lender.lent() as url:
        engine = owner(lender, url)
        assert company_with(engine, "acct_tests") == 1
        record_events(engine, event(new_invoice("in_1")))
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    return url


def owner(lender: Databases, url: str) -> Engine:
    return lender.engine("tests", lambda: open_engine(url, name="tests", pool_size=1))


def test_rows_go_and_what_was_made_is_dropped(lender: Databases) -> None:
    first = use(lender)
    second = use(lender, "CREATE TEMPORARY TABLE proof ON COMMIT DROP AS SELECT 1", FAULT)

    with lender.lent() as third, owner(lender, third).connect() as connection:
        assert connection.scalars(text("SELECT * FROM tests.filled")).all() == []
        assert connection.scalar(MADE) == 0
    assert first == second == third == use(lender)


def test_what_was_made_and_dropped_by_the_test_itself_changes_nothing(lender: Databases) -> None:
    dropped = "DROP TRIGGER fault ON event; DROP FUNCTION fault; DROP SEQUENCE faults"

    assert use(lender, FAULT, dropped) == use(lender, FAULT, "DROP FUNCTION fault CASCADE") == use(lender)


def test_after_any_other_change_the_database_is_a_new_one(lender: Databases) -> None:
    urls = [use(lender, change) for change in CHANGES]

    assert len({*urls, use(lender)}) == len(CHANGES) + 1


def test_an_owner_who_arranges_keeps_the_connection(lender: Databases) -> None:
    with lender.lent() as url:
        worker = acting_as(open_engine(as_worker_login(url), name="worker", pool_size=1), WORKER)
        backends = set()
        for _ in range(2):
            with arranging(worker) as connection:
                assert connection.scalar(text("SELECT current_user")) == "postgres"
                backends.add(connection.scalar(text("SELECT pg_backend_pid()")))

    assert len(backends) == 1
    assert use(lender) == url
