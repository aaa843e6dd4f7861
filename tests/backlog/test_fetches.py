"""Which requests are leased, for how long, and what becomes of each: the rows that workers agree by."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from backlog.fetches import (
    FetchRequest,
    OpenFetch,
    claim_due,
    is_any_due,
    latest_answer,
    note_answered,
    note_failure,
    open_fetches,
    put_back,
)
from events.connection.accounts import Account
from events.connection.lifecycle import disconnect
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.databases import arranging
from tests.support.syncs.run_states import finish_run, request_run, start_run

_ASK = text("""
    INSERT INTO fetch_request (company_id, livemode, kind, object_id, attempts, due_at)
    VALUES (:company_id, :livemode, :kind, :object_id, :attempts, now() + make_interval(secs => :seconds))
""")
_ALL = text("""
    SELECT company_id, livemode, kind, object_id, attempts, error, answered_at IS NOT NULL, answered_position,
           CASE WHEN isfinite(due_at) THEN extract(epoch FROM due_at - clock_timestamp())::float END
    FROM fetch_request
""")


@pytest.fixture
def ours(engine: Engine) -> int:
    return company_with(engine, "acct_1")


@pytest.fixture
def theirs(engine: Engine) -> int:
    return company_with(engine, "acct_2")


def ask(
    engine: Engine, company_id: int, object_id: str = "in_1", *, due: float = -60, livemode: bool = True, tried: int = 0
) -> FetchRequest:
    """Request an invoice that is due in some seconds, as if it had been tried before."""
    request = FetchRequest(company_id, livemode, "invoice", object_id, tried, None)
    insert(engine, request, due=due)
    return request


def insert(engine: Engine, request: FetchRequest, *, due: float) -> None:
    with engine.begin() as connection:
        connection.execute(_ASK, request.key() | {"attempts": request.attempts, "seconds": due})


def rows(engine: Engine) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Return attempts, error, whether it was answered, at which position, and the seconds left, by key."""
    with engine.connect() as connection:
        return {tuple(row)[:4]: tuple(row)[4:] for row in connection.execute(_ALL)}


def row_of(engine: Engine, request: FetchRequest) -> tuple[object, ...]:
    return rows(engine)[tuple(request.key().values())]


def seconds_left(engine: Engine, request: FetchRequest) -> float:
    left = row_of(engine, request)[-1]
    assert isinstance(left, float)
    return left


def is_due(engine: Engine) -> bool:
    with engine.connect() as connection:
        return is_any_due(connection)


def ids(requests: list[FetchRequest]) -> list[str]:
    return sorted(one.object_id for one in requests)


def answered(engine: Engine, request: FetchRequest, error: str | None = None) -> None:
    with engine.begin() as connection:
        note_answered(connection, request, error=error)


def test_what_is_due_longest_is_leased_first_and_no_more_than_asked_for(engine: Engine, ours: int) -> None:
    for object_id, due in (("in_a", -60), ("in_b", -180), ("in_c", -120), ("in_d", 60)):
        ask(engine, ours, object_id, due=due)

    assert ids(claim_due(engine, company_id=ours, most=2)) == ["in_b", "in_c"]
    assert ids(claim_due(engine)) == ["in_a"]
    assert claim_due(engine, company_id=ours) == []
    assert claim_due(engine) == []


def test_one_is_leased_at_a_time_unless_more_are_asked_for(engine: Engine, ours: int) -> None:
    for object_id in ("in_a", "in_b"):
        ask(engine, ours, object_id)

    assert len(claim_due(engine)) == 1


def test_a_lease_lasts_a_minute_and_counts_an_attempt(engine: Engine, ours: int) -> None:
    asked = ask(engine, ours, tried=2)

    (request,) = claim_due(engine, company_id=ours)

    assert request == replace(asked, attempts=3, account=Account("acct_1", livemode=True))
    assert row_of(engine, request)[:3] == (3, None, False)
    assert 40 < seconds_left(engine, request) <= 60
    assert not is_due(engine)


