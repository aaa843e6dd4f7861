"""Take streams and rules out of a company as one document, and into one: the same or another."""

from collections.abc import Sequence
from secrets import token_hex
from typing import NamedTuple

from sqlalchemy import Connection

from mapping.drafts import draft_of, save_draft
from mapping.recorded import Desk
from mapping.rule_sets import newest_at
from mapping.stream_documents import Json, StreamDocument, streams_in, written_stream
from mapping.streams import streams_at
from mapping.taking_streams import TakenStreams
from projections.mapping.problems import InvalidRulesError, Place, Problem
from projections.mapping.reading_rules import read_rules
from projections.mapping.writing_rules import document_of

RULES = "/rules"


class DraftInTheWayError(Exception):
    """There is a draft with other rules, which would be lost."""


class Imported(NamedTuple):
    """What an import changed: how many streams and plans, how many rules it has, and whether the draft is another."""

    streams_added: int
    streams_changed: int
    plans_added: int
    plans_changed: int
    rules: int
    is_draft_changed: bool


def exported(connection: Connection, company_id: int, *, is_published: bool = False) -> Json:
    """Return streams with their plans, and the rules of the draft, or the published ones, as one document."""
    rules: Sequence[Json] = draft_of(connection, company_id).rules
    if is_published:
        newest = newest_at(connection, company_id)
        rules = newest.document() if newest else []
    streams = streams_at(connection, company_id)
    return {
        "streams": [written_stream(stream_id, stream) for stream_id, stream in streams.items()],
        "rules": list(rules),
    }


def import_mapping(desk: Desk, document: object, *, replaces_draft: bool) -> Imported:
    """Add and change the streams of a document, and save its rules as the draft. Commits nothing.

    Streams and plans are found by their ids, or else by their names; those that are not in the document stay as they
    are. What the company has already is not recorded again.

    :raises InvalidRulesError: the document cannot be used
    :raises DraftInTheWayError: there is a draft with other rules, and it is not to be replaced
    """
    wanted, rules = _read(document)
    taken = TakenStreams(desk)
    for number, stream in enumerate(wanted):
        taken.take(stream, f"/streams/{number}")
    read = read_rules(taken.named_in(rules), lambda: f"rule_{token_hex(6)}", pointer=RULES)
    seen, saved = draft_of(desk.connection, desk.company_id), document_of(read)
    is_changed = saved != seen.rules
    if is_changed and seen.updated_at is not None and not replaces_draft:
        raise DraftInTheWayError
    # Also rules that the company has already are checked.
    if is_changed:
        save_draft(desk, saved, seen=seen, pointer=RULES)
    return Imported(**taken.counts, rules=len(saved), is_draft_changed=is_changed)


def _read(document: object) -> tuple[list[StreamDocument], object]:
    noted: list[Problem] = []
    place = Place(noted)
    if not isinstance(document, dict) or "rules" not in document:
        place.note("An object with streams and rules is expected here.")
        raise InvalidRulesError(noted)
    for key in [key for key in document if key not in ("streams", "rules")]:
        (place / key).note("Only streams and rules are known here.")
    wanted = streams_in(place / "streams", document.get("streams") or [])
    if noted:
        raise InvalidRulesError(noted)
    return wanted, document["rules"]
