"""Decide whether a read may ask a replica: within a request that reads, and not for seconds after a failure."""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TypeVar

from runtime.clock import Clock
from runtime.sqlstates import sqlstate_of

Answer = TypeVar("Answer")

_REST_WHEN_BEHIND = timedelta(milliseconds=250)
_REST_WHEN_AWAY = timedelta(seconds=5)
# Being behind for a moment is no news.
_TOLD_WHEN_BEHIND = timedelta(minutes=1)
_may_ask: ContextVar[bool] = ContextVar("may_ask_replicas", default=False)
_log = logging.getLogger(__name__)


class ReplicaFailedError(Exception):
    """The replica failed a read that the primary can answer."""


def with_replicas(read: Callable[[], Answer]) -> Answer:
    """Return what `read` returns, which may ask replicas. If one fails, call it again, and ask none.

    What does not run within it reads from the primary alone.
    """
    before = _may_ask.set(True)
    try:
        return read()
    except ReplicaFailedError:
        _may_ask.set(False)
        return read()
    finally:
        _may_ask.reset(before)


class ReplicaUse:
    """What a process knows of its replica. A failure is logged once, until the replica answers again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rests_until: datetime | None = None
        self._missed_since: datetime | None = None
        self._is_told = False

    @property
    def may_ask(self) -> bool:
        """Return whether a read may ask the replica now."""
        return _may_ask.get() and (self._rests_until is None or self._rests_until <= self._clock())

    def note_behind(self) -> None:
        """Ask nothing for a quarter of a second, because the replica lacks something."""
        self._rest("behind", _REST_WHEN_BEHIND, told_after=_TOLD_WHEN_BEHIND)

    def note_failure(self, error: Exception) -> None:
        """Ask nothing for five seconds, because the replica failed."""
        self._rest(sqlstate_of(error) or type(error).__name__, _REST_WHEN_AWAY, told_after=timedelta(0))

    def note_answer(self) -> None:
        """Note that the replica has everything."""
        if self._is_told:
            _log.info("replica answers again")
        self._rests_until = self._missed_since = None
        self._is_told = False

    def _rest(self, reason: str, duration: timedelta, *, told_after: timedelta) -> None:
        now = self._clock()
        self._missed_since = self._missed_since or now
        self._rests_until = now + duration
        if not self._is_told and now - self._missed_since >= told_after:
            self._is_told = True
            _log.warning("replica passed over", extra={"reason": reason})
