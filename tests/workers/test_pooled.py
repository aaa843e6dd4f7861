"""Behind PgBouncer in transaction mode everything works, each transaction in its role, and nothing leaks."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.wiring.tools import Tools as WebTools
from backlog.queues import Waker
from commands import register
from events.intake.lanes import AppendLanes
from runtime import roles
from runtime.database import across_companies, acting_as, driver_of, open_engine, within_company
from runtime.role_check import refuse_missing_roles
from sandbox.postgres import PostgresServer
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from tests.support.clock import NOON, SetClock
from tests.support.commands import error_of, json_of
from tests.support.company import catch_up, company_with
from tests.support.databases import new_database
from tests.support.pgbouncer import MISSING, SERVER_CONNECTIONS, pgbouncer_path, running_pgbouncer, through
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from tests.support.syncs.worker_tools import worker_tools
from tests.support.web.lines import line_of
from tests.support.web.rule_pages import Writer
from tests.support.web.tools import tools_on
from tests.support.web.webhooks import bodies_of, invoice_event, post
from workers.previews.jobs import preview_with
from workers.wiring.tools import Tools

pytestmark = pytest.mark.skipif(pgbouncer_path() is None, reason=MISSING)

# They inherit nothing: a transaction that does not begin in a role may do nothing at all.
_LOGINS = {
    "pooled_web": roles.OF_WEB,
    "pooled_worker": roles.OF_WORKERS,
    "pooled_operator": (roles.OPERATOR, *roles.OF_WORKERS),
}


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[Path]:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for login, held in _LOGINS.items():
            connection.execute(f"CREATE ROLE {login} LOGIN NOINHERIT")
            connection.execute(f"GRANT {', '.join(held)} TO {login}")
    with running_pgbouncer(postgres, list(_LOGINS)) as directory:
        yield directory


@pytest.fixture
def database_url(postgres: PostgresServer, pooler: Path) -> Iterator[str]:
    """Yield PostgreSQL's own address."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture
