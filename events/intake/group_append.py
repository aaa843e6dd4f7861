"""Append the events of concurrent requests in shared transactions. Each request is answered only after its commit."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from events.intake.receive import Received, receive
from events.log.append import NewEvent
from runtime.sqlstates import is_outage, is_transient, sqlstate_of

MOST_IN_A_BATCH = 64
MOST_WAITING = 2000

_WAIT_SECONDS = 1.7
_ATTEMPTS = 3
# https://www.postgresql.org/docs/current/errcodes-appendix.html: deadlock_detected, serialization_failure.
_RETRYABLE = frozenset({"40P01", "40001"})
_LOCK_NOT_AVAILABLE = "55P03"

_log = logging.getLogger(__name__)


class NotDurableError(Exception):
    """The event may or may not be in the log; sending it again is safe."""


class Waiting:
    """One request's event and its outcome. `answered` stays locked until the outcome is known."""

    __slots__ = ("answered", "error", "event", "has_given_up", "received")

    def __init__(self, event: NewEvent) -> None:
        self.event = event
        # A bare lock: an Event would create a lock, a condition and a list for every request.
        self.answered = Lock()
        self.answered.acquire()
        self.received: Received | None = None
        self.error: Exception | None = None
        self.has_given_up = False

    def outcome(self) -> Received:
        """Return once the event is durable.

        :raises NotDurableError: it could not be made durable in 1.7 seconds
        """
        if not self.answered.acquire(timeout=_WAIT_SECONDS):
            self.has_given_up = True
            raise NotDurableError("the database did not answer in time")
        if self.received is None:
            raise NotDurableError(str(self.error)) from self.error
        return self.received


class GroupAppender:
    """Appends the events of all requests of one process, in order of arrival, one transaction at a time."""

    def __init__(
        self,
        engine: Engine,
        *,
        after_commit: Callable[[], None],
        after_refusal: Callable[[str | None], None] = lambda _account_id: None,
        when_locked: Callable[[Sequence[Waiting]], None] | None = None,
    ) -> None:
        """Take an `engine` that commits every statement by itself, so that heads are locked for one round trip only.

        One whose connections are pooled does not: then it takes another round trip.

        Events of one account, appended without those of others, may be refused by the log all the same: then
        `after_refusal` is called with the account. Or the company's head stays locked for longer than the engine waits
        for it: then `when_locked` is called with the requests, to be answered elsewhere; without it, they are refused.
        """
        self._engine = engine
        self._after_commit = after_commit
        self._after_refusal = after_refusal
        self._when_locked = when_locked
        self._waiting: deque[Waiting] = deque()
        self._arrived = Event()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._is_closed = False
        self._connection: Connection | None = None

    def append(self, event: NewEvent) -> Received:
        """Return once the event is durable, through this call or an earlier one.

        :raises NotDurableError: it could not be made durable in 1.7 seconds, or too many events are waiting already
        """
        if len(self._waiting) >= MOST_WAITING:
            raise NotDurableError("too many events are waiting")
        item = Waiting(event)
        self.enqueue([item])
        return item.outcome()

    def enqueue(self, items: Sequence[Waiting]) -> None:
        """Append the events of these requests as soon as possible; return at once."""
        self._waiting.extend(items)
        # The thread clears the flag before it looks at the queue: an event that finds the flag set will be seen.
        if not self._arrived.is_set():
            self._arrived.set()
        self._start_once()

    def close(self) -> None:
        """Give the connection back once what waits has been appended; append nothing more."""
        self._is_closed = True
        self._arrived.set()
        if self._thread is not None:
            self._thread.join()

    def _start_once(self) -> None:
        # Started on first use, because a thread does not survive the fork of a web process.
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = Thread(target=self._append_until_closed, name="group-append", daemon=True)
                    self._thread.start()

    def _append_until_closed(self) -> None:
        while not self._is_closed:
            self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                # Requests whose bytes have arrived run first, so that they join this batch.
                time.sleep(0)  # noqa: TID251 - yields without waiting
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_BATCH))]
                self._append_batch(batch)
                if any(item.received for item in batch):
                    self._after_commit()
        if self._connection is not None:
            self._connection.close()

    def _append_batch(self, batch: Sequence[Waiting]) -> None:
        try:
            received = list(zip(batch, self._received([item.event for item in batch]), strict=True))
        except Exception as error:  # noqa: BLE001 - the waiting requests need an answer whatever failed
            parts = _parts_that_may_succeed(batch, error)
            if len(parts) > 1:
                for part in parts:
                    self._append_batch(part)
                return
            if self._when_locked and sqlstate_of(error) == _LOCK_NOT_AVAILABLE:
                self._when_locked(batch)
                return
            _log.warning("append failed", extra={"error": type(error).__name__, "events": len(batch)})
            for item in batch:
                item.error = error
                item.answered.release()
            if not is_outage(error):
                self._after_refusal(batch[0].event.account_id)
            return
        for item, one in received:
            item.received = one
            item.answered.release()

    def _received(self, events: Sequence[NewEvent]) -> list[Received]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                # Kept between batches: checking it out and in costs as much as a request.
                self._connection = self._connection or self._engine.connect()
                received = receive(self._connection, events)
                # Where every statement commits by itself this asks nothing of the database.
                self._connection.commit()
                return received  # noqa: TRY300 - what fails before must not be returned
            except (DBAPIError, psycopg.Error) as error:
                # Also if the connection died during the commit: events that were saved after all are not saved twice.
                is_retryable = self._discard_connection() or sqlstate_of(error) in _RETRYABLE
                if attempt == _ATTEMPTS or not is_retryable:
                    raise
        raise AssertionError("unreachable")

    def _discard_connection(self) -> bool:
        """Discard the connection, and return whether it had died."""
        if self._connection is None:
            return False
        # Where connections are pooled, SQLAlchemy itself may have found it dead as it began a transaction.
        had_died = self._connection.invalidated
        if not had_died:
            driver = self._connection.connection.driver_connection
            had_died = driver is None or driver.broken
            # Not returned to the pool: its server may no longer accept writes.
            self._connection.invalidate()
        self._connection.close()
        self._connection = None
        return had_died


def _parts_that_may_succeed(batch: Sequence[Waiting], error: Exception) -> list[list[Waiting]]:
    if is_outage(error):
        return [list(batch)]
    if not is_transient(error):
        return [[item] for item in batch]
    # One company's log is locked: events of other accounts need not wait for it.
    by_account: dict[str | None, list[Waiting]] = {}
    for item in batch:
        by_account.setdefault(item.event.account_id, []).append(item)
    return list(by_account.values())
