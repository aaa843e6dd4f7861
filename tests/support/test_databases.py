"""A test is lent the last one's database only if that is as a migration leaves it."""

from collections.abc import Iterator

import pytest

from runtime.database import open_engine
from sandbox.postgres import PostgresServer
from tests.support.databases import Databases

DROPPED = "ALTER TABLE export_schedule DROP COLUMN emails"


@pytest.fixture
def pool(postgres: PostgresServer) -> Iterator[Databases]:
    pool = Databases(postgres)
    yield pool
    pool.drop()


def used(pool: Databases, *statements: str) -> str:
    """Return the address of the database in which the statements were executed."""
    with pool.lent() as url:
        engine = pool.engine("tests", lambda: open_engine(url, name="tests", pool_size=1))
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    return url


def test_a_database_is_lent_again_without_its_rows(pool: Databases) -> None:
    url = used(pool, "INSERT INTO user_account (email) VALUES ('a@zed.test')")

    assert used(pool, "DO 'BEGIN ASSERT NOT EXISTS (SELECT FROM user_account); END'") == url


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE FUNCTION own() RETURNS integer LANGUAGE sql AS 'SELECT 1'",),
        (DROPPED,),
        ("SET LOCAL session_replication_role = replica", DROPPED),
    ],
    ids=["created", "dropped", "dropped while no trigger is asked"],
)
def test_a_database_whose_schema_was_changed_is_not_lent_again(pool: Databases, statements: tuple[str, ...]) -> None:
    url = used(pool, *statements)

    assert used(pool) != url
