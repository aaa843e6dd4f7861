"""The routes of webhooks: of an account's own endpoint, and of what `app.webhooks.door` could not keep."""

import logging
from dataclasses import replace
from typing import NoReturn

from flask import Blueprint, Response, request

from app.http.bodies import HeldBody, require_json
from app.http.request_log import request_uuid
from app.webhooks.door import MAX_BODY_BYTES, NOT_KEPT, PATH, refusals_noted
from app.webhooks.refusals import note_refusal
from app.webhooks.secrets import webhook_secrets_of
from app.webhooks.signature import UnprovenRequestError, prove_origin, require_signature
from app.wiring.tools import current_tools
from events.intake.envelope import NotAnEventError, event_from_stripe
from events.intake.group_append import NotDurableError
from events.log.append import NewEvent

blueprint = Blueprint("webhooks", __name__)


@blueprint.post(PATH)
def refuse_stripe_event() -> NoReturn:
    """Raise the error for which the door did not keep the event."""
    # Taken out: the error's traceback refers to the environment, and both would be kept with the body.
    error: Exception = request.environ.pop(NOT_KEPT)
    raise error


@blueprint.post(f"{PATH}/accounts/<account_id>")
def receive_event_of_account(account_id: str) -> Response:
    """Append one event of an account's own endpoint. It names no account: the path does, and the secret proves it."""
    tools = current_tools()
    with HeldBody(request, limit_bytes=MAX_BODY_BYTES) as body:
        with refusals_noted():
            event = _event_of_account(body, account_id)
        # Stored as if it had named its account, so that the event is the same at whichever endpoint it arrives.
        tools.appender.append(replace(event, account_id=account_id, external_id=account_id + event.external_id))
    return Response(status=200)


def _event_of_account(body: bytes, account_id: str) -> NewEvent:
    tools, signature = current_tools(), request.headers.get("Stripe-Signature")
    now = tools.clock()
    require_signature(signature)  # before looking up secrets: junk must not cost a connection
    secrets = webhook_secrets_of(tools.engine, tools.box, account_id)
    try:
        prove_origin(body, signature, tuple(secrets.by_mode.values()), now=now)
    except UnprovenRequestError as error:
        if error.reason != "mismatch" or not secrets.is_any_lost:
            raise
        # Maybe it is signed with the secret that does not open: Stripe sends it again until somebody has seen to that.
        note_refusal("secret_lost", level=logging.ERROR)
        raise NotDurableError("the endpoint's secret cannot be opened") from error
    require_json(request)
    event = event_from_stripe(body, correlation_id=request_uuid())
    # The account's other mode may belong to another company, for which this secret proves nothing.
    prove_origin(
        body, signature, [one for livemode, one in secrets.by_mode.items() if livemode == event.livemode], now=now
    )
    if event.account_id is not None:
        raise NotAnEventError("an account's own endpoint is told of no other account")
    return event
