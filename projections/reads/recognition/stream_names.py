"""Read what a company's revenue streams and their plans are called."""

from sqlalchemy import select

from projections.mapping.decisions.book import Book
from projections.mapping.decisions.stored_book import book_of
from projections.reads.snapshots import Snapshot
from projections.revenue.store.mapping.mapping_tables import revenue_book


def stream_names(snapshot: Snapshot) -> dict[str, str]:
    """Return the newest names of all streams by id, whatever the snapshot's moment: archived ones, too."""
    return {stream_id: stream.name for stream_id, stream in _book(snapshot).streams.items()}


def stream_and_plan_names(snapshot: Snapshot) -> dict[str, str]:
    """Return the newest names of all streams and plans by id, as `stream_names` does."""
    streams = _book(snapshot).streams
    plans = {plan_id: plan.name for stream in streams.values() for plan_id, plan in stream.plans.items()}
    return plans | {stream_id: stream.name for stream_id, stream in streams.items()}


def _book(snapshot: Snapshot) -> Book:
    book = revenue_book.c
    stored = select(book.book).where(book.company_id == snapshot.company_id, book.build == snapshot.build)
    return book_of(bytes(snapshot.connection.execute(stored).scalar() or b""))
