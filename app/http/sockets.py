"""All clients' sockets of a web process: when there are too many, those that keep it waiting longest are closed.

Nobody is refused at the door. A client that sends its request promptly has been answered before it could be closed.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent

from app.http.client_socket import ClientSocket

# A socket that has been waiting for less long may be about to be read.
PROMPT_SECONDS = 1.0

_CHECK_SECONDS = 0.25


class Sockets:
    """The clients' sockets of this process. `most` and `most_of_an_address` may be exceeded for a second or so.

    `idle_seconds`: how long a connection may wait for its next request.
    """

    def __init__(self, *, most: int, most_of_an_address: int, idle_seconds: float) -> None:
        self._most = most
        self._most_of_an_address = most_of_an_address
        self._idle_seconds = idle_seconds
        self._held: set[ClientSocket] = set()

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def holding(self, connection: Any, address: object) -> Iterator[ClientSocket]:  # noqa: ANN401 - gevent's socket
        """Wrap a client's connection, and count it while it is served."""
        host = str(address[0]) if isinstance(address, tuple) else ""
        held = ClientSocket(connection, host, idle_seconds=self._idle_seconds)
        self._held.add(held)
        try:
            yield held
        finally:
            self._held.discard(held)

    def keep_in_bounds(self) -> None:
        """Check the bounds four times a second, for ever."""
        while True:
            gevent.sleep(_CHECK_SECONDS)
            self.close_the_slowest()

    def close_the_slowest(self) -> None:
        """Close those that have kept us waiting longest, until no bound is exceeded."""
        too_many = len(self._held) - self._most
        by_address = Counter(held.address for held in self._held)
        if too_many <= 0 and max(by_address.values(), default=0) <= self._most_of_an_address:
            return
        waiting = [held for held in self._held if held.is_waiting and held.seconds_in_phase() > PROMPT_SECONDS]
        for held in sorted(waiting, key=ClientSocket.seconds_in_phase, reverse=True):
            if too_many > 0 or by_address[held.address] > self._most_of_an_address:
                held.hang_up()
                by_address[held.address] -= 1
                too_many -= 1

    def close_the_idle(self) -> None:
        """Close those that wait for a next request of which nothing has arrived."""
        for held in self._held:
            if held.is_idle() and held.seconds_in_phase() > PROMPT_SECONDS:
                held.hang_up()
