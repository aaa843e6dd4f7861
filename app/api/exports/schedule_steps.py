"""Steps of scheduled exports, which the API and the pages share."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import abort
from sqlalchemy import Connection

from app.api.exports.schedule_schemas import as_parameters
from app.auth.access import principal
from app.wiring.tools import current_tools
from backlog.exports import schedules
from backlog.exports.recurrence import Recurrence
from backlog.exports.schedules import Plan, Run, ScheduleRow
from runtime.database import across_companies, within_company
from tenants.companies import find_company
from tenants.people.users import list_members

_OF_RECURRENCE = ("recurs", "day", "hour", "time_zone")


class UnusablePlanError(Exception):
    """A schedule cannot be kept as it is described. `field` is at fault, `says` why."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(field)
        self.field = field
        self.says = says


class Scheduled(NamedTuple):
    """A schedule, and the last moments at which it was due."""

    row: ScheduleRow
    runs: list[Run]


def all_schedules(company_id: int) -> list[Scheduled]:
    """Return a company's schedules, oldest first."""
    with within_company(current_tools().engine, company_id) as connection:
        return _with_runs(connection, company_id)


def add_schedule(company_id: int, body: Mapping[str, Any], *, key: str | None = None) -> Scheduled:
    """Add what was described by `NewSchedule`; under a key that was used before, return that schedule. Commits.

    :raises UnusablePlanError: the day does not fit the recurrence, or an address is not a member's
    :raises IdempotencyKeyReusedError: that schedule is another one
    :raises TooManySchedulesError: the company has as many as it may have
    """
    tools = current_tools()
    plan = _plan(company_id, {"time_zone": time_zone_of(company_id), **body})
    with within_company(tools.engine, company_id) as connection:
        actor = principal().actor
        added = schedules.add_schedule(connection, company_id, plan, actor=actor, key=key, now=tools.clock())
        return _found(connection, company_id, added)


def alter_schedule(company_id: int, schedule_id: int, body: Mapping[str, Any]) -> Scheduled:
    """Change what is named in the body, which may have `paused`; abort with 404 if there is no such schedule. Commits.

    :raises UnusablePlanError: as when adding
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        held = _found(connection, company_id, schedule_id).row
    # A day belongs to months: who makes it daily need not take the day away.
    day = {"day": None} if body.get("recurs") == "daily" and "day" not in body else {}
    # Who has left since stays on the schedule, and is not written to.
    plan = _plan(company_id, {**held._mapping, **body, **day}, may_keep=held.emails)  # noqa: SLF001 - SQLAlchemy's public name for it
    is_paused = body.get("paused", held.due_at is None)
    with within_company(tools.engine, company_id) as connection:
        schedules.change_schedule(connection, company_id, schedule_id, plan, is_paused=is_paused, now=tools.clock())
        return _found(connection, company_id, schedule_id)


def remove_schedule(company_id: int, schedule_id: int) -> None:
    """Delete a schedule with its past runs; abort with 404 if there is none. Commits."""
    with within_company(current_tools().engine, company_id) as connection:
        _found(connection, company_id, schedule_id)
        schedules.delete_schedule(connection, company_id, schedule_id)


def time_zone_of(company_id: int) -> str:
    """Return the time zone of a company's clocks."""
    with across_companies(current_tools().engine) as connection:
        company = find_company(connection, company_id)
    return company.time_zone if company else "UTC"


def addresses_of_members(company_id: int) -> list[str]:
    """Return the e-mail addresses of a company's members."""
    with across_companies(current_tools().engine) as connection:
        return [member.email for member in list_members(connection, company_id)]


def _found(connection: Connection, company_id: int, schedule_id: int) -> Scheduled:
    found = _with_runs(connection, company_id, schedule_id) if schedule_id < 2**63 else []
    if not found:
        abort(404)
    return found[0]


def _with_runs(connection: Connection, company_id: int, schedule_id: int | None = None) -> list[Scheduled]:
    rows = schedules.list_schedules(connection, company_id, schedule_id)
    runs = schedules.runs_of(connection, company_id, [row.id for row in rows])
    return [Scheduled(row, runs.get(row.id, [])) for row in rows]


def _plan(company_id: int, body: Mapping[str, Any], *, may_keep: Sequence[str] = ()) -> Plan:
    if (body["recurs"] == "monthly") != (body["day"] is not None):
        raise UnusablePlanError("day", "A monthly schedule has a day of the month, a daily one has none.")
    emails = [address.lower() for address in body["emails"]]
    if strangers := set(emails) - {*addresses_of_members(company_id), *may_keep}:
        raise UnusablePlanError("emails", f"Not addresses of members: {', '.join(sorted(strangers))}.")
    recurrence = Recurrence(*(body[name] for name in _OF_RECURRENCE))
    return Plan(body["format"], as_parameters(body["view"]), recurrence, list(dict.fromkeys(emails)))
