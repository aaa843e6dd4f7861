"""Read a report for a company: its cells, and what there is to say about them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.api.reports.cell_schemas import DeferredCell, RecognitionCell, WaterfallCell
from app.api.reports.left_out import left_out_of
from app.api.revenue_lines import mode_of
from app.connect.state import health_in
from app.wiring.tools import current_tools
from backlog.syncs.unread_lists import unread_lists
from events.stripe.money import exponent_of
from projections.reads.recognition.completeness import lacking_from
from projections.reads.recognition.month_rows import Books
from projections.reads.recognition.report_cells import Cell, Range, ReportName, ReportOf, read_cells
from projections.reads.recognition.stream_names import stream_and_plan_names
from projections.reads.snapshots import Snapshot
from projections.recognition.days import day_of, month_of, month_text
from projections.recognition.reports import RecognitionCell as RecognizedCell
from tenants.companies import find_company

# The columns of each report, in order.
COLUMNS: Mapping[ReportName, tuple[str, ...]] = {
    "recognition": RecognitionCell.Meta.fields[1:],
    "deferred": DeferredCell.Meta.fields[1:],
    "waterfall": WaterfallCell.Meta.fields[1:],
}
# What stands beside ids in files.
NAMES: Mapping[str, str] = {"stream_id": "stream_name", "plan_id": "plan_name"}
MONTHS = frozenset({"month", "booked_month", "recognized_month"})


class Reading(NamedTuple):
    """A report of a snapshot. Each cell has the values of its columns; months are numbers, amounts minor units."""

    name: ReportName
    months: Range
    cells: list[dict[str, Any]]
    position: int
    livemode: bool
    data_through: datetime | None
    is_complete: bool
    left_out: list[str]

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the cells, in hexadecimal: of one line each, as CSV in minor units would have them."""
        return sha256("".join(f"{','.join(row)}\n" for row in self.rows()).encode()).hexdigest()

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells as texts, in the order of the report's columns."""
        for cell in self.cells:
            yield [_text_of(name, cell[name]) for name in COLUMNS[self.name]]


def read_report(snapshot: Snapshot, name: ReportName, query: Mapping[str, Any], *, is_whole: bool = False) -> Reading:
    """Return a report as a query asks for it; `is_whole` as in `ReportOf`.

    :raises NotFoldedYetError: the table was built by an older release, which recognized nothing
    """
    livemode = mode_of(snapshot.connection, snapshot.company_id, query.get("livemode"))
    of = ReportOf(name, query["by"], query.get("first"), query.get("last"), current_month(snapshot), is_whole)
    found = read_cells(snapshot, Books(livemode, query.get("currency", ())), of)
    lacking = lacking_from(snapshot, livemode=livemode)
    unread = unread_lists(snapshot.connection, snapshot.company_id, livemode=livemode)
    health = health_in(snapshot.connection, snapshot.company_id)
    data_through = health.data_through if health.livemode == livemode else None
    return Reading(
        name,
        found.months,
        list(map(_values_of, found.cells)),
        snapshot.position,
        livemode,
        data_through,
        data_through is not None and not any(lacking) and "credit_notes" not in unread,
        left_out_of(lacking, unread),
    )


def read_named_report(snapshot: Snapshot, name: ReportName, query: Mapping[str, Any]) -> Reading:
    """Return a report for a file: `read_report` with the names of streams and plans beside their ids.

    :raises NotFoldedYetError: as `read_report`
    """
    report, names = read_report(snapshot, name, query), stream_and_plan_names(snapshot)
    cells = [cell | {called: names.get(cell[of], "") for of, called in NAMES.items()} for cell in report.cells]
    return report._replace(cells=cells)


def current_month(snapshot: Snapshot) -> int:
    """Return the month that it is in the company's time zone."""
    company = find_company(snapshot.connection, snapshot.company_id)
    zone = ZoneInfo(company.time_zone if company else "UTC")
    return month_of(day_of(int(current_tools().clock().timestamp()), zone))


def as_of_text(as_of: int | datetime | None) -> str:
    """Return the moment of a report as its files name it."""
    if isinstance(as_of, datetime):
        return as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "now" if as_of is None else f"position {as_of}"


def _values_of(cell: Cell) -> dict[str, Any]:
    values = cell._asdict() | cell.group._asdict()
    values["currency_exponent"] = exponent_of(cell.group.currency)
    return values | {"net": cell.net} if isinstance(cell, RecognizedCell) else values


def _text_of(name: str, value: object) -> str:
    if value is None:
        return ""
    return month_text(value) if name in MONTHS and isinstance(value, int) else str(value)


def columns_of(name: ReportName) -> Sequence[str]:
    """Return the columns of a report's files."""
    return [one for column in COLUMNS[name] for one in (column, NAMES.get(column)) if one]
