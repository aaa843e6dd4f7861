"""The floor of intake: the least that a durable webhook receiver must do. No log, no queue."""

import json
import os
from queue import LifoQueue

import psycopg
from flask import Flask, Response, request

from app.webhooks.signature import prove_origin
from runtime.clock import utc_now

_CONNECTIONS = 32
_INSERT = "INSERT INTO floor_event (id, payload) VALUES (%s, %b) ON CONFLICT DO NOTHING"

app = Flask(__name__)
_secrets = (os.environ["STRIPE_WEBHOOK_SECRETS"],)
_pool: LifoQueue[psycopg.Connection | None] = LifoQueue()
for _ in range(_CONNECTIONS):
    _pool.put(None)


@app.post("/webhooks/stripe")
def receive() -> Response:
    """Verify, parse, insert and commit: one transaction per request, on a pooled connection."""
    body = request.get_data()
    prove_origin(body, request.headers.get("Stripe-Signature"), _secrets, now=utc_now())
    event_id = json.loads(body)["id"]
    connection = _pool.get() or psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    try:
        connection.execute(_INSERT, (event_id, body))
    finally:
        _pool.put(connection)
    return Response(status=200)


@app.get("/healthz")
def healthz() -> str:
    """Answer that the server is up."""
    return "ok"
