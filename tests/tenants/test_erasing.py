"""A company is erased wherever the catalogue knows a company, and nobody else notices."""

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from events.connection.lifecycle import disconnect
from events.log.append import append
from events.log.audit import verify_logs
from tenants.api_keys import create_api_key
from tenants.erasing import StillConnectedError, UnknownCompanyError, erase_company, find_erasure
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, record_events
from tests.support.log import fact
from tests.support.payloads import event, new_invoice

_MOST_STEPS = 200
_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
# Whatever is not filled otherwise gets a row of its own, whose columns have any value of their type.
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL) AS type FROM pg_attribute a
    WHERE a.attrelid = CAST(%(table)s AS regclass) AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
      AND a.attname <> 'company_id' AND a.attidentity = '' AND NOT a.atthasdef
"""
_ANY = {"boolean": "false", "jsonb": "'{}'", "uuid": "gen_random_uuid()", "date": "current_date"} | {
    "timestamp with time zone": "now()",
    "text[]": "'{}'",
    "bigint[]": "'{}'",
}


def rows_of(connection: Connection, company_id: int) -> dict[str, list[str]]:
    """Return all rows of a company as texts, by table; tables without any are there too."""
    return {
        table: sorted(
            connection.scalars(
                text(f"SELECT CAST(t AS text) FROM {table} t WHERE company_id = :company_id"),  # noqa: S608
                {"company_id": company_id},
            )
        )
        for table in connection.scalars(text(_TABLES)).all()
    }


def fill(connection: Connection, company_id: int) -> None:
    """Give the company a row in each table that has none of it, whatever its checks and links say."""
    # Neither foreign keys nor triggers are asked.
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table, rows in rows_of(connection, company_id).items():
        if not rows:
            columns = connection.exec_driver_sql(_COLUMNS, {"table": table}).all()
            checks = connection.exec_driver_sql(
                "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = CAST(%(table)s AS regclass)",
                {"table": table},
            ).all()
            for check in checks:
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {check.conname}")
            names = ", ".join(["company_id", *(column.attname for column in columns)])
            values = ", ".join([str(company_id), *(_ANY.get(column.type, f"'{company_id}'") for column in columns)])
            connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({values})")  # noqa: S608


def erase_killed_after_each_step(engine: Engine, company_id: int) -> None:
    """Erase a company in attempts, each of which is left after its first step that deleted anything."""
    for _ in range(_MOST_STEPS):
        steps = erase_company(engine, company_id, actor="operator", now=NOON)
        if next(steps, None) is None:
            return
        steps.close()  # type: ignore[attr-defined]
    pytest.fail("the erasure does not end")


@pytest.fixture
def companies(engine: Engine) -> tuple[int, int]:
    """Return a disconnected company and its neighbour, each with rows in every table that has a company."""
    ids = company_with(engine, "acct_a"), company_with(engine, "acct_z")
    for account, number in (("acct_a", 1), ("acct_z", 2)):
        record_events(engine, *(json_event(account, f"in_{number}{one}") for one in "abc"))
    catch_up(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO user_account (id, email) OVERRIDING SYSTEM VALUE"
            " VALUES (7, 'both@zed.test'), (8, 'one@zed.test')"
        )
        for user_id, company_id in ((7, ids[0]), (7, ids[1]), (8, ids[0])):
            connection.exec_driver_sql(
                f"INSERT INTO membership (user_id, company_id, role) VALUES ({user_id}, {company_id}, 'admin')"  # noqa: S608
            )
            connection.exec_driver_sql(
                "INSERT INTO user_session (token_sha256, user_id, company_id, created_at, last_used_at, expires_at)"  # noqa: S608
                f" VALUES ('{user_id}{company_id}', {user_id}, {company_id}, now(), now(), now())"
            )
            connection.exec_driver_sql(
                "INSERT INTO second_factor (user_id, key_id, sealed, last_step, turned_on_at)"  # noqa: S608
                f" VALUES ({user_id}, 'k', '', 1, now()) ON CONFLICT DO NOTHING"
            )
        for company_id in ids:
            create_api_key(connection, company_id, "viewer")
        disconnect(connection, ids[0], actor="user:8", now=NOON)
    record_events(engine, json_event("acct_a", "in_parked"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE stripe_connection SET is_scheduled = true")
        for company_id in ids:
            fill(connection, company_id)
        connection.exec_driver_sql("DELETE FROM account_owner WHERE company_id = %(ours)s", {"ours": ids[0]})
    return ids


def json_event(account: str, invoice_id: str) -> dict[str, Any]:
    """Return an event of the account about a new invoice."""
    return {**event(new_invoice(invoice_id)), "account": account, "id": f"evt_{invoice_id}"}


def test_an_erasure_killed_at_any_step_goes_on_and_leaves_neighbours_alone(
    engine: Engine, companies: tuple[int, int]
) -> None:
    ours, theirs = companies
    with engine.connect() as connection:
        before, filled = rows_of(connection, theirs), rows_of(connection, ours)
        noted = [verdict.head for verdict in verify_logs(connection) if verdict.company_id == ours]

    erase_killed_after_each_step(engine, ours)

    with engine.connect() as connection:
        erasure = find_erasure(connection, ours)
        left, after = rows_of(connection, ours), rows_of(connection, theirs)
        verdicts = {one.company_id: one for one in verify_logs(connection, [head for head in noted if head])}
        people = connection.scalars(text("SELECT id FROM user_account ORDER BY 1")).all()
        parked = connection.scalars(text("SELECT count(*) FROM parked_event")).one()
        sessions = connection.execute(text("SELECT user_id, company_id FROM user_session ORDER BY id")).all()
    assert [table for table, rows in filled.items() if not rows and table != "account_owner"] == []
    assert {table for table, rows in left.items() if rows} == set()
    assert after == before
    assert erasure is not None
    assert (erasure.erased_at, erasure.events, erasure.erased_by) == (NOON, verdicts[ours].events, "operator")
    assert [verdicts[one].faults for one in companies] == [[], []]
    assert (verdicts[ours].head, verdicts[ours].erased_at) == (noted[0], NOON)
    assert (people, parked, [tuple(row) for row in sessions if row.user_id in (7, 8)]) == (
        [7],
        0,
        [(7, None), (7, theirs)],
    )
    with pytest.raises(DBAPIError, match="was erased"), engine.begin() as connection:
        append(connection, ours, [fact("evt_late")])


def test_only_what_exists_and_is_disconnected_is_erased(engine: Engine) -> None:
    connected = company_with(engine, "acct_a")

    with pytest.raises(StillConnectedError):
        list(erase_company(engine, connected, actor="operator", now=NOON))
    with pytest.raises(UnknownCompanyError):
        list(erase_company(engine, 999, actor="operator", now=NOON))
