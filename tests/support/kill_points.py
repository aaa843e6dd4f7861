"""Kill processes that fold, at random statements: `python -m tests.support.kill_points DATABASE_URL POINTS SEED BUG`.

Each child continues with what the previous ones left: it appends, catches up, rebuilds, flips, rolls back, drops. It
kills itself with SIGKILL before or after a random statement. Prints the faults found afterwards: none, unless a bug is
planted.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from threading import Event
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, text

import projections.builds.rebuild
import projections.engine.catch_up
import tests.support.payloads
from events.log.audit import verify_logs
from projections.builds import builds
from projections.builds.rebuild import build_on, flip
from projections.builds.retired import drop_build, previous_build
from projections.builds.verify import compare
from projections.engine import folding
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from projections.engine.folding import Claim
from projections.engine.status import projection_status
from runtime.database import Driver, driver_of, open_engine
from tests.support.company import record_events
from tests.support.histories import busy_history

_KILLS_BETWEEN_CHECKS = 8
# Every second child is killed right before a commit, one commit later each time; the others at a random statement.
_MOST_COMMITS = 16
_MOST_STATEMENTS = 300
_COMMITS = ((psycopg.Connection, "commit"), (psycopg.Cursor, "execute"))
CALLS = (*_COMMITS, (psycopg.Cursor, "copy"))
CHILD = "killed"
_BEHIND_UNMARKED = text("""
    SELECT h.company_id FROM company_head h LEFT JOIN projection_active a ON a.company_id = h.company_id
    LEFT JOIN projection_state s ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    WHERE h.behind_since IS NULL AND h.position > coalesce(s.position, 0)
""")


def main(url: str, points: int, seed: int, bug: str) -> list[str]:
    """Kill so many children, and return the first faults found, or an empty list."""
    random = Random(seed)
    for point in range(points):
        child = os.fork()
        if child == 0:
            _run_child(url, random.randrange(2**32), point, bug)
        os.waitpid(child, 0)
        if point % _KILLS_BETWEEN_CHECKS == _KILLS_BETWEEN_CHECKS - 1 or point == points - 1:
            found = _find_faults(url)
            if found:
                return found
        random.random()
    return []


def _run_child(url: str, seed: int, point: int, bug: str) -> None:
    random = Random(seed)
    if point % 2:
        kill_at(random.randrange(_MOST_STATEMENTS), CALLS, is_before=random.random() < 0.5)
    else:
        kill_at(1 + point // 2 % _MOST_COMMITS, _COMMITS, is_before=True, is_meant=_is_commit)
    _BUGS[bug]()
    tests.support.payloads._numbers = count(seed)  # so that event ids differ between children
    engine = open_engine(url, name=CHILD, pool_size=2)
    try:
        _work(engine, random)
    finally:
        os._exit(0)


def _work(engine: Engine, random: Random) -> None:
    record_events(engine, *busy_history(random, 6))
    _catch_up(engine, random)
    with engine.begin() as connection:
        begun = builds.begin_builds(connection, company_id=None)
    while build_on(engine, is_automatic=False, chunk_events=random.choice((5, 40, 1000))):
        pass
    record_events(engine, *busy_history(random, 4))
    for one in begun:
        flip(engine, Claim(one.projection, one.company_id, one.build, 0))
    record_events(engine, *busy_history(random, 4))
    _catch_up(engine, random)
    for one in begun:
        with engine.connect() as connection:
            earlier = previous_build(connection, one.projection, one.company_id)
        flip(engine, earlier)
        drop_build(engine, Claim(one.projection, one.company_id, one.build, 0))


def _catch_up(engine: Engine, random: Random) -> None:
    begin_lacking_builds(engine)
    while advance(engine, batch_size=random.choice((1, 3, 100))):
        pass


def _is_commit(_self: object, statement: object = "COMMIT", *_: object) -> bool:
    # A commit that is part of a pipeline is a statement like any other.
    return statement == "COMMIT"


def kill_at(
    statement: int,
    calls: Sequence[tuple[type, str]],
    *,
    is_before: bool,
    is_meant: Callable[..., bool] = lambda *_: True,
) -> list[int]:
    """Have this process kill itself at its nth call from now; return a list of how many are left until then."""
    remaining = [statement]

    def killing(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            if not is_meant(*args):
                return call(*args, **options)
            remaining[0] -= 1
            if remaining[0] == 0 and is_before:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = call(*args, **options)
            if remaining[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return called

    for owner, name in calls:
        setattr(owner, name, killing(getattr(owner, name)))
    return remaining


def _find_faults(url: str) -> list[str]:
    engine = open_engine(url, name="looking", pool_size=3)
    try:
        wait_until_children_are_gone(engine)
        with engine.connect() as connection:
            if unmarked := connection.scalars(_BEHIND_UNMARKED).all():
                return [f"companies {unmarked} are behind and not marked"]
        begin_lacking_builds(engine)
        while advance(engine):
            pass
        with engine.begin() as connection:
            faults = [fault for verdict in verify_logs(connection) for fault in verdict.faults]
            faults += [str(row) for row in projection_status(connection) if row.error or row.position > row.head]
            begun = builds.begin_builds(connection, company_id=None, is_resumed=False)
        new_builds = [Claim(one.projection, one.company_id, one.build, 0) for one in begun]
        faults += [one for claim in new_builds for verdict in compare(engine, claim) for one in verdict.differences]
        with engine.begin() as connection:
            builds.abandon(connection, new_builds)
        for claim in new_builds:
            drop_build(engine, claim)
        return faults
    finally:
        engine.dispose()


def wait_until_children_are_gone(engine: Engine) -> None:
    """Wait until the server has noticed that the clients of this name are dead."""
    # The server notices a killed client a moment later; until then it holds the client's locks.
    pause = Event()
    while True:
        with engine.connect() as connection:
            alive = text(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()"
            )
            if not connection.execute(alive, {"name": f"revmap-{CHILD}"}).scalar():
                return
        pause.wait(0.005)


def _checkpoint_before_effect() -> None:
    effect = folding.fold

    def fold(driver: Driver, claims: Any, facts: Any, **options: Any) -> Any:
        folding.checkpoint(driver, {claim: facts[claim.company_id][-1].position for claim in claims})
        driver.commit()
        return effect(driver, claims, facts, **options)

    projections.engine.catch_up.fold = fold  # type: ignore[attr-defined]


def _tail_not_applied() -> None:
    def lock_for_flip(connection: Connection, claim: Claim) -> tuple[Claim, int] | None:
        found = builds.lock_for_flip(connection, claim)
        if found:
            folding.checkpoint(driver_of(connection), {found[0]: found[1]})
        return found and (found[0]._replace(position=found[1]), found[1])

    projections.builds.rebuild.lock_for_flip = lock_for_flip  # type: ignore[attr-defined]


def _counter_is_a_sequence() -> None:
    """Do nothing: the planted function is in the database."""


_BUGS: dict[str, Callable[[], object]] = {
    "none": lambda: None,
    "checkpoint_before_effect": _checkpoint_before_effect,
    "tail_not_applied": _tail_not_applied,
    "counter_is_a_sequence": _counter_is_a_sequence,
}

if __name__ == "__main__":
    print("\n".join(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))  # noqa: T201 - its purpose
