"""The JSON about facts: those that could not be read, those behind a line, and one as it came."""

from marshmallow import Schema, fields, validate

from app.api.schemas import DEFAULT_LIMIT, MAX_LIMIT
from app.http.fields import Flag, Instant, WholeNumber


class QuarantineQuery(Schema):
    """How to list quarantined facts."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    before = WholeNumber(validate=validate.Range(1, 2**63 - 1))


class QuarantinedFact(Schema):
    """A fact about the books that could not be read: it is in the log and not in the table."""

    object = fields.Constant("quarantined_fact")
    position = fields.Integer()
    entity = fields.String(allow_none=True)
    reason = fields.String()
    livemode = fields.Boolean()
    recorded_at = Instant()
    is_resolved = fields.Boolean(metadata={"description": "A later fact about the same invoice was read."})


class QuarantineList(Schema):
    """Quarantined facts, newest first. Continue with `before` = the last position given."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(QuarantinedFact))
    has_more = fields.Boolean()


class HistoryQuery(Schema):
    """Which mode's line to explain."""

    livemode = Flag(metadata={"description": "Default: the connection's own mode."})


class EventReference(Schema):
    """An event of the log, without its body."""

    id = fields.String(metadata={"description": "The source's own id of it: evt_… for Stripe's events."})
    position = fields.Integer()
    type = fields.String()
    source = fields.String(metadata={"description": "stripe: a webhook; stripe.api: an answer; revmap: ourselves."})
    api_version = fields.String(allow_none=True)
    occurred_at = Instant(allow_none=True, metadata={"description": "When it happened, by its source."})
    recorded_at = Instant(metadata={"description": "When we learned it."})


class HistoryStep(Schema):
    """What an event did to a line."""

    object = fields.Constant("history_step")
    event = fields.Nested(EventReference)
    outcome = fields.String(validate=validate.OneOf(["added", "modified", "removed", "ignored"]))
    before = fields.Dict(keys=fields.String(), metadata={"description": "The fields that differ, as they were."})
    after = fields.Dict(keys=fields.String(), metadata={"description": "The fields that differ, as they became."})
    reasons = fields.List(fields.String(), metadata={"description": "Why it counted or did not, for people."})


class History(Schema):
    """Every event about a line, oldest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(HistoryStep))
    position = fields.Integer(metadata={"description": "All events up to this one were looked at."})


class Event(EventReference):
    """An event of the log, with its body as it came."""

    object = fields.Constant("event")
    entity = fields.String(allow_none=True)
    account_id = fields.String(allow_none=True)
    livemode = fields.Boolean()
    correlation_id = fields.UUID(allow_none=True)
    actor = fields.String(allow_none=True)
    payload_sha256 = fields.String()
    payload = fields.String(metadata={"description": "The body, byte for byte; usually JSON."})
