"""Count what is missing from the table: facts that could not be read, and lines that are still being fetched."""

from typing import NamedTuple

from sqlalchemy import func, select

from projections.reads.snapshots import Snapshot
from projections.reads.table.lines import list_quarantined
from projections.revenue.store.tables import revenue_invoice

# No more are counted.
MOST_COUNTED = 100


class Missing(NamedTuple):
    """How many facts could not be read, and how many invoices lack lines; `MOST_COUNTED` means that many or more."""

    unread: int = 0
    incomplete: int = 0


def missing_from(snapshot: Snapshot) -> Missing:
    """Count what is missing from the table now, in both modes."""
    invoices = revenue_invoice.c
    lacking = (
        select(invoices.id)
        .where(
            invoices.company_id == snapshot.company_id,
            invoices.build == snapshot.build,
            invoices.lacks_lines | invoices.is_contested,
            invoices.lacks_lines,
        )
        .limit(MOST_COUNTED)
    )
    incomplete = snapshot.connection.execute(select(func.count()).select_from(lacking.subquery())).scalar_one()
    return Missing(count_unread(snapshot), incomplete)


def count_unread(snapshot: Snapshot) -> int:
    """Count the facts that could not be read, in both modes; `MOST_COUNTED` means that many or more."""
    quarantined = list_quarantined(snapshot, limit=MOST_COUNTED, before=snapshot.position + 1)
    return sum(not fact.is_resolved for fact in quarantined)
