"""Read what a snapshot has of a company's lines, to be mapped or recognized otherwise. Writes nothing."""

from collections.abc import Iterable, Iterator

from sqlalchemy import text

from mapping.figures import CellKey
from projections.mapping.decisions.book import Book
from projections.reads.snapshots import Snapshot
from projections.recognition.outcome import REVENUE
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.store.load_state import load_invoices
from projections.revenue.store.mapping.mapping_store import find_books, load_books, load_line_overrides
from runtime.database import raw_driver

INVOICES_AT_ONCE = 1000
_NEXT = text("""
    SELECT id FROM revenue_invoice
    WHERE company_id = :company_id AND build = :build AND livemode = :livemode AND id > :after
    ORDER BY id LIMIT :most
""")
_RECOGNIZED = text("""
    SELECT month, nullif(stream_id, '') AS stream_id, currency, sum(earned + contra)::bigint AS net
    FROM recognition_by_month
    WHERE company_id = :company_id AND build = :build AND livemode = :livemode AND kind = :kind
    GROUP BY month, stream_id, currency
""")
_LINES = text("""
    SELECT count(*) FROM revenue_line WHERE company_id = :company_id AND build = :build AND livemode = :livemode
""")


def book_at(snapshot: Snapshot) -> Book:
    """Return the book of the snapshot's build."""
    at = build_at(snapshot)
    with raw_driver(snapshot.connection) as driver:
        load_books(find_books(driver, [at]), [at])
    return at.revenue.book


def lines_in(snapshot: Snapshot, *, livemode: bool) -> int:
    """Return how many lines of a mode there are."""
    return int(snapshot.connection.execute(_LINES, {**snapshot.bound(), "livemode": livemode}).scalar_one())


def in_bites(snapshot: Snapshot, *, livemode: bool, most: int = INVOICES_AT_ONCE) -> Iterator[RevenueState]:
    """Yield all invoices of a mode with what they refer to, and the overrides of their lines, some at a time."""
    scope, after = {**snapshot.bound(), "livemode": livemode, "most": most}, ""
    while ids := snapshot.connection.execute(_NEXT, scope | {"after": after}).scalars().all():
        yield invoices_at(snapshot, ids, livemode=livemode)
        after = ids[-1]


def invoices_at(snapshot: Snapshot, ids: Iterable[str], *, livemode: bool) -> RevenueState:
    """Return these invoices of a mode with what they refer to, and the overrides of their lines."""
    at = build_at(snapshot)
    with raw_driver(snapshot.connection) as driver:
        load_invoices(driver, [(at, [(livemode, invoice_id) for invoice_id in ids])])
        load_line_overrides(driver, [at])
    return at.revenue


def recognized(snapshot: Snapshot, *, livemode: bool) -> dict[CellKey, int]:
    """Return the revenue that is recognized now, net of contra, by cell."""
    of_mode = {**snapshot.bound(), "livemode": livemode, "kind": REVENUE}
    rows = snapshot.connection.execute(_RECOGNIZED, of_mode)
    return {CellKey(row.month, row.stream_id, row.currency): row.net for row in rows if row.net}


def build_at(snapshot: Snapshot) -> BuildState:
    """Return the snapshot's build, of which nothing is loaded yet."""
    return BuildState(snapshot.company_id, snapshot.build, is_begun=True, revenue=RevenueState())
