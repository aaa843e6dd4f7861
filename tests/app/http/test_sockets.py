"""When there are too many sockets, those that keep the process waiting longest are closed, and no others."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.http import sockets
from app.http.client_socket import ClientSocket
from app.http.sockets import Sockets
from tests.support.web.webhooks import until

HERE, THERE = ("203.0.113.1", 5000), ("203.0.113.2", 5000)
MOST, MOST_OF_AN_ADDRESS = 6, 3


@pytest.fixture
def clients() -> Sockets:
    return Sockets(most=MOST, most_of_an_address=MOST_OF_AN_ADDRESS, idle_seconds=30)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def nobody_is_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no client count as prompt."""
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 0.0)


def connect(stack: ExitStack, clients: Sockets, address: tuple[str, int] = HERE) -> tuple[ClientSocket, socket.socket]:
    """Return our end of a connection, registered in `clients`, and the client's end."""
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    stack.enter_context(theirs)
    return stack.enter_context(clients.holding(ours, address)), theirs


def start_waiting(thread: ThreadPoolExecutor, client: ClientSocket) -> None:
    """Make the socket wait for its client in a thread."""
    thread.submit(client.recv, 1)
    assert until(lambda: client.is_waiting)


def is_open(theirs: socket.socket) -> bool:
    theirs.settimeout(0.05)
    try:
        return theirs.recv(1) != b""
    except TimeoutError:
        return True


@pytest.mark.parametrize(("address", "left"), [(HERE, MOST_OF_AN_ADDRESS), (None, MOST)])
@pytest.mark.usefixtures("nobody_is_prompt")
def test_of_too_many_sockets_those_that_kept_us_waiting_longest_are_closed(
    clients: Sockets, stack: ExitStack, address: tuple[str, int] | None, left: int
) -> None:
    pairs = [connect(stack, clients, address or (f"203.0.113.{number}", 1)) for number in range(MOST + 2)]
    with ThreadPoolExecutor(len(pairs)) as threads:
        for client, _ in pairs:
            start_waiting(threads, client)

        clients.close_the_slowest()

        assert [is_open(theirs) for _, theirs in pairs] == [False] * (len(pairs) - left) + [True] * left
        for client, _ in pairs:
            client.hang_up()


@pytest.mark.usefixtures("nobody_is_prompt")
def test_a_connection_is_not_closed_while_it_is_served_nor_in_its_first_moment(
    clients: Sockets, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = [connect(stack, clients) for _ in range(MOST + 2)]
    clients.close_the_slowest()
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 30.0)
    with ThreadPoolExecutor(len(served)) as threads:
        for client, _ in served:
            start_waiting(threads, client)
        clients.close_the_slowest()

        assert all(is_open(theirs) for _, theirs in served)
        for client, _ in served:
            client.hang_up()


@pytest.mark.usefixtures("nobody_is_prompt")
def test_when_the_process_stops_only_idle_connections_are_closed(clients: Sockets, stack: ExitStack) -> None:
    idle, begun, serving = (connect(stack, clients, THERE) for _ in range(3))
    serving[0].begin_request()
    begun[1].sendall(b"GET")
    assert begun[0].recv(10) == b"GET"
    with ThreadPoolExecutor(3) as threads:
        for client, _ in (idle, begun, serving):
            start_waiting(threads, client)

        clients.close_the_idle()

        assert [is_open(theirs) for _, theirs in (idle, begun, serving)] == [False, True, True]
        for client, _ in (begun, serving):
            client.hang_up()
