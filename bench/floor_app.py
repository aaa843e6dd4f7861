"""The floor of intake: the least that a durable webhook receiver must do. No queue, no rules, no history.

With `FLOOR_ROWS` set, it also writes a row of a table in the same transaction, as a receiver without a log does.
"""

import json
import os
from contextlib import nullcontext
from queue import LifoQueue
from typing import Any

import psycopg
from flask import Flask, Response, request

from app.webhooks.signature import prove_origin
from runtime.clock import utc_now

_CONNECTIONS = 32
_INSERT = "INSERT INTO floor_event (id, payload) VALUES (%s, %b) ON CONFLICT DO NOTHING"
_INSERT_ROW = """
    INSERT INTO floor_row (id, customer_id, status, currency, amount, created) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, amount = excluded.amount
"""

app = Flask(__name__)
_secrets = (os.environ["STRIPE_WEBHOOK_SECRETS"],)
_writes_rows = bool(os.environ.get("FLOOR_ROWS"))
_pool: LifoQueue[psycopg.Connection | None] = LifoQueue()
for _ in range(_CONNECTIONS):
    _pool.put(None)


@app.post("/webhooks/stripe")
def receive() -> Response:
    """Verify, parse, insert and commit: one transaction for each request, on a pooled connection."""
    body = request.get_data()
    prove_origin(body, request.headers.get("Stripe-Signature"), _secrets, now=utc_now())
    event = json.loads(body)
    connection = _pool.get() or psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    try:
        with connection.transaction() if _writes_rows else nullcontext():
            connection.execute(_INSERT, (event["id"], body))
            if _writes_rows:
                connection.execute(_INSERT_ROW, _row(event["data"]["object"]))
    finally:
        _pool.put(connection)
    return Response(status=200)


def _row(invoice: dict[str, Any]) -> tuple[object, ...]:
    return tuple(invoice[name] for name in ("id", "customer", "status", "currency", "total", "created"))


@app.get("/healthz")
def healthz() -> str:
    """Answer that the server is up."""
    return "ok"
