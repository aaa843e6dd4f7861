"""Schemas of webhook endpoints and their deliveries."""

from marshmallow import Schema, fields, validate

from app.api.schemas import DEFAULT_LIMIT
from app.http.fields import Flag, Instant, WholeNumber, Words
from notices.vocabulary import WEBHOOK_TYPES

_MOST_DELIVERIES = 100
_LONGEST_URL = 2000
_TYPES = "; ".join(f"`{name}`: {meaning}" for name, meaning in WEBHOOK_TYPES.items())


class EndpointTypes(fields.List[str]):
    """Types of webhooks, each once; those of a response may be newer than the reader."""

    def __init__(self, **kwargs: object) -> None:
        one = fields.String(validate=validate.OneOf(WEBHOOK_TYPES))
        unique = validate.Length(1, len(WEBHOOK_TYPES))
        super().__init__(one, validate=unique, metadata={"description": _TYPES, "uniqueItems": True}, **kwargs)  # type: ignore[arg-type]


class NewEndpoint(Schema):
    """A webhook endpoint to create."""

    url = fields.String(required=True, validate=validate.Length(1, _LONGEST_URL))
    types = EndpointTypes(load_default=lambda: list(WEBHOOK_TYPES))
    description = Words(load_default=None, allow_none=True)


class EndpointChanges(Schema):
    """What to change of a webhook endpoint; what is left out stays."""

    url = fields.String(validate=validate.Length(1, _LONGEST_URL))
    types = EndpointTypes()
    description = Words(allow_none=True)
    is_enabled = Flag()


class WebhookEndpoint(Schema):
    """A webhook endpoint."""

    object = fields.Constant("webhook_endpoint")
    id = fields.Integer()
    url = fields.String()
    description = fields.String(allow_none=True)
    types = fields.List(fields.String())
    is_enabled = fields.Boolean()
    disabled_at = Instant(allow_none=True)
    disabled_because = fields.String(allow_none=True, metadata={"description": "by_hand or failing."})
    failing_since = Instant(allow_none=True, metadata={"description": "Since when every attempt has failed."})
    created_at = Instant()


class WebhookEndpointWithSecret(WebhookEndpoint):
    """A webhook endpoint with the secret that verifies its webhooks: it is shown this once."""

    secret = fields.String()


class WebhookEndpointList(Schema):
    """All webhook endpoints of a company, oldest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(WebhookEndpoint))
    has_more = fields.Constant(False)  # noqa: FBT003 - a value


class DeliveriesQuery(Schema):
    """Which page of deliveries to return."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, _MOST_DELIVERIES))
    before = WholeNumber(validate=validate.Range(1, 2**63 - 1))


class DeliveryAttempt(Schema):
    """What an endpoint answered: a status, or an error if there was no answer."""

    number = fields.Integer()
    started_at = Instant()
    duration_ms = fields.Integer()
    status = fields.Integer(allow_none=True)
    answer = fields.String(allow_none=True, metadata={"description": "The first 1,024 bytes of the answer."})
    error = fields.String(allow_none=True)


class WebhookDelivery(Schema):
    """A webhook to one endpoint."""

    object = fields.Constant("webhook_delivery")
    id = fields.Integer()
    webhook_id = fields.String(
        attribute="message_id", metadata={"description": "The webhook-id header: the same in every attempt."}
    )
    type = fields.String()
    occurred_at = Instant()
    status = fields.String(metadata={"description": "waiting, delivered or failed (given up after three days)."})
    due_at = Instant(metadata={"description": "When it is sent next, if it is waiting."})
    ended_at = Instant(allow_none=True)
    body = fields.String(allow_none=True, metadata={"description": "What is sent, byte for byte; null before that."})
    attempts = fields.List(fields.Nested(DeliveryAttempt))


class WebhookDeliveryList(Schema):
    """Deliveries, newest first. For the next page, set `before` to the last `id` returned."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(WebhookDelivery))
    has_more = fields.Boolean()
