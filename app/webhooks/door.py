"""Keep Stripe's events. 200 means that the event is durable, now or before; any other answer: send it again.

The door stands before Flask, whose routing, contexts and response objects take longer than everything that is done with
an event. What cannot be kept goes on to Flask together with the error, which a view raises: so refusals are answered,
counted and logged like those of any other route.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request

from app.http.bodies import HeldBody, require_json
from app.http.request_counts import count_answer
from app.http.request_log import REQUEST_STARTED, REQUEST_UUID
from app.webhooks.deauthorizations import DEAUTHORIZED_BY_STRIPE, close_connection
from app.webhooks.refusals import note_refusal
from app.webhooks.signature import UnprovenRequestError, prove_origin
from app.wiring.tools import Tools
from events.intake.envelope import NotAnEventError, event_from_stripe
from events.intake.strict_json import UnreadableJsonError

PATH = "/webhooks/stripe"
MAX_BODY_BYTES = 1_000_000
# Where the environment of a request has the error for which its event was not kept.
NOT_KEPT = "revmap.not_kept"


class UnacceptableWebhookError(Exception):
    """The request is not authentic, or not an event. The sender learns no more than that."""


def keep_webhook(environ: WSGIEnvironment, start_response: StartResponse, tools: Tools) -> Iterable[bytes] | None:
    """Keep the event of a request to `PATH` and answer it; return None for other requests, and if it was not kept.

    Why it was not kept stands in the environment, for the view that then answers.
    """
    if environ["PATH_INFO"].removesuffix("/") != PATH or environ["REQUEST_METHOD"] != "POST":
        return None
    environ[REQUEST_STARTED], environ[REQUEST_UUID] = time.monotonic(), uuid4()
    try:
        _keep(Request(environ, populate_request=False), tools, environ[REQUEST_UUID])
    except Exception as error:  # noqa: BLE001 - raised again by the view
        environ[NOT_KEPT] = error
        return None
    count_answer("POST", PATH, 200, time.monotonic() - environ[REQUEST_STARTED])
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "0")])
    return []


def _keep(request: Request, tools: Tools, correlation_id: UUID) -> None:
    # For refusals see `UnacceptableWebhookError`, `BodyTooLargeError` and `NotDurableError`.
    with HeldBody(request, limit_bytes=MAX_BODY_BYTES) as body:
        with refusals_noted():
            prove_origin(body, request.headers.get("Stripe-Signature"), tools.webhook_secrets, now=tools.clock())
            # Only now: who cannot sign learns nothing else of what is wrong with the request.
            require_json(request)
            event = event_from_stripe(body, correlation_id=correlation_id)
        tools.appender.append(event)
    if event.type == DEAUTHORIZED_BY_STRIPE:
        # Done before answering: if it fails, Stripe sends the event again.
        close_connection(tools.engine, event, now=tools.clock())


@contextmanager
def refusals_noted() -> Iterator[None]:
    """Count and log what is not authentic or not an event.

    :raises UnacceptableWebhookError: in its place
    """
    try:
        yield
    except UnprovenRequestError as error:
        note_refusal(error.reason)
        raise UnacceptableWebhookError from error
    except (UnreadableJsonError, NotAnEventError) as error:
        note_refusal("not_an_event")
        raise UnacceptableWebhookError from error
