"""Who is behind is marked, whatever happens between an append and the fold, and nobody else is looked at."""

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from projections.engine import catch_up as catching_up
from projections.engine.behind import audit_marks, begin_lacking_builds, is_anybody_behind, update_marks
from projections.engine.catch_up import advance
from projections.engine.status import projection_lag
from projections.revenue.fold import NAME
from runtime.database import driver_of
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import ACCOUNT, event, old_invoice

OTHER = "acct_other"

_numbers = itertools.count()


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


@pytest.fixture
def other_id(engine: Engine) -> int:
    return company_with(engine, OTHER)


def invoice(number: int, account: str = ACCOUNT) -> dict[str, object]:
    return event(old_invoice(f"in_{number}"), id=f"evt_{account}_{number}", account=account)


def marked(engine: Engine) -> list[int]:
    """Return the marked companies, in the order in which they are folded."""
    with engine.connect() as connection:
        found = "SELECT company_id FROM company_head WHERE behind_since IS NOT NULL ORDER BY behind_since"
        return list(connection.execute(text(found)).scalars())


def behind(connection: Connection) -> set[int]:
    found = """
        SELECT h.company_id FROM company_head h LEFT JOIN projection_state s ON s.company_id = h.company_id
        WHERE h.position > coalesce(s.position, 0)
    """
    return set(connection.execute(text(found)).scalars())


def update_marks_of(engine: Engine, *company_ids: int) -> None:
    with engine.begin() as connection:
        update_marks(driver_of(connection), company_ids)


@contextmanager
def unmarked(engine: Engine) -> Iterator[None]:
    with engine.begin() as connection:
        connection.execute(text("UPDATE company_head SET behind_since = NULL"))
    yield


def test_an_append_marks_its_company_and_the_fold_takes_the_mark_off(
    engine: Engine, company_id: int, other_id: int
) -> None:
    catch_up(engine)
    at_rest = marked(engine)

    record_events(engine, invoice(1))
    appended = marked(engine)
    catch_up(engine)

    assert (at_rest, appended, marked(engine)) == ([], [company_id], [])


def test_an_event_seen_before_marks_nobody(engine: Engine, company_id: int) -> None:
    record_events(engine, invoice(1))
    catch_up(engine)

    record_events(engine, invoice(1))

    assert marked(engine) == []


def test_what_arrives_while_a_batch_is_folded_keeps_the_mark_and_goes_to_the_back(
    engine: Engine, company_id: int, other_id: int
) -> None:
    catch_up(engine)
    record_events(engine, invoice(1))
    record_events(engine, invoice(1, OTHER))

    update_marks_of(engine, company_id)

    assert marked(engine) == [other_id, company_id]


def test_taking_marks_off_waits_for_nobody_who_appends(engine: Engine, company_id: int) -> None:
    catch_up(engine)
    record_events(engine, invoice(1))
    with engine.begin() as connection:
        connection.execute(text("SELECT FROM company_head FOR UPDATE"))

        advanced = advance(engine)

    assert advanced is not None
    assert advanced.event_count == 1
    assert marked(engine) == [company_id]


def test_a_mark_that_nobody_took_off_is_taken_off_by_the_audit(
    engine: Engine, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_events(engine, invoice(1))
    begin_lacking_builds(engine)
    monkeypatch.setattr(catching_up, "update_marks", lambda *_: None)  # as workers of an earlier release
    advance(engine)
    left = marked(engine)

    again = advance(engine)
    audit_marks(engine, 0)

    assert (left, again, marked(engine)) == ([company_id], None, [])


def test_a_lost_mark_is_found_by_the_audit(
    engine: Engine, company_id: int, other_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    catch_up(engine)
    record_events(engine, invoice(1))
    with unmarked(engine), engine.connect() as connection:
        overlooked = is_anybody_behind(connection), advance(engine)

    with caplog.at_level(logging.WARNING):
        audit_marks(engine, 0)
    catch_up(engine)

    assert overlooked == (False, None)
    assert [record.company_ids for record in caplog.records] == [[company_id]]  # type: ignore[attr-defined]
    with engine.connect() as connection:
        assert behind(connection) == set()


def test_the_audit_looks_at_all_companies_in_small_ranges(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO company_head (company_id) SELECT * FROM generate_series(1, 1100)"))

    first = audit_marks(engine, 0)
    second = audit_marks(engine, first)
    third = audit_marks(engine, second)

    assert (first, second, third) == (500, 1000, 0)
    assert len(marked(engine)) == 1100  # none of them has a build yet


def test_a_halted_company_stays_marked_and_in_the_lag(engine: Engine, company_id: int) -> None:
    catch_up(engine)
    record_events(engine, invoice(1))
    with engine.begin() as connection:
        connection.execute(text("UPDATE projection_state SET status = 'halted'"))

    catch_up(engine)
    update_marks_of(engine, company_id)

    with engine.connect() as connection:
        lag = projection_lag(connection, NAME)
    assert (marked(engine), lag.companies_halted, lag.events_behind) == ([company_id], 1, 1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["append", "append to other", "fold one", "fold and keep the mark", "update_marks", "audit"]),
        max_size=12,
    )
)
def test_whoever_is_behind_is_marked_whatever_happens(engine: Engine, steps: list[str]) -> None:
    one, other = (f"acct_{next(_numbers)}" for _ in range(2))
    ids = [company_with(engine, account) for account in (one, other)]
    catch_up(engine)
    for number, step in enumerate(steps):
        match step:
            case "append" | "append to other":
                record_events(engine, invoice(number, one if step == "append" else other))
            case "fold one":
                advance(engine, batch_size=1)
            case "fold and keep the mark":
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(catching_up, "update_marks", lambda *_: None)
                    advance(engine, batch_size=1)
            case "update_marks":
                update_marks_of(engine, *ids)
            case _:
                audit_marks(engine, 0)
        with engine.connect() as connection:
            assert behind(connection) <= set(marked(engine))
    audit_marks(engine, 0)
    catch_up(engine)
    assert marked(engine) == []
