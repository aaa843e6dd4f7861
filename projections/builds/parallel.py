"""Rebuild with several processes, and report the progress of all of them."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row, text

from projections.builds.builds import Begun
from projections.builds.rebuild import build_on
from projections.engine.folding import Claim
from runtime.database import acting_as, acts_in_roles, open_engine
from runtime.pooling import is_pooled
from runtime.processes import die_with_parent
from runtime.roles import WORKER

_NO_TIME_LIMIT_MS = 0
_LOOK_SECONDS = 0.5
_NICENESS = 10


class Progress(NamedTuple):
    """The progress of a rebuild: how many events are folded, how many there are, and how many are folded per second."""

    events_done: int
    events: int
    per_second: float

    @property
    def share(self) -> float:
        """Return the share of the events that are folded."""
        return self.events_done / self.events if self.events else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Return how many seconds the rest takes at this pace; None if nothing was folded."""
        return (self.events - self.events_done) / self.per_second if self.per_second else None


class RebuildHaltedError(Exception):
    """Some builds reached an event that cannot be folded. The live tables are unchanged."""


_STANDING = text("""
    SELECT s.projection, s.company_id, s.build, s.position, s.status, s.error, s.error_position
    FROM projection_state s
    JOIN unnest(CAST(:projection AS text[]), CAST(:company_id AS bigint[]), CAST(:build AS integer[]))
        AS k (projection, company_id, build)
        ON s.projection = k.projection AND s.company_id = k.company_id AND s.build = k.build
""")


def build_with(
    engine: Engine, begun: Sequence[Begun], *, workers: int, report: Callable[[Progress], None] = lambda _: None
) -> list[Claim]:
    """Fold the logs of the begun builds with this many processes; return the builds once they are ready. Commits.

    :raises RebuildHaltedError: an event could not be folded; the other builds are ready
    """
    companies = sorted({build.company_id for build in begun})
    first, started = sum(build.position for build in begun), time.monotonic()
    with process_pool(workers) as pool:
        url = engine.url.render_as_string(hide_password=False)
        how = {"has_roles": acts_in_roles(engine), "pooled": is_pooled(engine)}
        jobs = [pool.submit(_work, url, companies, **how) for _ in range(workers)]
        while wait(jobs, timeout=_LOOK_SECONDS, return_when=FIRST_EXCEPTION).not_done:
            report(_progress(engine, begun, first, time.monotonic() - started))
        for job in jobs:
            job.result()
    report(_progress(engine, begun, first, time.monotonic() - started))
    standing = _standing(engine, begun)
    halted = [f"{row.projection} of company {row.company_id}: {row.error}" for row in standing if row.error]
    if halted:
        raise RebuildHaltedError("; ".join(halted))
    return [Claim(row.projection, row.company_id, row.build, row.position) for row in standing]


def process_pool(size: int) -> ProcessPoolExecutor:
    """Return a pool of processes that end when this one does, however it ends.

    They are forked, because a new process needs a second for its imports. While other threads run they are spawned,
    because a fork may wait forever for a lock that one of the threads holds.
    https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
    """
    context = get_context("fork" if threading.active_count() == 1 else "spawn")
    return ProcessPoolExecutor(
        size, mp_context=context, initializer=die_with_parent, initargs=(os.getpid(), signal.SIGKILL)
    )


def _work(url: str, company_ids: Sequence[int], *, has_roles: bool, pooled: bool) -> None:
    os.nice(_NICENESS)  # processes that serve requests go first
    engine = open_engine(url, name="rebuild", pool_size=1, statement_timeout_ms=_NO_TIME_LIMIT_MS, is_pooled=pooled)
    acting_as(engine, WORKER, has_roles=has_roles)
    try:
        while build_on(engine, is_automatic=False, company_ids=company_ids):
            pass
    finally:
        engine.dispose()


def _progress(engine: Engine, begun: Sequence[Begun], first: int, seconds: float) -> Progress:
    done = sum(row.position for row in _standing(engine, begun))
    return Progress(done, sum(build.head for build in begun), (done - first) / seconds if seconds else 0.0)


def _standing(engine: Engine, begun: Sequence[Begun]) -> Sequence[Row[Any]]:
    keys = {name: [getattr(build, name) for build in begun] for name in ("projection", "company_id", "build")}
    with engine.connect() as connection:
        return connection.execute(_STANDING, keys).all()
