"""Read when the table last changed, whether it has changed since a position, and which modes it has lines of."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from events.log.read import head_of
from events.log.tables import event
from projections.reads.snapshots import Snapshot
from projections.revenue.store.past_tables import revenue_line_past
from projections.revenue.store.tables import revenue_line


def last_changed_at(snapshot: Snapshot) -> datetime | None:
    """Return when the log recorded the newest fact that a row of the table was made from; None without rows."""
    lines = revenue_line.c
    newest = select(lines.updated_at).where(_is_of(snapshot, lines)).order_by(lines.position.desc()).limit(1)
    return snapshot.connection.execute(newest).scalar()


def has_changed_since(snapshot: Snapshot, position: int) -> bool:
    """Return whether any row was added, modified or removed by an event after this position."""
    lines, past = revenue_line.c, revenue_line_past.c
    newest = select(func.max(lines.position)).where(_is_of(snapshot, lines)).scalar_subquery()
    ended = select(func.max(past.until)).where(_is_of(snapshot, past)).scalar_subquery()
    return (snapshot.connection.execute(select(func.greatest(newest, ended))).scalar() or 0) > position


def holds_mode(snapshot: Snapshot, *, livemode: bool) -> bool:
    """Return whether the table has lines of live mode, or of test mode."""
    # Read the first in the index's order: with EXISTS, a planner that does not know the mode would read all lines.
    lines = revenue_line.c
    order = lines.livemode.desc() if livemode else lines.livemode
    first = select(lines.livemode).where(_is_of(snapshot, lines)).order_by(order).limit(1)
    return snapshot.connection.execute(first).scalar() is livemode


def recorded_at(snapshot: Snapshot, position: int) -> datetime | None:
    """Return when the company's log recorded the event at this position; None if there is none."""
    at = select(event.c.recorded_at).where(event.c.company_id == snapshot.company_id, event.c.position == position)
    return snapshot.connection.execute(at).scalar()


def events_behind(snapshot: Snapshot) -> int:
    """Return how many events of the company's log are not folded yet."""
    head = head_of(snapshot.connection, snapshot.company_id)
    return max(0, head - snapshot.position)


def _is_of(snapshot: Snapshot, columns: Any) -> ColumnElement[bool]:  # noqa: ANN401 - those of either table
    return and_(columns.company_id == snapshot.company_id, columns.build == snapshot.build)
