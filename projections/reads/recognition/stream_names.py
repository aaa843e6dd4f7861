"""Read what a company's revenue streams are called."""

from sqlalchemy import select

from projections.mapping.decisions.stored_book import book_of
from projections.reads.snapshots import Snapshot
from projections.revenue.store.mapping.mapping_tables import revenue_book


def stream_names(snapshot: Snapshot) -> dict[str, str]:
    """Return the newest names of all streams by id, whatever the snapshot's moment: archived ones, too."""
    book = revenue_book.c
    stored = select(book.book).where(book.company_id == snapshot.company_id, book.build == snapshot.build)
    held = snapshot.connection.execute(stored).scalar()
    return {stream_id: stream.name for stream_id, stream in book_of(bytes(held or b"")).streams.items()}
