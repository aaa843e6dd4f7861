"""Track the client sockets of a web process, and close those that keep it waiting longest when there are too many.

No connection is refused. A client that sends its request promptly is answered before it could be closed.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent

from app.http.client_socket import ClientSocket

# A socket that has waited for less time may be about to be read.
PROMPT_SECONDS = 1.0

_CHECK_SECONDS = 0.25


class Sockets:
    """The client sockets of this process. `most` and `most_of_an_address` may be exceeded for a second or so.

    `idle_seconds`: how long a connection may wait for its next request.
    """

    def __init__(self, *, most: int, most_of_an_address: int, idle_seconds: float) -> None:
        self._most = most
        self._most_of_an_address = most_of_an_address
        self._idle_seconds = idle_seconds
        self._clients: set[ClientSocket] = set()

    def __len__(self) -> int:
        return len(self._clients)

    @contextmanager
    def holding(self, connection: Any, address: object) -> Iterator[ClientSocket]:  # noqa: ANN401 - gevent's socket
        """Wrap a client's connection, and count it while it is served."""
        host = str(address[0]) if isinstance(address, tuple) else ""
        client = ClientSocket(connection, host, idle_seconds=self._idle_seconds)
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)

    def keep_in_bounds(self) -> None:
        """Check the limits four times a second, forever."""
        while True:
            gevent.sleep(_CHECK_SECONDS)
            self.close_the_slowest()

    def close_the_slowest(self) -> None:
        """Close the sockets that have kept us waiting longest, until no limit is exceeded."""
        too_many = len(self._clients) - self._most
        by_address = Counter(client.address for client in self._clients)
        if too_many <= 0 and max(by_address.values(), default=0) <= self._most_of_an_address:
            return
        waiting = [
            client for client in self._clients if client.is_waiting and client.seconds_in_phase() > PROMPT_SECONDS
        ]
        for client in sorted(waiting, key=ClientSocket.seconds_in_phase, reverse=True):
            if too_many > 0 or by_address[client.address] > self._most_of_an_address:
                client.hang_up()
                by_address[client.address] -= 1
                too_many -= 1

    def close_the_idle(self) -> None:
        """Close the sockets that wait for a next request of which nothing has arrived."""
        for client in self._clients:
            if client.is_idle() and client.seconds_in_phase() > PROMPT_SECONDS:
                client.hang_up()
