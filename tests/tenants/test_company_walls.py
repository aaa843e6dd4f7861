"""The second wall: row-level security hides other companies even if a query forgets its filter."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from app.wiring.tools import Tools
from events.connection.accounts import Account, AccountTakenError, authorize
from events.connection.lifecycle import pause
from events.log.append import append
from runtime.database import across_companies, acting_as, open_engine, within_company
from runtime.roles import APP
from tests.support.clock import NOON
from tests.support.company import company_with, new_key_headers
from tests.support.databases import as_web_login
from tests.support.log import fact
from tests.support.web.lines import Reader, line_of
from tests.support.web.tools import app_with, tools_on

_ANY_COMPANY = re.compile(r"(?<=[\s.(])company_id = (%\([\w ]+\)s(::BIGINT)?|[\w.]+\.company_id)")


@pytest.fixture
def web(database_url: str) -> Iterator[Engine]:
    engine = acting_as(open_engine(as_web_login(database_url), name="web", pool_size=1), APP)
    yield engine
    engine.dispose()


@pytest.fixture
def companies(engine: Engine) -> tuple[int, int]:
    return company_with(engine, "acct_a"), company_with(engine, "acct_z")


def visible_companies(engine: Engine) -> list[int]:
    """Return the companies whose events are visible to a transaction that names no company."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT DISTINCT company_id FROM event ORDER BY 1")).scalars())


def test_every_table_with_a_company_is_walled_in(engine: Engine) -> None:
    with engine.connect() as connection:
        tables = connection.exec_driver_sql("""
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                   EXISTS (SELECT FROM pg_attribute b
                           WHERE b.attrelid = c.oid AND b.attname = 'build') AS is_projection,
                   (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
        """).all()

    assert {"event", "revenue_line", "api_key", "membership", "stripe_connection"} <= {row.relname for row in tables}
    assert [row.relname for row in tables if not row.relrowsecurity or row.policies != 3] == []
    assert [row.relname for row in tables if not row.relforcerowsecurity and not row.is_projection] == []


def test_a_transaction_that_names_no_company_sees_none(web: Engine, companies: tuple[int, int]) -> None:
    assert visible_companies(web) == []


def test_a_transaction_sees_the_company_it_names_alone(web: Engine, companies: tuple[int, int]) -> None:
    for company_id in companies:
        with within_company(web, company_id) as connection:
            assert list(connection.execute(text("SELECT company_id FROM event")).scalars()) == [company_id]
            assert list(connection.execute(text("SELECT id FROM company")).scalars()) == [company_id]


@pytest.mark.parametrize(
    "ending", ["SELECT 1", "SELECT 1 / 0", "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", "ROLLBACK"]
)
def test_however_a_transaction_ends_the_next_on_its_connection_sees_nothing(
    web: Engine, companies: tuple[int, int], ending: str
) -> None:
    with suppress(DBAPIError), within_company(web, companies[0]) as connection:
        connection.exec_driver_sql(ending)
    after_a_company = visible_companies(web)
    with suppress(DBAPIError), across_companies(web) as connection:
        connection.exec_driver_sql(ending)
    after_the_owner = visible_companies(web)

    assert (after_a_company, after_the_owner) == ([], [])


def test_nothing_is_written_for_another_company(web: Engine, companies: tuple[int, int]) -> None:
    mine, theirs = companies

    with pytest.raises(DBAPIError), within_company(web, mine) as connection:
        append(connection, theirs, [fact("evt_1")])
    with within_company(web, mine) as connection:
        changed = connection.execute(text("UPDATE stripe_connection SET status = 'paused'")).rowcount
        gone = connection.execute(text("DELETE FROM saved_view WHERE company_id = :id"), {"id": theirs}).rowcount

    assert (changed, gone) == (1, 0)


def test_a_company_appends_to_its_own_log_and_changes_its_own_connection(
    web: Engine, companies: tuple[int, int]
) -> None:
    with within_company(web, companies[0]) as connection:
        append(connection, companies[0], [fact("evt_1")])
        assert pause(connection, companies[0], actor="tests", now=NOON)


def test_what_is_in_the_log_is_not_changed_from_within(web: Engine, companies: tuple[int, int]) -> None:
    for statement in ("UPDATE event SET actor = 'me'", "DELETE FROM event", "SELECT * FROM user_session"):
        with pytest.raises(DBAPIError), within_company(web, companies[0]) as connection:
            connection.execute(text(statement))


def test_an_account_of_another_company_is_taken_though_it_cannot_be_seen(
    web: Engine, companies: tuple[int, int]
) -> None:
    with pytest.raises(AccountTakenError), within_company(web, 3) as connection:
        authorize(connection, 3, Account("acct_a", livemode=True), now=NOON, actor="tests")


def without_the_first_wall(engine: Engine) -> list[str]:
    """Make every query forget its company, and return the list that will contain these queries."""
    forgotten: list[str] = []

    def forget(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        # Queries that must find exactly one row are left alone, or there would be no response to check.
        is_kept = any(name in statement for name in ("key_sha256", "projection_state", "account_owner"))
        careless = statement if is_kept else _ANY_COMPANY.sub("company_id IS NOT NULL", statement)
        if careless != statement:
            forgotten.append(careless)
        return careless, parameters

    event.listen(engine, "before_cursor_execute", forget, retval=True)
    return forgotten


@pytest.mark.promise("Companies: nothing read or written reaches another one, with either wall alone")
@pytest.mark.parametrize("has_walls", [True, False])
def test_with_the_first_wall_gone_the_second_shows_nothing_of_another_company(
    web_tools: Tools, engine: Engine, database_url: str, *, has_walls: bool
) -> None:
    careless = acting_as(open_engine(database_url, name="careless", pool_size=4), APP, has_roles=has_walls)
    tools = tools_on(
        careless,
        web_tools.redis,
        appender=web_tools.appender,
        clock=web_tools.clock,
    )
    # Without walls the canary must show: otherwise the first wall still stands, and the test proves nothing.
    client = app_with(tools).test_client()
    mine = Reader.of_new_company(client, engine)
    mine.add_lines(line_of("il_mine"))
    theirs = Reader.of_new_company(client, engine, "acct_of_a_stranger")
    theirs.add_lines(line_of("il_CANARY"), account="acct_of_a_stranger")
    forgotten = without_the_first_wall(careless)

    answers = [mine.get(below).text for below in ("/revenue-lines", "/revenue-lines.csv", "/revenue-lines/il_CANARY")]

    careless.dispose()
    assert len(forgotten) >= 3
    assert ("CANARY" in "".join(answers)) is not has_walls
    if has_walls:
        assert "il_mine" in answers[0]
        assert "il_mine" in answers[1]


def test_a_key_is_found_before_its_company_is_known(web: Engine, engine: Engine, companies: tuple[int, int]) -> None:
    new_key_headers(engine, companies[0])

    with across_companies(web) as connection:
        assert connection.execute(text("SELECT count(*) FROM api_key")).scalar_one() == 1
