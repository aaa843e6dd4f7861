"""Schemas of syncs, from which their JSON and the OpenAPI document are made."""

from marshmallow import Schema, fields, validate

from app.api.schemas import DEFAULT_LIMIT, MAX_LIMIT
from app.http.fields import IdempotencyKey, Instant, WholeNumber
from backlog.sync_vocabulary import DIFFERENCES, PHASES, STATUSES, TRIGGERS


class SyncRequest(Schema):
    """The header of a request for a sync."""

    idempotency_key = IdempotencyKey(
        metadata={"description": "Requests with the same key return the same sync, even when it is over."}
    )


class SyncsQuery(Schema):
    """Which page of syncs to return."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))


class ResumedStream(Schema):
    """The header of a client that resumes an event stream."""

    last_event_id = fields.String(
        data_key="Last-Event-ID",
        metadata={"description": "The id of the last event received. That event is not sent again."},
    )


class SyncCounts(Schema):
    """Counts of what a sync has done so far."""

    invoices_listed = fields.Integer(metadata={"description": "Invoices that Stripe returned, excluding drafts."})
    invoices_new = fields.Integer(metadata={"description": "Invoices that were unknown before."})
    invoices_changed = fields.Integer(metadata={"description": "Invoices that differed from what was known."})
    lines = fields.Integer(metadata={"description": "Lines of the invoices that Stripe returned."})
    prices = fields.Integer(metadata={"description": "Prices fetched because a line refers to an unknown price."})
    requests = fields.Integer(metadata={"description": "Requests made to Stripe."})
    rate_limited = fields.Integer(metadata={"description": "Requests that Stripe refused because of its rate limits."})


class SyncCoverage(Schema):
    """What a sync has read: all invoices created between these instants. Without `from`, nothing is read yet."""

    since = Instant(data_key="from", attribute="from", allow_none=True)
    to = Instant(allow_none=True)


class SyncError(Schema):
    """Why a sync failed."""

    code = fields.String(metadata={"description": "A stable code, for programs."})
    title = fields.String(metadata={"description": "What happened."})
    what_you_can_do = fields.String()
    detail = fields.String(allow_none=True)


class InvoiceFigures(Schema):
    """An invoice as one side shows it."""

    status = fields.String()
    lines = fields.Integer()
    amount = fields.Integer(metadata={"description": "The sum of the invoice's lines, in minor units."})


class SyncDifference(Schema):
    """A remaining difference between the table and Stripe, or what could not be read. Absent fields do not apply."""

    kind = fields.String(metadata={"description": f"One of {', '.join(DIFFERENCES)}."})
    invoice_id = fields.String()
    at_stripe = fields.Nested(InvoiceFigures)
    in_table = fields.Nested(InvoiceFigures)
    currency = fields.String(metadata={"description": "The currency of both amounts; absent in older reports."})
    resource = fields.String(
        metadata={"description": "The kind of object that differs or could not be read, unless it is an invoice."}
    )
    object_id = fields.String(metadata={"description": "The id of that object."})
    detail = fields.String()


class SyncNotice(Schema):
    """What could not be read and the lines do not need, what changed meanwhile, or an invoice that does not add up.

    Absent fields do not apply.
    """

    kind = fields.String(metadata={"description": "permission_missing, changed_meanwhile, or subtotal_differs."})
    resource = fields.String(metadata={"description": "The objects that could not be read, or that changed meanwhile."})
    objects = fields.Integer(metadata={"description": "How many changed meanwhile: the next sync compares them."})
    invoice_id = fields.String(metadata={"description": "An invoice whose lines don't add up to its own subtotal."})
    currency = fields.String()
    subtotal = fields.Integer(metadata={"description": "That subtotal, in minor units."})
    lines_subtotal = fields.Integer(
        metadata={"description": "What its lines add up to instead, less the discounts of single lines."}
    )
    detail = fields.String(metadata={"description": "What is missing or wrong, and what to do."})


class BookFigures(Schema):
    """One side's totals for a month, status and currency."""

    invoices = fields.Integer()
    lines = fields.Integer()
    amount = fields.Integer(metadata={"description": "The sum of the lines, in minor units."})


class SyncBook(Schema):
    """Both sides' totals of the invoices created in one month, with one status and one currency."""

    month = fields.String(metadata={"description": "YYYY-MM, in UTC."})
    status = fields.String()
    currency = fields.String()
    stripe = fields.Nested(BookFigures)
    table = fields.Nested(BookFigures)
    is_equal = fields.Boolean(metadata={"description": "Every invoice and line is equal, not only the sums."})


class SyncReconciliation(Schema):
    """The result of comparing the table with everything that Stripe returned."""

    matched = fields.Integer(metadata={"description": "Invoices that are equal on both sides."})
    repaired = fields.Integer(metadata={"description": "Invoices that the sync corrected."})
    differences = fields.List(fields.Nested(SyncDifference), metadata={"description": "Empty if everything is equal."})
    notices = fields.List(
        fields.Nested(SyncNotice), metadata={"description": "What is missing or doubtful though all lines are equal."}
    )
    books = fields.List(fields.Nested(SyncBook), metadata={"description": "Newest month first. Omitted from lists."})


class SyncRun(Schema):
    """A sync of a company with its Stripe account. Only `succeeded` means that the table equals Stripe's books."""

    object = fields.Constant("sync_run")
    id = fields.Integer(metadata={"description": "Unique among all companies; used in URLs."})
    number = fields.Integer(metadata={"description": "Counts the company's syncs from 1, without gaps."})
    company_id = fields.Integer()
    trigger = fields.String(validate=validate.OneOf(TRIGGERS))
    status = fields.String(validate=validate.OneOf(STATUSES))
    phase = fields.String(validate=validate.OneOf(PHASES))
    waits_for = fields.String(
        allow_none=True,
        metadata={"description": "stripe while the sync pauses before its next request, as after a rate limit."},
    )
    is_cancel_requested = fields.Boolean(metadata={"description": "The sync stops before its next page."})
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
        validate=validate.OneOf(["progress", "finished"]), metadata={"description": "finished is the last event."}
    )
    id = fields.String(metadata={"description": "Send it as Last-Event-ID to resume after this event."})
    data = fields.String(metadata={"description": "The current SyncRun, as JSON on one line."})


class SyncRunList(Schema):
    """A page of syncs, newest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(SyncRun))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
