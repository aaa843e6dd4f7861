"""Append in two lanes, so that a company whose log is locked or refuses events delays no other company.

The engine waits for a locked head only briefly. Then the requests move to the second lane, which tries again until the
head is free or the requests have waited long enough.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import Engine

from events.intake.group_append import GroupAppender, Waiting
from events.intake.receive import Received
from events.log.append import NewEvent

_APART_SECONDS = 10.0
_MOST_APART = 10_000


class Appender(Protocol):
    """Makes events durable."""

    def append(self, event: NewEvent) -> Received:
        """Return once the event is durable; raise what `GroupAppender.append` raises."""
        ...


class AppendLanes:
    """Two appenders. Accounts that were locked or refused in the last ten seconds share the second one.

    `engine` needs one connection for each.
    """

    def __init__(self, engine: Engine, *, after_commit: Callable[[], None]) -> None:
        self._common, self._apart = (
            GroupAppender(
                engine, after_commit=after_commit, after_refusal=self._set_apart, when_locked=self._try_again_apart
            )
            for _ in range(2)
        )
        self._apart_until: dict[str | None, float] = {}  # monotonic seconds

    def append(self, event: NewEvent) -> Received:
        """Return once the event is durable, through this call or an earlier one.

        :raises NotDurableError: as `GroupAppender.append`
        """
        is_apart = self._apart_until.get(event.account_id, 0.0) > time.monotonic()
        return (self._apart if is_apart else self._common).append(event)

    def close(self) -> None:
        """Give both connections back once what waits has been appended; append nothing more."""
        self._common.close()
        self._apart.close()

    def _set_apart(self, account_id: str | None) -> None:
        now = time.monotonic()
        if len(self._apart_until) >= _MOST_APART:
            self._apart_until = {one: until for one, until in list(self._apart_until.items()) if until > now}
        self._apart_until[account_id] = now + _APART_SECONDS

    def _try_again_apart(self, items: Sequence[Waiting]) -> None:
        self._set_apart(items[0].event.account_id)
        self._apart.enqueue([item for item in items if not item.has_given_up])
