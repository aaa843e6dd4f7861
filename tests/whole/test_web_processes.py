"""The web processes share their clients."""

from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

from sandbox.valkey import ValkeyServer
from tests.support.web.webhooks import web_process

CONNECTIONS = 16


def sockets_of(pid: int) -> int:
    """Return how many sockets a process has open."""
    count = 0
    for opened in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += str(opened.readlink()).startswith("socket:")
    return count


def test_connections_that_stay_open_are_shared_among_the_processes(database_url: str, valkey: ValkeyServer) -> None:
    with web_process(database_url, valkey.url, workers=2) as (port, master), ExitStack() as connections:
        workers = [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

        def connect() -> None:
            connection = HTTPConnection("127.0.0.1", port, timeout=40)
            connections.callback(connection.close)
            connection.request("GET", "/healthz")
            connection.getresponse().read()

        def served() -> list[int]:
            return [sockets_of(pid) - others for pid, others in zip(workers, at_first, strict=True)]

        at_first = [sockets_of(pid) for pid in workers]
        while min(served()) < 1:  # the second process is up a moment after the first
            connections.close()
            for _ in range(CONNECTIONS // 4):
                connect()
        for _ in range(CONNECTIONS):
            connect()

        shares = served()

    assert min(shares) >= sum(shares) // 4
