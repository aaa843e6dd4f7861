"""The web process on a real socket: wrong lengths, slow senders, and many connections."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPResponse
from select import select
from threading import Event

import pytest
from sqlalchemy import Engine

from app.http.client_socket import BODY_SECONDS
from app.webhooks.door import MAX_BODY_BYTES
from runtime.clock import utc_now
from runtime.database import open_engine
from sandbox.load import send_at_constant_rate
from sandbox.postgres import PostgresServer
from sandbox.processes import peak_megabytes
from sandbox.valkey import ValkeyServer
from tests.support.company import company_with
from tests.support.databases import new_database
from tests.support.signing import signed
from tests.support.web.webhooks import (
    WEBHOOK_PATH,
    bodies_of,
    count,
    count_stored,
    invoice_event,
    open_request,
    send,
    status_of,
    until,
    web_process,
)

CONNECTIONS = 100
Web = tuple[int, int]


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[Engine]:
    """Yield an engine of a migrated database for all tests of this module."""
    with new_database(postgres) as url:
        engine = open_engine(url, name="tests", pool_size=2)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def web(database: Engine, valkey: ValkeyServer) -> Iterator[Web]:
    with web_process(database.url.render_as_string(hide_password=False), valkey.url) as running:
        assert send(running[0], invoice_event(account="acct_of_nobody")).status == 200
        yield running


def head(body: bytes, *lines: str) -> bytes:
    """Return the header lines of a request: these, and the signature of the body."""
    proof = signed(body, at=utc_now())
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in proof.items())]).encode()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def is_closed(connection: socket.socket, *, seconds: float) -> bool:
    """Return whether the other side closes the connection in time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def test_body_in_chunks_is_kept(web: Web, database: Engine) -> None:
    body = invoice_event(id="evt_in_chunks")
    before = count_stored(database)

    with open_request(web[0], head(body, "Transfer-Encoding: chunked")) as connection:
        connection.sendall(chunk(body[:100]) + chunk(body[100:]) + b"0\r\n\r\n")
        assert status_of(connection) == 200

    assert count_stored(database) == before + 1


def test_body_longer_than_it_says_is_refused(web: Web, database: Engine) -> None:
    body, before = invoice_event(), count_stored(database)

    with open_request(web[0], head(body, f"Content-Length: {len(body) - 9}"), body) as connection:
        assert status_of(connection) == 400

    assert count_stored(database) == before


def test_body_that_is_cut_off_on_its_way_is_refused(web: Web, database: Engine) -> None:
    body, before = invoice_event(), count_stored(database)

    with open_request(web[0], head(body, f"Content-Length: {len(body)}"), body[:-9]) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert status_of(connection) == 400

    assert count_stored(database) == before


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"3\r\nabcd\r\n", b"ff\r\nabc", b"3\r\nabc\r\n"])
def test_chunks_that_are_malformed_or_cut_off_are_refused(web: Web, chunks: bytes) -> None:
    with open_request(web[0], head(b"", "Transfer-Encoding: chunked"), chunks) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert status_of(connection) == 400


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -1"],
        ["Content-Length: 5e3"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: gzip"],
    ],
)
def test_request_whose_length_can_be_read_in_two_ways_is_never_served(
    web: Web, database: Engine, lines: list[str]
) -> None:
    body, before = invoice_event(), count_stored(database)

    with open_request(web[0], head(body, *lines), body) as connection:
        assert status_of(connection) not in (200, 500)

    assert count_stored(database) == before


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (
            b"GET /v1/companies/1/revenue-lines?q=%b HTTP/1.1\r\nHost: revmap.test\r\n\r\n" % (b"x" * 60_000),
            414,
            "address_too_long",
        ),
        (b"GET /healthz HTTP/1.1\r\nHost: revmap.test\r\nX-A: %b\r\n\r\n" % (b"x" * 60_000), 431, "headers_too_large"),
        (b"GET /healthz HTTP/1.1\r\nHost: revmap.test\r\n%b\r\n" % (b"X-A: 1\r\n" * 101), 431, "headers_too_large"),
        (b"rmk_hidden\r\n\r\n", 400, "bad_request"),
        (b"GET /healthz HTTP/1.1\r\nHost: revmap.test\r\nrmk_hidden \r\n\r\n", 400, "bad_request"),
        (b"POST /healthz HTTP/1.1\r\nTransfer-Encoding: hidden\r\n\r\n", 501, "unsupported_transfer_coding"),
    ],
)
def test_what_cannot_be_read_as_http_is_answered_with_a_problem_too(
    web: Web, sent: bytes, status: int, code: str
) -> None:
    with socket.create_connection(("127.0.0.1", web[0]), timeout=15) as connection:
        connection.sendall(sent)
        answer = HTTPResponse(connection)
        answer.begin()
        problem = json.loads(answer.read())

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "hidden" not in str(problem)


