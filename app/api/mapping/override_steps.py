"""Override what rules say, for the API and the pages alike: find the lines, check the outcome, record both."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort
from flask_smorest import abort as refuse

from app.api.mapping.deciding import at_desk
from app.api.revenue_lines import list_of, mode_of
from app.wiring.tools import current_tools
from mapping import overrides
from mapping.recorded import Desk
from mapping.streams import streams_at
from mapping.undo import undo_batch
from projections.mapping.decisions.payloads import Json, LineKey
from projections.reads.mapping.mappable_lines import (
    MappableLine,
    has_subscription,
    lines_meeting,
    lines_with_keys,
    money_of,
)
from projections.reads.snapshots import snapshot_of
from projections.reads.table.lines import find_line

Body = Mapping[str, Any]


def override_line(company_id: int, line_id: str, body: Body, livemode: bool | None) -> dict[str, object]:  # noqa: FBT001
    """Map a line by hand, and return the override. Commits; 404 if there is no such line."""
    line = _line(company_id, line_id, livemode)

    def decide(desk: Desk) -> dict[str, object]:
        recorded = overrides.override_line(desk, line, _outcome(desk, body), body["reason"])
        where = {name: getattr(line, name) for name in line.__struct_fields__}
        chosen = {"outcome": recorded.outcome, "reason": recorded.reason}
        return {**where, **chosen, "batch_id": recorded.batch_id}

    return at_desk(company_id, decide)


def release_line(company_id: int, line_id: str, livemode: bool | None) -> None:  # noqa: FBT001 - not a switch: a value
    """Take the override of a line away, if it has one. Commits; may be repeated; 404 if there is no such line."""
    line = _line(company_id, line_id, livemode)
    at_desk(company_id, lambda desk: overrides.release_line(desk, line))


def override_subscription(
    company_id: int,
    subscription_id: str,
    body: Body,
    livemode: bool | None,  # noqa: FBT001 - not a switch: a value
) -> dict[str, object]:
    """Map a subscription's lines by hand, and return the override. Commits; 404 if no line belongs to it."""
    mode = _mode_of_subscription(company_id, subscription_id, livemode)

    def decide(desk: Desk) -> dict[str, object]:
        outcome = _outcome(desk, body)
        recorded = overrides.override_subscription(desk, subscription_id, outcome, body["reason"], livemode=mode)
        where = {"livemode": mode, "subscription_id": subscription_id}
        return {**where, "outcome": recorded.outcome, "reason": recorded.reason}

    return at_desk(company_id, decide)


def release_subscription(company_id: int, subscription_id: str, livemode: bool | None) -> None:  # noqa: FBT001
    """Take the override of a subscription away, if it has one. Commits; 404 if no line belongs to it."""
    mode = _mode_of_subscription(company_id, subscription_id, livemode)
    at_desk(company_id, lambda desk: overrides.release_subscription(desk, subscription_id, livemode=mode))


def would_override(company_id: int, body: Body) -> dict[str, object]:
    """Return what the lines of a filter come to, having checked the outcome. Records nothing."""
    at_desk(company_id, lambda desk: _outcome(desk, body))
    return _batch(None, _lines(company_id, body))


def override_lines(company_id: int, body: Body, *, key: str | None) -> dict[str, object]:
    """Map the lines of a filter by hand, and return the batch. Commits; under one `key`, only once."""

    def earlier(desk: Desk) -> tuple[str, list[LineKey]] | None:
        return overrides.batch_recorded_before(desk, _outcome(desk, body), body["reason"])

    if key is not None and (before := at_desk(company_id, earlier, key=key)):
        return _recorded(company_id, *before)
    lines = _lines(company_id, body)
    if not lines:
        refuse(422, messages={"json": {"filter": ["No line meets this filter."]}})
    keys = [LineKey(line.livemode, line.invoice_id, line.invoice_line_item_id) for line in lines]

    def decide(desk: Desk) -> str:
        return overrides.override_lines(desk, keys, _outcome(desk, body), body["reason"])

    return _batch(at_desk(company_id, decide, key=key), lines)


def these_lines(company_id: int, keys: Sequence[tuple[str, str]], livemode: bool | None) -> list[MappableLine]:  # noqa: FBT001
    """Return the lines with these invoice and line ids, as far as they are in the table."""
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        mode = mode_of(snapshot.connection, company_id, livemode)
        return lines_with_keys(snapshot, keys, livemode=mode)


def lines_of(company_id: int, chosen: Body) -> list[MappableLine]:
    """Return the lines that a filter chooses; 422 if they are too many."""
    return _lines(company_id, {"filter": chosen})


def override_chosen(company_id: int, lines: Sequence[MappableLine], body: Body, *, key: str) -> str:
    """Map lines by hand, and return the id of the batch. Commits; under one `key`, only once."""
    keys = [LineKey(line.livemode, line.invoice_id, line.invoice_line_item_id) for line in lines]

    def decide(desk: Desk) -> str:
        outcome = _outcome(desk, body)
        before = overrides.batch_recorded_before(desk, outcome, body["reason"])
        return before[0] if before else overrides.override_lines(desk, keys, outcome, body["reason"])

    return at_desk(company_id, decide, key=key)


def undo(company_id: int, batch_id: str) -> None:
    """Undo a batch. Commits; 404 if there is none.

    :raises LaterFactsError: later facts are about the same lines
    """
    at_desk(company_id, lambda desk: undo_batch(desk, batch_id))


def _outcome(desk: Desk, body: Body) -> Json:
    streams = streams_at(desk.connection, desk.company_id)
    return overrides.usable_outcome(body["outcome"], streams, pointer="/json/outcome")


def _line(company_id: int, line_id: str, livemode: bool | None) -> LineKey:  # noqa: FBT001 - not a switch: a value
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        mode = mode_of(snapshot.connection, company_id, livemode)
        row = None if "\x00" in line_id else find_line(snapshot, line_id, livemode=mode)
    if row is None:
        abort(404)
    return LineKey(row.livemode, row.invoice_id, row.invoice_line_item_id)


def _mode_of_subscription(company_id: int, subscription_id: str, livemode: bool | None) -> bool:  # noqa: FBT001
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        mode = mode_of(snapshot.connection, company_id, livemode)
        if "\x00" in subscription_id or not has_subscription(snapshot, subscription_id, livemode=mode):
            abort(404)
    return mode


def _lines(company_id: int, body: Body) -> list[MappableLine]:
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        chosen = list_of(snapshot, {**body["filter"], "sort": "-date"}).line_filter
        lines = lines_meeting(snapshot, chosen, limit=overrides.MOST_LINES + 1)
    if len(lines) > overrides.MOST_LINES:
        says = f"More than {overrides.MOST_LINES:,} lines meet this filter. Choose fewer, or write a rule."
        refuse(422, messages={"json": {"filter": [says]}})
    return lines


def _recorded(company_id: int, batch_id: str, keys: list[LineKey]) -> dict[str, object]:
    wanted = [(key.invoice_id, key.invoice_line_item_id) for key in keys]
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        return _batch(batch_id, lines_with_keys(snapshot, wanted, livemode=keys[0].livemode))


def _batch(batch_id: str | None, lines: list[MappableLine]) -> dict[str, object]:
    return {"id": batch_id, "lines": len(lines), "money": money_of(lines)}
