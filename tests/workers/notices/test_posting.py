"""A webhook is sent to exactly the address that was checked, and no endpoint takes more time or room than it may."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.certificates import certified
from tests.support.receiver import Receiver, receiver
from workers.notices.posting import Limits, NotSentError, Poster

QUICK = Limits(connect_seconds=0.4, request_seconds=0.4, body_seconds=0.1)
ANYWHERE = Poster("any", QUICK)


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def post(server: Receiver, path: str, poster: Poster = ANYWHERE) -> tuple[int, str]:
    return poster.post(f"{server.url}{path}", b"{}", {"Content-Type": "application/json"})


def test_an_answer_is_kept_with_its_beginning(server: Receiver) -> None:
    server.statuses["/answers?x=1"] = 500

    assert post(server, "/answers?x=1") == (500, "said")
    assert post(server, "/fine") == (204, "")
    (received,) = server.to("/answers?x=1")
    assert received.body == b"{}"
    assert received.headers["host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_an_endpoint_that_does_not_answer_is_left_in_time(server: Receiver, behaviour: str) -> None:
    begun = time.monotonic()
    with pytest.raises(NotSentError, match=r"There was no answer in time\."):
        post(server, f"/{behaviour}")

    assert time.monotonic() - begun >= 0.4


def test_the_status_counts_though_the_body_never_ends(server: Receiver) -> None:
    assert post(server, "/slow-body") == (200, "begun")


def test_of_a_large_answer_little_is_read(server: Receiver) -> None:
    assert post(server, "/big") == (200, "x" * 1024)


def test_headers_beyond_the_limit_are_not_read(server: Receiver) -> None:
    status, beginning = post(server, "/headers")

    assert (status, beginning) == (200, "")


def test_what_no_text_can_hold_is_replaced(server: Receiver) -> None:
    assert post(server, "/nul") == (200, "a\ufffdb\ufffd\ufffdc")


def test_a_redirect_is_an_answer_and_is_not_followed(server: Receiver) -> None:
    assert post(server, "/redirect") == (302, "")
    assert server.to("/inside") == []


def test_an_answer_that_is_not_http_is_said_to_be_none(server: Receiver) -> None:
    with pytest.raises(NotSentError, match=r"The answer was not HTTP\."):
        post(server, "/nonsense")


def test_proxies_of_the_environment_are_ignored(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert post(server, "/no-proxy")[0] == 204


def test_nobody_listens_and_no_name_are_said_to_the_owner() -> None:
    with pytest.raises(NotSentError, match="refused"):
        ANYWHERE.post("http://127.0.0.1:9/", b"", {})
    with pytest.raises(NotSentError, match="could not be resolved"):
        ANYWHERE.post("http://" + "a" * 64 + ".test/", b"", {})


def names(*addresses: str, port: int = 9) -> Any:
    """Return a resolver that knows these addresses of every name."""
    return lambda _host, _port: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("1.1.1.1", "127.0.0.1"), ("169.254.169.254",)])
def test_a_name_with_any_address_inside_is_not_even_connected_to(server: Receiver, addresses: tuple[str, ...]) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    before = len(server.received)

    with pytest.raises(NotSentError, match=r"The address is not public\."):
        Poster("public", QUICK, resolve=names(*addresses, port=port)).post("https://zed.test/", b"", {})
    with pytest.raises(NotSentError, match="begins with https"):
        Poster("public", QUICK).post(f"{server.url}/", b"", {})

    assert len(server.received) == before


def test_the_name_is_resolved_once_and_verified_by_its_certificate() -> None:
    with receiver(certificate=certified().server) as server:
        port = int(server.url.rsplit(":", 1)[1])
        asked: list[str] = []

        def resolve(host: str, _port: int) -> Any:
            asked.append(host)
            return names("127.0.0.1", port=port)(host, port)

        trusting = Poster("any", QUICK, trusts=certified().client, resolve=resolve)
        assert trusting.post(f"https://localhost:{port}/x", b"{}", {}).status == 204
        with pytest.raises(NotSentError, match="The certificate is not valid: Hostname mismatch"):
            trusting.post("https://zed.test/x", b"{}", {})
        with pytest.raises(NotSentError, match="The certificate is not valid: self-signed"):
            Poster("any", QUICK, resolve=resolve).post(f"https://localhost:{port}/x", b"{}", {})

        assert asked == ["localhost", "zed.test", "localhost"]
        assert [one.headers["host"] for one in server.received] == [f"localhost:{port}"]
