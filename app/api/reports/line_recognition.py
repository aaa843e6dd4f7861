"""Serve what is recognized of a line: its shares and steps, and each month with the arithmetic that gives it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import abort

from app.api.base import ApiBlueprint
from app.api.reports.line_schemas import LineRecognition
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
