"""Rebuilding: the same table is built beside the live one and flipped to at once; verification compares the two."""

from random import Random

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from projections.builds.builds import begin_builds
from projections.builds.rebuild import build_on, flip
from projections.builds.retired import NoSuchBuildError, drop_build, previous_build
from projections.builds.verify import compare
from projections.engine.behind import audit_marks
from projections.engine.folding import Claim
from projections.engine.status import projection_status
from projections.facts import facts
from projections.facts.state_tables import projection_state
from projections.revenue.store import moved_invoices
from projections.revenue.store.mapping import remap
from tests.support.company import catch_up, company_with, record_events
from tests.support.decisions import record_decided_history
from tests.support.payloads import (
    ACCOUNT,
    CREATED,
    customer,
    event,
    new_invoice,
    new_line,
    old_invoice,
    old_line,
    price,
)
from tests.support.promises import cases_of

LINES = "revenue_lines"


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def record_all_kinds(engine: Engine) -> None:
    """Record every kind of event that changes rows: payments, names, prices, replaced and deleted lines."""
    partial = new_invoice("in_3", new_line("il_7", pricing=None), new_line("il_8"))
    partial["lines"] = {"data": [new_line("il_7")], "has_more": True}
    record_events(
        engine,
        event(old_invoice("in_1", status="open")),
        event(customer("Zed Inc"), "customer.created"),
        event(new_invoice("in_2", new_line("il_2"), new_line("il_3", amount=7))),
        event(price(), "price.created"),
        event(partial),
        event(new_invoice("in_3", new_line("il_8"), new_line("il_9")), created=CREATED + 5),
        event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60),
        event(old_invoice("in_1", status="paid"), created=CREATED + 70),
        event({"id": "in_2", "object": "invoice", "status": "draft"}, "invoice.deleted", created=CREATED + 80),
        event(old_invoice("in_4", status="frozen")),
        event(old_invoice("in_5"), livemode=False),
    )


def rebuild(engine: Engine, *, chunk_events: int = 1000) -> list[Claim]:
    """Build everything again, and return the builds, ready to be flipped to."""
    with engine.begin() as connection:
        begun = begin_builds(connection, company_id=None, is_resumed=False)
    while build_on(engine, is_automatic=False, chunk_events=chunk_events):
        pass
    return [Claim(build.projection, build.company_id, build.build, 0) for build in begun]


def differences(engine: Engine, builds: list[Claim]) -> list[str]:
    return [one for build in builds for verdict in compare(engine, build) for one in verdict.differences]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 1000])
@pytest.mark.parametrize("chunk_events", [1, 4, 1000])
def test_whatever_the_batches_a_build_is_the_same_to_the_byte(
    engine: Engine, company_id: int, batch_size: int, chunk_events: int
) -> None:
    record_all_kinds(engine)
    catch_up(engine, batch_size=batch_size)

    builds = rebuild(engine, chunk_events=chunk_events)

    verdicts = [verdict for build in builds for verdict in compare(engine, build)]
    assert [verdict.projection for verdict in verdicts] == [LINES, "revenue_by_month", "recognition"]
    assert [verdict.differences for verdict in verdicts] == [[], [], []]


def test_a_fact_that_moves_price_and_name_of_a_line_at_once_makes_one_version(engine: Engine, company_id: int) -> None:
    record_events(engine, event(new_invoice("in_1", customer_name=None)))
    catch_up(engine)
    record_events(engine, event(old_invoice("in_2")))
    catch_up(engine)
    record_events(engine, event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60))
    catch_up(engine)

    with engine.connect() as connection:
        past = text("SELECT position, until FROM revenue_line_past WHERE invoice_id = 'in_1' ORDER BY position")
        assert [tuple(row) for row in connection.execute(past)] == [(2, 3), (3, 4)]
    assert differences(engine, rebuild(engine)) == []


def test_a_fact_that_says_two_things_about_a_price_is_the_same_in_batches_of_any_size(
    engine: Engine, company_id: int
) -> None:
    lines = [old_line(f"il_{count}", price=price("price_q", "month", count)) for count in (1, 3)]
    record_events(
        engine,
        event(old_invoice("in_1", *lines, status="open"), created=CREATED),
        event(old_invoice("in_1", *lines, status="paid"), created=CREATED),
    )
    catch_up(engine, batch_size=1)

    assert differences(engine, rebuild(engine)) == []


