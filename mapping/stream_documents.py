"""Streams and their plans as documents: read and written. Pure."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from projections.mapping.decisions.payloads import MAX_NAME
from projections.mapping.decisions.streams import Plan, Stream
from projections.mapping.problems import Place
from projections.mapping.reading_outcomes import MAX_ID, treatment_at
from projections.mapping.reading_values import flag_at, items_at, object_at, text_at
from projections.mapping.writing_rules import treatment_document

Json = dict[str, Any]

_MOST = 500
_OF_STREAM = ("id", "name", "code", "archived", "default_treatment", "plans")
_OF_PLAN = ("id", "name", "archived")


class PlanDocument(NamedTuple):
    """A plan of a document; without an id it is found by its name."""

    id: str | None
    name: str
    archived: bool


class StreamDocument(NamedTuple):
    """A stream of a document; without an id it is found by its name."""

    id: str | None
    name: str
    code: str | None
    archived: bool
    default_treatment: Json | None
    plans: list[PlanDocument]


def streams_in(place: Place, value: object) -> list[StreamDocument]:
    """Return the streams of a list, and note what is wrong with them."""
    return [_stream(here, item) for here, item in items_at(place, value, most=_MOST)]


def written_stream(stream_id: str, stream: Stream) -> Json:
    """Return a stream with its plans as a document."""
    treatment = stream.default_treatment
    return {
        "id": stream_id,
        "name": stream.name,
        "code": stream.code,
        "archived": stream.archived_at is not None,
        "default_treatment": treatment and treatment_document(treatment),
        "plans": [written_plan(plan_id, plan) for plan_id, plan in stream.plans.items()],
    }


def written_plan(plan_id: str, plan: Plan) -> Json:
    """Return a plan as a document."""
    return {"id": plan_id, "name": plan.name, "archived": plan.archived_at is not None}


def _stream(place: Place, value: object) -> StreamDocument:
    found = object_at(place, value, _OF_STREAM, required=("name",))
    treatment = found.get("default_treatment")
    read = None if treatment is None else treatment_at(place / "default_treatment", treatment)
    return StreamDocument(
        _id(place, found),
        _name(place / "name", found.get("name")),
        None if found.get("code") is None else _name(place / "code", found["code"]),
        flag_at(place / "archived", found.get("archived", False)) is True,
        read and treatment_document(read),
        list(_plans(items_at(place / "plans", found.get("plans", []), most=_MOST))),
    )


def _plans(items: Iterable[tuple[Place, object]]) -> Iterable[PlanDocument]:
    for place, item in items:
        found = object_at(place, item, _OF_PLAN, required=("name",))
        archived = flag_at(place / "archived", found.get("archived", False)) is True
        yield PlanDocument(_id(place, found), _name(place / "name", found.get("name")), archived)


def _id(place: Place, found: dict[str, object]) -> str | None:
    return None if found.get("id") is None else text_at(place / "id", found["id"], most=MAX_ID)


def _name(place: Place, value: object) -> str:
    # That it is missing was noted before.
    name = "" if value is None else (text_at(place, value, most=MAX_NAME) or "").strip()
    if name and not name.isprintable():
        place.note("A name is one line.")
    return name
