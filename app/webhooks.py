"""Door: Stripe's events. 200 means durable, now or before; every other answer means: send it again."""

from flask import Blueprint, Response, request

from app.bodies import HeldBody
from app.deauthorizations import DEAUTHORIZED_BY_STRIPE, close_connection
from app.refusals import note_refusal
from app.request_log import request_uuid
from app.stripe_signature import UnprovenRequestError, prove_origin
from app.wiring import Tools, tools
from events.log import NewEvent
from events.strict_json import UnreadableJsonError
from events.stripe_envelope import NotAnEventError, event_from_stripe

MAX_BODY_BYTES = 1_000_000

blueprint = Blueprint("webhooks", __name__)


class UnacceptableWebhookError(Exception):
    """Not authentic, or not an event. The sender learns no more than that."""


@blueprint.post("/webhooks/stripe")
def receive_stripe_event() -> Response:
    """Keep one event. See `UnacceptableWebhookError`, `BodyTooLargeError` and `NotDurableError` for the refusals."""
    hand = tools()
    with HeldBody(request, limit_bytes=MAX_BODY_BYTES) as body:
        event = _proven_event(body, hand)
        hand.appender.append(event)
    if event.type == DEAUTHORIZED_BY_STRIPE:
        # Before the answer: should it fail, Stripe sends the event again.
        close_connection(hand.engine, event, now=hand.clock())
    return Response(status=200)


def _proven_event(body: bytes, hand: Tools) -> NewEvent:
    try:
        prove_origin(body, request.headers.get("Stripe-Signature"), hand.webhook_secrets, now=hand.clock())
        return event_from_stripe(body, correlation_id=request_uuid())
    except UnprovenRequestError as error:
        note_refusal(error.reason)
        raise UnacceptableWebhookError from error
    except (UnreadableJsonError, NotAnEventError) as error:
        note_refusal("not_an_event")
        raise UnacceptableWebhookError from error