def test_what_does_not_fit_into_memory_at_once_is_folded_in_parts(
    engine: Engine, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_decided_history(engine, company_id, Random(4), 60)
    catch_up(engine)
    monkeypatch.setattr(facts, "_MOST_BYTES_AT_REST", 3000)
    monkeypatch.setattr(moved_invoices, "_INVOICES_AT_ONCE", 1)
    monkeypatch.setattr(remap, "_INVOICES_AT_ONCE", 1)

    builds = rebuild(engine)

    assert differences(engine, builds) == []


@pytest.mark.parametrize(
    "seed", cases_of("Rebuilds in batches of any size give the same tables to the byte", range(3), nth=3)
)
def test_a_busy_history_is_the_same_to_the_byte_in_batches_of_any_size(
    engine: Engine, company_id: int, seed: int
) -> None:
    record_decided_history(engine, company_id, Random(seed), 120)
    catch_up(engine, batch_size=seed * 4 + 1)

    for chunk_events in (7, 1000):
        assert differences(engine, rebuild(engine, chunk_events=chunk_events)) == []


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("UPDATE revenue_line SET amount = 1 WHERE invoice_line_item_id = 'il_1'", "amount is 1, the log says 30000"),
        ("DELETE FROM revenue_line WHERE invoice_line_item_id = 'il_1'", "is missing from the table"),
        ("UPDATE revenue_line_past SET invoice_status = 'void'", "invoice_status is void, the log says"),
        ("UPDATE revenue_by_month SET amount = amount + 1", "the log says"),
        ("UPDATE revenue_checksum SET checksum = sha256('')", "checksum is"),
        ("UPDATE revenue_invoice SET book = '{}'", "book is"),
        ("DELETE FROM revenue_day", "is missing from the table"),
        ("UPDATE revenue_part SET months = '{1}'", "months is {1}, the log says"),
        ("UPDATE recognition_by_month SET earned = earned + 1", "the log says"),
    ],
)
def test_verify_names_what_differs(engine: Engine, company_id: int, tampering: str, named: str) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    with engine.begin() as connection:
        connection.execute(text(tampering))

    found = differences(engine, rebuild(engine))

    assert found
    assert named in "; ".join(found)


