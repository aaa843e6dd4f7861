"""Thousands of malformed requests: each is refused, none is stored, and memory use stays flat."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import create_environ, run_wsgi_app

from tests.support.payloads import event
from tests.support.promises import Trials
from tests.support.signing import json_bytes, signed
from tests.support.web.webhooks import WEBHOOK_PATH, count_stored, invoice_event

REFUSALS = {400, 405, 413, 415}
TWENTY_MEGABYTES = 20_000  # in kB, the kernel's unit

_WORDS = [
    "",
    "t=",
    "v1=",
    ",",
    "=",
    "application/json",
    "gzip",
    "identity",
    "chunked",
    "-1",
    "0",
    "1_0",
    "9" * 40,
    "\x00",
]
_WORDS += ["é", "text/xml; charset=ütf", "%s", "' OR 1=1 --", "a" * 5000, "\x1b[2J", "*/*", ";;", '"']
_HEADERS = ["STRIPE_SIGNATURE", "CONTENT_ENCODING", "TRANSFER_ENCODING", "X_FORWARDED_FOR", "COOKIE", "HOST", "EXPECT"]
_VALUES: list[object] = [None, True, -1, 0.5, "", "evt_1", "\x00", "\ud800", [], {}, [[]], {"id": {}}, "x" * 300]


def resident_kilobytes() -> int:
    """Return the resident memory of this process."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def noise(random: Random) -> bytes:
    return random.randbytes(random.choice((0, 1, 10, 1000)))


def cut_off(random: Random) -> bytes:
    body = invoice_event()
    return body[: random.randrange(len(body))]


def broken_envelope(random: Random) -> bytes:
    """Return an event with one broken field in its envelope."""
    name, value = random.choice(("id", "type", "livemode")), random.choice([one for one in _VALUES if one != "evt_1"])
    return json_bytes(event({}) | {name: 7 if name == "livemode" and isinstance(value, bool) else value})


def not_an_event(random: Random) -> bytes:
    return json_bytes(random.choice([*_VALUES, [event({})], 10**30]))


def ambiguous_json(random: Random) -> bytes:
    """Return an event with JSON that parsers may read differently."""
    bad = random.choice(
        (b"NaN", b"-Infinity", b"1e999", b'{"a":1,"a":1}', b"[" * 99 + b"]" * 99, b"'x'", b"0x1", b"\xff")
    )
    return invoice_event().replace(b"30000", bad)


AUTHENTIC: list[Callable[[Random], bytes]] = [noise, cut_off, broken_envelope, not_an_event, ambiguous_json]


def strange_headers(random: Random) -> dict[str, Any]:
    names = random.sample(_HEADERS, random.randint(0, 3))
    headers = {f"HTTP_{name}": "".join(random.choices(_WORDS, k=random.randint(1, 4))) for name in names}
    if random.random() < 0.3:
        headers["CONTENT_TYPE"] = random.choice(_WORDS)
    return headers


def strange_request(random: Random) -> tuple[bytes, dict[str, Any]]:
    """Return a body and WSGI variables: either signed but not an event, or without a valid signature."""
    if random.random() < 0.5:
        body = random.choice(AUTHENTIC)(random)
        return body, {"HTTP_STRIPE_SIGNATURE": signed(body)["Stripe-Signature"]}
    length = {} if random.random() < 0.9 else {"CONTENT_LENGTH": random.choice(("", "-1", "x", "9" * 30, "١"))}
    return random.choice((noise(random), invoice_event())), strange_headers(random) | length


@pytest.mark.promise(
    "Malformed requests are refused: never answered 500, never stored, memory flat", trials=(1000, 10_000)
)
def test_malformed_requests_are_refused_without_a_trace(app: Flask, engine: Engine, trials: Trials) -> None:
    random = Random(trials.seed)
    blank = create_environ(WEBHOOK_PATH, method="POST", headers={"Content-Type": "application/json"})

    def ask(body: bytes, environ: dict[str, Any]) -> None:
        request = blank | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))} | environ
        _, status, _ = run_wsgi_app(app.wsgi_app, request)
        assert int(status[:3]) in REFUSALS, (status, body, environ)

    for _ in range(trials.count // 5):
        ask(*strange_request(random))
    before = resident_kilobytes()
    for _ in range(trials.count - trials.count // 5):
        ask(*strange_request(random))

    assert resident_kilobytes() - before < TWENTY_MEGABYTES
    assert count_stored(engine) == 0
