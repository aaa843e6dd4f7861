"""Migrations, and what a command prints if the database is unreachable, not migrated or not named."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.event import listens_for

import migrations
from commands import register
from migrations.run import upgrade
from migrations.steps import expected_step
from runtime.database import open_engine, within_company
from sandbox.postgres import PostgresServer
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import event, new_invoice

COMMANDS = (
    ("companies", "create", "Zed"),
    ("companies", "list"),
    ("api-keys", "create", "--company", "1", "--role", "viewer"),
    ("api-keys", "list", "--company", "1"),
    ("api-keys", "revoke", "1", "--company", "1"),
    ("users", "list", "--company", "1"),
    ("users", "remove", "a@b", "--company", "1"),
    ("connections", "authorize", "--company", "1", "--account", "acct_1"),
    ("events", "status"),
    ("events", "verify"),
    ("events", "export", "--company", "1"),
    ("projections", "status"),
)


@pytest.fixture
def empty_database_url(postgres: PostgresServer) -> Iterator[str]:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield make_url(postgres.url).set(database="empty").render_as_string(hide_password=False)
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def test_an_empty_database_is_migrated_once_and_again_without_harm(
    run: Run, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    first = json_of(run("db", "upgrade", "--json"))
    company = json_of(run("companies", "create", "Zed"))
    again = json_of(run("db", "upgrade", "--json"))

    assert first == again
    assert first == {"step": expected_step()}
    assert first["step"] in run("db", "upgrade").stdout
    assert [one["id"] for one in json_of(run("companies", "list", "--json"))["companies"]] == [company["id"]]


def test_no_step_waits_long_for_a_lock_while_others_wait_behind_it(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url, name="tests", pool_size=1)
    timeouts: list[str] = []

    @listens_for(engine, "commit")
    def _record_timeout(connection: Connection) -> None:
        timeouts.extend(connection.exec_driver_sql("SELECT current_setting('lock_timeout')").scalars())

    upgrade(engine)
    engine.dispose()

    # The first commit takes the lock under which two releases take turns, and the last one releases it.
    assert len(timeouts) > len(list(Path(migrations.__file__).parent.glob("versions/*.py")))
    assert set(timeouts[1:-1]) == {"4s"}


def test_a_database_that_is_not_migrated_is_reported_in_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    for command in COMMANDS:
        message = error_of(run(*command))

        assert "flask db upgrade" in message, command
        assert message.count("\n") == 1


def test_a_database_that_is_away_is_reported_in_a_sentence_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://revmap:hidden@127.0.0.1:1/none")

    for command in (*COMMANDS, ("db", "upgrade")):
        message = error_of(run(*command))

        assert "the database did not answer" in message, command
        assert message.count("\n") == 1
        assert "hidden" not in message


def test_a_database_that_is_not_named_stops_a_command_with_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for blank in ("", "  "):
        monkeypatch.setenv("DATABASE_URL", blank)
        for command in (*COMMANDS, ("db", "upgrade")):
            result = run(*command)

            assert result.exit_code == 2
            assert "DATABASE_URL" in result.stderr


def test_an_invalid_database_url_is_reported_without_showing_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("hidden", "mysql:hidden", "postgresql://revmap:hidden@host:port/none"):
        monkeypatch.setenv("DATABASE_URL", url)

        assert "hidden" not in error_of(run("companies", "list"))


@pytest.fixture
def unprivileged(postgres: PostgresServer) -> Iterator[tuple[psycopg.Connection, str]]:
    """Yield an administrator's connection, and the URL of an empty database whose owner has no other rights."""
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE plain LOGIN")
        admin.execute("CREATE DATABASE of_plain OWNER plain")
        yield admin, make_url(postgres.url).set(database="of_plain", username="plain").render_as_string()
        admin.execute("DROP DATABASE of_plain WITH (FORCE)")
        admin.execute("DROP ROLE plain")


def test_a_user_without_rights_is_shown_the_missing_statement_and_needs_no_more(
    unprivileged: tuple[psycopg.Connection, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, url = unprivileged
    monkeypatch.setenv("DATABASE_URL", url)
    app = Flask("revmap")
    register(app)
    run = app.test_cli_runner()

    asked = [re.findall(r"run: (.*;)", error_of(run.invoke(args=["db", "upgrade"])))[0]]
    admin.execute(asked[0])
    asked += re.findall(r"run: (.*;)", error_of(run.invoke(args=["db", "upgrade"])))
    admin.execute(asked[1])
    upgraded = run.invoke(args=["db", "upgrade"])

    assert asked == [
        "GRANT revmap_app TO plain;",
        " ".join(f"GRANT revmap_{role} TO plain;" for role in ("web", "intake", "worker", "operator")),
    ]

    assert upgraded.exit_code == 0, upgraded.output
    engine = open_engine(url, name="plain", pool_size=2)
    company_id = company_with(engine, "acct_tests")
    record_events(engine, event(new_invoice("in_1")))
    catch_up(engine)
    assert [lines_seen(engine, company) for company in (company_id, company_id + 1)] == [1, 0]
    engine.dispose()


def lines_seen(engine: Engine, company_id: int) -> int:
    with within_company(engine, company_id) as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM revenue_line").scalar_one())


@pytest.mark.parametrize(
    "url", ["hidden", "mysql://hidden@database/revmap", "postgresql://hidden@database:none/revmap"]
)
def test_an_address_that_is_not_of_postgresql_ends_a_command_with_2(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    result = run("companies", "list")

    assert result.exit_code == 2
    assert "DATABASE_URL is not an address" in error_of(result)
    assert "hidden" not in result.output
