"""A deployment in a schema of its own works like one in `public`, also after `flask db distribute`.

Citus is simulated, and moves nothing: see tests/support/citus.sql. What is shown is that nothing looks for its tables
in another schema, and that two deployments in one database know nothing of each other.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, make_url

from app.wiring.tools import Tools as WebTools
from backlog.queues import Waker
from commands import register
from events.intake.lanes import AppendLanes
from migrations.run import distribute_schema, upgrade
from runtime import roles
from runtime.database import acting_as, open_engine
from runtime.role_check import refuse_missing_roles
from sandbox.postgres import PostgresServer
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from tests.support.citus import in_schema, install
from tests.support.clock import NOON, SetClock
from tests.support.commands import json_of
from tests.support.company import catch_up, company_with
from tests.support.databases import as_web_login, as_worker_login, new_database
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from tests.support.syncs.worker_tools import worker_tools
from tests.support.web.lines import Reader, line_of
from tests.support.web.tools import tools_on
from tests.support.web.webhooks import bodies_of, invoice_event, post
from workers.wiring.tools import Tools

Run = Callable[..., Result]
SCHEMA = "revmap_1"


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """Yield an address that names the schema into which a database's tables were moved."""
    with new_database(postgres) as url:
        one = open_engine(url, name="installing", pool_size=1)
        with one.begin() as connection:
            install(connection)
        one.dispose()
        own = open_engine(in_schema(url, SCHEMA), name="distributing", pool_size=1)
        schema, done = distribute_schema(own)
        own.dispose()
        assert (schema, len(done)) == (SCHEMA, 6)
        yield in_schema(url, SCHEMA)
        with psycopg.connect(postgres.url, autocommit=True) as other:
            for role in roles.ALL:
                other.execute(f"ALTER ROLE {role} NOLOGIN")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, name="tests", pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture
def web_tools(database_url: str, redis: Redis, clock: SetClock) -> Iterator[WebTools]:
    url, waker = as_web_login(database_url), Waker(redis)
    web = acting_as(open_engine(url, name="web", pool_size=8), roles.APP)
    intake = acting_as(open_engine(url, name="intake", pool_size=2, lock_timeout_ms=50, autocommit=True), roles.INTAKE)
    yield tools_on(web, redis, appender=AppendLanes(intake, after_commit=waker.ask), clock=clock)
    waker.close()
    for one in (web, intake):
        one.dispose()


@pytest.fixture
def tools(database_url: str, redis: Redis, stripe_server: StripeServer, clock: SetClock) -> Iterator[Tools]:
    engine = acting_as(open_engine(as_worker_login(database_url), name="worker", pool_size=10), roles.WORKER)
    with ThreadPoolExecutor(8) as threads:
        yield worker_tools(engine, redis, stripe_server, clock, threads)
    engine.dispose()


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    operator = Flask("revmap")
    register(operator)
    return lambda *words: operator.test_cli_runner().invoke(args=[str(word) for word in words])


def test_lines_are_received_synced_rebuilt_verified_and_exported(
    app: Flask, engine: Engine, tools: Tools, simulated: SimulatedStripe, run: Run, tmp_path: Path
) -> None:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=40, seed=3, until=int(NOON.timestamp()) - 86_400)
    synced = company_with(engine, account.id)
    assert sync(tools, synced, trigger="initial").status == "succeeded"
    assert table_of(tools.engine, synced) == truth_of(account)

    reader = Reader.of_new_company(app.test_client(), engine, "acct_tests")
    body = invoice_event("in_hook", account="acct_tests")
    assert [post(app.test_client(), body).status_code for _ in range(2)] == [200, 200]
    assert bodies_of(engine, reader.company_id) == [body]
    catch_up(tools.engine)
    (line,) = reader.page()["data"]
    assert line["invoice_id"] == "in_hook"
    reader.add_lines(line_of("il_1", 3100), account="acct_tests")
    assert len(reader.ids()) == 2
    assert reader.page(as_of=line["position"])["data"] == [line]
    assert b"il_1" in reader.get("/revenue-lines.csv").data

    rebuilt = run("projections", "rebuild", "--check", "--workers", 2, "--json")
    assert json_of(rebuilt)["differing"] == []
    assert all(one["equal"] for one in json_of(run("projections", "verify", "--json"))["companies"])
    assert json_of(run("events", "verify", "--json"))["whole"]
    assert table_of(tools.engine, synced) == truth_of(account)
    manifest = json_of(run("companies", "export", synced, tmp_path / "export", "--json"))
    assert manifest["events"] > 40
    assert json_of(run("db", "upgrade", "--json"))


def test_a_company_is_erased_and_processes_start(run: Run, database_url: str) -> None:
    refuse_missing_roles(as_web_login(database_url), roles.OF_WEB, has_roles=True)
    company_id = json_of(run("companies", "create", "Zed"))["id"]

    erased = json_of(run("companies", "erase", company_id, "--yes", "--json"))

    assert erased["erasure"]["events"] == 0


def test_another_deployment_in_the_same_database_has_its_own_companies(
    engine: Engine, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company_with(engine, "acct_a")
    other = open_engine(in_schema(database_url, "revmap_2"), name="other", pool_size=2)
    upgrade(other)
    schema, _ = distribute_schema(other)
    other.dispose()
    monkeypatch.setenv("DATABASE_URL", in_schema(database_url, "revmap_2"))

    assert schema == "revmap_2"
    assert json_of(run("companies", "list", "--json"))["companies"] == []
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert len(json_of(run("companies", "list", "--json"))["companies"]) == 1


def test_a_process_whose_address_does_not_name_the_schema_does_not_start(
    engine: Engine, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another way to the schema would leave the nodes without the company that a transaction is for."""
    with engine.begin() as connection:
        for setting in (f"search_path = {SCHEMA}", "citus.propagate_set_commands = 'none'"):
            connection.exec_driver_sql(f"ALTER ROLE web_login IN DATABASE {engine.url.database} SET {setting}")
    nameless = make_url(as_web_login(database_url)).difference_update_query(["options"])

    with pytest.raises(SystemExit) as exited:
        refuse_missing_roles(nameless.render_as_string(hide_password=False), roles.OF_WEB, has_roles=True)

    assert exited.value.code == 2
    assert "name the schema in DATABASE_URL" in capsys.readouterr().err
