"""Read which version of the rules was in force as of a snapshot."""

from msgspec import json
from sqlalchemy import func, select

from events.log.own_facts import SOURCE
from events.log.read import read_at
from events.log.tables import event
from projections.mapping.decisions.facts import RULES_PUBLISHED
from projections.reads.snapshots import Snapshot


def rules_version_at(snapshot: Snapshot) -> int:
    """Return the number of the set of rules that was published last; 0 before the first."""
    published = select(func.max(event.c.position)).where(
        event.c.company_id == snapshot.company_id,
        event.c.source == SOURCE,
        event.c.type == RULES_PUBLISHED,
        event.c.position <= snapshot.position,
    )
    position = snapshot.connection.execute(published).scalar()
    if position is None:
        return 0
    (fact,) = read_at(snapshot.connection, snapshot.company_id, [position])
    return int(json.decode(fact.payload)["version"])
