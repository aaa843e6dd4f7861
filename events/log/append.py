"""Append facts once, in order. The caller owns the transaction and commits it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from events.log.payloads import compressed

_APPEND = """
    SELECT ord, at_position, was_inserted FROM append_events(
        %(company)b::bigint[], %(type)b::text[], %(version)b::smallint[], %(entity)b::text[], %(source)b::text[],
        %(external_id)b::text[], %(account_id)b::text[], %(livemode)b::boolean[], %(api_version)b::text[],
        %(occurred_at)b::timestamptz[], %(correlation_id)b::uuid[], %(actor)b::text[], %(payload_zstd)b::bytea[],
        %(sha256)b::bytea[], %(if_after)s::bigint, %(if_types)s::text[], %(if_entity)s::text) ORDER BY ord
"""
_CONDITION_FAILED = "EV409"


class AppendConditionFailedError(Exception):
    """The log has grown since the caller read it: read again and decide again."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to append. `external_id` identifies it within company and source; `occurred_at` is aware UTC.

    What Stripe tells in its list of events (source `stripe.events`) and by webhook (`stripe`) has one identity.
    """

    type: str
    source: str
    external_id: str
    payload: bytes
    livemode: bool
    occurred_at: datetime | None
    entity: str | None = None
    account_id: str | None = None
    api_version: str | None = None
    correlation_id: UUID | None = None
    actor: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """Append only if the company's log has no event of these types about this entity above the position `after`."""

    after: int
    types: tuple[str, ...] | None = None
    entity: str | None = None


class Appended(NamedTuple):
    """The position of an event in its company's log, and whether this append added it."""

    position: int
    is_new: bool


def append(
    connection: Connection, company_id: int, events: Sequence[NewEvent], *, condition: Condition | None = None
) -> list[Appended]:
    """Append events to one company's log, in the order given. Commits nothing; safe to repeat.

    Call it last in the transaction: the company's head stays locked until the commit.

    :raises AppendConditionFailedError: the condition does not hold; nothing was appended
    """
    parameters = columns_of(events) | {
        "company": [company_id] * len(events),
        "version": [new.version for new in events],
        "source": [new.source for new in events],
        "actor": [new.actor for new in events],
        "if_after": condition and condition.after,
        "if_types": condition and condition.types and list(condition.types),
        "if_entity": condition and condition.entity,
    }
    try:
        rows = connection.exec_driver_sql(_APPEND, parameters).all()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _CONDITION_FAILED:
            raise AppendConditionFailedError(str(error.orig)) from error
        raise
    return [Appended(row.at_position, row.was_inserted) for row in rows]


def columns_of(events: Sequence[NewEvent]) -> dict[str, object]:
    """Return the events as the parallel arrays that the append functions take."""
    return {
        "type": [new.type for new in events],
        "entity": [new.entity for new in events],
        "external_id": [new.external_id for new in events],
        "account_id": [new.account_id for new in events],
        "livemode": [new.livemode for new in events],
        "api_version": [new.api_version for new in events],
        "occurred_at": [new.occurred_at for new in events],
        "correlation_id": [new.correlation_id for new in events],
        "payload_zstd": [compressed(new.payload) for new in events],
        "sha256": [sha256(new.payload).digest() for new in events],
    }