def test_body_of_ten_megabytes_is_refused_before_it_is_read(web: Web) -> None:
    peak = sum(peak_megabytes(web[1]))

    for _ in range(5):
        with open_request(web[0], head(b"", "Content-Length: 10000000"), b" " * 1000) as connection:
            assert status_of(connection) == 413
    with open_request(web[0], head(b"", "Content-Length: 10000000")) as connection:
        with suppress(ConnectionError):  # it may close the connection before it has read everything
            connection.sendall(b" " * 10_000_000)
        assert status_of(connection) in (413, None)

    assert sum(peak_megabytes(web[1])) - peak < 5


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 3 * MAX_BODY_BYTES])
def test_a_sender_of_somewhat_too_much_can_send_all_of_it_and_then_reads_the_refusal(web: Web, size: int) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: refused_after_all_was_sent(web[0], size), range(40))) == {413}


def refused_after_all_was_sent(port: int, size: int) -> int:
    """Send everything before reading, as most HTTP libraries do, and return the status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("POST", "/webhooks/stripe", b" " * size, {"Content-Type": "application/json"})
    with closing(connection):
        return connection.getresponse().status


def test_chunks_without_an_end_are_refused_at_the_limit(web: Web) -> None:
    peak = sum(peak_megabytes(web[1]))

    with open_request(web[0], head(b"", "Transfer-Encoding: chunked")) as connection:
        for _ in range(MAX_BODY_BYTES // 50_000 + 1):
            connection.sendall(chunk(b" " * 50_000))
        assert status_of(connection) == 413

    assert sum(peak_megabytes(web[1])) - peak < 8


@pytest.mark.parametrize("framing", ["Content-Length: 10000000", "Transfer-Encoding: chunked"])
def test_a_connection_that_sends_too_much_is_closed(web: Web, framing: str) -> None:
    with open_request(web[0], head(b"", framing)) as connection:
        if "chunked" in framing:
            connection.sendall(chunk(b" " * (MAX_BODY_BYTES + 1)))
        assert status_of(connection) == 413
        assert is_closed(connection, seconds=2)


@pytest.mark.parametrize("path", [WEBHOOK_PATH, "/healthz", "/v1/companies/1/streams", "/v1/nothing"])
def test_a_client_that_was_refused_before_its_body_was_read_can_send_its_next_request(web: Web, path: str) -> None:
    with closing(HTTPConnection("127.0.0.1", web[0], timeout=15)) as connection:
        for _ in range(2):
            connection.request("POST", path, b"{}", {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert 400 <= answer.status < 500


@pytest.mark.promise("Slow senders: hundreds of dripping sockets keep no webhook waiting for a second")
@pytest.mark.parametrize("path", [b"/webhooks/stripe", b"/healthz"])
def test_an_endless_body_keeps_nobody_waiting(web: Web, path: bytes) -> None:
    stop = Event()

    def flood() -> None:
        with socket.create_connection(("127.0.0.1", web[0])) as connection, suppress(ConnectionError):
            connection.sendall(b"POST %b HTTP/1.1\r\nHost: revmap.test\r\nTransfer-Encoding: chunked\r\n\r\n" % path)
            while not stop.is_set():
                connection.sendall(chunk(b" " * 65_536))

    with ThreadPoolExecutor(2) as threads:
        floods = [threads.submit(flood) for _ in range(2)]
        stop.wait(0.2)  # by now the first part has been refused
        try:
            answer = send(web[0], invoice_event(account="acct_of_nobody"))
        finally:
            stop.set()
    for one in floods:
        one.result()

    assert (answer.status, answer.seconds < 1) == (200, True)


def begin_form(port: int) -> socket.socket:
    """Start to send a sign-in form, and return the connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=15)
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\nemail="
    connection.sendall(b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%b" % (port, kind))
    return connection


@pytest.mark.promise("Slow senders: hundreds of dripping sockets keep no webhook waiting for a second")
@pytest.mark.timeout(40)
def test_hundreds_of_slow_senders_keep_nobody_waiting_and_are_given_up_on(web: Web) -> None:
    body = invoice_event(account="acct_of_nobody")
    with ExitStack() as stack:
        started = time.monotonic()
        slow_senders = [
            stack.enter_context(open_request(web[0], head(body, f"Content-Length: {len(body)}"), body[:100]))
            for _ in range(CONNECTIONS)
        ]
        forms = [stack.enter_context(begin_form(web[0])) for _ in range(CONNECTIONS)]
        half_heads = []
        for _ in range(CONNECTIONS):  # these have not even sent a complete head
            half_heads.append(stack.enter_context(socket.create_connection(("127.0.0.1", web[0]))))
            half_heads[-1].sendall(b"POST /webhooks/stripe HTTP/1.1\r\nHost:")
        answers = [send(web[0], invoice_event(account="acct_of_nobody")) for _ in range(20)]
        for slow_sender in slow_senders:
            slow_sender.sendall(body[100:110])
        statuses = {status_of(slow_sender) for slow_sender in (*slow_senders, *forms)}
        assert all(is_closed(half_head, seconds=5) for half_head in half_heads)
        waited = time.monotonic() - started

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 1
    assert statuses == {408}
    assert BODY_SECONDS - 1 < waited < BODY_SECONDS + 5


def test_a_webhook_does_not_wait_for_many_who_ask_for_pages(web: Web) -> None:
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % web[0]
    with ExitStack() as stack:
        readers = [stack.enter_context(socket.create_connection(("127.0.0.1", web[0]))) for _ in range(2 * CONNECTIONS)]
        for reader in readers:
            reader.sendall(ask)
        assert send(web[0], invoice_event(account="acct_of_nobody")).status == 200
        answered = len(select(readers, [], [], 0)[0])
        assert all(status_of(reader) == 200 for reader in readers)

    assert answered < CONNECTIONS


@pytest.mark.promise("Slow senders: hundreds of dripping sockets keep no webhook waiting for a second")
def test_slow_large_bodies_keep_no_other_large_body_waiting(web: Web) -> None:
    large = invoice_event(account="acct_of_nobody").ljust(100_000)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):  # without a signature
            stack.enter_context(open_request(web[0], b"Content-Length: 900000", b" " * 40_000))
        answer = send(web[0], large, seconds=8)

    assert (answer.status, answer.seconds < 2) == (200, True)


def test_same_event_fifty_times_at_once_is_acknowledged_to_all_and_kept_once(web: Web, database: Engine) -> None:
    company = company_with(database, "acct_of_fifty")
    body = invoice_event(account="acct_of_fifty")

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: send(web[0], body).status, range(50)))

    assert answers == [200] * 50
    assert bodies_of(database, company) == [body]
    assert count(database, "event_conflict") == 0


def test_burst_of_five_hundred_in_a_second_is_kept_without_delay(web: Web, database: Engine) -> None:
    company = company_with(database, "acct_of_burst")
    bodies = [invoice_event(account="acct_of_burst") for _ in range(500)]
    requests = [
        b"POST %b HTTP/1.1\r\nHost: revmap.test\r\n%b\r\n\r\n%b"
        % (WEBHOOK_PATH.encode(), head(body, f"Content-Length: {len(body)}"), body)
        for body in bodies
    ]

    outcome = send_at_constant_rate(web[0], requests, per_second=500)

    assert outcome.statuses == {200: 500}
    assert outcome.percentile_ms(99) < 1000
    assert until(lambda: sorted(bodies_of(database, company)) == sorted(bodies))
