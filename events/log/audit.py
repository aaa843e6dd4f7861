"""Verify the logs: no gaps, bodies match their hashes, the chain holds, and the head is that of the last event."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, exists, func, select, text
from zstandard import ZstdError

from events.log.chains import ChainHead, chained_sha256, stream_chained
from events.log.read import RecordedEvent
from events.log.tables import company_erasure, company_head, event, event_conflict, parked_event

_MOST_FAULTS = 10
# Looks up one event of each company, however many they have.
_WITHOUT_HEAD = text("""
    WITH RECURSIVE log AS (
        (SELECT company_id FROM event ORDER BY company_id LIMIT 1)
        UNION ALL
        SELECT next.company_id FROM log CROSS JOIN LATERAL (
            SELECT company_id FROM event WHERE event.company_id > log.company_id ORDER BY company_id LIMIT 1) next
    )
    SELECT company_id FROM log
    WHERE NOT EXISTS (SELECT FROM company_head h WHERE h.company_id = log.company_id) ORDER BY company_id
""")


class LogStatus(NamedTuple):
    """The size of a company's log, when it last grew, and the head of its chain, if any of it is chained."""

    company_id: int
    events: int
    last_recorded_at: datetime | None
    head: ChainHead | None

    @property
    def unchained(self) -> int:
        """Return how many events at the end are not chained yet."""
        return self.events - (self.head.position if self.head else 0)


class LogVerdict(NamedTuple):
    """The result of verifying a company's log. Without faults, it is intact. Its head was computed, not read.

    Of an erased company (`erased_at`), events and head are what its erasure says.
    """

    company_id: int
    events: int
    faults: list[str]
    unchained: int
    head: ChainHead | None
    erased_at: datetime | None = None


def log_status(connection: Connection) -> list[LogStatus]:
    """Return the status of every company's log, as its head records it."""
    rows = connection.execute(select(company_head).order_by(company_head.c.company_id))
    return [
        LogStatus(
            row.company_id,
            row.position,
            row.last_recorded_at,
            ChainHead(row.company_id, row.chain_position, row.chain_sha256) if row.chain_position else None,
        )
        for row in rows
    ]


def parked_count(connection: Connection) -> int:
    """Return how many events are parked until a company connects their account."""
    return connection.execute(select(func.count()).select_from(parked_event)).scalar_one()


def conflict_count(connection: Connection) -> int:
    """Return how many bodies contradict an event with the same id."""
    return connection.execute(select(func.count()).select_from(event_conflict)).scalar_one()


def verify_logs(connection: Connection, continues: Sequence[ChainHead] = ()) -> Iterator[LogVerdict]:
    """Yield a verdict on every company's log, one after the other, in constant memory. Reads every body.

    Each log is also to continue the heads that were noted of it earlier. Run it in one REPEATABLE READ transaction, so
    that heads and events are from the same moment.
    """
    statuses = {status.company_id: status for status in log_status(connection)}
    without_head = [*connection.scalars(_WITHOUT_HEAD).all(), *(head.company_id for head in continues)]
    erased = {row.id: row for row in connection.execute(select(company_erasure).order_by(company_erasure.c.id))}
    for company_id in dict.fromkeys([*statuses, *without_head, *erased]):
        if company_id in erased:
            yield _verdict_on_erased(connection, erased[company_id], continues)
            continue
        yield _Verification(connection, company_id, statuses.get(company_id), continues).verdict()


def _verdict_on_erased(connection: Connection, erasure: Row[Any], continues: Sequence[ChainHead]) -> LogVerdict:
    chained_to, faults = erasure.chain_position, list[str]()
    if connection.execute(select(exists().where(event.c.company_id == erasure.id))).scalar_one():
        faults.append("its erasure is not finished: run flask companies erase again")
    for noted in continues:
        # What was noted of its middle cannot be compared any more.
        if noted.company_id == erasure.id and noted.position >= chained_to:
            if noted.position > chained_to:
                faults.append(f"the log ended before position {noted.position}, which was noted")
            elif noted.chain_sha256 != erasure.chain_sha256:
                faults.append(f"the log did not continue what was noted of position {noted.position}")
    head = ChainHead(erasure.id, chained_to, erasure.chain_sha256) if chained_to else None
    return LogVerdict(erasure.id, erasure.events, faults, erasure.events - chained_to, head, erasure.begun_at)


class _Verification:
    """Goes through one company's log once. A position is named for one fault only, the first that is found."""

    def __init__(
        self, connection: Connection, company_id: int, status: LogStatus | None, continues: Sequence[ChainHead]
    ) -> None:
        self._connection, self._company_id, self._status = connection, company_id, status
        self._noted = {head.position: head.chain_sha256 for head in continues if head.company_id == company_id}
        self._chained_to, self._head_sha256 = status.head[1:] if status and status.head else (0, b"")
        self._position, self._chain, self._faults = 0, b"", list[str]()

    def verdict(self) -> LogVerdict:
        """Return what is wrong with the log, and the head that its events amount to."""
        for recorded, held in stream_chained(self._connection, self._company_id):
            fault = self._fault_of(recorded, held)
            if fault and len(self._faults) < _MOST_FAULTS:
                self._faults.append(fault)
        self._faults += self._faults_of_head()
        self._faults += [f"the log ends before position {position}, which was noted" for position in self._noted]
        head = ChainHead(self._company_id, self._position, self._chain) if self._position else None
        return LogVerdict(self._company_id, self._position, self._faults, self._unchained(), head)

    def _fault_of(self, recorded: RecordedEvent, held: bytes | None) -> str | None:
        expected, chain = self._position + 1, chained_sha256(self._chain, self._company_id, recorded)
        self._position = recorded.position
        # What follows a break is measured by what the log holds, so that every break is named and nothing else.
        is_chained = recorded.position <= self._chained_to
        self._chain = held if is_chained and held is not None else chain
        noted = self._noted.pop(recorded.position, None)
        position, is_beyond = recorded.position, self._status is not None and recorded.position == self._chained_to + 1
        faults = (
            (position != expected, f"position {expected} is missing: {position} follows"),
            (not _is_intact(recorded), f"the body at position {position} does not match its hash"),
            (is_chained and held != chain, f"the chain breaks at position {position}"),
            (is_beyond and held is not None, f"position {position} is chained, but the head's chain ends before"),
            (
                position == self._chained_to and self._head_sha256 != chain,
                f"the hash of the head is not that of position {position}",
            ),
            (noted is not None and noted != chain, f"the log does not continue what was noted of position {position}"),
        )
        return next((fault for is_so, fault in faults if is_so), None)

    def _faults_of_head(self) -> list[str]:
        if self._status is None:
            return [f"the head is missing, the last position is {self._position}"]
        if self._status.events != self._position:
            return [f"the head says {self._status.events} events, the last position is {self._position}"]
        if self._chained_to > self._position:
            return [f"the head was chained up to position {self._chained_to}, the last is {self._position}"]
        return []

    def _unchained(self) -> int:
        return max(0, self._position - self._chained_to)


def _is_intact(event: RecordedEvent) -> bool:
    try:
        return sha256(event.payload).digest() == event.payload_sha256
    except ZstdError:
        return False
