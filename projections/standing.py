"""How the table itself stands: when it last changed, whether it has since, and what it holds at all."""

from datetime import datetime

from sqlalchemy import exists, select, text

from events.tables import event
from projections.past_tables import revenue_line_past
from projections.snapshots import Snapshot
from projections.tables import revenue_line

_HEAD = text("SELECT position FROM company_head WHERE company_id = :company_id")


def last_changed_at(snapshot: Snapshot) -> datetime | None:
    """Give when the log recorded the newest fact that a row of the table was made from; None without rows."""
    lines = revenue_line.c
    newest = (
        select(lines.updated_at)
        .where(lines.company_id == snapshot.company_id, lines.build == snapshot.build)
        .order_by(lines.position.desc())
        .limit(1)
    )
    return snapshot.connection.execute(newest).scalar()


def has_changed_since(snapshot: Snapshot, position: int) -> bool:
    """Tell whether any row was added, modified or removed by an event after this position."""
    lines, past = revenue_line.c, revenue_line_past.c
    newer = exists().where(
        lines.company_id == snapshot.company_id, lines.build == snapshot.build, lines.position > position
    )
    ended = exists().where(past.company_id == snapshot.company_id, past.build == snapshot.build, past.until > position)
    return bool(snapshot.connection.execute(select(newer | ended)).scalar_one())


def holds_mode(snapshot: Snapshot, *, livemode: bool) -> bool:
    """Tell whether the table holds lines of live mode, or of test mode."""
    lines = revenue_line.c
    any_line = exists().where(
        lines.company_id == snapshot.company_id, lines.build == snapshot.build, lines.livemode == livemode
    )
    return bool(snapshot.connection.execute(select(any_line)).scalar_one())


def recorded_at(snapshot: Snapshot, position: int) -> datetime | None:
    """Give when the company's log recorded the event at this position; None if there is none."""
    at = select(event.c.recorded_at).where(event.c.company_id == snapshot.company_id, event.c.position == position)
    return snapshot.connection.execute(at).scalar()


def events_behind(snapshot: Snapshot) -> int:
    """Give how many events of the company's log are not folded yet."""
    head: int = snapshot.connection.execute(_HEAD, {"company_id": snapshot.company_id}).scalar() or 0
    return max(0, head - snapshot.position)
