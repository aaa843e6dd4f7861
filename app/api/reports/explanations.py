"""Explain the figures of reports: the lines and steps that each adds up."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from app.api.base import ApiBlueprint
from app.api.reports.explanation_schemas import Explanation, ExplanationQuery
from app.api.revenue_lines import mode_of
from app.auth.access import for_role
from app.wiring.tools import current_tools
from projections.reads.recognition.explained_cells import CellOf, Explained, explain_cell
from projections.reads.recognition.leaf_details import LeafDetails, detail_leaves
from projections.reads.recognition.leaves_statement import AMOUNTS
from projections.reads.recognition.month_rows import Books, list_month_rows
from projections.reads.recognition.report_cells import Range, cells_of
from projections.reads.snapshots import Snapshot, snapshot_of

blueprint = ApiBlueprint(
    "explanations",
    __name__,
    url_prefix="/v1/companies/<int:company_id>",
    description="What the figures of reports are made of.",
)


class Told(NamedTuple):
    """A page of an explanation, and the cell's amounts as the report has them."""

    page: Explained
    leaves: list[LeafDetails]
    cell: tuple[int, ...]
    next_cursor: str | None

    @property
    def is_sum(self) -> bool:
        """Return whether the leaves add up to the cell."""
        return self.page.total == self.cell


@blueprint.get("/explanations")
@for_role("viewer")
@blueprint.arguments(ExplanationQuery, location="query")
@blueprint.response(200, Explanation)
def get_explanation(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """Retrieve the lines and steps that a figure of a report adds up, one page at a time, the largest first."""
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        told, position = explain(snapshot, query), snapshot.position
    names = AMOUNTS[query["report"]]
    data = [
        {
            **leaf._asdict(),
            **of_line,
            **of_part,
            "step_amount": of_part["amount"],
            **dict(zip(names, leaf.amounts, strict=True)),
        }
        for leaf, of_part, of_line in told.leaves
    ]
    if "amount" not in names:
        for leaf in data:
            del leaf["amount"]
    return {
        "data": data,
        "has_more": told.next_cursor is not None,
        "next_cursor": told.next_cursor,
        "position": position,
        "count": told.page.leaf_count,
        "total": dict(zip(names, told.page.total, strict=True)),
        "cell": dict(zip(names, told.cell, strict=True)),
        "sum_check": told.is_sum,
    }


def explain(snapshot: Snapshot, query: Mapping[str, Any]) -> Told:
    """Return the page of an explanation that a query asks for.

    :raises InvalidCursorError: as `CursorSigner.read_leaf`
    :raises NotFoldedYetError: as `explain_cell`
    """
    cursors, cell = current_tools().cursors, _cell_of(snapshot, query)
    digest = sha256(repr((snapshot.company_id, cell, query.get("as_of"))).encode()).hexdigest()[:32]
    after = cursors.read_leaf(digest, query["cursor"]) if "cursor" in query else None
    page = explain_cell(snapshot, cell, limit=query["limit"] + 1, after=after)
    shown = page.leaves[: query["limit"]]
    has_more = len(page.leaves) > len(shown)
    return Told(
        page,
        detail_leaves(snapshot, shown, livemode=cell.livemode) if shown else [],
        _figures(snapshot, cell),
        cursors.write_leaf(digest, shown[-1].mark) if has_more else None,
    )


def _cell_of(snapshot: Snapshot, query: Mapping[str, Any]) -> CellOf:
    named: dict[str, Any] = {name: query[name] for name in ("report", "month", "currency", "by", "kind")}
    # An empty text is how a form names what is unmapped.
    named |= {name: query.get(name) or None for name in ("stream_id", "plan_id")}
    livemode = mode_of(snapshot.connection, snapshot.company_id, query.get("livemode"))
    return CellOf(livemode=livemode, booked_month=query.get("booked_month"), **named)


def _figures(snapshot: Snapshot, of: CellOf) -> tuple[int, ...]:
    """Return the amounts of a cell as its report has them: zeros if it is left out."""
    rows = list_month_rows(snapshot, Books(of.livemode, (of.currency,)))
    names = AMOUNTS[of.report]
    for cell in cells_of(of.report, rows, of.by, Range(of.month, of.month)):
        is_of_kind = getattr(cell, "kind", of.kind) == of.kind
        is_booked_then = getattr(cell, "booked_month", of.booked_month) == of.booked_month
        if cell.group == (of.currency, of.stream_id, of.plan_id) and is_of_kind and is_booked_then:
            return tuple(getattr(cell, name) for name in names)
    return tuple(0 for _ in names)
