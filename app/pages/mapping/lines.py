"""One page of lines, with the URLs of the following pages: all of them are as of the same position."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from app.api.revenue_lines import list_of
from app.pages.mapped.mapped_lines import COLUMNS, MappedLine, mapped_lines
from app.pages.mapping.addresses import table_address
from app.pages.mapping.query import View
from app.wiring.tools import current_tools
from projections.reads.recognition.line_mappings import LineKey
from projections.reads.snapshots import Snapshot
from projections.reads.table.lines import LineRow, list_lines
from projections.reads.table.orders import after_row

ROWS_A_PAGE = 100
_FILTERED_BY_ID = ("customer_id", "subscription_id", "invoice_id", "price_id", "product_id")


class LinesPage(NamedTuple):
    """Rows, the number of the first of them in the whole list, and URLs.

    `here` returns these rows again, `following` the next rows, and `next_page` the next rows as a whole page; the last
    two are None at the end. `of_line` is the beginning and the end of a line's URL. `by` is, for each id that can be
    filtered by, the URL of this view to which an id is appended. `mapped` is what rows are mapped to, if it is shown.
    """

    rows: Sequence[LineRow]
    first_row: int
    here: str
    following: str | None
    next_page: str | None
    of_line: tuple[str, str]
    by: dict[str, str]
    mapped: dict[LineKey, MappedLine]


def read_lines(snapshot: Snapshot, view: View) -> LinesPage:
    """Read the page of lines that a view asks for.

    :raises InvalidCursorError: the cursor belongs to another list
    """
    cursors, query = current_tools().cursors, view.query
    # A table built by an older release has no history: each of its pages is as of the moment it is read.
    at = snapshot.position if snapshot.is_whole else None
    of = list_of(snapshot, query)._replace(as_of=at)
    cursor = query.get("cursor")
    after = cursors.read(of, cursor) if cursor else None
    found = list_lines(snapshot, of.line_filter, sort=of.sort, limit=ROWS_A_PAGE + 1, after=after)
    rows, row = found[:ROWS_A_PAGE], int(query["row"])
    following, next_page = None, None
    if len(found) > ROWS_A_PAGE:
        then = {"at": at, "row": row + ROWS_A_PAGE, "cursor": cursors.write(of, after_row(rows[-1], of.sort))}
        following, next_page = view.link("/rows", **then), view.link(**then)
    here = view.link("/rows", at=at, row=row, cursor=cursor)
    mapped = mapped_lines(snapshot, rows) if COLUMNS.intersection(column.name for column in view.columns) else {}
    return LinesPage(rows, row, here, following, next_page, _of_line(view), _by(view), mapped)


def _of_line(view: View) -> tuple[str, str]:
    kept = [(name, value) for name, value in view.state() if name in ("as_of", "livemode")]
    return table_address(view.company_id, "/lines/"), f"?{urlencode(kept)}" if kept else ""


def _by(view: View) -> dict[str, str]:
    addresses = {name: view.link("", name) for name in _FILTERED_BY_ID}
    return {name: f"{address}{'&' if '?' in address else '?'}{name}=" for name, address in addresses.items()}
