"""Schemas of quarantined facts, of a line's history, and of an event with its body."""

from marshmallow import Schema, fields, validate

from app.api.schemas import DEFAULT_LIMIT, MAX_LIMIT
from app.http.fields import Flag, Instant, WholeNumber


class QuarantineQuery(Schema):
    """Which page of quarantined facts to return."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    before = WholeNumber(validate=validate.Range(1, 2**63 - 1))


class QuarantinedFact(Schema):
    """A fact about the books that could not be read: it is in the log, but not in the table."""

    object = fields.Constant("quarantined_fact")
    position = fields.Integer()
    entity = fields.String(allow_none=True)
    reason = fields.String()
    livemode = fields.Boolean()
    recorded_at = Instant()
    is_resolved = fields.Boolean(metadata={"description": "Whether a later fact about the same object was read."})


class QuarantineList(Schema):
    """Quarantined facts, newest first. For the next page, set `before` to the last `position` returned."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(QuarantinedFact))
    has_more = fields.Boolean()


class HistoryQuery(Schema):
    """The mode of the line to explain, and which page of its history to return."""

    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})
    before = WholeNumber(
        validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "Only steps of events at lower positions than this."},
    )


class EventReference(Schema):
    """An event of the log, without its body."""

    id = fields.String(metadata={"description": "The event's id at its source: evt_… for Stripe's events."})
    position = fields.Integer()
    type = fields.String()
    source = fields.String(
        metadata={"description": "stripe for a webhook, stripe.api for a response of Stripe's API, or revmap."}
    )
    api_version = fields.String(allow_none=True)
    occurred_at = Instant(allow_none=True, metadata={"description": "When it happened, according to its source."})
    recorded_at = Instant(metadata={"description": "When it was recorded in the log."})


class HistoryStep(Schema):
    """The effect of an event on a line."""

    object = fields.Constant("history_step")
    event = fields.Nested(EventReference)
    outcome = fields.String(validate=validate.OneOf(["added", "modified", "removed", "ignored"]))
    before = fields.Dict(
        keys=fields.String(), metadata={"description": "The fields that differ, with their values before."}
    )
    after = fields.Dict(
        keys=fields.String(), metadata={"description": "The fields that differ, with their values after."}
    )
    reasons = fields.List(fields.String(), metadata={"description": "Why it changed the line or not, for people."})


class History(Schema):
    """The newest 1,000 events about a line, oldest first. For older ones, set `before` to the first step's position."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(HistoryStep))
    has_more = fields.Boolean(metadata={"description": "Whether there are older events."})
    position = fields.Integer(metadata={"description": "All events up to this position were considered."})


class Event(EventReference):
    """An event of the log, with its unchanged body."""

    object = fields.Constant("event")
    entity = fields.String(allow_none=True)
    account_id = fields.String(allow_none=True)
    livemode = fields.Boolean()
    correlation_id = fields.UUID(allow_none=True)
    actor = fields.String(allow_none=True)
    payload_sha256 = fields.String()
    payload = fields.String(metadata={"description": "The body, byte for byte; usually JSON."})
