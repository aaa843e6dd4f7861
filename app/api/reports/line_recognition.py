"""Serve what is recognized of a line: its shares and steps, and each month with the arithmetic that gives it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import abort
from marshmallow import Schema, fields

from app.api.base import ApiBlueprint
from app.api.reports.schemas import COLUMNS_OF_CELLS
from app.api.revenue_lines import mode_of
from app.api.schemas import LineQuery
from app.auth.access import for_role
from app.wiring.tools import current_tools
from projections.mapping.mapped import PassedOver
from projections.reads.lines import LineRow, find_line
from projections.reads.recognition.line_parts import list_parts, positions_of_steps, treatment_of
from projections.reads.recognition.rules_version import rules_version_at
from projections.reads.recognition.why_mapped import why_mapped
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.recognition.arithmetic import is_sum_of_months, months_of_shares
from projections.recognition.outcome import REVENUE
from projections.revenue.store.stored_parts import PartRow, part_of

blueprint = ApiBlueprint("recognition of lines", __name__, url_prefix="/v1/companies/<int:company_id>")
_LAYERS = "line_override, subscription_override, rule or unmapped."


class LinePart(Schema):
    """A share of a line."""

    stream_id = fields.String(allow_none=True, metadata={"description": "Null: unmapped."})
    plan_id = fields.String(allow_none=True)
    kind = fields.String(metadata={"description": f"One of {', '.join(COLUMNS_OF_CELLS[:-1])}."})
    bp = fields.Integer(attribute="basis_points", metadata={"description": "How much of the line, in basis points."})
    treatment = fields.Dict(
        allow_none=True,
        metadata={"description": "When it is earned: its kind is period, booked or months. Null if it is no revenue."},
    )
    starts_on = fields.Date(metadata={"description": "The first day over which it is earned."})
    ends_on = fields.Date(metadata={"description": "The day after the last one."})


class LineStep(Schema):
    """A dated change of a line's amount."""

    step = fields.Integer()
    cause = fields.String()
    day = fields.Date(attribute="booked_on")
    day_is_estimated = fields.Boolean(
        metadata={"description": "Whether the event's own day stands in, because Stripe does not say."}
    )
    credit_note_id = fields.String(allow_none=True)
    position = fields.Integer(metadata={"description": "The event behind it."})
    amount = fields.Integer()


class LineMonth(Schema):
    """What a part recognizes in a month. `part` is its place among the parts."""

    month = fields.String()
    part = fields.Integer(attribute="share_number")
    earned = fields.Integer()
    contra = fields.Integer()
    expense = fields.Integer(metadata={"description": "How much of contra is an expense, and reduces no revenue."})
    sum = fields.String(
        metadata={"description": "The arithmetic of earned + contra; round is to whole minor units, halves to even."}
    )


class FailedCondition(Schema):
    """A condition that a line does not meet: what is tested, how, and what the line has."""

    field = fields.String()
    op = fields.String()
    found = fields.Raw(allow_none=True)


class PassedOverRule(Schema):
    """A rule that a line does not meet, and its first condition that fails."""

    rule_id = fields.String()
    failed = fields.Nested(FailedCondition)


class LineMapping(Schema):
    """What mapped a line."""

    layer = fields.String(metadata={"description": _LAYERS})
    rule_id = fields.String(allow_none=True)
    rules_version = fields.Integer(allow_none=True)
    also_matched = fields.List(
        fields.String(),
        allow_none=True,
        metadata={"description": "Other rules that it meets, which come later. Null as of a past moment."},
    )
    passed_over = fields.List(
        fields.Nested(PassedOverRule),
        allow_none=True,
        metadata={"description": "Earlier rules that it does not meet. Null as of a past moment."},
    )


class LineRecognition(Schema):
    """What is recognized of a line. Amounts are in minor units of `currency`."""

    object = fields.Constant("line_recognition")
    invoice_line_item_id = fields.String()
    invoice_id = fields.String()
    currency = fields.String()
    currency_exponent = fields.Integer()
    parts = fields.List(fields.Nested(LinePart))
    steps = fields.List(fields.Nested(LineStep))
    months = fields.List(fields.Nested(LineMonth))
    mapping = fields.Nested(LineMapping)
    sum_check = fields.Boolean(
        metadata={"description": "Whether the arithmetic gives each month as stored, and the months give the steps."}
    )
    position = fields.Integer()


@blueprint.get("/revenue-lines/<line_id>/recognition")
@for_role("viewer")
@blueprint.arguments(LineQuery, location="query")
@blueprint.response(200, LineRecognition)
def get_line_recognition(query: dict[str, Any], company_id: int, line_id: str) -> dict[str, object]:
    """Retrieve what is recognized of a line by month, with the arithmetic of each month in words."""
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        # PostgreSQL's text cannot hold a NUL: no line has such an id.
        line = None if "\x00" in line_id else find_line(snapshot, line_id, livemode=livemode)
        if line is None:
            abort(404)
        rows = list_parts(snapshot, livemode=livemode, invoice_id=line.invoice_id, line_id=line_id)
        mapping = _mapping_of(snapshot, line, rows)
        recognition = recognition_of(line, rows, positions_of_steps(snapshot, line))
        return {**recognition, "mapping": mapping, "position": snapshot.position}


def recognition_of(
    line: LineRow, rows: Sequence[PartRow], positions: Mapping[tuple[str, str | None], int]
) -> dict[str, object]:
    """Return what is recognized of a line, from its parts by share and step, and the positions of its steps."""
    shares = [row for row in rows if row.step == 0]
    parts = list(map(part_of, rows))
    months = months_of_shares(parts, [row.basis_points for row in shares])
    return {
        **{
            name: getattr(line, name)
            for name in ("invoice_line_item_id", "invoice_id", "currency", "currency_exponent")
        },
        "parts": [_share_of(row, line) for row in shares],
        "steps": _steps_of(rows, positions),
        "months": months,
        "sum_check": sum(row.amount for row in shares) == line.net_amount and is_sum_of_months(parts, months),
    }


def _share_of(row: PartRow, line: LineRow) -> dict[str, object]:
    treatment = treatment_of(row)
    if treatment is None and row.kind == REVENUE:
        treatment = {"kind": "period" if line.period_end > line.period_start else "booked"}
    ids = {"stream_id": row.stream_id or None, "plan_id": row.plan_id or None}
    return {**row._asdict(), **ids, "treatment": treatment}


def _steps_of(rows: Sequence[PartRow], positions: Mapping[tuple[str, str | None], int]) -> list[dict[str, object]]:
    steps: dict[int, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row.step):
        step = steps.setdefault(row.step, {**row._asdict(), "day_is_estimated": row.is_booked_estimated, "amount": 0})
        step["amount"] += row.amount
        step["position"] = positions[row.cause, row.credit_note_id]
    return list(steps.values())


def _mapping_of(snapshot: Snapshot, line: LineRow, rows: Sequence[PartRow]) -> dict[str, object] | None:
    if not rows:
        return None
    layer, version, why = rows[0].layer, rules_version_at(snapshot), why_mapped(snapshot, line)
    return {
        "layer": layer,
        "rule_id": rows[0].rule_id,
        "rules_version": version if layer in ("rule", "unmapped") and version else None,
        "also_matched": why and why.also_matched,
        "passed_over": why and list(map(_passed_over, why.passed_over)),
    }


def _passed_over(one: PassedOver) -> dict[str, object]:
    found = one.found.isoformat() if isinstance(one.found, date) else one.found
    return {"rule_id": one.rule_id, "failed": {"field": one.field, "op": one.op, "found": found}}
