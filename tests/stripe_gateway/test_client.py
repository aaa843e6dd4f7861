"""A request to Stripe is retried if that may help, is never sent elsewhere, and has a time limit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote

import pytest
from redis import Redis
from stripe import APIConnectionError

from events.connection.accounts import Account
from sandbox.stripe.http.messages import Answer, Request, Wire
from sandbox.stripe.http.server import Address, HttpServer
from stripe_gateway.client import StripeGateway, Tally
from stripe_gateway.http import AnswerTooLargeError, BoundedHttpClient
from stripe_gateway.objects import fetch
from stripe_gateway.rate_limit import RateLimit
from stripe_gateway.refusals import (
    AccountRefusedError,
    ObjectMissingError,
    PermissionMissingError,
    RateLimitedError,
    StripeAnswerError,
    TooMuchAtOnceError,
)
from tests.support.platform_keyring import PlatformKeyring

ACCOUNT = Account("acct_1", livemode=True)
DATED = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
GOOD = Answer(200, b'{"object":"list"}', {**DATED, "Stripe-Version": "2026-10-28.endive"})


def refused(status: int, *, code: str = "odd", headers: dict[str, str] | None = None) -> Answer:
    body = b'{"error":{"message":"No.","type":"invalid_request_error","code":"%b"}}' % code.encode()
    return Answer(status, body, DATED | (headers or {}))


class GatewayHarness:
    """A gateway to a fake Stripe that records pauses instead of waiting."""

    def __init__(self, redis: Redis, url: str, http: BoundedHttpClient | None = None) -> None:
        self.pauses: list[float] = []
        self.tally = Tally()
        self._redis = redis
        self._gateway = StripeGateway(
            PlatformKeyring("sk_live_x"),
            api_base=url,
            rate_limit=RateLimit(redis, pause=lambda _seconds: None),
            http=http,
            pause=self._pause,
        )

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._redis.flushall()  # so long a pause would empty the rate limit's buckets

    def fetch(self, kind: str, object_id: str) -> None:
        fetch(self._gateway, ACCOUNT, kind, object_id, self.tally)

    def ask(self) -> bytes:
        return self._gateway.ask(ACCOUNT, "invoices.list", "/v1/invoices", self.tally, limit=3).body


@contextmanager
def stripe_of(answers: Iterator[Answer], requests: list[Request] | None = None) -> Iterator[str]:
    def answer(request: Request) -> Answer:
        if requests is not None:
            requests.append(request)
        return next(answers)

    with HttpServer(answer, Address()) as server:
        yield server.url


@pytest.mark.parametrize(
    "bad",
    [
        refused(500),
        refused(503),
        refused(409),
        refused(429),
        Answer(200, b"<!DOCTYPE html>", DATED),
        Answer(502, b"<!DOCTYPE html>", DATED),
        Answer(200, b'{"object":', DATED),
        Answer(200, b'{"object":"list"}', DATED, Wire(send_only=3)),
        Answer(200, b'{"object":"list"}', DATED, Wire(reset=True)),
    ],
    ids=["500", "503", "409", "429", "HTML 200", "HTML 502", "cut JSON", "cut body", "reset"],
)
def test_a_passing_error_is_tried_four_times_with_pauses_that_grow(bad: Answer, redis: Redis) -> None:
    with stripe_of(iter([bad, bad, bad, GOOD, bad, bad, bad, bad])) as url:
        harness = GatewayHarness(redis, url)
        assert harness.ask() == GOOD.body
        assert [0.5 <= harness.pauses[0] <= 1, 1 <= harness.pauses[1] <= 2, 2 <= harness.pauses[2] <= 4] == [True] * 3
        with pytest.raises(StripeAnswerError):
            harness.ask()
    assert harness.tally.take() == (8, 7 if bad.status == 429 else 0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(401), AccountRefusedError),
        (refused(403), PermissionMissingError),
        (refused(403, code="account_invalid"), AccountRefusedError),
        (refused(404), ObjectMissingError),
        (refused(400, code="resource_missing"), ObjectMissingError),
        (refused(400), StripeAnswerError),
        (refused(402), StripeAnswerError),
    ],
)
def test_an_error_that_will_not_pass_is_tried_once(answer: Answer, error: type[Exception], redis: Redis) -> None:
    with stripe_of(iter([answer])) as url:
        harness = GatewayHarness(redis, url)
        with pytest.raises(error) as found:
            harness.ask()
    assert type(found.value) is error
    assert "sk_live" not in str(found.value)
    assert harness.pauses == []


@pytest.mark.parametrize(
    ("kind", "place", "rest"),
    [
        ("price", "prices", ""),
        ("customer", "customers", ""),
        ("invoice", "invoices", ""),
        ("invoice_lines", "invoices", "/lines"),
    ],
)
@pytest.mark.parametrize("object_id", ["../customers/cus_x", "x?limit=1", "x#y", "x%2f..", "é/ü", ".", ".."])
def test_an_id_requests_its_own_object_and_nothing_else(
    kind: str, place: str, rest: str, object_id: str, redis: Redis
) -> None:
    requests: list[Request] = []
    with stripe_of(iter([refused(404)]), requests) as url, pytest.raises(ObjectMissingError):
        GatewayHarness(redis, url).fetch(kind, object_id)

    is_place = object_id in (".", "..")
    assert [one.path for one in requests] == ([] if is_place else [f"/v1/{place}/{quote(object_id, safe='')}{rest}"])


def test_stripes_retry_after_is_respected(redis: Redis) -> None:
    answers = [refused(429, headers={"Retry-After": seconds}) for seconds in ("3", "4", "60")]
    with stripe_of(iter(answers)) as url:
        harness = GatewayHarness(redis, url)
        with pytest.raises(RateLimitedError) as found:
            harness.ask()
    assert harness.pauses == [3, 4]
    assert found.value.seconds == 60


@pytest.mark.parametrize("retry_after", ["", "-1", "soon", "1e9", "\u0663"])
def test_an_invalid_retry_after_does_no_harm(retry_after: str, redis: Redis) -> None:
    refusal = refused(429, headers={"Retry-After": retry_after.encode().decode("latin-1")})
    with stripe_of(iter([refusal, GOOD])) as url:
        harness = GatewayHarness(redis, url)
        assert harness.ask() == GOOD.body
    assert harness.pauses[0] <= 4


def test_a_retry_after_of_years_is_taken_as_an_hour(redis: Redis) -> None:
    years = refused(429, headers={"Retry-After": "99999999999"})
    with stripe_of(iter([years])) as url, pytest.raises(RateLimitedError) as found:
        GatewayHarness(redis, url).ask()
    assert found.value.seconds == 3600


def test_every_request_names_the_account_and_the_version_and_goes_nowhere_else(redis: Redis) -> None:
    requests: list[Request] = []
    elsewhere: list[Request] = []
    with (
        stripe_of(iter([GOOD] * 9), elsewhere) as other,
        stripe_of(
            iter(
                [Answer(status, b"", DATED | {"Location": f"{other}/v1/invoices"}) for status in (301, 302, 307, 308)]
            ),
            requests,
        ) as url,
    ):
        harness = GatewayHarness(redis, url)
        with pytest.raises(StripeAnswerError):
            harness.ask()
    assert elsewhere == []
    assert {request.headers["stripe-account"] for request in requests} == {"acct_1"}
    assert {len(request.headers["stripe-version"]) > 9 for request in requests} == {True}
    assert len(requests) == 4


def test_an_answer_without_its_time_is_refused(redis: Redis) -> None:
    with stripe_of(iter([Answer(200, b"{}", {})])) as url, pytest.raises(StripeAnswerError, match="when it was given"):
        GatewayHarness(redis, url).ask()


@pytest.mark.parametrize(
    ("answer", "transport"),
    [
        (Answer(200, b"{}", DATED, Wire(pad_bytes=3_000_000)), partial(BoundedHttpClient, most_bytes=1_000_000)),
        (
            Answer(200, b" " * 4000 + b"{}", DATED, Wire(wait_ms=10, drip_bytes=100)),
            partial(BoundedHttpClient, most_seconds=0.1),
        ),
    ],
    ids=["huge", "dripping"],
)
def test_an_answer_that_does_not_end_is_abandoned(
    answer: Answer, transport: Callable[..., BoundedHttpClient], redis: Redis
) -> None:
    with stripe_of(iter([answer, GOOD])) as url:
        harness = GatewayHarness(redis, url, transport(connections=2))
        with pytest.raises(TooMuchAtOnceError):
            harness.ask()
        assert harness.ask() == GOOD.body


def test_the_transport_goes_on_after_an_abandoned_answer_and_raises_when_none_comes() -> None:
    client = BoundedHttpClient(connections=1, most_bytes=1_000)
    with stripe_of(iter([GOOD, Answer(200, b" " * 1_001, DATED), GOOD])) as url:
        assert client.request("get", url, {})[1] == 200
        with pytest.raises(AnswerTooLargeError):
            client.request("get", url, {})
        assert client.request("get", url, {})[1] == 200
    with pytest.raises(APIConnectionError):
        client.request("get", url, {})
    client.close()
