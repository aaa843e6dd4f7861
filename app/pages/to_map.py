"""How many groups of lines are waiting to be mapped, for the navigation of every page."""

from sqlalchemy import Connection

from app.api.revenue_lines import mode_of
from app.wiring.tools import current_tools
from projections.reads.mapping.unmapped import count_unmapped
from projections.reads.snapshots import snapshot_on

# Looked at on every page, so few.
_MOST_LINES = 200
_MOST_REMEMBERED = 1024


def groups_to_map(connection: Connection, company_id: int) -> str:
    """Return the number of groups, "12+" if there may be more; the empty text if there are none."""
    snapshot = snapshot_on(connection, company_id)
    if not snapshot.is_whole:
        return ""
    counted, livemode = current_tools().counted_to_map, mode_of(connection, company_id, None)
    at = (snapshot.epoch, company_id, snapshot.build, snapshot.position, livemode)
    if at not in counted:
        groups, is_all = count_unmapped(snapshot, livemode=livemode, most_lines=_MOST_LINES)
        if len(counted) >= _MOST_REMEMBERED:
            counted.clear()
        counted[at] = f"{groups}{'' if is_all else '+'}" if groups else ""
    return counted[at]
