"""Revenue streams and their plans: read from the log, and changed by facts."""

from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from events.log.read import head_of
from mapping.archived_streams import tell_of_archived_streams
from mapping.recorded import STREAMS, Desk, book_of, said_about
from projections.mapping.decisions.facts import PLAN_CREATED, STREAM_CREATED, MappingFact
from projections.mapping.decisions.payloads import (
    Json,
    PlanArchived,
    PlanChanged,
    PlanCreated,
    PlanRestored,
    StreamArchived,
    StreamChanged,
    StreamCreated,
    StreamRestored,
)
from projections.mapping.decisions.streams import Plan, Stream
from projections.mapping.texts import folded
from projections.mapping.writing_rules import treatment_document
from tenants.connection_request_keys import IdempotencyKeyReusedError

MOST_STREAMS = 500
MOST_PLANS = 200

Streams = dict[str, Stream]
Fact = TypeVar("Fact", bound=MappingFact)


class UnknownStreamError(LookupError):
    """The company has no such stream, or the stream no such plan."""


class NameTakenError(Exception):
    """The company has a stream of that name, or the stream a plan."""


class TooManyStreamsError(Exception):
    """The company has as many streams, or the stream as many plans, as there may be."""


def streams_at(connection: Connection, company_id: int, upto: int | None = None) -> Streams:
    """Return a company's streams by id, in the order in which they were made, as of a position or now."""
    return book_of(said_about(connection, company_id, STREAMS, upto=upto)).streams


def create_stream(desk: Desk, name: str, code: str | None, default_treatment: Json | None) -> str:
    """Record a new stream and return its id. Commits nothing.

    :raises NameTakenError: there is one of that name
    :raises TooManyStreamsError: there are as many as there may be
    :raises IdempotencyKeyReusedError: an earlier request under the same key was for another stream
    """
    made = StreamCreated(f"str_{token_hex(8)}", name, code, default_treatment)
    if before := desk.recorded_before(STREAM_CREATED):
        return _same(made, before.fact).id
    head, streams = _now(desk)
    _check_names(streams.values(), name, most=MOST_STREAMS)
    desk.record(STREAMS, [made], after=head)
    return made.id


def change_stream(desk: Desk, stream_id: str, changes: Mapping[str, Any]) -> None:
    """Record what `changes` (`name, code, default_treatment, archived`) make different. Commits nothing.

    :raises UnknownStreamError: there is no such stream
    :raises NameTakenError: there is another one of that name
    """
    head, streams = _now(desk)
    stream = _found(streams, stream_id)
    said: dict[str, Any] = {"name": stream.name, "code": stream.code, "default_treatment": _written(stream)}
    wanted = {name: changes.get(name, value) for name, value in said.items()}
    _check_names((other for other_id, other in streams.items() if other_id != stream_id), wanted["name"])
    facts: list[MappingFact] = [StreamChanged(stream_id, **wanted)] if wanted != said else []
    is_archived = stream.archived_at is not None
    if changes.get("archived", is_archived) != is_archived:
        facts.append(StreamRestored(stream_id, **wanted) if is_archived else StreamArchived(stream_id, **wanted))
    _record(desk, facts, head)
    if any(isinstance(fact, StreamArchived | StreamRestored) for fact in facts):
        tell_of_archived_streams(desk)


def create_plan(desk: Desk, stream_id: str, name: str) -> str:
    """Record a new plan of a stream and return its id. Commits nothing.

    :raises UnknownStreamError: there is no such stream
    :raises NameTakenError: the stream has a plan of that name
    :raises TooManyStreamsError: it has as many plans as there may be
    :raises IdempotencyKeyReusedError: an earlier request under the same key was for another plan
    """
    made = PlanCreated(f"pln_{token_hex(8)}", stream_id, name)
    if before := desk.recorded_before(PLAN_CREATED):
        return _same(made, before.fact).id
    head, streams = _now(desk)
    _check_names(_found(streams, stream_id).plans.values(), name, most=MOST_PLANS)
    desk.record(STREAMS, [made], after=head)
    return made.id


def change_plan(desk: Desk, stream_id: str, plan_id: str, changes: Mapping[str, Any]) -> None:
    """Record what `changes` (`name, archived`) make different of a plan. Commits nothing.

    :raises UnknownStreamError: there is no such stream or plan
    :raises NameTakenError: the stream has another plan of that name
    """
    head, streams = _now(desk)
    plans = _found(streams, stream_id).plans
    plan = _found(plans, plan_id)
    name = changes.get("name", plan.name)
    _check_names((other for other_id, other in plans.items() if other_id != plan_id), name)
    facts: list[MappingFact] = [PlanChanged(plan_id, stream_id, name)] if name != plan.name else []
    is_archived = plan.archived_at is not None
    if changes.get("archived", is_archived) != is_archived:
        facts.append((PlanRestored if is_archived else PlanArchived)(plan_id, stream_id, name))
    _record(desk, facts, head)


def _now(desk: Desk) -> tuple[int, Streams]:
    head = head_of(desk.connection, desk.company_id)
    return head, streams_at(desk.connection, desk.company_id, head)


def _record(desk: Desk, facts: list[MappingFact], head: int) -> None:
    if facts:
        desk.record(STREAMS, facts, after=head)


Named = TypeVar("Named", Stream, Plan)


def _found(known: Mapping[str, Named], wanted: str) -> Named:
    if wanted not in known:
        raise UnknownStreamError(wanted)
    return known[wanted]


def _check_names(others: Iterable[Stream | Plan], name: str, *, most: int | None = None) -> None:
    names = [folded(other.name) for other in others]
    if folded(name) in names:
        raise NameTakenError(name)
    if most is not None and len(names) >= most:
        raise TooManyStreamsError


def _written(stream: Stream) -> Json | None:
    return None if stream.default_treatment is None else treatment_document(stream.default_treatment)


def _same(wanted: Fact, recorded: MappingFact) -> Fact:
    """Return what an earlier request recorded, if it says the same but for the id."""
    if type(recorded) is not type(wanted) or {**_said(recorded), "id": None} != {**_said(wanted), "id": None}:
        raise IdempotencyKeyReusedError
    return cast("Fact", recorded)


def _said(fact: MappingFact) -> dict[str, object]:
    return {name: getattr(fact, name) for name in fact.__struct_fields__}
