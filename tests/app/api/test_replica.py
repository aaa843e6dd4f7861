"""Reads are answered by a replica that has all that was acknowledged, and by the primary whenever it does not."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from redis import Redis
from sqlalchemy import Engine, event, text
from werkzeug.test import TestResponse

from events.intake.group_append import GroupAppender
from runtime.database import acting_as, open_engine, within_company
from runtime.replica import Replica, read_beside
from runtime.replica_use import ReplicaUse
from runtime.roles import APP
from sandbox.postgres import PostgresServer
from tests.support.clock import SetClock
from tests.support.databases import arranging, as_web_login, new_database
from tests.support.paths import ROOT
from tests.support.replica import catch_up_with, on, running_replica
from tests.support.web.lines import Reader, json_of, line_of
from tests.support.web.stack import frozen
from tests.support.web.tools import SCRAPER, app_with, tools_on
from tests.support.web.webhooks import until

REST = timedelta(seconds=10)


@dataclass
class Pair:
    """A reader of an app that has a primary and a replica. `asked` holds the statements that the replica was asked."""

    reader: Reader
    clock: SetClock
    url: str
    server: PostgresServer
    replica: Engine
    superuser: psycopg.Connection
    asked: list[str] = field(default_factory=list)
    # Done once before the replica is asked for lines.
    fault: str = ""

    def read(self, below: str = "/revenue-lines", **query: Any) -> tuple[TestResponse, bool]:
        """Return an answer, and whether it is the replica's."""
        self.asked.clear()
        answer = self.reader.get(below, **query)
        assert answer.status_code == 200, answer.text
        # More than what it has, and where the company's table stands.
        return answer, bool(self.asked) and "projection_active" not in self.asked[-1] and "pg_sleep" not in self.asked[
            -1
        ]

    def catch_up(self) -> None:
        """Let the replica catch up and be asked again."""
        self.superuser.execute("SELECT pg_wal_replay_resume()")
        catch_up_with(self.url, self.superuser)
        self.clock.advance(REST)

    def replicas(self, below: str = "/revenue-lines") -> TestResponse:
        """Return the replica's answer: the first one before which nothing wrote, as what notes that a key was used."""
        answers: list[TestResponse] = []

        def is_replicas() -> bool:
            self.catch_up()
            answer, is_replicas = self.read(below)
            answers.append(answer)
            return is_replicas

        assert until(is_replicas)
        return answers[-1]

    def fall_behind(self) -> None:
        self.superuser.execute("SELECT pg_wal_replay_pause()")
        assert until(lambda: self.one("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def write(self, statements: str) -> None:
        with arranging(self.reader.engine) as connection:
            for statement in statements.split("; "):
                connection.execute(text(statement))

    def one(self, statement: str) -> Any:
        row = self.superuser.execute(statement).fetchone()
        return row and row[0]

    def note(self, _connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        self.asked.append(statement)
        if self.fault and "revenue_line" in statement:
            fault, self.fault = self.fault, ""
            self.superuser.execute(fault, [cursor.connection.info.backend_pid])


@contextmanager
def reading(url: str, *, is_pooled: bool) -> Iterator[Engine]:
    engine = acting_as(open_engine(url, name="web", pool_size=3, is_pooled=is_pooled), APP)
    yield engine
    engine.dispose()


@pytest.fixture
def pair(postgres: PostgresServer, redis: Redis, clock: SetClock, request: pytest.FixtureRequest) -> Iterator[Pair]:
    is_pooled = getattr(request, "param", False)
    with new_database(postgres) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            # As in production: the tests' servers do not wait for their disks.
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = on")
        with (
            running_replica(postgres) as server,
            reading(as_web_login(url), is_pooled=is_pooled) as primary,
            reading(on(server, url, user="web_login"), is_pooled=is_pooled) as replica,
            psycopg.connect(on(server, url), autocommit=True) as superuser,
        ):
            owner = open_engine(url, name="tests", pool_size=3)
            beside = read_beside(primary, Replica(replica, ReplicaUse(clock)))
            tools = tools_on(beside, redis, appender=GroupAppender(owner, after_commit=lambda: None), clock=clock)
            reader = Reader.of_new_company(app_with(tools).test_client(), owner)
            made = Pair(reader, clock, url, server, replica, superuser)
            event.listen(replica, "before_cursor_execute", made.note)
            yield made
            owner.dispose()


@pytest.mark.parametrize("pair", [False, True], ids=["sessions", "pooled"], indirect=True)
def test_replica_that_has_everything_answers_within_the_walls_of_the_company(pair: Pair) -> None:
    reader = pair.reader
    other = Reader.of_new_company(reader.client, reader.engine, "acct_other")
    other.add_lines(line_of("il_other"), invoice_id="in_other", account="acct_other")
    reader.add_lines(line_of("il_1"))

    page = pair.replicas()
    pair.replicas("/revenue-lines.csv")
    pair.replicas("/reports/recognition")

    assert [line["invoice_line_item_id"] for line in json_of(page)["data"]] == ["il_1"]
    assert reader.get(headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    assert reader.ask(other.path(), headers=reader.key, query={}).status_code == 404
    count = text("SELECT count(*) FROM revenue_line")
    replica = pair.replica.execution_options(postgresql_readonly=True)
    with within_company(replica, reader.company_id) as inside, replica.begin() as outside:
        assert (inside.scalar(count), outside.scalar(count), pair.one(count.text)) == (1, 0, 2)


def test_nobody_is_answered_less_than_the_primary_has_acknowledged(pair: Pair) -> None:
    pair.reader.add_lines(line_of("il_1"))
    older = json_of(pair.replicas())["position"]

    # The replica lacks a fact and its fold.
    pair.fall_behind()
    pair.reader.add_lines(line_of("il_2"), invoice_id="in_2")
    newer, is_replicas = pair.read()
    position = json_of(newer)["position"]
    assert (position, is_replicas) == (older + 1, False)
    # It is not asked again at once.
    assert (pair.read(as_of=position)[1], pair.asked) == (False, [])
    same = pair.replicas()
    assert (same.data, same.headers["ETag"]) == (newer.data, newer.headers["ETag"])

    # It lacks what is in no log.
    pair.fall_behind()
    pair.write("UPDATE company SET name = 'Zed Inc'")
    named, _ = pair.read("/revenue-lines.csv")
    assert "zed-inc-revenue-lines" in named.headers["Content-Disposition"]
    pair.replicas()

    # It has everything on the primary's disk, and lacks a fold that nothing has flushed there yet.
    pair.fall_behind()
    pair.write("SET LOCAL synchronous_commit = off; UPDATE projection_state SET status = 'halted'")
    assert json_of(pair.read()[0])["projection_status"] == "halted"
    assert json_of(pair.replicas())["projection_status"] == "halted"


def test_failures_are_told_once_and_cost_no_reader_an_answer(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    pair.reader.add_lines(line_of("il_1"))
    expected = pair.replicas().data

    # Its backend ends amid an answer, as after a conflict with what it replays.
    pair.fault = "SELECT pg_terminate_backend(%s)"
    while pair.fault:
        pair.catch_up()
        assert pair.read()[0].data == expected
    assert told(caplog) == ["replica passed over"]
    assert (pair.read()[0].data, pair.asked) == (expected, [])
    pair.replicas()
    assert told(caplog) == ["replica passed over", "replica answers again"]

    with frozen(pair.server):
        assert pair.read()[0].data == expected
    pair.replicas()

    # It is behind for long.
    caplog.clear()
    pair.catch_up()
    assert until(lambda: figures(pair) == {"revmap_replica_up": 1, "revmap_replica_lag_seconds": 0})
    pair.fall_behind()
    pair.write("UPDATE company SET name = 'Zed Inc'")
    for minutes in (0, 2):
        pair.clock.advance(timedelta(minutes=minutes))
        assert pair.read()[0].data == expected
    assert told(caplog) == ["replica passed over"]
    assert figures(pair)["revmap_replica_lag_seconds"] > 0
    pair.replicas()


def test_promoted_or_killed_replica_answers_nothing_more(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    pair.reader.add_lines(line_of("il_1"))
    expected = pair.replicas().data

    pair.one("SELECT pg_promote()")
    assert (pair.read()[0].data, figures(pair)) == (expected, {"revmap_replica_up": 0})
    pair.server.process.kill()
    pair.server.process.wait()
    for _ in range(2):
        pair.clock.advance(REST)
        assert pair.read()[0].data == expected

    assert (told(caplog), figures(pair)) == (["replica passed over"], {"revmap_replica_up": 0})
    assert pair.reader.client.get("/readyz").status_code == 200


def test_only_folds_commit_without_waiting_for_the_disk() -> None:
    # What else did would be seen before a replica can have it, and is not compared.
    product = {path.parent for path in ROOT.glob("*/__init__.py")} - {
        ROOT / name for name in ("tests", "sandbox", "bench")
    }
    sources = [path for package in product for path in package.rglob("*.py")]

    unflushed = [path for path in sources if re.search(r"synchronous_commit\W+off", path.read_text())]

    assert sorted(path.relative_to(ROOT).as_posix() for path in unflushed) == [
        "projections/engine/folding.py",
        "runtime/replica.py",
    ]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "runtime.replica_use"]


def figures(pair: Pair) -> dict[str, float]:
    served = pair.reader.client.get("/metrics", headers=SCRAPER).text
    lines = [line.split() for line in served.splitlines() if line.startswith("revmap_replica")]
    return {name: float(value) for name, value in lines}
