"""How many groups of lines are waiting to be mapped, for the navigation of every page."""

from sqlalchemy import Connection

from app.api.revenue_lines import mode_of
from projections.reads.mapping.unmapped import count_unmapped
from projections.reads.snapshots import snapshot_on

# Looked at on every page, so few.
_MOST_LINES = 200


def groups_to_map(connection: Connection, company_id: int) -> str:
    """Return the number of groups, "12+" if there may be more; the empty text if there are none."""
    snapshot = snapshot_on(connection, company_id)
    if not snapshot.is_whole:
        return ""
    livemode = mode_of(connection, company_id, None)
    groups, is_all = count_unmapped(snapshot, livemode=livemode, most_lines=_MOST_LINES)
    return f"{groups}{'' if is_all else '+'}" if groups else ""
