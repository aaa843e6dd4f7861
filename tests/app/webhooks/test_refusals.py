"""What the webhook endpoint refuses, and that a refusal tells the sender nothing useful."""

import gzip
import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.webhooks import refusals
from app.webhooks.door import MAX_BODY_BYTES
from app.wiring.tools import Tools
from backlog.queues import Waker, open_redis
from events.intake.group_append import GroupAppender
from runtime.database import open_engine
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with
from tests.support.payloads import ACCOUNT, event
from tests.support.signing import SECRET, json_bytes, signed
from tests.support.web.tools import app_with, tools_on
from tests.support.web.webhooks import WEBHOOK_PATH, count, count_stored, invoice_event, post

SIGNED_BUT_NO_EVENT = {
    "nothing": b"",
    "array": b"[]",
    "null": b"null",
    "string": b'"x"',
    "number": b"7",
    "empty object": b"{}",
    "no id": json_bytes(event({}, id=None)),
    "id of another kind": json_bytes(event({}, id=7)),
    "id of strange characters": json_bytes(event({}, id="evt_\x00")),
    "endless id": json_bytes(event({}, id="e" * 256)),
    "no type": json_bytes(event({}, "")),
    "no livemode": json_bytes(event({}, livemode="true")),
    "account of another kind": json_bytes(event({}, account=["acct_1"])),
    "empty account": json_bytes(event({}, account="")),
    "cut off": invoice_event()[:-1],
    "invalid UTF-8": invoice_event().replace(b"Zed", b"\xff\xfe"),
    "byte order mark": b"\xef\xbb\xbf" + invoice_event(),
    "UTF-16": invoice_event().decode().encode("utf-16"),
    "raw NUL": invoice_event().replace(b"Zed", b"\x00"),
    "id twice": invoice_event().replace(b"{", b'{"id": "evt_other", ', 1),
    "account twice": invoice_event().replace(b"{", b'{"account": "acct_other", ', 1),
    "key twice, deep inside": invoice_event().replace(b'"amount": 30000', b'"amount": 30000, "amount": 1'),
    "not a number": invoice_event().replace(b"30000", b"NaN"),
    "infinite": invoice_event().replace(b"30000", b"-Infinity"),
    "beyond all floats": invoice_event().replace(b"30000", b"1e400"),
    "five thousand digits": invoice_event().replace(b"30000", b"1" + b"0" * 5000),
    "deep": invoice_event().replace(b"30000", b"[" * 200_000 + b"]" * 200_000),
}


@pytest.fixture
def offline_client(clock: SetClock) -> FlaskClient:
    """Return a client of an app without a database and Redis: requests that need one are answered with 503."""
    nowhere = open_engine("postgresql://nobody@/nothing?host=/nowhere", name="nowhere", pool_size=1)
    redis = open_redis("unix:///nowhere")
    appender = GroupAppender(nowhere, after_commit=Waker(redis).ask)
    return app_with(tools_on(nowhere, redis, appender=appender, clock=clock)).test_client()


@pytest.fixture(autouse=True)
def reset_refusal_log() -> None:
    refusals._next_line_at.clear()
    refusals._since_last_line.clear()


