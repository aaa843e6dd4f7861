"""Try another accounting policy on all lines of a company: what would be recognized by it? Writes nothing."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from mapping.figures import CellKey, Json, cell
from mapping.lines_at import book_at, in_bites, lines_in, recognized
from projections.mapping.decisions.book import Book
from projections.reads.snapshots import Snapshot
from projections.recognition.billing import Policy
from projections.recognition.month_rows import month_rows
from projections.recognition.outcome import REVENUE
from projections.revenue.fold import RevenueState
from projections.revenue.parts.invoice_parts import InvoiceParts, LinePart
from projections.revenue.row_versions import parts_at
from projections.revenue.state import Held, Key
from projections.revenue.states_at import NOW

# It is answered at once, so it must not take long, nor keep others waiting between two bites.
MOST_LINES = 50_000
_INVOICES_AT_ONCE = 100


class TooManyLinesError(Exception):
    """The company has more lines than a policy is tried on at once."""


def cells_by_policy(snapshot: Snapshot, policy: Policy, *, livemode: bool) -> list[Json]:
    """Return what each month recognizes of each stream and currency, now (`before`) and by the policy (`after`).

    :raises TooManyLinesError: there are more than `MOST_LINES`
    """
    if lines_in(snapshot, livemode=livemode) > MOST_LINES:
        raise TooManyLinesError
    book = book_at(snapshot)
    books = (book, msgspec.structs.replace(book, policy=policy))
    before = recognized(snapshot, livemode=livemode)
    moved: Counter[CellKey] = Counter()
    for revenue in in_bites(snapshot, livemode=livemode, most=_INVOICES_AT_ONCE):
        for key, held in revenue.invoices.items():
            for of_book, sign in zip(books, (-1, 1), strict=True):
                _add(moved, _parts(revenue, key, held, of_book), sign)
    keys = sorted(before.keys() | moved.keys(), key=lambda key: (key.month, key.stream_id or "", key.currency))
    cells = (cell(key, before.get(key, 0), before.get(key, 0) + moved[key]) for key in keys)
    return [one for one in cells if one["before"] or one["after"]]


def _parts(revenue: RevenueState, key: Key, held: Held, book: Book) -> Iterable[LinePart]:
    of_lines = InvoiceParts(key, book, revenue.line_overrides.get(key, {}))
    return parts_at(of_lines, held, NOW, revenue).values()


def _add(moved: Counter[CellKey], parts: Iterable[LinePart], sign: int) -> None:
    for part in parts:
        for row in month_rows(part.part, part.currency):
            if row.kind == REVENUE:
                moved[CellKey(row.month, row.stream_id, row.currency)] += sign * (row.earned + row.contra)
