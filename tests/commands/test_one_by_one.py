"""Migrations whose commands are sent one by one, as to a distributed schema, make the same schema."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.event import listen

import migrations.run
from migrations.one_by_one import commands_of
from migrations.run import upgrade
from runtime.database import open_engine
from sandbox.postgres import PostgresServer
from tests.support.databases import new_database

STEPS = sorted((Path(migrations.run.__file__).parent / "versions").glob("*.sql"))
CATALOGUE = text("""
    SELECT relname || '.' || attname || format_type(atttypid, atttypmod) FROM pg_attribute a
    JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1
""")


def test_a_command_ends_at_a_semicolon_of_its_own() -> None:
    script = """
        -- a comment; with one
        CREATE TABLE a (b text DEFAULT 'c;d');
        CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$ SELECT 'a;' || "b;" $x$; /* ; */
        SELECT 1 - 2 / 3
    """

    assert [" ".join(one.split()).rpartition(" CREATE")[2][:9] for one in commands_of(script)] == [
        " TABLE a ",
        "CREATE FU",
        "/* ; */ S",
    ]
    assert list(commands_of("-- nothing;")) == []


@pytest.fixture
def migrated(postgres: PostgresServer) -> Iterator[Engine]:
    """Yield a database that was migrated as usual, and that no other test had."""
    with new_database(postgres) as url:
        engine = open_engine(url, name="migrated", pool_size=1)
        yield engine
        engine.dispose()


def test_migrations_make_the_same_schema_one_by_one(
    postgres: PostgresServer, migrated: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE one_by_one")
    url = make_url(postgres.url).set(database="one_by_one").render_as_string(hide_password=False)
    slowly = open_engine(url, name="one-by-one", pool_size=1)
    monkeypatch.setattr(migrations.run, "is_distributed", lambda _connection, _schema: True)
    monkeypatch.setattr(migrations.run, "settle", lambda _connection, _schema: ())
    sent: list[str] = []
    listen(slowly, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: sent.append(statement))
    try:
        upgrade(slowly)
        with slowly.connect() as here, migrated.connect() as there:
            made = here.scalars(CATALOGUE).all()
            assert made == there.scalars(CATALOGUE).all()
        assert len(made) > 500
        assert [one for one in sent if len(list(commands_of(one))) > 1] == []
        assert sum(len(list(commands_of(step.read_text()))) for step in STEPS) > 150
    finally:
        slowly.dispose()
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE one_by_one WITH (FORCE)")
