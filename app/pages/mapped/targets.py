"""The choice of where lines go: a stream or one of its plans, and what they count as."""

from collections.abc import Mapping
from typing import NamedTuple

from app.pages.forms import typed
from projections.mapping.decisions.streams import Stream
from projections.mapping.writing_rules import Json

_WHOLE = 10_000


class Target(NamedTuple):
    """A stream, or a plan of one, to choose: the value of the choice, and its name."""

    value: str
    name: str
    is_archived: bool


def target_choices(streams: Mapping[str, Stream]) -> list[Target]:
    """Return streams and their plans by name."""
    found = []
    for stream_id, stream in sorted(streams.items(), key=lambda item: item[1].name.casefold()):
        is_over = stream.archived_at is not None
        found.append(Target(stream_id, stream.name, is_over))
        for plan_id, plan in stream.plans.items():
            name = f"{stream.name} › {plan.name}"
            found.append(Target(f"{stream_id}/{plan_id}", name, is_over or plan.archived_at is not None))
    return found


def outcome_in_form() -> Json:
    """Return the outcome that a form chooses for whole lines."""
    stream_id, _, plan_id = typed("target").partition("/")
    share: Json = {"bp": _WHOLE, "stream_id": stream_id or None, "kind": typed("kind") or "revenue"}
    return {"shares": [share | ({"plan_id": plan_id} if plan_id else {})]}
