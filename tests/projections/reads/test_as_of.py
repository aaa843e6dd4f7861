"""Reading as of a moment always equals a fresh replay of the log up to there, to the byte."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine, text

from projections.builds.builds import begin_builds
from projections.builds.rebuild import fold_to
from projections.engine.folding import Claim
from projections.facts.state_tables import projection_state
from projections.reads import checksums
from projections.reads.checksums import checksum_of
from projections.reads.credit_notes import CreditNoteFilter, list_credit_notes, mark_of
from projections.reads.export import every_line
from projections.reads.snapshots import NotFoldedYetError, PositionAheadError, Snapshot, snapshot_of
from projections.reads.table import lines, rare_lines, totals
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import LineRow, find_line, list_lines
from projections.reads.table.orders import SORTS, Sort, after_row
from projections.reads.table.totals import list_months, total_lines
from projections.revenue import sums
from tests.support.company import catch_up, company_with, record_events
from tests.support.histories import busy_history
from tests.support.payloads import ACCOUNT, CREATED, event, old_invoice, old_line
from tests.support.promises import Trials

LINES = "revenue_lines"
FILTERS = (
    LineFilter(livemode=True),
    LineFilter(livemode=False),
    LineFilter(livemode=True, invoice_status=("paid",), currency=("usd",)),
    LineFilter(livemode=True, cadence=("quarterly",), date_from=date(2026, 1, 1), date_to=date(2026, 2, 1)),
    LineFilter(livemode=True, customer_id=("cus_1", "cus_2")),
    LineFilter(livemode=True, subscription_id=("sub_1",), amount_min=1, q="zed"),
    LineFilter(livemode=True, invoice_id=("in_1",), date_from=date(2026, 1, 2)),
    LineFilter(
        livemode=True, price_id=("price_0", "price_1"), currency=("eur", "usd"), invoice_status=("open", "paid")
    ),
    LineFilter(livemode=True, product_id=("prod_1",), amount_max=200),
)


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def answers_of(snapshot: Snapshot, line_ids: list[str]) -> dict[str, object]:
    """Return everything that can be read from the table, with the filter and sort chosen by the position."""
    livemode, turn = bool(snapshot.position % 5), snapshot.position
    line_filter, sort = FILTERS[turn % len(FILTERS)], SORTS[turn % len(SORTS)]
    found = [find_line(snapshot, line_id, livemode=livemode) for line_id in line_ids[turn % 5 :: 5]]
    answers: dict[str, object] = {
        "checksum": checksum_of(snapshot),
        "totals": total_lines(snapshot, line_filter),
        "pages": list(pages(snapshot, line_filter, sort)),
        "months": list_months(snapshot, LineFilter(livemode=livemode)),
        "lines": [as_tuple(line) for line in found if line],
        "credit notes": list(pages_of_credit_notes(snapshot, livemode=livemode)),
    }
    columns = ("invoice_line_item_id", "position", "net_amount")
    with every_line(snapshot, FILTERS[0], sort="-date", columns=columns, amounts="decimal") as batches:
        answers["csv"] = [row for batch in batches for row in batch]
    return answers


def pages(snapshot: Snapshot, line_filter: LineFilter, sort: Sort) -> Iterator[tuple]:
    """Yield all rows of a filter, read in pages of five."""
    after = None
    while rows := list_lines(snapshot, line_filter, sort=sort, limit=5, after=after):
        yield from map(as_tuple, rows)
        after = after_row(rows[-1], sort)


def pages_of_credit_notes(snapshot: Snapshot, *, livemode: bool) -> Iterator[tuple]:
    """Yield all credit notes of a mode, read in pages of two."""
    after = None
    while rows := list_credit_notes(snapshot, CreditNoteFilter(livemode=livemode), limit=2, after=after):
        yield from map(as_tuple, rows)
        after = mark_of(rows[-1])


def as_tuple(row: LineRow) -> tuple:
    return tuple(value for name, value in row._mapping.items() if name != "build")


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten stretches and steps, so that a short log takes many of them."""
    monkeypatch.setattr(lines, "STEPS", 3)
    monkeypatch.setattr(lines, "MANY", 6)
    for module in (rare_lines, sums, totals):
        monkeypatch.setattr(module, "MONTH_STRETCH", 8)
    for module in (sums, checksums):
        monkeypatch.setattr(module, "CHECKSUM_STRETCH", 4)


