"""Keep schedules of exports: one view of the table, when it recurs, and who is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from backlog.exports.recurrence import Recurrence
from backlog.exports.tables import export_run, export_schedule
from tenants.connection_request_keys import IdempotencyKeyReusedError

MOST_OF_A_COMPANY = 50
_RUNS_SHOWN = 12

ScheduleRow = Row[Any]


class TooManySchedulesError(Exception):
    """The company has as many schedules as it may have."""


class Run(NamedTuple):
    """A moment at which a schedule was due, the position of the log at that moment, and when people were told."""

    due_at: datetime
    position: int
    told_at: datetime


class Plan(NamedTuple):
    """What is exported in which format, when, and which members are told by e-mail."""

    format: str
    view: Mapping[str, str | list[str]]
    recurrence: Recurrence
    emails: Sequence[str]

    def as_row(self) -> dict[str, object]:
        """Return the values of the schedule's columns."""
        recurrence = self.recurrence._asdict()
        return {"format": self.format, "view": dict(self.view), "emails": list(self.emails), **recurrence}


def add_schedule(
    connection: Connection, company_id: int, plan: Plan, *, actor: str, key: str | None, now: datetime
) -> int:
    """Add a schedule and return its id; under a key that was used before, return that schedule's. Commits nothing.

    :raises IdempotencyKeyReusedError: the schedule of that key is another one
    :raises TooManySchedulesError: the company has fifty
    """
    if key is not None and (known := _by_key(connection, company_id, key)) is not None:
        if any(getattr(known, name) != value for name, value in plan.as_row().items()):
            raise IdempotencyKeyReusedError
        return int(known.id)
    schedules = export_schedule.c
    held = connection.execute(select(func.count()).where(schedules.company_id == company_id)).scalar_one()
    if held >= MOST_OF_A_COMPANY:
        raise TooManySchedulesError
    row = plan.as_row() | {"company_id": company_id, "created_by": actor, "created_at": now, "idempotency_key": key}
    added: int = connection.execute(
        insert(export_schedule).values(row | {"due_at": plan.recurrence.after(now)}).returning(schedules.id)
    ).scalar_one()
    return added


def _by_key(connection: Connection, company_id: int, key: str) -> ScheduleRow | None:
    schedules = export_schedule.c
    found = select(export_schedule).where(schedules.company_id == company_id, schedules.idempotency_key == key)
    return connection.execute(found).one_or_none()


def change_schedule(
    connection: Connection, company_id: int, schedule_id: int, plan: Plan, *, is_paused: bool, now: datetime
) -> None:
    """Give a schedule another plan, or pause or resume it. What it missed while it was paused is not made up for.

    Commits nothing; safe to repeat.
    """
    schedules = export_schedule.c
    connection.execute(
        update(export_schedule)
        .where(schedules.company_id == company_id, schedules.id == schedule_id)
        .values(plan.as_row() | {"due_at": None if is_paused else plan.recurrence.after(now)})
    )


def delete_schedule(connection: Connection, company_id: int, schedule_id: int) -> None:
    """Delete a schedule with its past runs. Commits nothing; safe to repeat."""
    schedules = export_schedule.c
    gone = delete(export_schedule).where(schedules.company_id == company_id, schedules.id == schedule_id)
    connection.execute(gone)


def list_schedules(connection: Connection, company_id: int, schedule_id: int | None = None) -> Sequence[ScheduleRow]:
    """Return a company's schedules, oldest first, or the one with this id."""
    schedules = export_schedule.c
    statement = select(export_schedule).where(schedules.company_id == company_id).order_by(schedules.id)
    if schedule_id is not None:
        statement = statement.where(schedules.id == schedule_id)
    return connection.execute(statement).all()


def runs_of(connection: Connection, company_id: int, schedule_ids: Sequence[int]) -> dict[int, list[Run]]:
    """Return the past runs of schedules that had any, newest first, a dozen at most of each."""
    runs = export_run.c
    place = func.row_number().over(partition_by=runs.schedule_id, order_by=runs.due_at.desc()).label("place")
    placed = (
        select(runs.schedule_id, runs.due_at, runs.position, runs.told_at, place)
        .where(runs.company_id == company_id, runs.schedule_id.in_(schedule_ids))
        .subquery()
    )
    newest = select(placed).where(placed.c.place <= _RUNS_SHOWN).order_by(placed.c.schedule_id, placed.c.place)
    found: dict[int, list[Run]] = {}
    for row in connection.execute(newest):
        found.setdefault(row.schedule_id, []).append(Run(row.due_at, row.position, row.told_at))
    return found


def recurrence_of(row: ScheduleRow) -> Recurrence:
    """Return when a schedule recurs."""
    return Recurrence(row.recurs, row.day, row.hour, row.time_zone)


def export_path(row: ScheduleRow, position: int) -> str:
    """Return the path of a schedule's export as of a position of the log."""
    query = urlencode({**row.view, "as_of": position}, doseq=True)
    return f"/v1/companies/{row.company_id}/revenue-lines.{row.format}?{query}"
