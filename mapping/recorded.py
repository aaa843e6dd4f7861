"""Read and append facts of mapping and policy. The caller owns the transaction and commits it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Engine

from events.log.append import AppendConditionFailedError, Condition, append
from events.log.own_facts import SOURCE, own_fact
from events.log.read import RecordedEvent, find_event, find_newest, read_about
from projections.mapping.decisions.book import EMPTY, Book, book_after
from projections.mapping.decisions.facts import FACT_TYPES, MalformedFactError, MappingFact, read_fact, type_of_fact
from runtime.database import within_company

Decision = TypeVar("Decision")

# Under which entities the facts are found in the log.
STREAMS = "mapping:streams"
RULES = "mapping:rules"
LINES = "mapping:lines"

_ATTEMPTS = 5

_log = logging.getLogger(__name__)


class BusyError(Exception):
    """Others decided about the same at the same time, again and again."""


class Said(NamedTuple):
    """A fact as it stands in the log: who decided it, and when it was recorded."""

    position: int
    fact: MappingFact
    actor: str | None
    recorded_at: datetime


def said_about(
    connection: Connection, company_id: int, entity: str, *, after: int = 0, upto: int | None = None
) -> Iterator[Said]:
    """Yield the facts about an entity with positions above `after`, and up to `upto`, in order.

    A malformed one counts for nothing, as in the tables, where it is quarantined.
    """
    for event in read_about(connection, company_id, entity, after=after, upto=upto):
        if event.type in FACT_TYPES and (said := said_by(event)) is not None:
            yield said


def last_said_about(connection: Connection, company_id: int, entity: str) -> Said | None:
    """Return the newest fact about an entity, or None."""
    newest = find_newest(connection, company_id, entity)
    said = said_by(newest) if newest is not None and newest.type in FACT_TYPES else None
    if newest is None or said is not None:
        return said
    return max(said_about(connection, company_id, entity), default=None, key=lambda one: one.position)


def said_by(event: RecordedEvent) -> Said | None:
    """Return what an event of one of `FACT_TYPES` says; None if it is malformed."""
    try:
        fact = read_fact(event.type, event.payload)
    except MalformedFactError:
        _log.warning("malformed fact passed over", extra={"position": event.position, "type": event.type})
        return None
    return Said(event.position, fact, event.actor, event.recorded_at)


def book_of(said: Iterable[Said]) -> Book:
    """Return what facts come to."""
    book = EMPTY
    for one in said:
        book = book_after(book, one.fact, int(one.recorded_at.timestamp()))
    return book


class Desk(NamedTuple):
    """Who decides for a company, when, and in which transaction. `key`: under which a request may be repeated."""

    connection: Connection
    company_id: int
    actor: str
    now: datetime
    key: str | None = None

    def record(self, entity: str, facts: Iterable[MappingFact], *, after: int | None = None) -> list[int]:
        """Append facts about an entity and return their positions. Call it last; commits nothing.

        :raises AppendConditionFailedError: there are facts of mapping about it above the position `after`, if given
        """
        condition = None if after is None else Condition(after, types=tuple(sorted(FACT_TYPES)), entity=entity)
        events = [
            own_fact(
                type_of_fact(fact),
                msgspec.to_builtins(fact),
                entity=entity,
                now=self.now,
                actor=self.actor,
                external_id=self.external_id(type_of_fact(fact), number),
            )
            for number, fact in enumerate(facts)
        ]
        return [one.position for one in append(self.connection, self.company_id, events, condition=condition)]

    def external_id(self, fact_type: str, number: int = 0) -> str | None:
        """Return the id in the log of a fact of this request; None if the request cannot be repeated."""
        return None if self.key is None else f"{fact_type}:{number}:{self.key}"

    def recorded_before(self, fact_type: str, number: int = 0) -> Said | None:
        """Return the fact that an earlier request under the same key recorded, or None."""
        external_id = self.external_id(fact_type, number)
        event = external_id and find_event(self.connection, self.company_id, source=SOURCE, external_id=external_id)
        return said_by(event) if event else None


def decided(engine: Engine, company_id: int, decide: Callable[[Connection], Decision]) -> Decision:
    """Return what is decided in a transaction of its own, again if somebody else decided meanwhile. Commits.

    :raises BusyError: that happened too often
    """
    for _ in range(_ATTEMPTS):
        try:
            with within_company(engine, company_id) as connection:
                return decide(connection)
        except AppendConditionFailedError:
            continue
    raise BusyError