def test_what_another_worker_is_leasing_is_passed_over(engine: Engine, ours: int) -> None:
    for object_id, due in (("in_1", -120), ("in_2", -60)):
        ask(engine, ours, object_id, due=due)

    with engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM fetch_request WHERE object_id = 'in_1' FOR UPDATE"))
        passed_over = claim_due(engine, company_id=ours, most=9)

    assert ids(passed_over) == ["in_2"]


def test_what_was_answered_is_leased_by_nobody(engine: Engine, ours: int) -> None:
    request = ask(engine, ours, tried=1)

    answered(engine, request)

    assert row_of(engine, request)[-1] is None
    assert not is_due(engine)
    assert claim_due(engine) == []
    assert claim_due(engine, company_id=ours) == []


def test_companies_with_something_due_take_turns_by_chance_however_much_waits(
    engine: Engine, ours: int, theirs: int
) -> None:
    idle = company_with(engine, "acct_3")
    ask(engine, idle, "in_idle", due=60)
    for number in range(20):
        ask(engine, ours, f"in_{number}")
    ask(engine, theirs, due=60)
    ask(engine, theirs, "in_2", due=-1)

    drawn = []
    for _ in range(30):
        (request,) = claim_due(engine)
        drawn.append(request.company_id)
        put_back(engine, request, "paused", seconds=-1)

    assert set(drawn) == {ours, theirs}


def test_a_company_whose_sync_is_worked_on_is_left_to_it(engine: Engine, ours: int, theirs: int) -> None:
    ask(engine, ours)
    lease = start_run(engine, ours)
    assert claim_due(engine) == []
    ask(engine, theirs)
    request_run(engine, theirs)
    others = [one.company_id for one in claim_due(engine, most=9)]
    own = [one.company_id for one in claim_due(engine, company_id=ours)]

    ask(engine, ours, "in_2")
    finish_run(engine, lease)
    after_it = ids(claim_due(engine))

    assert others == [theirs]
    assert own == [ours]
    assert after_it == ["in_2"]


@pytest.mark.parametrize(
    "change", ["lease_until = now() - interval '1 second'", "status = 'succeeded'"], ids=["expired", "over"]
)
def test_a_sync_that_nobody_works_on_keeps_nothing_from_being_fetched(engine: Engine, ours: int, change: str) -> None:
    ask(engine, ours)
    start_run(engine, ours)
    with arranging(engine) as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"UPDATE sync_run SET {change}"))  # noqa: S608 - ours

    assert ids(claim_due(engine)) == ["in_1"]


def test_a_request_is_read_in_its_own_mode_and_with_nobodys_account_once_that_is_disconnected(
    engine: Engine, ours: int
) -> None:
    for livemode in (True, False):
        ask(engine, ours, livemode=livemode)
    accounts = {one.livemode: one.account for one in claim_due(engine, company_id=ours, most=2)}
    with arranging(engine) as connection:
        disconnect(connection, ours, actor="tests", now=NOON)
    ask(engine, ours, "in_2")

    assert accounts == {one: Account("acct_1", livemode=one) for one in (True, False)}
    assert [one.account for one in claim_due(engine, company_id=ours)] == [None]


@pytest.mark.parametrize(
    "change",
    [
        lambda engine, request: claim_due(engine, company_id=request.company_id),
        lambda engine, request: note_failure(engine, request, "refused"),
        lambda engine, request: put_back(engine, request, "paused", seconds=5),
        answered,
    ],
    ids=["lease", "failure", "put back", "answer"],
)
def test_what_becomes_of_a_request_becomes_of_no_other(
    engine: Engine, ours: int, theirs: int, change: Callable[[Engine, FetchRequest], object]
) -> None:
    request = ask(engine, ours, tried=3)
    for other in ({"company_id": theirs}, {"livemode": False}, {"kind": "price"}, {"object_id": "in_2"}):
        insert(engine, replace(request, **other), due=600)
    before = rows(engine)

    change(engine, request)

    after = rows(engine)
    assert {key for key in before if before[key][:-1] != after[key][:-1]} == {tuple(request.key().values())}
    assert row_of(engine, request)[-1] != before[tuple(request.key().values())][-1]
    assert all(left is not None and left > 500 for *_, left in others_of(after, request))  # type: ignore[operator]


