"""Receive Stripe's events. 200 means that the event is durable, now or before; any other answer: send it again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Response, request

from app.http.bodies import HeldBody
from app.http.request_log import request_uuid
from app.webhooks.deauthorizations import DEAUTHORIZED_BY_STRIPE, close_connection
from app.webhooks.refusals import note_refusal
from app.webhooks.secrets import webhook_secrets_of
from app.webhooks.signature import UnprovenRequestError, prove_origin, require_signature
from app.wiring.tools import current_tools
from events.intake.envelope import NotAnEventError, event_from_stripe
from events.intake.strict_json import UnreadableJsonError
from events.log.append import NewEvent

MAX_BODY_BYTES = 1_000_000

blueprint = Blueprint("webhooks", __name__)


class UnacceptableWebhookError(Exception):
    """The request is not authentic, or not an event. The sender learns no more than that."""


@blueprint.post("/webhooks/stripe")
def receive_stripe_event() -> Response:
    """Append one event. For refusals see `UnacceptableWebhookError`, `BodyTooLargeError` and `NotDurableError`."""
    tools = current_tools()
    with HeldBody(request, limit_bytes=MAX_BODY_BYTES) as body:
        event = _proven_event(body, tools.webhook_secrets, now=tools.clock())
        tools.appender.append(event)
    if event.type == DEAUTHORIZED_BY_STRIPE:
        # Done before answering: if it fails, Stripe sends the event again.
        close_connection(tools.engine, event, now=tools.clock())
    return Response(status=200)


@blueprint.post("/webhooks/stripe/accounts/<account_id>")
def receive_event_of_account(account_id: str) -> Response:
    """Append one event of an account's own endpoint. It names no account: the path does, and the secret proves it."""
    tools = current_tools()
    with HeldBody(request, limit_bytes=MAX_BODY_BYTES) as body:
        with _refusals_noted():
            event = _event_of_account(body, account_id)
        # Stored as if it had named its account, so that the event is the same at whichever endpoint it arrives.
        tools.appender.append(replace(event, account_id=account_id, external_id=account_id + event.external_id))
    return Response(status=200)


def _proven_event(body: bytes, secrets: Sequence[str], *, now: datetime) -> NewEvent:
    with _refusals_noted():
        prove_origin(body, request.headers.get("Stripe-Signature"), secrets, now=now)
        return event_from_stripe(body, correlation_id=request_uuid())


def _event_of_account(body: bytes, account_id: str) -> NewEvent:
    tools, signature = current_tools(), request.headers.get("Stripe-Signature")
    now = tools.clock()
    require_signature(signature)  # before looking up secrets: junk must not cost a connection
    secrets = webhook_secrets_of(tools.engine, tools.box, account_id)
    prove_origin(body, signature, tuple(secrets.values()), now=now)
    event = event_from_stripe(body, correlation_id=request_uuid())
    # The account's other mode may belong to another company, for which this secret proves nothing.
    prove_origin(body, signature, [one for livemode, one in secrets.items() if livemode == event.livemode], now=now)
    if event.account_id is not None:
        raise NotAnEventError("an account's own endpoint is told of no other account")
    return event


@contextmanager
def _refusals_noted() -> Iterator[None]:
    try:
        yield
    except UnprovenRequestError as error:
        note_refusal(error.reason)
        raise UnacceptableWebhookError from error
    except (UnreadableJsonError, NotAnEventError) as error:
        note_refusal("not_an_event")
        raise UnacceptableWebhookError from error
