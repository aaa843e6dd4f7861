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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody count as prompt."""
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 0.0)


def connected(
    stack: ExitStack, clients: Sockets, address: tuple[str, int] = HERE
) -> tuple[ClientSocket, socket.socket]:
    """Give our end of a connection, held, and the client's."""
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    stack.enter_context(theirs)
    return stack.enter_context(clients.holding(ours, address)), theirs


def waiting(thread: ThreadPoolExecutor, held: ClientSocket) -> None:
    """Have the socket wait for its client."""
    thread.submit(held.recv, 1)
    assert until(lambda: held.is_waiting)


def is_open(theirs: socket.socket) -> bool:
    theirs.settimeout(0.05)
    try:
        return theirs.recv(1) != b""
    except TimeoutError:
        return True


@pytest.mark.parametrize(("address", "left"), [(HERE, MOST_OF_AN_ADDRESS), (None, MOST)])
@pytest.mark.usefixtures("impatient")
def test_of_too_many_those_are_closed_that_have_kept_us_waiting_longest(
    clients: Sockets, stack: ExitStack, address: tuple[str, int] | None, left: int
) -> None:
    pairs = [connected(stack, clients, address or (f"203.0.113.{number}", 1)) for number in range(MOST + 2)]
    with ThreadPoolExecutor(len(pairs)) as threads:
        for held, _ in pairs:
            waiting(threads, held)

        clients.close_the_slowest()

        assert [is_open(theirs) for _, theirs in pairs] == [False] * (len(pairs) - left) + [True] * left
        for held, _ in pairs:
            held.hang_up()


@pytest.mark.usefixtures("impatient")
def test_a_connection_is_not_closed_while_it_is_served_nor_in_its_first_moment(
    clients: Sockets, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = [connected(stack, clients) for _ in range(MOST + 2)]
    clients.close_the_slowest()
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 30.0)
    with ThreadPoolExecutor(len(served)) as threads:
        for held, _ in served:
            waiting(threads, held)
        clients.close_the_slowest()

        assert all(is_open(theirs) for _, theirs in served)
        for held, _ in served:
            held.hang_up()


@pytest.mark.usefixtures("impatient")
def test_when_the_process_stops_only_idle_connections_are_closed(clients: Sockets, stack: ExitStack) -> None:
    idle, begun, serving = (connected(stack, clients, THERE) for _ in range(3))
    serving[0].begin_request()
    begun[1].sendall(b"GET")
    assert begun[0].recv(10) == b"GET"
    with ThreadPoolExecutor(3) as threads:
        for held, _ in (idle, begun, serving):
            waiting(threads, held)

        clients.close_the_idle()

        assert [is_open(theirs) for _, theirs in (idle, begun, serving)] == [False, True, True]
        for held, _ in (begun, serving):
            held.hang_up()
