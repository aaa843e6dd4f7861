"""Measure signed webhooks while thousands of clients hold sockets: idle, slow to send, or not reading answers."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bench.payloads import invoice_event, signed_request
from bench.stage import WEBHOOK_SECRET, servers
from migrations.run import upgrade
from runtime.database import open_engine
from sandbox.load import Outcome
from sandbox.processes import peak_megabytes, web

_DRIP_SECONDS = 1.0
_SETTLE_SECONDS = 3.0
_GIVE_UP_SECONDS = 30.0
_HOST = b"Host: 127.0.0.1\r\n"
_ANSWERS_NOT_READ = 20
_HELD_SECONDS = 60.0
_RECEIVE_BUFFER_BYTES = 4096
_GET = b"GET /openapi.json HTTP/1.1\r\n" + _HOST + b"\r\n"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _idle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _idle_after_a_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /healthz HTTP/1.1\r\n" + _HOST + b"\r\n")
    await reader.read()


async def _dripping(writer: asyncio.StreamWriter, head: bytes) -> None:
    writer.write(head)
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(_DRIP_SECONDS)


async def _dripping_head(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _dripping(writer, b"GET /healthz HTTP/1.1\r\nX-Slow: ")


async def _dripping_form(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n"
    await _dripping(writer, b"POST /sign-in HTTP/1.1\r\n" + _HOST + kind)


async def _dripping_webhook(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    kind = b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    await _dripping(writer, b"POST /webhooks/stripe HTTP/1.1\r\n" + _HOST + kind)


async def _reading_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    writer.write(_GET * _ANSWERS_NOT_READ)
    await asyncio.sleep(_HELD_SECONDS)
    transport.resume_reading()
    await reader.read()


KINDS: dict[str, Behaviour] = {
    "idle": _idle,
    "idle_after_a_request": _idle_after_a_request,
    "dripping_head": _dripping_head,
    "dripping_form": _dripping_form,
    "dripping_webhook": _dripping_webhook,
    "reading_nothing": _reading_nothing,
}


def run(*, sockets: int, seconds: int, per_second: int) -> dict[str, object]:
    """Return the results with each kind of crowd, and without one."""
    with servers() as environment:
        engine = open_engine(environment["DATABASE_URL"], name="bench", pool_size=1, statement_timeout_ms=0)
        upgrade(engine)
        engine.dispose()
        results: dict[str, object] = {}
        for kind in ("none", *KINDS):
            with web("wsgi:app", environment) as (port, pid):
                crowd = 0 if kind == "none" else sockets
                outcome = asyncio.run(_beside(port, KINDS.get(kind, _idle), crowd, seconds, per_second))
                results[kind] = {
                    "statuses": outcome.statuses,
                    "p50_ms": outcome.percentile_ms(50),
                    "p99_ms": outcome.percentile_ms(99),
                    "max_ms": outcome.percentile_ms(100),
                    "web_process_peak_mb": max(peak_megabytes(pid)),
                }
    return {"benchmark": "crowds", "sockets": sockets, "seconds": seconds, "per_second": per_second, "crowds": results}


async def _beside(
    port: int,
    behaviour: Behaviour,
    sockets: int,
    seconds: int,
    per_second: int,
) -> Outcome:
    crowd = [asyncio.create_task(_member(port, behaviour)) for _ in range(sockets)]
    await asyncio.sleep(_SETTLE_SECONDS)
    outcome, started = Outcome(), time.perf_counter()
    sending = []
    for number in range(seconds * per_second):
        due = started + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sending.append(asyncio.create_task(_webhook(port, outcome, due)))
    await asyncio.gather(*sending)
    outcome.duration_seconds = time.perf_counter() - started
    for member in crowd:
        member.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    return outcome


async def _member(port: int, behaviour: Behaviour) -> None:
    """Hold a connection, and open another one whenever the server closes it."""
    while True:
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_connection(sock=await _narrow_socket(port))
            await behaviour(reader, writer)
        except OSError:
            await asyncio.sleep(0.1)
        finally:
            if writer is not None:
                writer.transport.abort()


async def _narrow_socket(port: int) -> socket.socket:
    """Return a connected socket with a small receive buffer, which soon fills while nobody reads from it."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    narrow.settimeout(0)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    return narrow


async def _webhook(port: int, outcome: Outcome, due: float) -> None:
    """Send a webhook on its own connection, as Stripe does, and record its status; 0 means no answer."""
    now = int(time.time())
    body = invoice_event(int(due * 1_000_000), account_id="acct_of_nobody", created=now)
    request = signed_request(body, secret=WEBHOOK_SECRET, at=now)
    status = 0
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            status = int((await reader.readline())[9:12] or 0)
            writer.close()
    outcome.latencies.append(time.perf_counter() - due)
    outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
