"""Undo a batch of overrides of lines, by facts that put back what was in force before it."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from events.log.read import head_of
from mapping.overrides import AboutLines, UnknownBatchError, facts_about_lines, in_facts, new_batch_id
from mapping.recorded import LINES, Desk
from projections.mapping.decisions.payloads import Json, LineKey, LinesOverridden, LinesReleased


class LaterFactsError(Exception):
    """Later facts are about lines of the batch: what they say would be lost. `positions`: where they stand."""

    def __init__(self, positions: list[int]) -> None:
        super().__init__(positions)
        self.positions = positions


class _Part(NamedTuple):
    """One fact of the batch, and what was in force before it for each of its lines: its outcome and reason, or none."""

    position: int
    lines: tuple[LineKey, ...]
    before: dict[LineKey, LinesOverridden | None]


def undo_batch(desk: Desk, batch_id: str) -> str:
    """Record what was in force before a batch, and return the id of the batch that does so. Commits nothing.

    :raises UnknownBatchError: there is no such batch
    :raises LaterFactsError: later facts are about the same lines
    :raises AppendConditionFailedError: overrides of lines changed meanwhile
    """
    head = head_of(desk.connection, desk.company_id)
    parts = _parts(desk.connection, desk.company_id, batch_id, head)
    undone = new_batch_id()
    desk.record(LINES, [fact for part in parts for fact in _inverse(part, undone)], after=head)
    return undone


def _parts(connection: Connection, company_id: int, batch_id: str, upto: int) -> list[_Part]:
    concerned = {
        line
        for _, fact in facts_about_lines(connection, company_id, upto=upto)
        if fact.batch_id == batch_id
        for line in fact.lines
    }
    if not concerned:
        raise UnknownBatchError
    parts: list[_Part] = []
    later: list[int] = []
    in_force: dict[LineKey, LinesOverridden | None] = dict.fromkeys(concerned)
    for said, fact in facts_about_lines(connection, company_id, upto=upto):
        touched = concerned.intersection(fact.lines)
        if fact.batch_id == batch_id:
            parts.append(_Part(said.position, fact.lines, {line: in_force[line] for line in fact.lines}))
        elif touched and parts:
            later.append(said.position)
        in_force |= dict.fromkeys(touched, _override(fact))
    if later:
        raise LaterFactsError(later)
    return parts


def _override(fact: AboutLines) -> LinesOverridden | None:
    # Its lines are many, and of no more use here.
    return msgspec.structs.replace(fact, lines=()) if isinstance(fact, LinesOverridden) else None


def _inverse(part: _Part, batch_id: str) -> Iterator[AboutLines]:
    released = [line for line in part.lines if part.before[line] is None]
    for lines in in_facts(released):
        yield LinesReleased(batch_id, lines, undoes=part.position)
    by_override: dict[tuple[bytes, str | None], tuple[Json, list[LineKey]]] = {}
    for line in part.lines:
        before = part.before[line]
        if before is not None:
            key = (msgspec.json.encode(before.outcome), before.reason)
            by_override.setdefault(key, (before.outcome, []))[1].append(line)
    for (_, reason), (outcome, lines_of_it) in by_override.items():
        for lines in in_facts(lines_of_it):
            yield LinesOverridden(batch_id, lines, outcome, reason, undoes=part.position)
