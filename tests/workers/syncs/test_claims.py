"""Which run is leased, when, and what a lease says: the rows that workers agree by."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.databases import arranging
from tests.support.syncs.run_states import finish_run, request_run, run_of, start_run
from workers.syncs.leases import (
    LEASE_SECONDS,
    Lease,
    LeaseLostError,
    claim_run,
    held,
    is_any_run_due,
    note_progress,
    release,
)

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_1")


@pytest.fixture
def other_id(engine: Engine) -> int:
    return company_with(engine, "acct_2")


def change(engine: Engine, run_id: int, **values: str) -> None:
    """Set columns of a run to SQL expressions."""
    changes = ", ".join(f"{name} = {value}" for name, value in values.items())
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE sync_run SET {changes} WHERE id = :id"), {"id": run_id})  # noqa: S608 - ours


def seconds_left(engine: Engine, run_id: int) -> float | None:
    query = "SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM sync_run WHERE id = :id"
    with engine.connect() as connection:
        left = connection.scalars(text(query), {"id": run_id}).one()
    return None if left is None else float(left)


def is_due(engine: Engine) -> bool:
    with engine.connect() as connection:
        return is_any_run_due(connection)


def claimed(engine: Engine) -> Lease:
    lease = claim_run(engine, now=LATER)
    assert lease is not None
    return lease


def test_the_run_that_is_due_longest_is_leased_first(engine: Engine, company_id: int, other_id: int) -> None:
    first, second = request_run(engine, company_id), request_run(engine, other_id)
    change(engine, first, due_at="clock_timestamp() - interval '1 minute'")
    change(engine, second, due_at="clock_timestamp() - interval '1 hour'")

    assert [claimed(engine).run_id for _ in range(2)] == [second, first]
    assert claim_run(engine, now=LATER) is None


def test_runs_are_leased_one_by_one_also_where_postgresql_takes_the_table_for_one_row(
    engine: Engine, company_id: int, other_id: int
) -> None:
    first = request_run(engine, company_id)
    with arranging(engine) as connection:
        connection.execute(text("ANALYZE sync_run"))
    others = [request_run(engine, other_id), request_run(engine, company_with(engine, "acct_3"))]

    assert [claimed(engine).run_id for _ in range(3)] == [first, *others]


def test_a_run_is_due_until_it_is_leased_and_again_when_its_lease_has_expired(engine: Engine, company_id: int) -> None:
    assert not is_due(engine)
    run_id = request_run(engine, company_id)
    assert is_due(engine)
    claimed(engine)
    assert not is_due(engine)

    change(engine, run_id, lease_until="clock_timestamp() - interval '1 second'")

    assert is_due(engine)
    assert claimed(engine).run_id == run_id


def test_a_lease_lasts_half_a_minute_from_each_commit_under_it(engine: Engine, company_id: int) -> None:
    lease = start_run(engine, company_id)
    left = [seconds_left(engine, lease.run_id)]
    change(engine, lease.run_id, lease_until="clock_timestamp() + interval '1 second'")
    with held(engine, lease):
        pass
    left.append(seconds_left(engine, lease.run_id))

    assert [one for one in left if one is None or not LEASE_SECONDS - 20 < one <= LEASE_SECONDS] == []


def test_a_run_that_waits_is_due_for_nobody_until_then(engine: Engine, company_id: int) -> None:
    lease = start_run(engine, company_id)

    release(engine, lease, for_seconds=60, waits_for="stripe")

    run = run_of(engine, company_id, lease.run_id)
    assert (run.status, run.waits_for, run.lease_until) == ("running", "stripe", None)
    assert not is_due(engine)
    assert claim_run(engine, now=LATER) is None


def test_a_run_that_is_leased_for_the_first_time_begins_with_its_lists(engine: Engine, company_id: int) -> None:
    run_id = request_run(engine, company_id)
    phases = [run_of(engine, company_id, run_id).phase]
    claimed(engine)
    phases.append(run_of(engine, company_id, run_id).phase)

    assert phases == ["queued", "listing"]


def test_a_run_that_was_given_back_goes_on_where_it_was(engine: Engine, company_id: int) -> None:
    lease = start_run(engine, company_id)
    change(engine, lease.run_id, phase="'proving'", crashes="3")
    release(engine, lease, waits_for="stripe")

    again = claimed(engine)

    run = run_of(engine, company_id, lease.run_id)
    assert (run.phase, run.waits_for, run.started_at) == ("proving", None, NOON)
    assert (again.epoch, again.started_at, again.crashes) == (lease.epoch + 1, NOON, 0)


def test_leases_that_expire_in_a_row_are_counted_until_something_is_saved(
    engine: Engine, company_id: int, other_id: int
) -> None:
    lease, other = start_run(engine, company_id), start_run(engine, other_id)
    change(engine, other.run_id, crashes="5")
    crashes = []
    for _ in range(2):
        change(engine, lease.run_id, lease_until="clock_timestamp() - interval '1 second'")
        lease = claimed(engine)
        crashes.append(lease.crashes)
    with held(engine, lease) as connection:
        note_progress(connection, lease)

    assert crashes == [1, 2]
    assert run_of(engine, company_id, lease.run_id).crashes == 0
    assert run_of(engine, other_id, other.run_id).crashes == 5


def test_whoever_was_overtaken_commits_and_releases_nothing(engine: Engine, company_id: int) -> None:
    lost = start_run(engine, company_id)
    change(engine, lost.run_id, lease_until="clock_timestamp() - interval '1 second'")
    claimed(engine)

    with pytest.raises(LeaseLostError), held(engine, lost):
        pass
    release(engine, lost, waits_for="stripe")

    assert run_of(engine, company_id, lost.run_id).waits_for is None
    assert not is_due(engine)


def test_a_run_that_is_over_is_leased_held_and_released_by_nobody(engine: Engine, company_id: int) -> None:
    lease = start_run(engine, company_id)
    finish_run(engine, lease)
    change(engine, lease.run_id, due_at="clock_timestamp() - interval '1 hour'", lease_until="NULL")
    over = run_of(engine, company_id, lease.run_id)

    with pytest.raises(LeaseLostError), held(engine, lease):
        pass
    release(engine, lease, waits_for="stripe")

    assert not is_due(engine)
    assert claim_run(engine, now=LATER) is None
    assert run_of(engine, company_id, lease.run_id) == over


def test_a_run_that_another_worker_is_about_to_lease_is_passed_over(
    engine: Engine, company_id: int, other_id: int
) -> None:
    first, second = request_run(engine, company_id), request_run(engine, other_id)
    change(engine, first, due_at="clock_timestamp() - interval '1 hour'")
    with engine.begin() as connection:
        connection.execute(text("SELECT FROM sync_run WHERE id = :id FOR UPDATE"), {"id": first})

        assert claimed(engine).run_id == second
        assert claim_run(engine, now=LATER) is None
