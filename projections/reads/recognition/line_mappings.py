"""Read what lines are mapped to, as a snapshot sees it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, text

from projections.reads.recognition.line_parts import treatment_of
from projections.reads.recognition.rules_version import rules_version_at
from projections.reads.snapshots import Snapshot
from projections.reads.table.part_conditions import UNMAPPED

# The mode and the ids of the invoice and the line.
LineKey = tuple[bool, str, str]

_COLUMNS = """p.livemode, p.invoice_id, p.invoice_line_item_id, p.share, p.layer, p.rule_id, p.stream_id, p.plan_id,
    p.kind, p.basis_points, p.treatment, p.amount"""
_OF_LINES = f"""
    SELECT {_COLUMNS}
    FROM unnest(CAST(:modes AS boolean[]), CAST(:invoices AS text[]), CAST(:lines AS text[]))
         AS k (livemode, invoice_id, line_id)
    JOIN {{table}} p ON p.company_id = :company_id AND p.build = :build AND p.livemode = k.livemode
        AND p.invoice_id = k.invoice_id AND p.invoice_line_item_id = k.line_id AND p.step = 0
        AND p.position <= :position
"""  # noqa: S608 - our own columns
_NOW = text(_OF_LINES.format(table="revenue_part") + " ORDER BY p.share")
_THEN = text(f"""
    SELECT * FROM (
        {_OF_LINES.format(table="revenue_part")} UNION ALL
        {_OF_LINES.format(table="revenue_part_past")} AND p.until > :position
    ) p ORDER BY p.share
""")  # noqa: S608 - our own columns


class LineMapping(NamedTuple):
    """What maps a line, and its shares. `rules_version` is the one in force; None without rules, or if none decides."""

    layer: str
    rule_id: str | None
    rules_version: int | None
    parts: list[dict[str, object]]


def mappings_of(snapshot: Snapshot, lines: Iterable[Row[Any]]) -> dict[LineKey, LineMapping]:
    """Return what each of these lines is mapped to. A table that an older release built has no mappings."""
    keys = sorted({(line.livemode, line.invoice_id, line.invoice_line_item_id) for line in lines})
    if not keys or not snapshot.is_whole:
        return {}
    shares: dict[LineKey, list[Row[Any]]] = defaultdict(list)
    for row in snapshot.connection.execute(_THEN if snapshot.is_past else _NOW, snapshot.bound() | _bound(keys)):
        shares[row.livemode, row.invoice_id, row.invoice_line_item_id].append(row)
    version = rules_version_at(snapshot) or None
    return {
        key: LineMapping(
            found[0].layer,
            found[0].rule_id,
            version if found[0].layer in ("rule", UNMAPPED) else None,
            list(map(_part, found)),
        )
        for key, found in shares.items()
    }


def _bound(keys: Sequence[LineKey]) -> dict[str, object]:
    return {
        "modes": [livemode for livemode, _, _ in keys],
        "invoices": [invoice_id for _, invoice_id, _ in keys],
        "lines": [line_id for _, _, line_id in keys],
    }


def _part(row: Row[Any]) -> dict[str, object]:
    return {
        "stream_id": row.stream_id or None,
        "plan_id": row.plan_id or None,
        "kind": row.kind,
        "bp": row.basis_points,
        "treatment": treatment_of(row),
        "net_amount": row.amount,
    }
