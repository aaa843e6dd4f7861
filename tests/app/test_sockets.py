"""Every wait for a client has an end, and when there are too many those who dawdle give way to those who do not."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from app import sockets
from app.sockets import BodyTooSlowError, ClientSocket, Sockets
from tests.app.webhook_hands import until

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
    """Have deadlines that a test can wait for."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "PIECE_SECONDS"):
        monkeypatch.setattr(sockets, name, 0.05)
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 0.0)


def connected(
    stack: ExitStack, clients: Sockets, address: tuple[str, int] = HERE
) -> tuple[ClientSocket, socket.socket]:
    """Give our end of a connection, held, and the client's."""
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    stack.enter_context(theirs)
    return stack.enter_context(clients.holding(ours, address)), theirs


@pytest.mark.usefixtures("impatient")
def test_a_head_that_does_not_begin_or_does_not_end_in_time_is_as_if_hung_up(
    clients: Sockets, stack: ExitStack
) -> None:
    silent, _ = connected(stack, clients)
    assert silent.recv(100) == b""

    slow, theirs = connected(stack, clients)
    slow.await_request(30)
    theirs.sendall(b"GET / HT")
    assert slow.recv(100) == b"GET / HT"
    assert slow.recv(100) == b""


@pytest.mark.usefixtures("impatient")
def test_a_body_that_drips_has_the_same_end_as_one_that_stops(clients: Sockets, stack: ExitStack) -> None:
    held, theirs = connected(stack, clients)
    held.begin_request()
    is_over = Event()

    def drip() -> None:
        while not is_over.wait(0.001):
            theirs.sendall(b"x")

    with ThreadPoolExecutor(1) as thread:
        dripping = thread.submit(drip)
        with pytest.raises(BodyTooSlowError):
            list(iter(lambda: held.recv(1), b""))
        is_over.set()
        dripping.result()


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_nobody_reads_is_given_up(clients: Sockets, stack: ExitStack) -> None:
    held, _ = connected(stack, clients)

    with pytest.raises(BrokenPipeError):
        held.sendall(bytes(10_000_000))


def test_a_next_request_has_as_long_as_a_connection_may_idle(clients: Sockets, stack: ExitStack) -> None:
    held, theirs = connected(stack, clients)
    for _ in range(2):
        theirs.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert held.recv(100)
        held.begin_request()
        held.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert theirs.recv(100)
        held.await_request()
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(held.recv, 1)
        assert until(held.is_idle)
        timeout = held.gettimeout()
        theirs.sendall(b"G")
        assert reading.result() == b"G"

    assert 29 < timeout <= 30


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
def test_of_too_many_those_give_way_who_have_waited_for_longest(
    clients: Sockets, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, address: tuple[str, int] | None, left: int
) -> None:
    monkeypatch.setattr(sockets, "HEAD_SECONDS", 30)
    pairs = [connected(stack, clients, address or (f"203.0.113.{number}", 1)) for number in range(MOST + 2)]
    with ThreadPoolExecutor(len(pairs)) as threads:
        for held, _ in pairs:
            waiting(threads, held)

        clients.make_room()

        assert [is_open(theirs) for _, theirs in pairs] == [False] * (len(pairs) - left) + [True] * left
        for held, _ in pairs:
            held.hang_up()


@pytest.mark.usefixtures("impatient")
def test_who_is_being_served_never_gives_way_nor_who_came_a_moment_ago(
    clients: Sockets, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HEAD_SECONDS", 30)
    served = [connected(stack, clients) for _ in range(MOST + 2)]
    clients.make_room()
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 30.0)
    with ThreadPoolExecutor(len(served)) as threads:
        for held, _ in served:
            waiting(threads, held)
        clients.make_room()

        assert all(is_open(theirs) for _, theirs in served)
        for held, _ in served:
            held.hang_up()


def test_when_the_process_stops_only_who_idles_is_hung_up_on(
    clients: Sockets, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PROMPT_SECONDS", 0.0)
    idle, begun, serving = (connected(stack, clients, THERE) for _ in range(3))
    serving[0].begin_request()
    begun[1].sendall(b"GET")
    assert begun[0].recv(10) == b"GET"
    with ThreadPoolExecutor(3) as threads:
        for held, _ in (idle, begun, serving):
            waiting(threads, held)

        clients.hang_up_on_idle()

        assert [is_open(theirs) for _, theirs in (idle, begun, serving)] == [False, True, True]
        for held, _ in (begun, serving):
            held.hang_up()


def test_what_still_comes_is_taken_in_so_that_the_answer_arrives(clients: Sockets, stack: ExitStack) -> None:
    held, theirs = connected(stack, clients)
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(theirs.sendall, bytes(1_000_000))
        held.sendall(b"refused")
        started = time.monotonic()
        held.let_the_answer_arrive()
        sending.result()

    assert theirs.recv(100) == b"refused"
    assert time.monotonic() - started < 5
