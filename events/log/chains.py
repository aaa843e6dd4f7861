"""Chain every event of a log to the one before, so that a rewritten log does not continue what was noted of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from events.log.read import RecordedEvent, stream_events
from events.log.tables import company_head, event

# PostgreSQL's binary forms: big-endian, instants as microseconds since this one.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NUMBERS, _LONG, _INT, _ARRAY_OF_TEXT = Struct(">qqh?"), Struct(">q"), Struct(">i"), Struct(">5i")
_OID_OF_TEXT = 25
_SHA256_IN_HEX = 64
_REFUSED = "EV403"
_CHAIN = text("SELECT chain_events(:company_id, :most)")


class InvalidHeadError(ValueError):
    """The text does not name a position of a log and its hash."""


class ChainedBeyondHeadError(Exception):
    """Events have hashes that their log's head does not know: it was set back."""


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
    texts = (
        recorded.type,
        recorded.entity,
        recorded.source,
        recorded.external_id,
        recorded.account_id,
        recorded.api_version,
        recorded.actor,
    )
    occurred_at, correlation_id = recorded.occurred_at, recorded.correlation_id
    numbers = _NUMBERS.pack(company_id, recorded.position, recorded.version, recorded.livemode)
    said = (
        before + numbers + _instant(recorded.recorded_at) + recorded.payload_sha256 + _array(texts),
        b"" if occurred_at is None else _instant(occurred_at),
        b"" if correlation_id is None else correlation_id.bytes,
    )
    return sha256(b"".join(said)).digest()


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


def chain_head(connection: Connection, company_id: int) -> ChainHead | None:
    """Return the head of a company's chain, or None if nothing is chained."""
    row = connection.execute(
        select(company_head.c.chain_position, company_head.c.chain_sha256).where(
            company_head.c.company_id == company_id, company_head.c.chain_position > 0
        )
    ).one_or_none()
    return ChainHead(company_id, *row) if row else None


def chain_range(connection: Connection, company_id: int, *, most: int) -> int:
    """Chain up to `most` events of a company that are not yet, oldest first; return how many then are not.

    The company's log does not grow until the caller commits.

    :raises ChainedBeyondHeadError: one of them has a hash all the same
    """
    try:
        left: int = connection.execute(_CHAIN, {"company_id": company_id, "most": most}).scalar_one()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _REFUSED:
            raise ChainedBeyondHeadError from error
        raise
    return left


def _stream_chain(connection: Connection, company_id: int, *, page_size: int = 500) -> Iterator[bytes | None]:
    after, of_company = 0, select(event.c.position, event.c.chain_sha256).where(event.c.company_id == company_id)
    while page := connection.execute(
        of_company.where(event.c.position > after).order_by(event.c.position).limit(page_size)
    ).all():
        yield from (row.chain_sha256 for row in page)
        after = page[-1].position


def _instant(instant: datetime) -> bytes:
    return _LONG.pack((instant - _EPOCH) // timedelta(microseconds=1))


def _array(texts: Sequence[str | None]) -> bytes:
    """Return an array of PostgreSQL's type text, as its array_send writes it."""
    parts = [_ARRAY_OF_TEXT.pack(1, None in texts, _OID_OF_TEXT, len(texts), 1)]
    for one in texts:
        encoded = b"" if one is None else one.encode()
        parts += _INT.pack(-1 if one is None else len(encoded)), encoded
    return b"".join(parts)
