"""The order of positions is the order of commits, however many write at once: no gaps, and no late events."""

from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import Engine

from events.log.append import AppendConditionFailedError, Appended, Condition, append
from events.log.audit import verify_logs
from events.log.read import read_events, stream_events
from tests.support.log import ACME, ZED, commit, fact, ids

WRITERS = 8


@pytest.mark.parametrize("stored", [0, 1])
def test_of_many_appends_on_one_condition_at_once_one_succeeds(engine: Engine, stored: int) -> None:
    commit(engine, ACME, *[fact("first")] * stored)
    barrier = Barrier(WRITERS)

    def compete(number: int) -> bool:
        barrier.wait(40)
        try:
            return bool(commit(engine, ACME, fact(f"e{number}"), condition=Condition(after=stored)))
        except AppendConditionFailedError:
            return False

    with ThreadPoolExecutor(WRITERS) as threads:
        assert sum(threads.map(compete, range(WRITERS))) == 1
    assert len(ids(engine, ACME)) == stored + 1


def test_event_that_many_append_at_once_is_held_once(engine: Engine) -> None:
    barrier = Barrier(WRITERS)

    def compete(number: int) -> Appended:
        barrier.wait(40)
        return commit(engine, ACME, fact(f"own {number}"), fact("everybody's"))[1]

    with ThreadPoolExecutor(WRITERS) as threads:
        appended = list(threads.map(compete, range(WRITERS)))

    assert sum(one.is_new for one in appended) == 1
    assert len({one.position for one in appended}) == 1
    assert ids(engine, ACME).count("everybody's") == 1


def test_later_append_waits_for_the_earlier_to_commit_and_other_companies_for_nobody(engine: Engine) -> None:
    commit(engine, ACME, fact("a"))
    with ThreadPoolExecutor(1) as thread, engine.connect() as slow, engine.connect() as reader:
        append(slow, ACME, [fact("slow")])
        later: Future[list[Appended]] = thread.submit(commit, engine, ACME, fact("later"))
        commit(engine, ZED, fact("elsewhere"))
        with pytest.raises(TimeoutError):
            later.result(0.1)
        assert [event.external_id for event in read_events(reader, ACME, after=0, limit=10)] == ["a"]
        slow.commit()
        assert later.result(40) == [Appended(3, is_new=True)]

    assert ids(engine, ACME) == ["a", "slow", "later"]


def write_and_often_roll_back(engine: Engine, barrier: Barrier, writer: int) -> set[str]:
    """Append forty times to either company, and return the ids that were committed."""
    random, committed = Random(writer), set[str]()
    barrier.wait(40)
    with engine.connect() as connection:
        for turn in range(40):
            names = [f"{writer}.{turn}.{n}" for n in range(random.randint(1, 3))] + ["everybody's"]
            append(connection, random.choice((ACME, ZED)), [fact(name) for name in names])
            if random.random() < 0.4:
                connection.rollback()
            else:
                connection.commit()
                committed.update(names)
    return committed


def read_all(engine: Engine, writers: list[Future[set[str]]]) -> list[str]:
    """Read the first company's log by position until its writers are done and nothing is left, and return the ids."""
    seen: list[str] = []
    is_over = False
    while not is_over:
        is_over = all(writer.done() for writer in writers)
        with engine.connect() as reader:
            page = read_events(reader, ACME, after=len(seen), limit=50)
        assert [event.position for event in page] == list(range(len(seen) + 1, len(seen) + 1 + len(page)))
        seen += [event.external_id for event in page]
        is_over = is_over and not page
    return seen


@pytest.mark.promise("Concurrent writers: no gap in the log, and no event that a reader passes over")
def test_writers_who_often_roll_back_leave_no_gap_and_hide_nothing_from_a_reader(engine: Engine) -> None:
    barrier = Barrier(WRITERS + 1)
    with ThreadPoolExecutor(WRITERS) as threads:
        writers = [threads.submit(write_and_often_roll_back, engine, barrier, number) for number in range(WRITERS)]
        barrier.wait(40)
        seen = read_all(engine, writers)
    committed = set.union(*(writer.result() for writer in writers))

    assert seen == ids(engine, ACME)
    assert {*ids(engine, ACME), *ids(engine, ZED)} == committed
    with engine.connect() as connection:
        assert [verdict.faults for verdict in verify_logs(connection)] == [[], []]
        times = [event.recorded_at for event in stream_events(connection, ACME)]
    assert times == sorted(times)
