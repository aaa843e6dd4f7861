"""A page of a stream's lines is the same however they are found, and takes no more than its own."""

from datetime import date
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Engine, text

from projections.mapping.decisions.payloads import RulesPublished
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import LineRow, list_lines
from projections.reads.table.listing import Question, Way, listing, way_of
from projections.reads.table.orders import After, Sort, after_row
from tests.support.company import catch_up, company_with, record_events
from tests.support.decisions import decide
from tests.support.payloads import ACCOUNT, CREATED, event, old_invoice, old_line

DAY = 86_400
BY_DAY: tuple[Sort, ...] = ("date", "-date")
# A line with two shares of one stream, one with shares of two, one of a stream alone, and one that nothing maps.
SHARES = {
    "cus_twice": [
        {"bp": 5000, "stream_id": "str_a", "plan_id": "pln_1"},
        {"bp": 5000, "stream_id": "str_a", "plan_id": "pln_2"},
    ],
    "cus_both": [{"bp": 5000, "stream_id": "str_a"}, {"bp": 5000, "stream_id": "str_b"}],
    "cus_other": [{"bp": 10_000, "stream_id": "str_b"}],
}
FILTERS: tuple[dict[str, Any], ...] = (
    {"stream_id": ("str_a",)},
    {"stream_id": ("str_a", "str_b")},
    {"stream_id": ("str_b",), "date_from": date(2026, 1, 2), "date_to": date(2026, 1, 4)},
    {"stream_id": ("str_none",)},
)


@pytest.fixture
def company_id(engine: Engine) -> int:
    """Create a company with lines of several days, some of them of the same day, and of both modes."""
    company_id = company_with(engine, ACCOUNT)
    decide(engine, company_id, RulesPublished(1, [rule(customer_id) for customer_id in SHARES]))
    customers = [*SHARES, "cus_unmapped"] * 4
    record_events(engine, *(invoice(number, customer_id) for number, customer_id in enumerate(customers)))
    catch_up(engine)
    return company_id


def rule(customer_id: str) -> dict[str, object]:
    condition = {"field": "customer_id", "op": "is", "value": customer_id}
    return {"id": f"rule_{customer_id}", "conditions": [condition], "outcome": {"shares": SHARES[customer_id]}}


def invoice(number: int, customer_id: str) -> dict[str, object]:
    start = CREATED + number // 3 * DAY
    line = old_line(f"il_{number}", period={"start": start, "end": start + 30 * DAY})
    return event(old_invoice(f"in_{number}", line, customer=customer_id), id=f"evt_{number}", livemode=number != 4)


def page(snapshot: Snapshot, line_filter: LineFilter, sort: Sort, after: After | None) -> list[LineRow]:
    return list(list_lines(snapshot, line_filter, sort=sort, limit=3, after=after))


def test_pages_of_streams_have_each_line_once_and_in_order(engine: Engine, company_id: int) -> None:
    for conditions, sort in product(FILTERS, BY_DAY):
        line_filter = LineFilter(livemode=True, **conditions)
        with snapshot_of(engine, company_id) as snapshot:
            question = Question(line_filter.asked(), sort, is_past=False, is_continued=False)
            bound = {**snapshot.bound(), **line_filter.bound(), "limit": 100}
            expected = snapshot.connection.execute(listing(question, Way.SORT), bound).all()
            found = page(snapshot, line_filter, sort, None)
            while len(last := page(snapshot, line_filter, sort, after_row(found[-1], sort)) if found else []):
                found += last

        assert way_of(question, is_whole=True) is Way.STREAMS
        assert found == expected
        assert bool(found) is (conditions["stream_id"] != ("str_none",))


def test_a_table_of_an_older_release_is_searched_without_the_days_of_its_parts(engine: Engine, company_id: int) -> None:
    line_filter = LineFilter(livemode=True, stream_id=("str_a",))
    with snapshot_of(engine, company_id) as snapshot:
        now = page(snapshot, line_filter, "date", None)
    with engine.begin() as connection:
        connection.execute(text("UPDATE revenue_part SET line_date = NULL"))
        connection.execute(text("UPDATE projection_state SET version = version - 1"))

    with snapshot_of(engine, company_id) as snapshot:
        assert page(snapshot, line_filter, "date", None) == now
