"""Requests that wait together share one transaction, and each gets its own outcome after its commit."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Thread

import pytest
from sqlalchemy import Engine, text

from events.intake.envelope import event_from_stripe
from events.intake.group_append import MOST_IN_A_BATCH, MOST_WAITING, GroupAppender, NotDurableError, Waiting
from events.intake.receive import Received
from runtime.database import open_engine
from tests.support.company import company_with
from tests.support.databases import Databases
from tests.support.payloads import ACCOUNT
from tests.support.promises import Trials
from tests.support.sqlstates import SQLSTATES
from tests.support.web.webhooks import bodies_of, count, count_stored, inject_fault, invoice_event, remove_fault, until

NOBODY = "acct_of_nobody"


class AppenderHarness:
    """An appender that counts wake-ups after commits, and can be made to process requests together."""

    def __init__(self, engine: Engine, intake: Engine) -> None:
        self._engine = engine
        self.wake_ups: list[None] = []
        self.refused_accounts: list[str | None] = []
        self.appender = GroupAppender(
            intake, after_commit=lambda: self.wake_ups.append(None), after_refusal=self.refused_accounts.append
        )

    def append(self, body: bytes) -> Received:
        return self.appender.append(event_from_stripe(body))

    @contextmanager
    def queued_together(self, bodies: Sequence[bytes]) -> Iterator[list[Future[Received]]]:
        """Block the appender by a lock while these bodies are queued in this order, and yield their futures."""
        with ThreadPoolExecutor(len(bodies) + 1) as threads, self._engine.begin() as connection:
            connection.execute(text("LOCK TABLE account_owner IN ACCESS EXCLUSIVE MODE"))
            threads.submit(self.append, invoice_event(account=NOBODY))
            assert until(lambda: self.appender._thread is not None and not self.appender._waiting)
            waiting = []
            for number, body in enumerate(bodies, start=1):
                waiting.append(threads.submit(self.append, body))
                assert until(partial(self._waits, number))
            yield waiting

    def _waits(self, number: int) -> bool:
        return len(self.appender._waiting) == number


@pytest.fixture
def intake(database_url: str, databases: Databases) -> Engine:
    return databases.engine(
        "intake of one",
        lambda: open_engine(database_url, name="intake", pool_size=1, statement_timeout_ms=1500, autocommit=True),
    )


@pytest.fixture
def harness(engine: Engine, intake: Engine) -> Iterator[AppenderHarness]:
    harness = AppenderHarness(engine, intake)
    yield harness
    harness.appender.close()


def transactions(engine: Engine) -> int:
    """Return how many transactions wrote the Stripe events."""
    with engine.connect() as connection:
        return int(
            connection.execute(
                text("SELECT count(DISTINCT xmin::text) FROM event WHERE source = 'stripe'")
            ).scalar_one()
        )


def outcome(answer: Future[Received]) -> bool:
    """Return whether the event was stored, or False if the appender raised NotDurableError."""
    try:
        return bool(answer.result(40))
    except NotDurableError:
        return False


def test_requests_that_wait_together_share_a_transaction_and_keep_each_companys_order(
    harness: AppenderHarness, engine: Engine
) -> None:
    companies = [company_with(engine, "acct_a"), company_with(engine, "acct_b")]
    bodies = [invoice_event(account=f"acct_{'ab'[n % 2]}") for n in range(20)]

    with harness.queued_together(bodies) as answers:
        pass

    assert [answer.result().is_new for answer in answers] == [True] * 20
    assert [bodies_of(engine, company) for company in companies] == [bodies[::2], bodies[1::2]]
    assert transactions(engine) == 1


def test_more_than_fit_one_transaction_are_kept_in_several(harness: AppenderHarness, engine: Engine) -> None:
    company = company_with(engine, ACCOUNT)
    bodies = [invoice_event() for _ in range(MOST_IN_A_BATCH + 6)]

    with harness.queued_together(bodies) as answers:
        pass

    assert all(answer.result().is_new for answer in answers)
    assert bodies_of(engine, company) == bodies
    assert transactions(engine) == 2


@pytest.mark.parametrize("sqlstate", ["22021", "22P02", "22P05", "22003"])
def test_event_that_cannot_be_stored_harms_no_neighbour(
    harness: AppenderHarness, engine: Engine, sqlstate: str
) -> None:
    company = company_with(engine, ACCOUNT)
    bodies = [invoice_event(id=f"evt_{'bad' if n in (0, 4) else n}") for n in range(8)]
    inject_fault(engine, sqlstate, when="NEW.external_id LIKE '%evt_bad'")

    with harness.queued_together(bodies) as answers:
        pass

    assert [outcome(answer) for answer in answers] == [n not in (0, 4) for n in range(8)]
    assert bodies_of(engine, company) == [body for n, body in enumerate(bodies) if n not in (0, 4)]


@pytest.mark.promise(
    "Database errors: each SQLSTATE has its answer, and no event is acknowledged and lost",
    trials=(14, len(SQLSTATES)),
)
def test_whatever_error_the_log_raises_for_one_companys_events_its_neighbours_are_kept(
    harness: AppenderHarness, engine: Engine, trials: Trials
) -> None:
    for sqlstate in trials.cases(SQLSTATES):
        sick, well = company_with(engine, f"acct_sick_{sqlstate}"), company_with(engine, f"acct_well_{sqlstate}")
        bodies = [invoice_event(account=f"acct_{('sick', 'well')[n % 2]}_{sqlstate}") for n in range(6)]
        harness.refused_accounts.clear()
        inject_fault(engine, sqlstate, when=f"NEW.company_id = {sick}")

        with harness.queued_together(bodies) as answers:
            pass
        remove_fault(engine)

        is_everybodys = sqlstate[:2] in ("08", "53", "58") or sqlstate[:3] == "57P" or sqlstate in ("25006", "57014")
        outcomes = [outcome(answer) for answer in answers]
        assert outcomes == [n % 2 == 1 and not is_everybodys for n in range(6)], sqlstate
        assert len(bodies_of(engine, well)) == (0 if is_everybodys else 3), sqlstate
        refused = [] if is_everybodys else [f"acct_sick_{sqlstate}"] * len(harness.refused_accounts)
        assert harness.refused_accounts == refused, sqlstate


def test_a_head_that_lies_about_its_log_harms_no_neighbour(harness: AppenderHarness, engine: Engine) -> None:
    sick, well = company_with(engine, "acct_sick"), company_with(engine, "acct_well")
    with engine.begin() as connection:
        connection.execute(text("UPDATE company_head SET position = 0 WHERE company_id = :id"), {"id": sick})
    bodies = [invoice_event(account=f"acct_{('sick', 'well')[n % 2]}") for n in range(4)]

    with harness.queued_together(bodies) as answers:
        pass

    assert [outcome(answer) for answer in answers] == [False, True, False, True]
    assert bodies_of(engine, well) == bodies[1::2]


def test_event_that_the_driver_cannot_send_harms_no_neighbour(harness: AppenderHarness, engine: Engine) -> None:
    company = company_with(engine, ACCOUNT)
    bodies = [invoice_event(), invoice_event()]

    with harness.queued_together(bodies) as answers:
        unsendable = Waiting(replace(event_from_stripe(bodies[0]), type="\ud800"))
        harness.appender._waiting.appendleft(unsendable)

    assert all(outcome(answer) for answer in answers)
    assert unsendable.answered.acquire(timeout=40)
    assert unsendable.error is not None
    assert bodies_of(engine, company) == bodies


def test_when_the_database_fails_all_are_refused_and_the_next_are_kept(
    harness: AppenderHarness, engine: Engine
) -> None:
    company = company_with(engine, ACCOUNT)
    bodies = [invoice_event() for _ in range(4)]
    inject_fault(engine, "53100")

    with harness.queued_together(bodies) as answers:
        pass
    first = [outcome(answer) for answer in answers]
    remove_fault(engine)
    again = [harness.append(body).is_new for body in bodies]

    assert (first, again) == ([False] * 4, [True] * 4)
    assert bodies_of(engine, company) == bodies


@pytest.mark.parametrize(("failures", "is_kept"), [(1, True), (2, True), (3, False)])
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_lost_race_is_run_again_up_to_three_times(
    harness: AppenderHarness, engine: Engine, sqlstate: str, failures: int, *, is_kept: bool
) -> None:
    company_with(engine, ACCOUNT)
    inject_fault(engine, sqlstate, when=f"nextval('fault_count') <= {failures}")

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(harness.append, invoice_event())

    assert outcome(answer) == is_kept
    assert count(engine, "event") == is_kept


def test_nobody_is_answered_before_the_commit(harness: AppenderHarness, engine: Engine) -> None:
    company_with(engine, ACCOUNT)

    with harness.queued_together([invoice_event()]) as answers:
        with pytest.raises(TimeoutError):
            answers[0].result(0.1)
        assert harness.wake_ups == []

    assert answers[0].result().is_new


def test_commit_that_fails_is_reported_and_keeps_nothing(harness: AppenderHarness, engine: Engine) -> None:
    company_with(engine, ACCOUNT)
    inject_fault(engine, "23514", at_commit=True)

    with pytest.raises(NotDurableError):
        harness.append(invoice_event())

    assert count_stored(engine) == 0
    assert harness.wake_ups == []


def test_event_sent_many_times_at_once_is_kept_once_and_acknowledged_to_all(
    harness: AppenderHarness, engine: Engine
) -> None:
    company = company_with(engine, ACCOUNT)
    body = invoice_event()

    with harness.queued_together([body] * 5) as answers:
        pass
    received = [answer.result() for answer in answers] + [harness.append(body)]

    assert [one.is_new for one in received] == [True] + [False] * 5
    assert {one.position for one in received} == {2}  # the first is the authorization
    assert bodies_of(engine, company) == [body]
    assert count(engine, "event_conflict") == 0


def test_first_body_under_an_id_stands_also_among_requests_that_wait_together(
    harness: AppenderHarness, engine: Engine
) -> None:
    company = company_with(engine, ACCOUNT)
    bodies = [invoice_event(f"in_{n}", id="evt_same") for n in range(3)]

    with harness.queued_together(bodies) as answers:
        pass

    assert all(outcome(answer) for answer in answers)
    assert bodies_of(engine, company) == bodies[:1]
    assert count(engine, "event_conflict") == 2


def test_workers_are_woken_after_a_commit_also_for_an_event_stored_before(
    harness: AppenderHarness, engine: Engine
) -> None:
    company_with(engine, ACCOUNT)
    body = invoice_event()

    harness.append(body)
    assert until(lambda: len(harness.wake_ups) == 1)
    harness.append(body)
    assert until(lambda: len(harness.wake_ups) == 2)


def test_a_request_that_finds_two_thousand_waiting_is_refused_at_once(harness: AppenderHarness) -> None:
    requests = [Waiting(event_from_stripe(invoice_event(account=NOBODY)))] * MOST_WAITING
    harness.appender._waiting.extend(requests)

    with pytest.raises(NotDurableError, match="too many"):
        harness.append(invoice_event())


def test_when_it_is_closed_what_waits_is_appended_and_the_connection_is_given_back(
    harness: AppenderHarness, engine: Engine, intake: Engine
) -> None:
    company = company_with(engine, ACCOUNT)
    closing = Thread(target=harness.appender.close)

    with harness.queued_together([invoice_event(), invoice_event()]) as answers:
        assert intake.pool.checkedout() == 1  # type: ignore[attr-defined]
        closing.start()
    closing.join()

    assert [answer.result().is_new for answer in answers] == [True, True]
    assert len(bodies_of(engine, company)) == 2
    assert intake.pool.checkedout() == 0  # type: ignore[attr-defined]
