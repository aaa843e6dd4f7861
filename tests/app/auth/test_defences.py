"""Security headers of every response, allowed hosts, and rate limits of attempts."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import ConnectionError as NoRedisError
from sqlalchemy import Engine

from app.http.public_address import PublicAddress, UnusableAddressError
from app.http.rate_limits import Limit, RateLimits, TooManyAttemptsError, client_address
from app.wiring.settings import WebSettings
from runtime.environ import Environment
from tests.app.wiring.test_settings import GOOD, refusal_of
from tests.support.company import company_with
from tests.support.web.people import Browser, signed_in

PAGES = ("/sign-in", "/settings/integrations", "/connect/stripe", "/docs", "/openapi.json", "/nothing", "/v1/nothing")


@pytest.fixture
def ada(app: Flask, engine: Engine) -> Browser:
    return signed_in(app, engine, company_with(engine, "acct_tests"))


def test_every_answer_carries_its_defences(ada: Browser) -> None:
    for path in PAGES:
        headers = ada.get(path).headers

        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert re.fullmatch(r"max-age=\d{8}; includeSubDomains", headers["Strict-Transport-Security"])
        assert headers["Cache-Control"] == "private, no-store"


def test_pages_have_no_script_or_style_of_their_own(ada: Browser) -> None:
    for path in ("/sign-in", "/settings/integrations", "/connect/stripe"):
        page = ada.get(path).text.lower()

        assert not re.search(r"<script(?![^>]* src=\"/static/[^>]*></script>)", page)
        assert "<style" not in page
        assert "style=" not in page
        assert not re.search(r"\son\w+=", page)


HOSTS = (
    ("localhost", 200),
    ("localhost:8000", 200),
    ("127.0.0.1:8000", 200),
    ("[::1]:8000", 200),
    ("evil.example", 421),
    ("localhost.evil.example", 421),
    ("localhost@evil.example", 421),
    ("evil.example#localhost", 421),
    ("", 421),
)


def test_only_our_own_hosts_are_answered_for(client: FlaskClient) -> None:
    for host, status in HOSTS:
        assert client.get("/sign-in", headers={"Host": host}).status_code == status


def test_probes_and_webhooks_are_answered_under_any_name(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert client.post("/webhooks/stripe", data=b"{}", headers={"Host": "10.0.0.7"}).status_code == 400


def test_what_a_proxy_claims_changes_no_address(client: FlaskClient) -> None:
    claims = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}

    answer = client.get("/settings/integrations", headers=claims)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Fsettings%2Fintegrations")


def test_a_form_that_is_too_long_is_not_read(ada: Browser) -> None:
    answer = ada.client.post("/sign-in", data={"email": "x" * 20_000, "password": "y", "csrf_token": "z"})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        ("https://books.example", True),
        ("https://books.example:8443/", True),
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("http://[::1]:8000", False),
        ("http://127.8.8.8", False),
    ],
)
def test_an_address_is_https_or_on_this_machine(url: str, *, is_secure: bool) -> None:
    address = PublicAddress.from_url(url)

    assert address.is_secure is is_secure
    assert address.answers_for(address.origin.partition("://")[2])
    assert not address.answers_for("evil.example")


@pytest.mark.parametrize(
    "url",
    ["", "books.example", "http://books.example", "ftp://books.example", "https://", "https://a.example/path", "x"],
)
def test_any_other_address_is_refused_at_the_start(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnusableAddressError):
        PublicAddress.from_url(url)
    if url:
        assert "PUBLIC_URL" in refusal_of(GOOD | {"PUBLIC_URL": url}, capsys)


@pytest.mark.parametrize("name", ["TRUSTED_PROXY_HOPS", "SYNC_INTERVAL_SECONDS", "STRIPE_CONNECT_SCOPE"])
@pytest.mark.parametrize("value", ["-1", "many", "1.5", "²"])
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal_of(GOOD | {name: value}, capsys)

    assert name in message
    assert value not in message.replace(name, "")


def test_what_is_not_set_has_its_default() -> None:
    settings = WebSettings.from_environ(Environment(GOOD))

    assert (settings.trusted_proxy_hops, settings.sync_interval_seconds) == (0, 86_400)
    assert (settings.stripe.client_id, settings.stripe.scope) == (None, "read_write")


def test_so_many_attempts_are_counted_and_no_more(redis: Redis) -> None:
    limits, limit = RateLimits(redis), Limit("tests", attempts=3, seconds=60)

    for _ in range(3):
        limits.count(limit, "ada")
    limits.count(limit, "eve")
    with pytest.raises(TooManyAttemptsError) as refused:
        limits.count(limit, "ada")
    limits.forget(limit, "ada")
    limits.count(limit, "ada")

    assert 0 < refused.value.retry_after_seconds <= 60
    assert not [key for key in redis.scan_iter("*") if b"ada" in key]


def test_without_redis_people_still_sign_in() -> None:
    class GoneRedis:
        def pipeline(self, **_: object) -> object:
            raise NoRedisError

        def delete(self, *_: object) -> None:
            raise NoRedisError

    limits = RateLimits(GoneRedis())  # type: ignore[arg-type]  # only the methods that are called

    limits.count(Limit("tests", attempts=0, seconds=60), "ada")
    limits.forget(Limit("tests", attempts=0, seconds=60), "ada")


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2::9", "2001:0db8:0001:0002"),
        ("", "unknown"),
    ],
)
def test_addresses_of_one_owner_are_counted_together(app: Flask, address: str, counted_as: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert client_address() == counted_as