def test_a_flip_brings_the_new_build_to_the_end_of_the_log(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    builds = rebuild(engine)
    record_events(engine, event(old_invoice("in_6")), event(old_invoice("in_7")))

    live = [flip(engine, build) for build in builds]

    assert {claim.position for claim in live} == {14}
    with engine.connect() as connection:
        statuses = {(row.projection, row.build): row.status for row in projection_status(connection)}
        names = (LINES, "revenue_by_month", "recognition")
        assert statuses == {(name, 2): "live" for name in names}
    assert differences(engine, rebuild(engine)) == []


def test_going_back_to_the_build_before_loses_nothing(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    for build in rebuild(engine):
        flip(engine, build)
    record_events(engine, event(old_invoice("in_6")))
    catch_up(engine)

    with engine.connect() as connection:
        earlier = previous_build(connection, LINES, company_id)
    flip(engine, earlier)

    assert earlier.build == 1
    assert differences(engine, rebuild(engine)) == []


def test_there_is_no_going_back_to_what_another_version_of_the_fold_made(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    for build in rebuild(engine):
        flip(engine, build)
    with engine.begin() as connection:
        connection.execute(projection_state.update().where(projection_state.c.build == 1).values(version=1))

        with pytest.raises(NoSuchBuildError):
            previous_build(connection, LINES, company_id)


def test_an_old_build_is_dropped_whole_and_the_live_one_never(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    for build in rebuild(engine):
        flip(engine, build)

    drop_build(engine, Claim(LINES, company_id, 1, 0))
    with pytest.raises(NoSuchBuildError):
        drop_build(engine, Claim(LINES, company_id, 2, 0))

    with engine.connect() as connection:
        for table in ("revenue_line", "revenue_line_past", "revenue_invoice", "revenue_by_month", "revenue_checksum"):
            assert connection.execute(text(f"SELECT DISTINCT build FROM {table}")).scalars().all() == [2]  # noqa: S608
        with pytest.raises(NoSuchBuildError):
            previous_build(connection, LINES, company_id)


def test_there_is_no_going_back_to_a_build_that_is_half_dropped(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    for build in rebuild(engine):
        flip(engine, build)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE revenue_line_past RENAME TO hidden"))
    with pytest.raises(ProgrammingError):
        drop_build(engine, Claim(LINES, company_id, 1, 0))

    with engine.connect() as connection, pytest.raises(NoSuchBuildError):
        previous_build(connection, LINES, company_id)


def test_a_build_that_was_left_half_done_is_gone_on_with(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    with engine.begin() as connection:
        begun = begin_builds(connection, company_id=None)
    build_on(engine, is_automatic=False, chunk_events=3)

    with engine.begin() as connection:
        again = begin_builds(connection, company_id=None)

    assert {(one.projection, one.build) for one in again} == {(one.projection, one.build) for one in begun}
    assert {one.position for one in again} == {3}
    assert differences(engine, rebuild(engine)) == []


def test_a_rebuild_that_was_left_half_done_before_there_was_a_table_keeps_nobody_from_one(
    engine: Engine, company_id: int
) -> None:
    record_all_kinds(engine)
    with engine.begin() as connection:
        begin_builds(connection, company_id=None)
    build_on(engine, is_automatic=False, chunk_events=3)

    catch_up(engine)

    with engine.connect() as connection:
        standing = {(one.status, one.position) for one in projection_status(connection)}
    assert standing == {("live", 12), ("building", 3)}
    again = rebuild(engine)
    assert differences(engine, again) == []
    for build in again:
        flip(engine, build)
    assert differences(engine, rebuild(engine)) == []


def test_a_company_of_another_version_gets_a_build_of_this_one_and_keeps_its_table_meanwhile(
    engine: Engine, company_id: int
) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    with engine.begin() as connection:
        connection.execute(projection_state.update().values(version=0))

    audit_marks(engine, 0)
    catch_up(engine)
    with engine.connect() as connection:
        meanwhile = {(row.projection, row.build, row.status) for row in projection_status(connection)}
    while build_on(engine, is_automatic=True):
        pass

    assert {(LINES, 1, "live"), (LINES, 2, "building")} <= meanwhile
    with engine.connect() as connection:
        assert {(row.build, row.status) for row in projection_status(connection)} == {(2, "live")}


def test_a_poison_event_halts_the_build_and_leaves_the_live_table(engine: Engine, company_id: int) -> None:
    record_all_kinds(engine)
    catch_up(engine)
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE revenue_line ADD CONSTRAINT poison CHECK (build = 1 OR invoice_id <> 'in_3')")
        )

    rebuild(engine)

    with engine.connect() as connection:
        statuses = {(row.projection, row.build): row for row in projection_status(connection)}
    assert statuses[LINES, 2].error_position == 6
    assert statuses[LINES, 1].status == "live"
    assert statuses["revenue_by_month", 1].status == "live"


def small_companies(engine: Engine, count: int) -> None:
    """Create companies with few events, and fold their tables."""
    for number in range(count):
        company_with(engine, f"acct_small{number}")
        small = event(new_invoice(f"in_small{number}"), account=f"acct_small{number}")
        record_events(engine, small, event(old_invoice(f"in_more{number}"), account=f"acct_small{number}"))
    catch_up(engine)


def test_small_companies_share_a_chunk_and_each_gets_its_table(engine: Engine, company_id: int) -> None:
    small_companies(engine, 5)
    record_all_kinds(engine)
    catch_up(engine)
    with engine.begin() as connection:
        begun = begin_builds(connection, company_id=None)

    chunks = []
    while chunk := build_on(engine, is_automatic=False, chunk_events=100):
        chunks.append(chunk)

    assert len(chunks) < 6
    claimed = [(claim.projection, claim.company_id) for chunk in chunks for claim in chunk.claims]
    assert sorted(claimed) == sorted((one.projection, one.company_id) for one in begun)
    assert differences(engine, [Claim(one.projection, one.company_id, one.build, 0) for one in begun]) == []


def test_a_poison_event_of_one_small_company_holds_up_no_other(engine: Engine) -> None:
    small_companies(engine, 5)
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE revenue_line ADD CONSTRAINT poison CHECK (build = 1 OR invoice_id <> 'in_small2')")
        )

    rebuild(engine)

    with engine.connect() as connection:
        statuses = [row for row in projection_status(connection) if (row.projection, row.build) == (LINES, 2)]
    assert sorted(row.error_position or row.status for row in statuses if row.status != "ready") == [2]
    assert len(statuses) == 5
