"""Chain every event of a log to the one before, so that a rewritten log does not continue what was noted of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from events.log.read import RecordedEvent, stream_events
from events.log.tables import event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHA256_IN_HEX = 64
_CHAIN = text("SELECT chain_events(:company_id, :most)")


class InvalidHeadError(ValueError):
    """The text does not name a position of a log and its hash."""


class ChainHead(NamedTuple):
    """A position of a company's log, and the hash that stands for all of the log up to there."""

    company_id: int
    position: int
    chain_sha256: bytes

    def __str__(self) -> str:
        """Return the head as people note it: company, position and hash."""
        return f"{self.company_id}:{self.position}:{self.chain_sha256.hex()}"


def head_from_text(noted: str) -> ChainHead:
    """Return the head that was noted as COMPANY:POSITION:HASH.

    :raises InvalidHeadError: it was not
    """
    try:
        company_id, position, digest = noted.split(":")
        head = ChainHead(int(company_id), int(position), bytes.fromhex(digest))
    except ValueError as error:
        raise InvalidHeadError(noted) from error
    if len(digest) != _SHA256_IN_HEX or head.position < 1:
        raise InvalidHeadError(noted)
    return head


def chained_sha256(before: bytes, company_id: int, recorded: RecordedEvent) -> bytes:
    """Return the hash that chains an event to the hash of the one before, as the database's `chained_sha256` does."""
    said = [
        company_id,
        recorded.position,
        recorded.type,
        recorded.version,
        recorded.entity,
        recorded.source,
        recorded.external_id,
        recorded.account_id,
        recorded.livemode,
        recorded.api_version,
        recorded.occurred_at and _microseconds(recorded.occurred_at),
        _microseconds(recorded.recorded_at),
        recorded.correlation_id and str(recorded.correlation_id),
        recorded.actor,
        recorded.payload_sha256.hex(),
    ]
    return sha256(before + json.dumps(said, ensure_ascii=False).encode()).digest()


def stream_chained(connection: Connection, company_id: int) -> Iterator[tuple[RecordedEvent, bytes | None]]:
    """Yield a company's whole log in order, each event with the hash that the log holds of the chain up to it."""
    chain = _stream_chain(connection, company_id)
    for recorded in stream_events(connection, company_id):
        yield recorded, next(chain)


def head_at(connection: Connection, company_id: int, position: int) -> ChainHead | None:
    """Return the head that a company's log had at a position; None if it is not chained up to there."""
    chain = select(event.c.chain_sha256).where(event.c.company_id == company_id, event.c.position == position)
    found = connection.execute(chain).scalar()
    return None if found is None else ChainHead(company_id, position, found)


def chain_range(connection: Connection, company_id: int, *, most: int) -> int:
    """Chain up to `most` events of a company that are not yet, oldest first; return how many then are not.

    The company's log does not grow until the caller commits.
    """
    left: int = connection.execute(_CHAIN, {"company_id": company_id, "most": most}).scalar_one()
    return left


def _stream_chain(connection: Connection, company_id: int, *, page_size: int = 500) -> Iterator[bytes | None]:
    after, of_company = 0, select(event.c.position, event.c.chain_sha256).where(event.c.company_id == company_id)
    while page := connection.execute(
        of_company.where(event.c.position > after).order_by(event.c.position).limit(page_size)
    ).all():
        yield from (row.chain_sha256 for row in page)
        after = page[-1].position


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
