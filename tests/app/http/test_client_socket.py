"""Every wait for a client has a timeout: for the head and body of a request, and for the reading of the response."""

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
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts, so that a test can wait for them."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "PIECE_SECONDS"):
        monkeypatch.setattr(client_socket, name, 0.05)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield the server's end of a connection, and the client's."""
    ours, client = socket.socketpair()
    with ours, client:
        yield ours, client


Ends = tuple[socket.socket, socket.socket]


@pytest.mark.usefixtures("short_timeouts")
def test_a_request_that_does_not_begin_in_time_is_as_if_the_client_had_hung_up(ends: Ends) -> None:
    assert ClientSocket(ends[0], "", idle_seconds=30).recv(100) == b""


@pytest.mark.usefixtures("short_timeouts")
def test_a_head_that_does_not_end_in_time_is_as_if_the_client_had_hung_up(ends: Ends) -> None:
    server = ClientSocket(ends[0], "", idle_seconds=30)
    server.await_request()
    ends[1].sendall(b"GET / HT")

    assert server.recv(100) == b"GET / HT"
    assert server.recv(100) == b""


@pytest.mark.usefixtures("short_timeouts")
def test_a_body_that_drips_has_the_same_end_as_one_that_stops(ends: Ends) -> None:
    server, is_over = ClientSocket(ends[0], "", idle_seconds=30), Event()
    server.begin_request()

    def drip() -> None:
        while not is_over.wait(0.001):
            ends[1].sendall(b"x")

    with ThreadPoolExecutor(1) as thread:
        dripping = thread.submit(drip)
        with pytest.raises(BodyTooSlowError):
            list(iter(lambda: server.recv(1), b""))
        is_over.set()
        dripping.result()


@pytest.mark.usefixtures("short_timeouts")
def test_an_answer_that_nobody_reads_is_given_up(ends: Ends) -> None:
    with pytest.raises(BrokenPipeError):
        ClientSocket(ends[0], "", idle_seconds=30).sendall(bytes(10_000_000))


def test_a_next_request_has_as_long_as_a_connection_may_idle(ends: Ends) -> None:
    server, client = ClientSocket(ends[0], "", idle_seconds=30), ends[1]
    for _ in range(2):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert server.recv(100)
        server.begin_request()
        server.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert client.recv(100)
        server.await_request()
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(server.recv, 1)
        assert until(server.is_idle)
        timeout = server.gettimeout()
        client.sendall(b"G")
        assert reading.result() == b"G"

    assert client_socket.HEAD_SECONDS < timeout <= 30


def test_what_still_arrives_is_read_so_that_the_answer_is_not_lost(ends: Ends) -> None:
    server, client = ClientSocket(ends[0], "", idle_seconds=30), ends[1]
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(client.sendall, bytes(1_000_000))
        server.sendall(b"refused")
        started = time.monotonic()
        server.let_the_answer_arrive()
        sending.result()

    assert client.recv(100) == b"refused"
    assert time.monotonic() - started < 5
