"""Every wait for a client has an end: for the head and the body of a request, and for the reading of its answer."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from app.http import client_socket
from app.http.client_socket import BodyTooSlowError, ClientSocket
from tests.support.web.webhooks import until


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have deadlines that a test can wait for."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "PIECE_SECONDS"):
        monkeypatch.setattr(client_socket, name, 0.05)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end of a connection, and the client's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Ends = tuple[socket.socket, socket.socket]


@pytest.mark.usefixtures("impatient")
def test_a_request_that_does_not_begin_in_time_is_as_if_the_client_had_hung_up(ends: Ends) -> None:
    assert ClientSocket(ends[0], "", idle_seconds=30).recv(100) == b""


@pytest.mark.usefixtures("impatient")
def test_a_head_that_does_not_end_in_time_is_as_if_the_client_had_hung_up(ends: Ends) -> None:
    held = ClientSocket(ends[0], "", idle_seconds=30)
    held.await_request()
    ends[1].sendall(b"GET / HT")

    assert held.recv(100) == b"GET / HT"
    assert held.recv(100) == b""


@pytest.mark.usefixtures("impatient")
def test_a_body_that_drips_has_the_same_end_as_one_that_stops(ends: Ends) -> None:
    held, is_over = ClientSocket(ends[0], "", idle_seconds=30), Event()
    held.begin_request()

    def drip() -> None:
        while not is_over.wait(0.001):
            ends[1].sendall(b"x")

    with ThreadPoolExecutor(1) as thread:
        dripping = thread.submit(drip)
        with pytest.raises(BodyTooSlowError):
            list(iter(lambda: held.recv(1), b""))
        is_over.set()
        dripping.result()


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_nobody_reads_is_given_up(ends: Ends) -> None:
    with pytest.raises(BrokenPipeError):
        ClientSocket(ends[0], "", idle_seconds=30).sendall(bytes(10_000_000))


def test_a_next_request_has_as_long_as_a_connection_may_idle(ends: Ends) -> None:
    held, theirs = ClientSocket(ends[0], "", idle_seconds=30), ends[1]
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

    assert client_socket.HEAD_SECONDS < timeout <= 30


def test_what_still_arrives_is_read_so_that_the_answer_is_not_lost(ends: Ends) -> None:
    held, theirs = ClientSocket(ends[0], "", idle_seconds=30), ends[1]
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(theirs.sendall, bytes(1_000_000))
        held.sendall(b"refused")
        started = time.monotonic()
        held.let_the_answer_arrive()
        sending.result()

    assert theirs.recv(100) == b"refused"
    assert time.monotonic() - started < 5
