"""What is recognized as of any position is what the parts that stood then recognize, and each cell is explained."""

from collections import Counter
from itertools import product
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, text

from projections.reads.recognition.explained_cells import CellOf, LeafMark, explain_cell
from projections.reads.recognition.leaf_details import detail_leaves
from projections.reads.recognition.leaves_statement import AMOUNTS
from projections.reads.recognition.month_rows import Books, list_month_rows
from projections.reads.recognition.report_cells import BYS, REPORTS, Range, cells_of
from projections.reads.snapshots import NotFoldedYetError, Snapshot, snapshot_of
from projections.recognition.billing import Policy
from projections.recognition.days import month_named
from projections.recognition.outcome import UNMAPPED, Share, Treatment
from projections.revenue.store.parts.part_tables import revenue_part
from projections.revenue.sums import MONTH_STRETCH
from tests.support.company import company_with
from tests.support.part_rows import Shelf, standing_rows
from tests.support.recognition import Case

LIVE = True
ALWAYS = Range(0, 12 * 9999)
MAPPED = (Share(9000, "str_a", "pln_a"), Share(1000, "str_b"))
FEES = (Share(5000, "str_a"), Share(5000, "str_a", None, "pass_through"))
LONG = (Share(10_000, "str_long", treatment=Treatment("months", 40)),)
LAST = 3 * MONTH_STRETCH


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    """Return the tables with lines of all sorts, that change within a stretch of the log, at its edges and later."""
    shelf = Shelf(engine, company_with(engine, "acct_1"))
    random = Random(12)
    expensed = Policy(uncollectible="expense")
    cases = [
        Case("90.00", "2026-01-01", "2026-04-01"),
        Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01", voided="2026-03-05"),
        Case("90.00", "2026-01-15", "2027-01-15").with_status(uncollectible="2026-02-01", paid="2026-04-10"),
        Case("90.00", "2026-01-15", "2027-01-15").with_status(uncollectible="2026-02-01").with_policy(expensed),
        Case("-31.00", "2026-01-15", "2026-02-15", booked="2026-05-01"),
        Case("120.00", "2026-03-01", "2027-04-01", booked="2026-01-20"),
        Case("5.00", "2026-01-03", "2026-01-03", booked="2026-02-01"),
        Case("31.00", "2026-07-21", "2026-08-21", booked="2026-07-14").with_status(voided="2026-09-12"),
    ]
    positions = [2, 3, MONTH_STRETCH, MONTH_STRETCH + 1, 2 * MONTH_STRETCH, 2 * MONTH_STRETCH + 7, LAST]
    for number, (case, shares) in enumerate(product(cases, (UNMAPPED, MAPPED, FEES, LONG))):
        case.shares = shares
        line = (f"in_{number % 5}", f"il_{number}")
        currency, livemode = random.choice(("usd", "usd", "eur")), random.random() < 0.9
        first, *later = sorted(random.sample(positions, k=random.randint(1, 3)))
        shelf.put(first, case, line=line, currency=currency, livemode=livemode)
        for position in later:
            case.shares = random.choice((UNMAPPED, MAPPED, LONG))
            shelf.put(position, case, line=line, currency=currency, livemode=livemode)
    shelf.write(reach=LAST)
    return shelf


MOMENTS = [None, 1, 2, 3, MONTH_STRETCH - 1, MONTH_STRETCH, MONTH_STRETCH + 1, 2 * MONTH_STRETCH + 6, LAST - 1, LAST]


def test_rows_as_of_a_position_are_those_of_the_parts_that_stood_then(shelf: Shelf) -> None:
    for as_of, livemode in product(MOMENTS, (True, False)):
        with snapshot_of(shelf.engine, shelf.company_id, as_of) as snapshot:
            sums: Counter[tuple] = Counter()
            for mode, row in standing_rows(snapshot.connection, shelf.company_id, as_of or LAST):
                if mode == livemode:
                    sums[row[:7]] += row.earned
                    sums[row[:7], "contra"] += row.contra
            rows = list_month_rows(snapshot, Books(livemode))
            of_euros = list_month_rows(snapshot, Books(livemode, ("eur",)))

        assert {row[:7]: (row.earned, row.contra) for row in rows} == {
            key: (sums[key], sums[key, "contra"])
            for key in sums
            if key[1] != "contra" and (sums[key] or sums[key, "contra"])
        }
        assert of_euros == [row for row in rows if row.currency == "eur"]


