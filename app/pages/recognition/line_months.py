"""What is recognized of a line by month, for its page: with the arithmetic of each month."""

from typing import NamedTuple

from app.pages.recognition.names import NameOf, names_from
from projections.reads.recognition.line_parts import list_parts
from projections.reads.recognition.stream_names import stream_names
from projections.reads.snapshots import Snapshot
from projections.reads.table.lines import LineRow
from projections.recognition.arithmetic import MonthOfShare, is_sum_of_months, months_of_shares
from projections.revenue.store.parts.stored_parts import PartRow, part_of


class LineMonths(NamedTuple):
    """The months of a line, each with the name of its stream, and whether they add up to the line."""

    months: list[tuple[str, MonthOfShare]]
    is_sum: bool


def line_months(snapshot: Snapshot, line: LineRow) -> LineMonths | None:
    """Return the months of a line; None in a table that an older release made."""
    if not snapshot.is_whole:
        return None
    rows = list_parts(snapshot, livemode=line.livemode, invoice_id=line.invoice_id, line_id=line.invoice_line_item_id)
    shares, parts = [row for row in rows if row.step == 0], list(map(part_of, rows))
    months = months_of_shares(parts, [row.basis_points for row in shares])
    names = _names(shares, names_from(stream_names(snapshot)))
    is_sum = sum(row.amount for row in shares) == line.net_amount and is_sum_of_months(parts, months)
    return LineMonths([(names[month.share_number], month) for month in months], is_sum)


def _names(shares: list[PartRow], name_of: NameOf) -> list[str]:
    return [name_of(row.stream_id or None) for row in shares]
