"""Take schedules of exports that are due, note the position of the log at that moment, and tell people."""

import logging
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from backlog.exports.schedules import ScheduleRow, recurrence_of
from backlog.exports.tables import export_schedule
from projections.reads.snapshots import position_at
from runtime.sqlstates import is_outage
from workers.exports.telling import Messenger, ReadyExport

_AT_ONCE = 100

_log = logging.getLogger(__name__)

_DUE = text("SELECT id FROM export_schedule WHERE due_at <= :now ORDER BY due_at LIMIT :most")
# Several clocks may look at once: the first one takes the row.
_TAKE = (
    select(export_schedule)
    .where(export_schedule.c.id == bindparam("id"), export_schedule.c.due_at <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_NEXT = text("UPDATE export_schedule SET due_at = :due_at WHERE id = :id")
# Waits for who is appending: their events may have been recorded before the moment.
_AWAIT_APPENDS = text("SELECT FROM company_head WHERE company_id = :company_id FOR SHARE")
_NOTE = text("""
    INSERT INTO export_run (schedule_id, due_at, company_id, position, told_at)
    VALUES (:id, :due_at, :company_id, :position, :now)
""")


def tell_due_exports(engine: Engine, messenger: Messenger, *, now: datetime) -> int:
    """Tell people of every export that is due, each once; return how many. Commits.

    After an outage only the last moment that was missed is told. One that cannot be told delays no other.
    """
    with engine.connect() as connection:
        due = connection.execute(_DUE, {"now": now, "most": _AT_ONCE}).scalars().all()
    return sum(_is_told(engine, messenger, schedule_id, now) for schedule_id in due)


def _is_told(engine: Engine, messenger: Messenger, schedule_id: int, now: datetime) -> bool:
    try:
        with engine.begin() as connection:
            row = connection.execute(_TAKE, {"id": schedule_id, "now": now}).one_or_none()
            if row is not None:
                messenger.tell(connection, _noted(connection, row, now), now=now)
            return row is not None
    except DBAPIError as error:
        if is_outage(error):
            raise
        _log.warning("export not told", extra={"schedule_id": schedule_id, "error": type(error).__name__})
        return False


def _noted(connection: Connection, row: ScheduleRow, now: datetime) -> ReadyExport:
    due_at, next_at = recurrence_of(row).newest_due(row.due_at, now)
    connection.execute(_AWAIT_APPENDS, {"company_id": row.company_id})
    position = position_at(connection, row.company_id, due_at)
    run = {"id": row.id, "due_at": due_at, "company_id": row.company_id, "position": position, "now": now}
    connection.execute(_NOTE, run)
    connection.execute(_NEXT, {"id": row.id, "due_at": next_at})
    return ReadyExport(row, due_at, position)
