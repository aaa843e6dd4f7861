"""A company at work on several hosts, to which accidents happen: chosen by a seed, one after the other."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from random import Random
from threading import Event, Thread

from sqlalchemy import Engine, text

from backlog.exports.recurrence import Recurrence
from backlog.exports.schedules import Plan, add_schedule
from projections.engine.behind import is_anybody_behind
from runtime.clock import utc_now
from sandbox.stripe.account.accounts import Account
from tests.prove.hosts.accidents import Accident, Undo
from tests.prove.hosts.sender import Sender
from tests.prove.hosts.stage import SYNC_SECONDS, Stage
from tests.prove.simulation.at_rest import wrong_in_the_log, wrong_in_the_tables
from tests.prove.simulation.business import Business
from tests.support.company import company_with
from tests.support.signing import SECRET
from tests.support.syncs.truth import table_of, truth_of

_PER_SECOND = 100
_MOST_AT_ONCE = 40
_ACTS_BEFORE = 400
_EXPORT_EVERY_SECONDS = 3.0
# Generous: other programs may compute meanwhile.
_WITHIN_SECONDS = 200.0
_DAILY = Recurrence("daily", None, 0, "UTC")

_EXPORT_NOW = text("UPDATE export_schedule SET due_at = now() WHERE due_at > now() + interval '1 minute'")
_OLD_RUNS = text("SELECT count(*) FROM sync_run WHERE requested_at < :quiet_at AND finished_at IS NULL")
_PROVEN_RUNS = text("SELECT count(*) FROM sync_run WHERE requested_at >= :quiet_at AND status = 'succeeded'")
_RUNS = text("""
    SELECT number, status, error_code, reconciliation::text AS books,
        requested_at - lag(finished_at) OVER (ORDER BY number) < make_interval(secs => :least) AS is_early,
        number - lag(number, 1, 0) OVER (ORDER BY number) AS step
    FROM sync_run ORDER BY number
""")
_REQUESTED = text("SELECT count(*) FROM event WHERE type = 'sync.requested'")
_TOLD = text("SELECT count(*) FROM export_run")


class Day:
    """What happens: events a hundred times a second, syncs, exports that are due, and accidents."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self.random, self.stage, self.happened = random, stage, 0
        simulated = stage.stripe.stripe
        self.account: Account = simulated.create_account("Sample Studio")
        self._business = Business(self.account, Random(self.random.random()))
        for _ in range(_ACTS_BEFORE):
            self._act()
        endpoint = simulated.add_endpoint("", [SECRET])
        self._told = simulated.outbox[endpoint.id]
        self._given = self._exports = 0
        self._is_late = False
        self._sender = Sender(simulated, endpoint, [host.port for host in stage.hosts])
        self.company_id = company_with(stage.engine, self.account.id)
        with stage.engine.begin() as connection:
            plan = Plan("csv", {}, _DAILY, [])
            add_schedule(connection, self.company_id, plan, actor="tests", key=None, now=utc_now())
        self._pause, self._closed = Event(), Event()
        self._undoings: list[Undo] = []
        self._began = self._export_at = time.monotonic()

    @property
    def engine(self) -> Engine:
        """Return an engine that reaches the database without a proxy."""
        return self.stage.engine

    @property
    def acknowledged(self) -> set[str]:
        """Return the ids of the events that a host acknowledged."""
        return self._sender.acknowledged

    @property
    def sent(self) -> set[str]:
        """Return the ids of the events that were sent to a host."""
        return self._sender.sent

    def live(self, accidents: Iterable[Accident]) -> None:
        """Let time pass, and these accidents happen, until all is well again."""
        trading = Thread(target=self._trade, name="trading", daemon=True)
        trading.start()
        self._pass(4)
        for accident in accidents:
            self.happened += 1
            if undo := accident():
                self._undoings.append((time.monotonic() + undo[0], undo[1]))
            self._pass(self.random.uniform(0.5, 2))
        while self._undoings:
            self._pass(0.2)
        self._closed.set()
        trading.join()

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            self.stage.tend()
            for undo in [one for one in self._undoings if one[0] <= now]:
                self._undoings.remove(undo)
                undo[1]()
            if now > self._export_at:
                self._export_at = now + _EXPORT_EVERY_SECONDS
                with self.engine.begin() as connection:
                    self._exports += connection.execute(_EXPORT_NOW).rowcount
            self._pause.wait(0.02)

    def _trade(self) -> None:
        began = time.monotonic()
        while not self._closed.wait(0.02):
            due = int(_PER_SECOND * (time.monotonic() - began))
            aim = min(due, len(self._told) + _MOST_AT_ONCE)
            while len(self._told) < aim:
                self._act()
            for told in self._told[self._given :]:
                self._given += 1
                self._sender.give(told)

    def _act(self) -> None:
        self._business.act()
        self.stage.clock.tick()

    def converge(self) -> str:
        """Let nothing more happen until all agree; return what a person wants to know about the day."""
        quiet, quiet_at = time.monotonic(), utc_now()
        traded, told = quiet - self._began, len(self._told)
        equal = self._wait_until(self._is_equal) - quiet
        proven = self._wait_until(lambda: self._is_proven(quiet_at)) - quiet
        self._is_late = proven > 2 * _WITHIN_SECONDS or equal > _WITHIN_SECONDS
        return (
            f"{told:,} events in {traded:.0f} s, sent {self._sender.attempts:,} times; {self.happened} accidents; "
            f"equal after {equal:.0f} s, proven by a sync after {proven:.0f} s"
        )

    def _wait_until(self, holds: Callable[[], bool]) -> float:
        latest = time.monotonic() + _WITHIN_SECONDS
        while not holds() and time.monotonic() < latest:
            self.stage.tend()
            self._pause.wait(0.25)
        return time.monotonic()

    def _is_equal(self) -> bool:
        with self.engine.connect() as connection:
            if not self._sender.is_done or is_anybody_behind(connection):
                return False
        return table_of(self.engine, self.company_id) == truth_of(self.account)

    def _is_proven(self, quiet_at: datetime) -> bool:
        with self.engine.connect() as connection:
            at = {"quiet_at": quiet_at}
            return not connection.scalar(_OLD_RUNS, at) and bool(connection.scalar(_PROVEN_RUNS, at))

    def stop(self) -> None:
        """Send nothing more."""
        self._sender.stop()

    def violations(self) -> Iterator[str]:
        """Yield what is wrong. Call it when the hosts have stopped."""
        if self._is_late:
            yield "it took too long until all was equal, or proven"
        yield from wrong_in_the_log(self)
        yield from wrong_in_the_tables(self)
        with self.engine.connect() as connection:
            runs = connection.execute(_RUNS, {"least": SYNC_SECONDS - 1}).all()
            requested, told = connection.scalar(_REQUESTED), connection.scalar(_TOLD)
        yield from (f"run {one.number} was scheduled too early" for one in runs if one.is_early)
        yield from (f"run {one.number}: {one.status} {one.error_code} {one.books}" for one in runs if not _is_well(one))
        if (requested, told) != (len(runs), self._exports):
            yield f"{len(runs)} runs, requested {requested} times; {self._exports} exports, told {told} times"


def _is_well(run: object) -> bool:
    return run.status in {"succeeded", "queued", "running"} and run.step == 1  # type: ignore[attr-defined]
