"""Proxies between processes and the servers that they reach, which can delay, hold back, and lose replies."""

import asyncio
import socket
import struct
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, NamedTuple, Self

_MOST_BYTES = 65_536
_TELLS_ONCE = struct.pack("ii", 1, 0)


class Place(NamedTuple):
    """Where to connect to: the path of a socket, or a host and a port."""

    path: str = ""
    host: str = ""
    port: int = 0


class Proxy:
    """Passes on what comes to a port. Its fields may be changed at any time.

    While `is_held`, connections stay open and nothing comes through. The next `replies_to_lose` replies to clients that
    had sent one of `markers` are lost, and the connection is closed: what was asked for was done, and they cannot know.
    """

    def __init__(self, place: Place, *, markers: Sequence[bytes] = ()) -> None:
        self.port = 0
        self.is_held = False
        self.delay_seconds = 0.0
        self.replies_to_lose = self.lost = 0
        self._place, self._markers = place, markers
        self._connected: set[asyncio.StreamWriter] = set()

    async def listen(self, address: str) -> None:
        self._server = await asyncio.start_server(self._connect, address, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Forget all connections: the other end is told once, and if that gets lost, never again."""
        for writer in list(self._connected):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _TELLS_ONCE)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._connect_on(reader, writer)
        writer.transport.abort()

    async def _connect_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._let_through()
        path, host, port = self._place
        opening = asyncio.open_unix_connection(path) if path else asyncio.open_connection(host, port)
        its_reader, its_writer = await opening
        ends = {writer, its_writer}
        self._connected |= ends
        asked = asyncio.Event()  # whether the reply that comes next is to be lost
        try:
            ways = [
                asyncio.ensure_future(self._pass_on(reader, its_writer, asked, is_asking=True)),
                asyncio.ensure_future(self._pass_on(its_reader, writer, asked, is_asking=False)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._connected -= ends
            its_writer.close()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event, *, is_asking: bool
    ) -> None:
        while sent := await reader.read(_MOST_BYTES):
            await self._let_through()
            if is_asking and self.replies_to_lose and any(one in sent for one in self._markers):
                self.replies_to_lose -= 1
                asked.set()
            elif not is_asking and asked.is_set():
                self.lost += 1
                return
            writer.write(sent)
            await writer.drain()

    async def _let_through(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        while self.is_held:  # noqa: ASYNC110 - set by other threads
            await asyncio.sleep(0.02)


class Proxies:
    """The thread in which proxies run."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._open: list[Proxy] = []
        self._thread = Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, address: str, place: Place, *, markers: Sequence[bytes] = ()) -> Proxy:
        """Return a proxy that listens at this address, at a port of its own."""
        proxy = Proxy(place, markers=markers)
        self._run(proxy.listen(address))
        self._open.append(proxy)
        return proxy

    def cut(self, proxy: Proxy) -> None:
        """Forget all connections through a proxy."""
        self._run(proxy.cut())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _end(self) -> None:
        for proxy in self._open:
            await proxy.close()
        others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