def urls(database_url: str, pooler: Path) -> Mapping[str, str]:
    """Return the addresses through the pooler, by user."""
    return {login: through(pooler, database_url, login) for login in _LOGINS}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Yield an engine of the owner, who is not pooled."""
    engine = open_engine(database_url, name="tests", pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture
def web(urls: Mapping[str, str]) -> Iterator[Engine]:
    engine = open_engine(urls["pooled_web"], name="web", pool_size=8, statement_timeout_ms=15_000, is_pooled=True)
    yield acting_as(engine, roles.APP)
    engine.dispose()


@pytest.fixture
def web_tools(urls: Mapping[str, str], web: Engine, redis: Redis, clock: SetClock) -> Iterator[WebTools]:
    opened = open_engine(
        urls["pooled_web"], name="intake", pool_size=2, lock_timeout_ms=50, autocommit=True, is_pooled=True
    )
    intake, waker = acting_as(opened, roles.INTAKE), Waker(redis)
    yield tools_on(web, redis, appender=AppendLanes(intake, after_commit=waker.ask), clock=clock)
    waker.close()


@pytest.fixture
def tools(urls: Mapping[str, str], redis: Redis, stripe_server: StripeServer, clock: SetClock) -> Iterator[Tools]:
    engine = open_engine(urls["pooled_worker"], name="worker", pool_size=10, is_pooled=True)
    with ThreadPoolExecutor(8) as threads:
        yield worker_tools(acting_as(engine, roles.WORKER), redis, stripe_server, clock, threads)
    engine.dispose()


def test_lines_are_received_synced_mapped_and_rebuilt_through_a_pooler(  # noqa: PLR0915 - all of the product
    app: Flask,
    engine: Engine,
    tools: Tools,
    simulated: SimulatedStripe,
    urls: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=40, seed=3, until=int(NOON.timestamp()) - 86_400)
    synced = company_with(engine, account.id)
    assert sync(tools, synced, trigger="initial").status == "succeeded"
    assert table_of(tools.engine, synced) == truth_of(account)

    writer = Writer(app, engine)
    body = invoice_event("in_hook", account="acct_tests")
    assert [post(app.test_client(), body).status_code for _ in range(2)] == [200, 200]
    assert bodies_of(engine, writer.company_id) == [body]
    catch_up(tools.engine)
    assert {line["invoice_id"] for line in writer.mapper.get("/revenue-lines")["data"]} == {"in_hook"}

    writer.mapper.add_lines(line_of("il_1", 3100))
    writer.draft(writer.to_saas("rule_a"))
    monkeypatch.setenv("DATABASE_URL", urls["pooled_operator"])
    monkeypatch.setenv("DATABASE_POOLER", "transaction")
    operator = Flask("revmap")
    register(operator)
    run = operator.test_cli_runner().invoke
    company = ("--company", str(writer.company_id))
    preview_id = str(json_of(run(args=["mapping", "preview", "--json", *company]))["id"])
    preview_with(tools)
    run(args=["mapping", "publish", preview_id, *company])
    preview_with(tools)
    catch_up(tools.engine)
    assert run(args=["mapping", "publish", preview_id, "--wait", *company]).stdout == "Published as version 1.\n"

    rebuilt = run(args=["projections", "rebuild", "--company", str(synced), "--workers", "1"])
    assert rebuilt.exit_code == 0, rebuilt.output
    assert table_of(tools.engine, synced) == truth_of(account)
    assert "DATABASE_OWNER_URL" in error_of(run(args=["db", "upgrade"]))


def test_each_transaction_has_its_role_and_limits_and_leaves_nothing_behind(
    web: Engine, engine: Engine, urls: Mapping[str, str]
) -> None:
    company_id = company_with(engine, "acct_a")
    who = "SELECT current_user, current_setting('statement_timeout'), current_setting('TimeZone')"

    with web.connect() as connection:
        found = [tuple(connection.exec_driver_sql(who).one())]
        connection.commit()
        found.extend(driver_of(connection).execute(who))
        connection.commit()
        found.append(tuple(connection.exec_driver_sql(who).one()))
    assert set(found) == {(roles.APP, "15s", "UTC")}
    for _ in range(8):  # more often than a statement runs before it is prepared
        with within_company(web, company_id) as connection:
            assert connection.scalar(text("SELECT current_setting('revmap.company_id')")) == str(company_id)
        with across_companies(web) as connection:
            assert connection.scalar(text("SELECT current_user")) == roles.WEB
    for statement in ("DELETE FROM event", "UPDATE revenue_line SET amount = 0", "DELETE FROM company_head"):
        with pytest.raises(DBAPIError, match="permission denied"), within_company(web, company_id) as connection:
            connection.execute(text(statement))

    left = """
        SELECT current_user, coalesce(current_setting('revmap.company_id', true), ''),
               current_setting('statement_timeout'), current_setting('lock_timeout'),
               (SELECT count(*) FROM pg_prepared_statements)
    """
    with ExitStack() as stack:
        for _ in range(SERVER_CONNECTIONS):
            # Each holds one of the server's connections, so that all are looked at.
            other = stack.enter_context(psycopg.connect(urls["pooled_web"], prepare_threshold=None))
            assert other.execute(left).fetchone() == ("pooled_web", "", "0", "0", 0)


def test_a_process_that_a_pooler_would_keep_from_its_role_does_not_start(
    urls: Mapping[str, str], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = urls["pooled_web"]
    refuse_missing_roles(url, roles.OF_WEB, has_roles=True, is_pooled=True)
    with pytest.raises(SystemExit) as exited:
        refuse_missing_roles(url, roles.OF_WEB, has_roles=True)
    assert exited.value.code == 2
    assert "Set DATABASE_POOLER=transaction" in capsys.readouterr().err

    astray = acting_as(open_engine(url, name="astray", pool_size=1, is_pooled=True), roles.WORKER)
    with pytest.raises(DBAPIError, match="permission denied"), astray.begin():
        pass
    astray.dispose()