def explained(snapshot: Snapshot, cell: CellOf, *, limit: int = 500) -> tuple[tuple[int, ...], list]:
    """Return the total of a cell and its leaves, read page by page."""
    leaves: list = []
    after: LeafMark | None = None
    while True:
        page = explain_cell(snapshot, cell, limit=limit, after=after)
        leaves += page.leaves
        if len(page.leaves) < limit:
            assert page.leaf_count == len(leaves)
            return page.total, leaves
        after = page.leaves[-1].mark


def test_l15_leaves_add_up_to_each_cell(shelf: Shelf) -> None:
    for as_of, report, by in product((None, 2 * MONTH_STRETCH + 6), REPORTS, BYS):
        with snapshot_of(shelf.engine, shelf.company_id, as_of) as snapshot:
            rows = list_month_rows(snapshot, Books(livemode=True))
            cells: list[Any] = [*cells_of(report, rows, by, ALWAYS)]
            for found in cells[::9]:
                currency, stream_id, plan_id = found.group
                month = found.recognized_month if report == "waterfall" else found.month
                kind: Any = getattr(found, "kind", "revenue")
                booked = getattr(found, "booked_month", None)
                cell = CellOf(report, LIVE, month, currency, by, stream_id, plan_id, kind, booked)
                total, leaves = explained(snapshot, cell)

                assert total == tuple(getattr(found, name) for name in AMOUNTS[report])
                assert total == tuple(map(sum, zip(*(leaf.amounts for leaf in leaves), strict=True)))
                assert all(any(leaf.amounts) for leaf in leaves)


def test_leaves_come_page_by_page_the_largest_first_with_their_steps(shelf: Shelf) -> None:
    cell = CellOf("deferred", LIVE, month_named("2026-02"), "usd", "none")
    with snapshot_of(shelf.engine, shelf.company_id) as snapshot:
        _, all_at_once = explained(snapshot, cell)
        _, paged = explained(snapshot, cell, limit=3)
        details = detail_leaves(snapshot, paged, livemode=True)

    sizes = [abs(leaf.amounts[-1]) for leaf in paged]
    assert len(paged) > 10
    assert paged == all_at_once
    assert sizes == sorted(sizes, reverse=True)
    assert [one.leaf for one in details] == paged
    assert {one.of_part["cause"] for one in details} >= {"billing", "uncollectible"}


_MANY = {"invoice_line_item_id": "'many_' || n", "amount": "n * 37 % 50", "months": "ARRAY[n * 37 % 50]"}


def test_pages_of_a_cell_of_which_only_a_sample_is_sorted_first_miss_no_leaf(engine: Engine) -> None:
    shelf = Shelf(engine, company_with(engine, "acct_1"))
    shelf.put(1, Case("9.00", "2026-01-01", "2026-02-01"))
    shelf.write(reach=1)
    names = [column.name for column in revenue_part.c]
    values = ", ".join(_MANY.get(name, name) for name in names)
    with engine.begin() as connection:
        copied = f"SELECT {values} FROM revenue_part, generate_series(1, 1000) n"  # noqa: S608 - our own words
        connection.execute(text(f"INSERT INTO revenue_part ({', '.join(names)}) {copied}"))
        of_lines = text("SELECT invoice_line_item_id FROM revenue_part WHERE amount > 0 ORDER BY -amount, 1")
        expected = connection.execute(of_lines).scalars().all()

    for as_of, limit in ((None, 300), (None, 999), (1, 400)):
        with snapshot_of(engine, shelf.company_id, as_of) as snapshot:
            cell = CellOf("recognition", LIVE, month_named("2026-01"), "usd")
            total, leaves = explained(snapshot, cell, limit=limit)

        assert [leaf.invoice_line_item_id for leaf in leaves] == expected
        assert total == (900 + 20 * sum(range(50)), 0, 900 + 20 * sum(range(50)))


def test_a_table_of_an_older_release_has_no_reports(engine: Engine) -> None:
    with snapshot_of(engine, company_with(engine, "acct_1")) as snapshot:
        older = snapshot._replace(is_whole=False)

        with pytest.raises(NotFoldedYetError):
            list_month_rows(older, Books(livemode=True))
        with pytest.raises(NotFoldedYetError):
            explain_cell(older, CellOf("deferred", LIVE, 1, "usd"), limit=1, after=None)