def logged_refusals(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    """Return the logged refusals, each as its reason and count."""
    lines = [vars(record) for record in caplog.records if record.name == refusals.__name__]
    return [(line["reason"], line["count"]) for line in lines]


@pytest.mark.parametrize("body", SIGNED_BUT_NO_EVENT.values(), ids=SIGNED_BUT_NO_EVENT)
def test_authentic_body_that_is_no_event_is_refused_without_a_connection(
    offline_client: FlaskClient, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = post(offline_client, body)

    assert (answer.status_code, answer.json and answer.json["code"]) == (400, "unacceptable_webhook")
    assert logged_refusals(caplog) == [("not_an_event", 1)]


def test_without_a_database_no_event_is_accepted(offline_client: FlaskClient) -> None:
    answer = post(offline_client, invoice_event())

    assert (answer.status_code, answer.json and answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


UNPROVEN = {
    "missing": {},
    "malformed": {"Stripe-Signature": "t=1,t=2,v1=é"},
    "mismatch": signed(invoice_event(), secret="whsec_of_somebody_else"),
    "stale": signed(b"BODY", at=NOON - timedelta(seconds=301)),
    "future": signed(b"BODY", at=NOON + timedelta(days=3650)),
}


@pytest.mark.parametrize("reason", ["missing", "malformed"])
@pytest.mark.parametrize("account_id", ["acct_1", "acct_%00", "nobody"])
def test_request_without_a_signature_costs_no_connection_at_an_accounts_endpoint_either(
    offline_client: FlaskClient, account_id: str, reason: str
) -> None:
    answer = offline_client.post(f"{WEBHOOK_PATH}/accounts/{account_id}", data=b"BODY", headers=UNPROVEN[reason])

    assert answer.status_code == 400


@pytest.mark.parametrize("reason", UNPROVEN)
def test_request_that_does_not_prove_its_origin_is_refused_counted_and_costs_no_connection(
    offline_client: FlaskClient, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = offline_client.post(WEBHOOK_PATH, data=b"BODY", headers=UNPROVEN[reason])

    assert answer.status_code == 400
    assert logged_refusals(caplog) == [(reason, 1)]


def test_every_refusal_of_what_was_sent_reads_the_same(offline_client: FlaskClient) -> None:
    answers = [offline_client.post(WEBHOOK_PATH, data=b"BODY", headers=headers) for headers in UNPROVEN.values()]
    answers.append(post(offline_client, b"[]"))

    problems = [
        {name: value for name, value in json.loads(answer.data).items() if name != "request_id"} for answer in answers
    ]
    assert problems == [problems[0]] * 6


def test_refusals_are_logged_one_line_per_reason_with_their_count_and_nothing_of_what_was_sent(
    offline_client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        offline_client.post(
            WEBHOOK_PATH, data=b"BODY of a stranger", headers={"Stripe-Signature": "\x1b[31m t=HEADER of a stranger"}
        )
    refusals._next_line_at.clear()
    offline_client.post(WEBHOOK_PATH, data=b"BODY", headers={"Stripe-Signature": "HEADER"})

    assert logged_refusals(caplog) == [("malformed", 1), ("malformed", 50)]
    assert not [record for record in caplog.records if "BODY" in str(vars(record)) or "HEADER" in str(vars(record))]


def test_flood_of_refusals_is_no_flood_of_lines(offline_client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    for _ in range(200):
        offline_client.post(WEBHOOK_PATH, data=b"BODY")

    assert len(caplog.records) == 1


def test_every_configured_secret_is_taken_until_it_is_retired(web_tools: Tools, engine: Engine) -> None:
    company_with(engine, ACCOUNT)
    during = app_with(replace(web_tools, webhook_secrets=("whsec_new", SECRET))).test_client()
    after = app_with(replace(web_tools, webhook_secrets=("whsec_new",))).test_client()
    bodies = [invoice_event() for _ in range(3)]
    both = (
        signed(bodies[2])["Stripe-Signature"]
        + ","
        + signed(bodies[2], secret="whsec_new")["Stripe-Signature"].partition(",")[2]
    )

    assert post(during, bodies[0], secret="whsec_new").status_code == 200
    assert post(during, bodies[1], secret=SECRET).status_code == 200
    assert during.post(WEBHOOK_PATH, data=bodies[2], headers={"Stripe-Signature": both}).status_code == 200
    assert post(after, invoice_event(), secret=SECRET).status_code == 400
    assert count(engine, "event") == 3


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_over_the_limit_is_refused_whether_or_not_it_tells_its_length(
    offline_client: FlaskClient, size: int, *, is_chunked: bool
) -> None:
    body = invoice_event().ljust(size)
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": None} if is_chunked else {}

    answer = offline_client.post(WEBHOOK_PATH, data=body, headers=signed(body), environ_overrides=environ)

    assert (answer.status_code, answer.json and answer.json["code"]) == (413, "body_too_large")


def test_body_as_large_as_the_limit_is_kept(client: FlaskClient, engine: Engine) -> None:
    assert post(client, invoice_event().ljust(MAX_BODY_BYTES)).status_code == 200
    assert count_stored(engine) == 1


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "identity, gzip", "zstd"])
def test_compressed_body_is_refused_and_never_inflated(offline_client: FlaskClient, encoding: str) -> None:
    body = gzip.compress(invoice_event())

    assert (
        offline_client.post(WEBHOOK_PATH, data=body, headers=signed(body) | {"Content-Encoding": encoding}).status_code
        == 415
    )


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_body_of_another_kind_than_json_is_refused(offline_client: FlaskClient, content_type: str) -> None:
    body = invoice_event()

    answer = offline_client.post(WEBHOOK_PATH, data=body, headers=signed(body) | {"Content-Type": content_type})

    assert (answer.status_code, answer.json and answer.json["code"]) == (400, "not_json")


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}])
@pytest.mark.parametrize("below", ["", "/accounts/acct_1"])
def test_request_that_is_not_signed_learns_nothing_of_its_content_type_or_encoding(
    offline_client: FlaskClient, below: str, headers: dict[str, str]
) -> None:
    answer = offline_client.post(WEBHOOK_PATH + below, data=b"BODY", headers=headers)

    assert (answer.status_code, answer.json and answer.json["code"]) == (400, "unacceptable_webhook")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", [WEBHOOK_PATH, WEBHOOK_PATH + "/"])
def test_only_post_is_answered_and_nothing_redirects(offline_client: FlaskClient, method: str, path: str) -> None:
    answer = offline_client.open(path, method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_trailing_slash_or_plain_http_behind_a_proxy_redirects_nobody(app: Flask, engine: Engine) -> None:
    bodies = [invoice_event(), invoice_event()]
    plain = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "elsewhere.test"}

    assert app.test_client().post(WEBHOOK_PATH + "/", data=bodies[0], headers=signed(bodies[0])).status_code == 200
    assert app.test_client().post(WEBHOOK_PATH, data=bodies[1], headers=signed(bodies[1]) | plain).status_code == 200
    assert count_stored(engine) == 2
