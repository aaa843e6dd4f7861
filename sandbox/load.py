"""A load generator light enough to share two cores with what it measures: raw HTTP/1.1 over persistent connections."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """The answers of a run: latencies in seconds in order of arrival, number per status, and the whole duration."""

    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    duration_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Return the answers per second."""
        return len(self.latencies) / self.duration_seconds

    def percentile_ms(self, percent: float) -> float:
        """Return this percentile of the latencies, in milliseconds."""
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 1)


class _Connection(asyncio.Protocol):
    def __init__(self, answered: asyncio.Queue["_Connection"]) -> None:
        self._answered = answered
        self._buffer = b""
        self.transport: asyncio.Transport | None = None
        self.sent_at = 0.0
        self.status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes, *, due: float | None = None) -> None:
        assert self.transport is not None
        self.sent_at = due or time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self.status = int(self._buffer[9:12])
        self._buffer = rest[length:]
        self._answered.put_nowait(self)


async def _connect(port: int, count: int) -> tuple[asyncio.Queue[_Connection], list[_Connection]]:
    answered: asyncio.Queue[_Connection] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Connection(answered), "127.0.0.1", port) for _ in range(count)]
    return answered, [connection for _, connection in made]


def _note(outcome: Outcome, connection: _Connection) -> None:
    outcome.latencies.append(time.perf_counter() - connection.sent_at)
    outcome.statuses[connection.status] = outcome.statuses.get(connection.status, 0) + 1


async def _closed_loop(port: int, requests: Sequence[bytes], connections: int) -> Outcome:
    outcome = Outcome()
    answered, idle = await _connect(port, connections)
    waiting = iter(requests)
    started = time.perf_counter()
    under_way = 0
    for connection, request in zip(idle, waiting, strict=False):
        connection.send(request)
        under_way += 1
    while under_way:
        connection = await answered.get()
        _note(outcome, connection)
        under_way -= 1
        if (following := next(waiting, None)) is not None:
            connection.send(following)
            under_way += 1
    outcome.duration_seconds = time.perf_counter() - started
    _close(idle)
    return outcome


async def _open_loop(port: int, requests: Sequence[bytes], per_second: float, connections: int) -> Outcome:
    outcome = Outcome()
    answered, made = await _connect(port, connections)
    free = asyncio.Queue[_Connection]()
    for connection in made:
        free.put_nowait(connection)

    async def collect() -> None:
        for _ in requests:
            connection = await answered.get()
            _note(outcome, connection)
            free.put_nowait(connection)

    collecting = asyncio.create_task(collect())
    started = time.perf_counter()
    for number, request in enumerate(requests):
        due = started + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        # Measured from when it was due, so that a stall shows in every request it delayed.
        (await free.get()).send(request, due=due)
    await collecting
    outcome.duration_seconds = time.perf_counter() - started
    _close(made)
    return outcome


def _close(connections: Sequence[_Connection]) -> None:
    for connection in connections:
        if connection.transport is not None:
            connection.transport.close()


def send_as_fast_as_answered(port: int, requests: Sequence[bytes], *, connections: int) -> Outcome:
    """Send all requests, each connection waiting for its answer before it sends the next."""
    return asyncio.run(_closed_loop(port, requests, connections))


def send_at_constant_rate(port: int, requests: Sequence[bytes], *, per_second: float, connections: int = 64) -> Outcome:
    """Send all requests at a constant rate, however long the answers take."""
    return asyncio.run(_open_loop(port, requests, per_second, connections))
