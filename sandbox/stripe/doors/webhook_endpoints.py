"""`/v1/webhook_endpoints`: an account's own endpoints, created and deleted over the API. The secret is shown once.

https://docs.stripe.com/api/webhook_endpoints
"""

import re

from sandbox.stripe.account.endpoints import Endpoint
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.http.access import Caller
from sandbox.stripe.http.errors import ApiError, missing
from sandbox.stripe.http.messages import Answer, Request, json_answer
from sandbox.stripe.records.ids import token

_MOST_OF_AN_ACCOUNT = 16
_WRITE, _READ = "rak_webhook_write", "rak_webhook_read"


def answer_endpoints(stripe: SimulatedStripe, request: Request, caller: Caller) -> Answer:
    """Answer a request.

    :raises ApiError: Stripe refuses it
    """
    match request.method, request.path.strip("/").split("/")[2:]:
        case "POST", []:
            caller.must_have(_WRITE)
            return _create(stripe, request, caller)
        case "GET", []:
            caller.must_have(_READ)
            found = [_document(endpoint) for endpoint in _own(stripe, caller)]
            return json_answer({"object": "list", "url": request.path, "has_more": False, "data": found})
        case "DELETE", [endpoint_id]:
            caller.must_have(_WRITE)
            stripe.remove_endpoint(_found(stripe, caller, endpoint_id))
            return json_answer({"id": endpoint_id, "object": "webhook_endpoint", "deleted": True})
        case _:
            raise ApiError(404, f"Unrecognized request URL ({request.method}: {request.path}).")


def _create(stripe: SimulatedStripe, request: Request, caller: Caller) -> Answer:
    form = request.form
    if "url" not in form:
        raise ApiError(400, "Missing required param: url.", code="parameter_missing", param="url")
    types = [value for name, value in form.items() if re.fullmatch(r"enabled_events\[\d*\]", name)]
    if not types:
        raise ApiError(400, "Missing required param: enabled_events.", code="parameter_missing", param="enabled_events")
    own = _own(stripe, caller)
    if len(own) >= _MOST_OF_AN_ACCOUNT:
        raise ApiError(400, f"You have reached the maximum of {_MOST_OF_AN_ACCOUNT} webhook endpoints.")
    secret = f"whsec_{token(stripe.seed, 'endpoint secret', len(stripe.endpoints), length=32)}"
    endpoint = stripe.add_endpoint(
        form["url"],
        [secret],
        livemode=caller.livemode,
        account_id=caller.account.id,
        api_version=form.get("api_version"),
        types=types,
    )
    return json_answer(_document(endpoint) | {"secret": secret})


def _own(stripe: SimulatedStripe, caller: Caller) -> list[Endpoint]:
    mine = (caller.account.id, caller.livemode)
    return [one for one in stripe.endpoints if not one.connect and (one.account_id, one.livemode) == mine]


def _found(stripe: SimulatedStripe, caller: Caller, endpoint_id: str) -> Endpoint:
    for endpoint in _own(stripe, caller):
        if endpoint.id == endpoint_id:
            return endpoint
    raise missing("webhook endpoint", endpoint_id, param="id")


def _document(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "enabled_events": sorted(endpoint.types),
        "livemode": endpoint.livemode,
        "status": "enabled",
        "url": endpoint.url,
    }
