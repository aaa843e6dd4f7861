"""Migrating, and what a command says when the database is away, empty or not named."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from sandbox.postgres import PostgresServer
from tests.commands.command_hands import refused, told
from tests.commands.conftest import Run

COMMANDS = (
    ("companies", "create", "Zed"),
    ("companies", "list"),
    ("api-keys", "create", "--company", "1", "--role", "viewer"),
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

    first = told(run("db", "upgrade", "--json"))
    company = told(run("companies", "create", "Zed"))
    again = told(run("db", "upgrade", "--json"))

    assert first == again
    assert list(first) == ["step"]
    assert first["step"] in run("db", "upgrade").stdout
    assert [one["id"] for one in told(run("companies", "list", "--json"))["companies"]] == [company["id"]]


def test_a_database_that_is_not_migrated_is_told_in_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    for command in COMMANDS:
        said = refused(run(*command))

        assert "flask db upgrade" in said, command
        assert said.count("\n") == 1


def test_a_database_that_is_away_is_told_in_a_sentence_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://revmap:hidden@127.0.0.1:1/none")

    for command in (*COMMANDS, ("db", "upgrade")):
        said = refused(run(*command))

        assert "the database did not answer" in said, command
        assert said.count("\n") == 1
        assert "hidden" not in said


def test_a_database_that_is_not_named_stops_a_command_with_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for blank in ("", "  "):
        monkeypatch.setenv("DATABASE_URL", blank)
        for command in (*COMMANDS, ("db", "upgrade")):
            result = run(*command)

            assert result.exit_code == 2
            assert "DATABASE_URL" in result.stderr


def test_a_database_url_that_is_none_is_told_without_showing_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("hidden", "mysql:hidden", "postgresql://revmap:hidden@host:port/none"):
        monkeypatch.setenv("DATABASE_URL", url)

        assert "hidden" not in refused(run("companies", "list"))
