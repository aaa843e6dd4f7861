"""Syncs as the contract and its OpenAPI document tell them."""

from marshmallow import Schema, fields, validate

from app.api.schemas import DEFAULT_LIMIT, MAX_LIMIT
from app.http.fields import IdempotencyKey, Instant, WholeNumber
from backlog.sync_vocabulary import DIFFERENCES, PHASES, STATUSES, TRIGGERS


class SyncRequest(Schema):
    """What comes with asking for a sync."""

    idempotency_key = IdempotencyKey(
        metadata={"description": "The same key gives the same sync, also when it is over."}
    )


class SyncsQuery(Schema):
    """How to list syncs."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))


class ResumedStream(Schema):
    """What comes with listening again."""

    last_event_id = fields.String(
        data_key="Last-Event-ID",
        metadata={"description": "The id of the last event received: what it told is not told again."},
    )


class SyncCounts(Schema):
    """What a sync has done so far."""

    invoices_listed = fields.Integer(metadata={"description": "Invoices that Stripe showed, without drafts."})
    invoices_new = fields.Integer(metadata={"description": "Invoices of which the log knew nothing."})
    invoices_changed = fields.Integer(metadata={"description": "Invoices of which the log knew something else."})
    lines = fields.Integer(metadata={"description": "Lines of the invoices that Stripe showed."})
    prices = fields.Integer(metadata={"description": "Prices fetched because a line named an unknown one."})
    requests = fields.Integer(metadata={"description": "Requests made to Stripe."})
    rate_limited = fields.Integer(metadata={"description": "Requests that Stripe put off."})


class SyncCoverage(Schema):
    """What a sync has read: all invoices created between these instants. Without `from` nothing is read yet."""

    since = Instant(data_key="from", attribute="from", allow_none=True)
    to = Instant(allow_none=True)


class SyncError(Schema):
    """Why a sync failed."""

    code = fields.String(metadata={"description": "Stable, for programs."})
    title = fields.String(metadata={"description": "What happened."})
    what_you_can_do = fields.String()
    detail = fields.String(allow_none=True)


class InvoiceFigures(Schema):
    """What one side tells of an invoice."""

    status = fields.String()
    lines = fields.Integer()
    amount = fields.Integer(metadata={"description": "The sum of its lines, in minor units."})


class SyncDifference(Schema):
    """Something in which the table and Stripe still differ, or that could not be read. Absent fields do not apply."""

    kind = fields.String(metadata={"description": f"One of {', '.join(DIFFERENCES)}."})
    invoice_id = fields.String()
    at_stripe = fields.Nested(InvoiceFigures)
    in_table = fields.Nested(InvoiceFigures)
    currency = fields.String(metadata={"description": "Of both amounts; reports of older releases lack it."})
    resource = fields.String(metadata={"description": "What kind of thing could not be read."})
    object_id = fields.String(metadata={"description": "Which one could not be read."})
    detail = fields.String()


class BookFigures(Schema):
    """What one side counts of one month, status and currency."""

    invoices = fields.Integer()
    lines = fields.Integer()
    amount = fields.Integer(metadata={"description": "The sum of the lines, in minor units."})


class SyncBook(Schema):
    """Both sides' books of the invoices created in one month, of one status and one currency."""

    month = fields.String(metadata={"description": "YYYY-MM, in UTC."})
    status = fields.String()
    currency = fields.String()
    stripe = fields.Nested(BookFigures)
    table = fields.Nested(BookFigures)
    is_equal = fields.Boolean(metadata={"description": "Every invoice and line is the same, not the sums alone."})


class SyncReconciliation(Schema):
    """What the proof found: the table held against everything that Stripe showed."""

    matched = fields.Integer(metadata={"description": "Invoices that are equal on both sides."})
    repaired = fields.Integer(metadata={"description": "Invoices that the sync put right."})
    differences = fields.List(fields.Nested(SyncDifference), metadata={"description": "Empty when all is equal."})
    books = fields.List(fields.Nested(SyncBook), metadata={"description": "Newest month first. Not in lists."})


class SyncRun(Schema):
    """One sync of a company with its Stripe account. Only `succeeded` means that the table equals Stripe's books."""

    object = fields.Constant("sync_run")
    id = fields.Integer()
    company_id = fields.Integer()
    trigger = fields.String(validate=validate.OneOf(TRIGGERS))
    status = fields.String(validate=validate.OneOf(STATUSES))
    phase = fields.String(validate=validate.OneOf(PHASES))
    waits_for = fields.String(allow_none=True, metadata={"description": "stripe, while its limits hold the sync up."})
    is_cancel_requested = fields.Boolean(metadata={"description": "It stops before its next page."})
    requested_at = Instant()
    requested_by = fields.String()
    started_at = Instant(allow_none=True)
    finished_at = Instant(allow_none=True)
    counts = fields.Nested(SyncCounts)
    coverage = fields.Nested(SyncCoverage)
    error = fields.Nested(SyncError, allow_none=True)
    reconciliation = fields.Nested(SyncReconciliation, allow_none=True)


class SyncEvent(Schema):
    """One server-sent event of a sync."""

    event = fields.String(
        validate=validate.OneOf(["progress", "finished"]), metadata={"description": "finished is the last one."}
    )
    id = fields.String(metadata={"description": "Send it as Last-Event-ID to go on from here."})
    data = fields.String(metadata={"description": "The SyncRun as it stands, as JSON on one line."})


class SyncRunList(Schema):
    """A page of syncs, newest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(SyncRun))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
