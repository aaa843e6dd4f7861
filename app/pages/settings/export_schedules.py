"""Routes for scheduled exports in the settings: list them with what was due, add, pause, resume and delete."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.wrappers import Response
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from app.api.exports import schedule_steps as steps
from app.api.exports.schedule_schemas import NewSchedule, ViewOfLines
from app.api.exports.schedule_steps import UnusablePlanError
from app.pages.forms import back_to, limit_forms, typed
from app.pages.frame import for_member, framed
from app.pages.settings.shown_schedules import FORMATS, lines_in_words, shown_schedule
from app.wiring.tools import current_tools
from backlog.exports.schedules import TooManySchedulesError
from projections.reads.table.filters import SEVERAL
from projections.recognition.days import zone_names

_ONE = "/<int:schedule_id>"
_HOURS = tuple(range(24))
_DONE = {"added": "Scheduled.", "paused": "Paused.", "resumed": "Resumed.", "deleted": "Deleted."}
# What is wrong, in the words of the form.
_SAYS = {
    "day": "Enter a day from 1 to 31.",
    "hour": "Choose an hour.",
    "time_zone": "Choose a time zone from the list, such as Europe/Berlin.",
    "recurs": "Choose every day or every month.",
    "format": "Choose CSV or Excel.",
    "emails": "Choose from the members of the company.",
    "view": "These lines can't be scheduled. Choose them in the table again, and schedule them from its Export menu.",
}
_TOO_MANY = "The company has 50 scheduled exports. Delete one first."

blueprint = Blueprint("export schedule pages", __name__, url_prefix="/companies/<int:company_id>/settings/exports")
limit_forms(blueprint)


@blueprint.get("")
@for_member("editor")
def show_schedules(company_id: int) -> Response:
    """List the schedules, with the form for another one of the lines that the address describes."""
    return _page(company_id, _view_in(request.args), done=_DONE.get(request.args.get("done", "")))


@blueprint.post("")
@for_member("editor")
def add_schedule(company_id: int) -> Response:
    """Schedule an export of the lines of the form's hidden fields."""
    view = _view_in(request.form)
    try:
        steps.add_schedule(company_id, _body(view))
    except ValidationError as error:
        names = error.messages if isinstance(error.messages, dict) else {}
        return _page(company_id, view, mistakes={name: _SAYS[name] for name in _SAYS if name in names})
    except UnusablePlanError as error:
        return _page(company_id, view, mistakes={error.field: _SAYS[error.field]})
    except TooManySchedulesError:
        return _page(company_id, view, mistakes={"view": _TOO_MANY})
    return _back(company_id, "added")


@blueprint.post(f"{_ONE}/pause")
@for_member("editor")
def pause_schedule(company_id: int, schedule_id: int) -> Response:
    """Tell nobody until the schedule is resumed."""
    steps.alter_schedule(company_id, schedule_id, {"paused": True})
    return _back(company_id, "paused")


@blueprint.post(f"{_ONE}/resume")
@for_member("editor")
def resume_schedule(company_id: int, schedule_id: int) -> Response:
    """Tell people again, from the next moment on."""
    steps.alter_schedule(company_id, schedule_id, {"paused": False})
    return _back(company_id, "resumed")


@blueprint.post(f"{_ONE}/delete")
@for_member("editor")
def delete_schedule(company_id: int, schedule_id: int) -> Response:
    """Delete a schedule and what is known of its past runs."""
    steps.remove_schedule(company_id, schedule_id)
    return _back(company_id, "deleted")


def _page(
    company_id: int,
    view: Mapping[str, str | list[str]],
    *,
    done: str | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> Response:
    return framed(
        "settings/exports.html",
        here="exports",
        status=422 if mistakes else 200,
        schedules=[shown_schedule(company_id, one) for one in steps.all_schedules(company_id)],
        view=view,
        lines=lines_in_words(company_id, view),
        zones=sorted(zone_names()),
        hours=_HOURS,
        formats=FORMATS,
        members=steps.addresses_of_members(company_id),
        time_zone=typed("time_zone") or steps.time_zone_of(company_id),
        chosen=request.form.getlist("emails"),
        typed=typed,
        has_mail=current_tools().queue_mail is not None,
        done=done,
        mistakes=mistakes or {},
    )


def _view_in(sent: MultiDict[str, str]) -> dict[str, str | list[str]]:
    known = ViewOfLines().fields
    return {name: values if name in SEVERAL else values[0] for name, values in sent.lists() if name in known}


def _body(view: Mapping[str, str | list[str]]) -> dict[str, Any]:
    fields = {name: typed(name) for name in ("format", "recurs", "hour", "time_zone")}
    day = typed("day") if fields["recurs"] == "monthly" else None
    body = {**fields, "day": day, "emails": request.form.getlist("emails"), "view": dict(view)}
    loaded: dict[str, Any] = NewSchedule().load(body)
    return loaded


def _back(company_id: int, done: str) -> Response:
    return back_to(f"/companies/{company_id}/settings/exports", done)
