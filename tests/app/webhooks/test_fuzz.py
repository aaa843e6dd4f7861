"""Ten thousand requests that nobody at Stripe would send: each is refused, none is kept, and the memory stays flat."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import create_environ, run_wsgi_app

from tests.support.payloads import event
from tests.support.signing import json_bytes, signed
from tests.support.web.webhooks import DOOR, invoice_event, kept

REQUESTS = 10_000
REFUSALS = {400, 405, 413, 415}
TWENTY_MEGABYTES = 20_000  # in kB, as the kernel counts

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
    """Give the memory this process has in use."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def noise(random: Random) -> bytes:
    return random.randbytes(random.choice((0, 1, 10, 1000)))


def cut_off(random: Random) -> bytes:
    body = invoice_event()
    return body[: random.randrange(len(body))]


def lacking(random: Random) -> bytes:
    """Give an event whose envelope is broken in one place."""
    name, value = random.choice(("id", "type", "livemode")), random.choice([one for one in _VALUES if one != "evt_1"])
    return json_bytes(event({}) | {name: 7 if name == "livemode" and isinstance(value, bool) else value})


def no_object(random: Random) -> bytes:
    return json_bytes(random.choice([*_VALUES, [event({})], 10**30]))


def poisoned(random: Random) -> bytes:
    """Give an event with something in it that readers could disagree about."""
    bad = random.choice(
        (b"NaN", b"-Infinity", b"1e999", b'{"a":1,"a":1}', b"[" * 99 + b"]" * 99, b"'x'", b"0x1", b"\xff")
    )
    return invoice_event().replace(b"30000", bad)


AUTHENTIC: list[Callable[[Random], bytes]] = [noise, cut_off, lacking, no_object, poisoned]


def strange_headers(random: Random) -> dict[str, Any]:
    names = random.sample(_HEADERS, random.randint(0, 3))
    headers = {f"HTTP_{name}": "".join(random.choices(_WORDS, k=random.randint(1, 4))) for name in names}
    if random.random() < 0.3:
        headers["CONTENT_TYPE"] = random.choice(_WORDS)
    return headers


def strange_request(random: Random) -> tuple[bytes, dict[str, Any]]:
    """Give a body and an environment: authentic and no event, or an event that does not prove its origin."""
    if random.random() < 0.5:
        body = random.choice(AUTHENTIC)(random)
        return body, {"HTTP_STRIPE_SIGNATURE": signed(body)["Stripe-Signature"]}
    length = {} if random.random() < 0.9 else {"CONTENT_LENGTH": random.choice(("", "-1", "x", "9" * 30, "١"))}
    return random.choice((noise(random), invoice_event())), strange_headers(random) | length


def test_ten_thousand_malformed_requests_are_refused_without_a_trace(app: Flask, engine: Engine) -> None:
    random = Random(20_260_301)
    blank = create_environ(DOOR, method="POST", headers={"Content-Type": "application/json"})

    def ask(body: bytes, environ: dict[str, Any]) -> None:
        asked = blank | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))} | environ
        _, status, _ = run_wsgi_app(app.wsgi_app, asked)
        assert int(status[:3]) in REFUSALS, (status, body, environ)

    for _ in range(REQUESTS // 5):
        ask(*strange_request(random))
    before = resident_kilobytes()
    for _ in range(REQUESTS - REQUESTS // 5):
        ask(*strange_request(random))

    assert resident_kilobytes() - before < TWENTY_MEGABYTES
    assert kept(engine) == 0
