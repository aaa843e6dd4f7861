"""Serve credit notes: what each takes from which invoice lines."""

from hashlib import sha256
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from app.api.base import ApiBlueprint
from app.api.revenue_lines import mode_of
from app.api.schemas import AS_OF, DEFAULT_LIMIT, MAX_LIMIT
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.http.fields import Flag, Instant, WholeNumber, Words
from app.wiring.tools import current_tools
from events.stripe.credit_note import STATUSES
from projections.reads.credit_notes import CreditNoteFilter, list_credit_notes, mark_of, taken_by
from projections.reads.snapshots import snapshot_of

blueprint = ApiBlueprint("credit notes", __name__, url_prefix="/v1/companies/<int:company_id>")


class CreditNotesQuery(Schema):
    """Which credit notes to return, and which page of them."""

    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})
    invoice_id = Words()
    status = fields.String(validate=validate.OneOf(STATUSES))
    as_of = AS_OF
    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))


class CreditedLine(Schema):
    """What a credit note takes from an invoice line."""

    invoice_line_item_id = fields.String()
    amount = fields.Integer()


class CreditNote(Schema):
    """A credit note. Amounts are integers in minor units of `currency`."""

    object = fields.Constant("credit_note")
    credit_note_id = fields.String()
    number = fields.String(allow_none=True)
    invoice_id = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    effective_on = fields.Date(metadata={"description": "The UTC day of effective_at, or else of its creation."})
    voided_on = fields.Date(allow_none=True)
    currency = fields.String()
    currency_exponent = fields.Integer()
    amount = fields.Integer(metadata={"description": "Stripe's total, with exclusive tax."})
    net_amount = fields.Integer(
        metadata={"description": "What its lines take from revenue: without discounts and any tax."}
    )
    lines = fields.List(
        fields.Nested(CreditedLine),
        metadata={"description": "What it takes now, by invoice line. Empty if it is void, or waits."},
    )
    unapplied_amount = fields.Integer(
        metadata={"description": "The part of net_amount that found no line, or exceeds what was left of it."}
    )
    is_complete = fields.Boolean(metadata={"description": "False while its further lines are being fetched."})
    invoice_known = fields.Boolean(
        attribute="is_invoice_known", metadata={"description": "False while it waits for its invoice."}
    )
    livemode = fields.Boolean()
    position = fields.Integer(metadata={"description": "The position of the event that last changed it."})
    updated_at = Instant()


class CreditNoteList(Schema):
    """A page of credit notes at one moment, the newest day first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(CreditNote))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    position = fields.Integer()


@blueprint.get("/credit-notes")
@for_role("viewer")
@blueprint.arguments(CreditNotesQuery, location="query")
@blueprint.response(200, CreditNoteList)
def get_credit_notes(query: dict[str, Any], company_id: int) -> Response | tuple[dict[str, object], dict[str, str]]:
    """List credit notes with what they take from invoice lines, one page at a time."""
    tools, limit = current_tools(), query["limit"]
    with snapshot_of(tools.engine, company_id, query.get("as_of")) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        of = CreditNoteFilter(livemode=livemode, invoice_id=query.get("invoice_id"), status=query.get("status"))
        text = f"{company_id}|{of.as_text()}|{query.get('as_of')!r}"
        digest = sha256(text.encode()).hexdigest()[:32]
        tag = tag_of(snapshot, "credit notes", digest, limit, query.get("cursor"))
        if unchanged := not_modified(tag):
            return unchanged
        after = tools.cursors.read_credit_note(digest, query["cursor"]) if "cursor" in query else None
        rows = list_credit_notes(snapshot, of, limit=limit + 1, after=after)
        page, has_more = rows[:limit], len(rows) > limit
        answer = {
            "data": list(map(_credit_note_of, page)),
            "has_more": has_more,
            "next_cursor": tools.cursors.write_credit_note(digest, mark_of(page[-1])) if has_more else None,
            "position": snapshot.position,
        }
        return answer, {"ETag": f'"{tag}"'}


def _credit_note_of(row: Row[Any]) -> dict[str, object]:
    lines = [{"invoice_line_item_id": line_id, "amount": amount} for line_id, amount in taken_by(row).items()]
    return {**row._mapping, "lines": lines}  # noqa: SLF001 - SQLAlchemy's public name for it