def others_of(found: dict[tuple[object, ...], tuple[object, ...]], request: FetchRequest) -> list[tuple[object, ...]]:
    return [row for key, row in found.items() if key != tuple(request.key().values())]


def test_a_request_that_failed_thousands_of_times_waits_an_hour_and_says_why(engine: Engine, ours: int) -> None:
    request = ask(engine, ours, tried=2000)

    note_failure(engine, request, "x" * 501)

    assert row_of(engine, request)[:2] == (2000, "x" * 500)
    assert 3580 < seconds_left(engine, request) <= 3600


def test_an_attempt_that_was_put_back_does_not_count(engine: Engine, ours: int) -> None:
    ask(engine, ours, tried=2)
    (request,) = claim_due(engine)

    put_back(engine, request, "paused", seconds=300)

    assert row_of(engine, request)[:3] == (2, "paused", False)
    assert 280 < seconds_left(engine, request) <= 300


@pytest.mark.parametrize(
    "late",
    [
        lambda engine, request: note_failure(engine, request, "refused"),
        lambda engine, request: put_back(engine, request, "paused", seconds=-1),
    ],
    ids=["failure", "put back"],
)
def test_what_is_told_by_a_worker_after_another_ones_answer_changes_nothing(
    engine: Engine, ours: int, late: Callable[[Engine, FetchRequest], None]
) -> None:
    request = ask(engine, ours, tried=1)
    answered(engine, request)
    before = row_of(engine, request)

    late(engine, request)

    assert row_of(engine, request) == before
    assert not is_due(engine)


def test_an_answer_is_noted_at_the_head_of_its_companys_log(engine: Engine, ours: int, theirs: int) -> None:
    for company_id, position in ((ours, 7), (theirs, 9)):
        with arranging(engine) as connection:
            connection.execute(
                text("UPDATE company_head SET position = :position WHERE company_id = :company_id"),
                {"position": position, "company_id": company_id},
            )
    requests = [ask(engine, one, tried=1) for one in (ours, theirs)]
    ask(engine, ours, "in_2")

    answered(engine, requests[0], error="404")
    answered(engine, requests[1])

    assert [row_of(engine, one)[:4] for one in requests] == [(1, "404", True, 7), (1, None, True, 9)]
    with engine.connect() as connection:
        assert [latest_answer(connection, one) for one in (ours, theirs, theirs + 1)] == [7, 9, 0]


def test_the_latest_of_all_answers_is_the_one_that_counts(engine: Engine, ours: int) -> None:
    for number in (1, 2):
        answered(engine, ask(engine, ours, f"in_{number}"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE fetch_request SET answered_position = 5 WHERE object_id = 'in_1'"))
        connection.execute(text("UPDATE fetch_request SET answered_position = 4 WHERE object_id = 'in_2'"))

    with engine.connect() as connection:
        assert latest_answer(connection, ours) == 5


def test_what_is_still_to_be_fetched_is_told_earliest_due_first(engine: Engine, ours: int, theirs: int) -> None:
    ask(engine, theirs, "in_theirs")
    ask(engine, ours, "in_test", livemode=False)
    for object_id, due in (("in_3", 300), ("in_2", 200)):
        ask(engine, ours, object_id, due=due, tried=2)
    answered(engine, ask(engine, ours, "in_0", due=-200))
    put_back(engine, ask(engine, ours, due=-100, tried=2), "refused", seconds=100)

    with engine.connect() as connection:
        told = open_fetches(connection, ours, livemode=True)
        first = open_fetches(connection, ours, livemode=True, most=1)

    assert told == [
        OpenFetch("invoice", "in_1", 1, "refused", told[0].due_in_seconds),
        OpenFetch("invoice", "in_2", 2, None, told[1].due_in_seconds),
        OpenFetch("invoice", "in_3", 2, None, told[2].due_in_seconds),
    ]
    assert all(left - 20 < one.due_in_seconds <= left for one, left in zip(told, (100, 200, 300), strict=True))
    assert [one.object_id for one in first] == ["in_1"]
