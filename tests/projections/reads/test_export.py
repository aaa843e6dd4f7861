"""Exports last as long as their readers take, and not only as long as a page may."""

from datetime import date

from sqlalchemy import Engine, text

from projections.reads.export import every_line
from projections.reads.sheet_rows import Styles, as_xml, every_sheet_row
from projections.reads.snapshots import snapshot_of
from projections.reads.table.filters import LineFilter
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice, new_line

COLUMNS = ("invoice_line_item_id", "amount", "date")
STYLES = Styles(day=1, instant=2, amounts={2: 3})


def test_an_export_outlives_the_time_that_a_statement_may_take(engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, event(new_invoice("in_1", *(new_line(f"il_{n:04}") for n in range(2500)))))
    catch_up(engine)
    every = LineFilter(livemode=True)

    with snapshot_of(engine, company_id) as snapshot:
        # It runs out long before all rows are read, even on the fastest machine.
        snapshot.connection.execute(text("SET LOCAL statement_timeout = 1"))
        with every_line(snapshot, every, sort="date", columns=COLUMNS, amounts="decimal") as batches:
            lines = [row for batch in batches for row in batch]
    with snapshot_of(engine, company_id) as snapshot:
        snapshot.connection.execute(text("SET LOCAL statement_timeout = 1"))
        with every_sheet_row(snapshot, every, sort="date", columns=COLUMNS, styles=STYLES) as batches:
            rows = [row for batch in batches for row in batch]

    assert (len(lines), len(rows)) == (2500, 2500)
    assert lines[0] == b"il_0000,300.00,2026-01-01,f\n"
    serial = (date(2026, 1, 1) - date(1899, 12, 30)).days
    assert as_xml(rows[:1]) == (
        b'<row><c t="inlineStr"><is><t>il_0000</t></is></c><c s="3"><v>300.00</v></c>'
        b'<c s="1"><v>%d</v></c></row>\n' % serial
    )
