"""Companies that have rows in every table of the catalogue that knows a company."""

from typing import Any

from sqlalchemy import Connection, Engine, text

from events.connection.lifecycle import disconnect
from tenants.api_keys import create_api_key
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import event, new_invoice

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


def companies_with_everything(engine: Engine) -> tuple[int, int]:
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
