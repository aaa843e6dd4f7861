"""What the page of scheduled exports shows of a schedule: its lines in words, and the exports that were due."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.api.exports.schedule_steps import Scheduled
from app.pages.mapping.chips import chips_of
from app.pages.mapping.query import View, view_from
from app.pages.mapping.words import sort_label
from backlog.exports.schedules import export_path

FORMATS = {"csv": "CSV", "xlsx": "Excel"}

Parameters = Mapping[str, str | list[str]]


class ShownRun(NamedTuple):
    """A moment at which an export was due, and the addresses of the file and of the same lines in the table."""

    due_at: object
    file: str
    table: str


class ShownSchedule(NamedTuple):
    """A schedule as the page shows it."""

    row: Any
    format: str
    lines: list[str]
    runs: list[ShownRun]


def shown_schedule(company_id: int, scheduled: Scheduled) -> ShownSchedule:
    """Return a schedule as the page shows it."""
    row = scheduled.row
    view = _view(company_id, row.view)
    runs = [
        ShownRun(run.due_at, export_path(row, run.position), view.link(as_of=run.position)) for run in scheduled.runs
    ]
    return ShownSchedule(row, FORMATS[row.format], lines_in_words(company_id, row.view), runs)


def lines_in_words(company_id: int, parameters: Parameters) -> list[str]:
    """Return which lines parameters describe, and in which order if it is not the usual one."""
    view = _view(company_id, parameters)
    order = [f"Order: {sort_label(view.sort)}"] if view.sort != "-date" else []
    return [f"{chip.label}: {chip.value}" for chip in chips_of(view)] + order


def _view(company_id: int, parameters: Parameters) -> View:
    # A file has other columns than the page.
    return view_from(company_id, {name: said for name, said in parameters.items() if name != "columns"})