@pytest.mark.promise("As of any position, tables read like a replay of the log cut there", trials=(21, 42))
@pytest.mark.usefixtures("short_stretches")
def test_as_of_any_position_equals_a_replay_of_the_log_cut_there(
    engine: Engine, company_id: int, trials: Trials
) -> None:
    record_events(engine, *busy_history(Random(2), 40))
    catch_up(engine, batch_size=7)  # a table is the same whatever the batches
    with engine.begin() as connection:
        (begun,) = begin_builds(connection, company_id=company_id, chosen=[LINES])
        line_ids = list(
            connection.execute(
                text(
                    "SELECT DISTINCT invoice_line_item_id FROM (SELECT invoice_line_item_id FROM revenue_line_past"
                    " UNION SELECT invoice_line_item_id FROM revenue_line) l ORDER BY 1"
                )
            ).scalars()
        )
    beside = Claim(LINES, company_id, begun.build, 0)
    credit_notes: list[object] = []

    for position in sorted(trials.cases(range(42))):
        fold_to(engine, beside, position)
        with engine.connect() as connection:
            replayed = answers_of(
                Snapshot(connection, company_id, begun.build, position, "live", is_whole=True), line_ids
            )
        with snapshot_of(engine, company_id, as_of=position) as snapshot:
            assert answers_of(snapshot, line_ids) == replayed, position
        credit_notes.append(replayed["credit notes"])
    assert line_ids
    assert any(credit_notes)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_a_line_that_left_and_came_back_is_there_in_each_of_its_lives_and_not_between(
    engine: Engine, company_id: int, batch_size: int
) -> None:
    both, one = (old_line(), old_line("il_2")), (old_line("il_2"),)
    versions = [(one, "open"), (both, "open"), (both, "paid"), (one, "paid"), (both, "paid"), (both, "void")]
    for number, (line_set, status) in enumerate(versions):
        record_events(
            engine, event(old_invoice("in_1", *line_set, status=status), "invoice.updated", created=CREATED + number)
        )
    catch_up(engine, batch_size=batch_size)

    for sort in SORTS:
        for as_of, (line_set, _) in enumerate(versions, 2):
            with snapshot_of(engine, company_id, as_of=as_of) as snapshot:
                rows = list_lines(snapshot, FILTERS[0], sort=sort, limit=9, after=None)
            assert sorted(row.invoice_line_item_id for row in rows) == [line["id"] for line in line_set], (sort, as_of)


def test_as_of_an_instant_counts_what_had_been_recorded_by_then(engine: Engine, company_id: int) -> None:
    for number in range(5):
        record_events(engine, event(old_invoice(f"in_{number}")))
    catch_up(engine)
    with engine.connect() as connection:
        recorded = connection.execute(text("SELECT recorded_at FROM event ORDER BY position")).scalars().all()

    def position_at(instant: datetime) -> int:
        with snapshot_of(engine, company_id, as_of=instant) as snapshot:
            return snapshot.position

    moment = timedelta(microseconds=1)
    assert [position_at(instant) for instant in recorded] == [1, 2, 3, 4, 5, 6]
    assert [position_at(instant - moment) for instant in recorded] == [0, 1, 2, 3, 4, 5]
    assert position_at(datetime(9999, 1, 1, tzinfo=UTC)) == 6


def test_what_is_not_there_yet_is_refused_and_not_guessed(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice(), created=CREATED))
    catch_up(engine)
    record_events(engine, event(old_invoice("in_2")))

    with pytest.raises(PositionAheadError), snapshot_of(engine, company_id, as_of=4):
        pass
    with pytest.raises(NotFoldedYetError), snapshot_of(engine, company_id, as_of=3):
        pass
    with engine.begin() as connection:
        connection.execute(projection_state.update().values(version=1))
    with pytest.raises(NotFoldedYetError), snapshot_of(engine, company_id, as_of=1):
        pass
