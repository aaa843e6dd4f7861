"""The Streams page: streams and plans with what they have, and the forms that add, change and archive them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, request
from flask.wrappers import Response

from app.api.mapping.deciding import at_desk
from app.api.revenue_lines import mode_of
from app.pages.forms import MistakeError, back_to, limit_forms, name_in, typed
from app.pages.frame import for_member, framed
from app.pages.streams.treatments import CHOICES, chosen_of, said_of, treatment_in_form
from app.wiring.tools import current_tools
from events.stripe.money import exponent_of
from mapping import streams as desk_of_streams
from mapping.archived_streams import month_before, rules_leading_to
from mapping.recorded import Desk
from mapping.rule_sets import newest_at
from mapping.streams import NameTakenError, TooManyStreamsError, streams_at
from projections.mapping.decisions.streams import Stream
from projections.reads.mapping.stream_totals import MOST_COUNTED, StreamTotal, billed_to_streams, total_streams
from projections.reads.snapshots import snapshot_of

HERE = "streams"
_DONE = {
    "added": "The stream is added.",
    "saved": "Saved.",
    "archived": "Archived. Lines booked until now stay; later ones are unmapped.",
    "restored": "Restored.",
    "plan-added": "The plan is added.",
    "plan-archived": "The plan is archived. Lines booked until now stay in it; later ones go to the stream alone.",
}
_STEPS = {"archive": (True, "archived"), "restore": (False, "restored")}
_ONE = "/<stream_id>"

blueprint = Blueprint("stream pages", __name__, url_prefix="/companies/<int:company_id>/streams")
limit_forms(blueprint)


class ShownStream(NamedTuple):
    """A stream with what it has, and its treatment in words and as its form has it."""

    id: str
    stream: Stream
    total: StreamTotal
    treatment: str
    chosen: tuple[str, int]


@blueprint.get("")
@for_member("viewer")
def show_streams(company_id: int) -> Response:
    """Show all streams with their plans."""
    return _page(company_id, done=_DONE.get(request.args.get("done", "")))


@blueprint.post("")
@for_member("editor")
def add_stream(company_id: int) -> Response:
    """Add a stream."""

    def decide(desk: Desk) -> None:
        desk_of_streams.create_stream(desk, *_fields())

    return _decided(company_id, decide, "added", "new")


@blueprint.post(f"{_ONE}/change")
@for_member("editor")
def change_stream(company_id: int, stream_id: str) -> Response:
    """Change the name, the code and the treatment of a stream."""

    def decide(desk: Desk) -> None:
        name, code, treatment = _fields()
        changes = {"name": name, "code": code, "default_treatment": treatment}
        desk_of_streams.change_stream(desk, stream_id, changes)

    return _decided(company_id, decide, "saved", stream_id)


@blueprint.post(f"{_ONE}/archive", defaults={"step": "archive"})
@blueprint.post(f"{_ONE}/restore", defaults={"step": "restore"})
@for_member("editor")
def archive_stream(company_id: int, stream_id: str, step: str) -> Response:
    """Archive a stream, or restore it."""
    archived, done = _STEPS[step]
    changes = {"archived": archived}
    return _decided(company_id, lambda desk: desk_of_streams.change_stream(desk, stream_id, changes), done, stream_id)


@blueprint.post(f"{_ONE}/plans")
@for_member("editor")
def add_plan(company_id: int, stream_id: str) -> Response:
    """Add a plan to a stream."""

    def decide(desk: Desk) -> None:
        desk_of_streams.create_plan(desk, stream_id, name_in("name", "a name"))

    return _decided(company_id, decide, "plan-added", f"{stream_id}-plan")


@blueprint.post(f"{_ONE}/plans/<plan_id>/rename")
@for_member("editor")
def rename_plan(company_id: int, stream_id: str, plan_id: str) -> Response:
    """Rename a plan."""

    def decide(desk: Desk) -> None:
        desk_of_streams.change_plan(desk, stream_id, plan_id, {"name": name_in("name", "a name")})

    return _decided(company_id, decide, "saved", plan_id)


@blueprint.post(f"{_ONE}/plans/<plan_id>/archive", defaults={"step": "archive"})
@blueprint.post(f"{_ONE}/plans/<plan_id>/restore", defaults={"step": "restore"})
@for_member("editor")
def archive_plan(company_id: int, stream_id: str, plan_id: str, step: str) -> Response:
    """Archive a plan, or restore it."""
    archived, done = _STEPS[step]
    changes = {"archived": archived}
    done = "plan-archived" if archived else done
    return _decided(
        company_id, lambda desk: desk_of_streams.change_plan(desk, stream_id, plan_id, changes), done, plan_id
    )


def _decided(company_id: int, decide: Callable[[Desk], None], done: str, form: str) -> Response:
    """Decide, and answer with the page; `form` names the one in which mistakes are told."""
    try:
        at_desk(company_id, decide)
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake, form=form)
    except NameTakenError:
        return _page(company_id, mistake=MistakeError("name", "This name is taken. Choose another one."), form=form)
    except TooManyStreamsError:
        return _page(company_id, mistake=MistakeError("name", "There are as many as there may be."), form=form)
    return back_to(f"/companies/{company_id}/streams", done)


def _fields() -> tuple[str, str | None, dict[str, Any] | None]:
    code = name_in("code", "a code") if typed("code").strip() else None
    return name_in("name", "a name"), code, treatment_in_form()


def _page(
    company_id: int, *, done: str | None = None, mistake: MistakeError | None = None, form: str | None = None
) -> Response:
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        found = streams_at(snapshot.connection, company_id)
        livemode = mode_of(snapshot.connection, company_id, None)
        totals = total_streams(snapshot, list(found), livemode=livemode)
        rules = newest_at(snapshot.connection, company_id)
        billed = billed_to_streams(snapshot, month_before(current_tools().clock()), livemode=livemode)
    leading = rules_leading_to(rules.rules) if rules else {}
    shown = [
        ShownStream(one, stream, totals[one], said_of(stream.default_treatment), chosen_of(stream.default_treatment))
        for one, stream in found.items()
    ]
    return framed(
        "streams/streams.html",
        here=HERE,
        status=422 if mistake else 200,
        streams=sorted(shown, key=lambda one: one.stream.archived_at is not None),
        leading=leading,
        billed=billed,
        choices=CHOICES,
        most_counted=MOST_COUNTED,
        exponent_of=exponent_of,
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
        form=form,
        typed=typed,
    )
