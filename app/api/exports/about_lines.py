"""Say in a workbook what it shows: whose lines, which of them, as of when, and their totals."""

from collections.abc import Iterator
from datetime import datetime

from app.api.exports.workbook_parts import Amount, Fact
from app.wiring.cursors import ListOf
from events.stripe.money import exponent_of
from projections.reads.checksums import checksum_of
from projections.reads.freshness import recorded_at
from projections.reads.snapshots import Snapshot
from projections.reads.table.filters import AMONG
from projections.reads.table.totals import Total, total_lines
from tenants.companies import find_company

_SORTED = {
    "date": "by date, oldest first",
    "-date": "by date, newest first",
    "amount": "by amount, smallest first",
    "-amount": "by amount, largest first",
    "customer_name": "by customer name, A to Z",
    "-customer_name": "by customer name, Z to A",
    "updated_at": "by last change, oldest first",
    "-updated_at": "by last change, newest first",
}


def about_lines(snapshot: Snapshot, of: ListOf, *, made_at: datetime) -> list[Fact]:
    """Return the rows of the sheet about an export of revenue lines."""
    company = find_company(snapshot.connection, snapshot.company_id)
    totals = total_lines(snapshot, of.line_filter)
    return [
        ("Company", company.name if company else "", snapshot.company_id),
        ("Table", "Revenue lines"),
        ("Made at (UTC)", made_at),
        ("As of", of.as_of if isinstance(of.as_of, datetime) else _as_of(of.as_of, snapshot)),
        ("Position of the log", snapshot.position),
        ("Recorded at (UTC)", recorded_at(snapshot, snapshot.position) or ""),
        ("Checksum of the table", checksum_of(snapshot) or ""),
        ("Sorted", _SORTED[of.sort]),
        *_filters(of),
        ("Lines", sum(total.count for total in totals)),
        ("",),
        ("Totals by currency", "Lines", "Amount", "Net amount"),
        *(_total(total) for total in totals),
        ("",),
        ("Amounts are in the currency beside them, days and times in UTC.",),
    ]


def _as_of(position: int | None, snapshot: Snapshot) -> str:
    return "now" if position is None or not snapshot.is_past else f"position {position}"


def _filters(of: ListOf) -> Iterator[Fact]:
    conditions = of.line_filter.conditions()
    yield "Mode", "live" if conditions.pop("livemode") else "test"
    if not conditions:
        yield "Filters", "none"
    for name, value in conditions.items():
        unit = " (minor units)" if name in ("amount_min", "amount_max") else ""
        yield f"Filter: {AMONG.get(name, name)}{unit}", _as_cell(value)


def _as_cell(value: object) -> int | datetime | str:
    if isinstance(value, list):
        return ", ".join(value)
    return value if isinstance(value, int | datetime) else str(value)


def _total(total: Total) -> Fact:
    exponent = exponent_of(total.currency)
    return total.currency.upper(), total.count, Amount(total.amount, exponent), Amount(total.net_amount, exponent)
