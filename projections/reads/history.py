"""The history of a line: every event about it, with the row before and after, and why."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from sqlalchemy import select, text

from events.log.bulk import BulkEvent
from events.log.read import RecordedEvent, read_at
from projections.facts.facts import Fact, fact_of
from projections.reads.credit_notes import credit_notes_of
from projections.reads.explanations import Explainer
from projections.reads.snapshots import Snapshot
from projections.revenue.row import Row
from projections.revenue.store.past_tables import revenue_line_past
from projections.revenue.store.tables import revenue_line

# Most lines have a handful of events; a price or a customer that is changed by a program may have thousands.
MOST_STEPS = 1000
_LEARNED = frozenset({"position", "updated_at", "customer_order"})

_ABOUT = text("""
    SELECT position FROM event
    WHERE company_id = :company_id AND entity = ANY (:entities) AND position < :before
    ORDER BY position DESC LIMIT :limit
""")


class Step(NamedTuple):
    """What one event did to the line. `outcome`: added, modified, removed or ignored."""

    event: RecordedEvent
    outcome: str
    before: dict[str, object]
    after: dict[str, object]
    reasons: list[str]


class History(NamedTuple):
    """A page of a line's history, oldest step first; `has_more` if there are older ones than these.

    `first` is the line's first row; None if there never was such a line.
    """

    steps: list[Step]
    has_more: bool = False
    first: Row | None = None


class LineVersion(NamedTuple):
    """A row of the line, and the position until which it stood; None: it still stands."""

    row: Row
    until: int | None


def history_of(
    snapshot: Snapshot, line_id: str, *, livemode: bool, before: int | None = None, most: int = MOST_STEPS
) -> History:
    """Return the newest steps of a line of a mode, up to `most`; with `before`, only those at lower positions.

    Each step's `before` and `after` have the fields that differ. If several invoices have the id, it is the line of the
    newest one.
    """
    versions = _versions(snapshot, line_id, livemode=livemode)
    if not versions:
        return History([])
    end = min(before or snapshot.position + 1, snapshot.position + 1)
    positions = _positions(snapshot, versions, before=end, limit=most + 1)
    page, explainer = positions[-most:], Explainer((livemode, versions[-1].row.invoice_id))
    if len(positions) > most:
        _tell_what_came_before(snapshot, explainer, versions, page[0])
    steps = [
        _step(event, explainer, _standing(versions, event.position - 1), _standing(versions, event.position))
        for event in read_at(snapshot.connection, snapshot.company_id, page)
    ]
    return History(steps, len(positions) > most, versions[0].row)


def _versions(snapshot: Snapshot, line_id: str, *, livemode: bool) -> list[LineVersion]:
    now = select(*(revenue_line.c[name] for name in Row._fields)).where(
        revenue_line.c.company_id == snapshot.company_id,
        revenue_line.c.build == snapshot.build,
        revenue_line.c.invoice_line_item_id == line_id,
        revenue_line.c.livemode == livemode,
    )
    past = revenue_line_past.c
    then = select(*(past[name] for name in Row._fields), past.until).where(
        past.company_id == snapshot.company_id,
        past.build == snapshot.build,
        past.invoice_line_item_id == line_id,
        past.livemode == livemode,
    )
    found = [LineVersion(Row(*row), None) for row in snapshot.connection.execute(now)]
    found += [LineVersion(Row(*row), until) for *row, until in snapshot.connection.execute(then)]
    newest = max(((version.row.date, version.row.invoice_id) for version in found), default=None)
    held = (version for version in found if newest and version.row.invoice_id == newest[1])
    return sorted(held, key=lambda version: version.row.position)


def _positions(snapshot: Snapshot, versions: Sequence[LineVersion], *, before: int, limit: int) -> list[int]:
    """Return the last positions below `before` at which something happened to the line, in order."""
    rows = [version.row for version in versions]
    entities = {f"invoice:{rows[0].invoice_id}"}
    entities.update(f"{kind}:{row.price_id}" for row in rows for kind in ("price", "plan"))
    entities.update(f"product:{row.product_id}" for row in rows)
    entities.update(f"credit_note:{note_id}" for note_id in credit_notes_of(snapshot, rows[0].invoice_id))
    entities.update(f"customer:{row.customer_id}" for row in rows)
    about = _about(snapshot, entities, before=before, limit=limit)
    changed = chain.from_iterable((version.row.position, version.until) for version in versions)
    return sorted({*about, *(position for position in changed if position is not None and position < before)})[-limit:]


def _about(snapshot: Snapshot, entities: Iterable[str], *, before: int, limit: int | None) -> list[int]:
    parameters = {"company_id": snapshot.company_id, "before": before, "limit": limit}
    return list(snapshot.connection.execute(_ABOUT, parameters | {"entities": sorted(entities)}).scalars())


def _tell_what_came_before(
    snapshot: Snapshot, explainer: Explainer, versions: Sequence[LineVersion], position: int
) -> None:
    # Why a fact about the invoice counts or not depends on all earlier ones about it, whatever prices and names say.
    earlier = _about(snapshot, {f"invoice:{versions[-1].row.invoice_id}"}, before=position, limit=None)
    for event in read_at(snapshot.connection, snapshot.company_id, earlier):
        explainer.reasons(_fact_of(event), None, None)


def _standing(versions: Sequence[LineVersion], position: int) -> Row | None:
    for row, until in versions:
        if row.position <= position and (until is None or position < until):
            return row
    return None


def _step(event: RecordedEvent, explainer: Explainer, before: Row | None, after: Row | None) -> Step:
    names = [
        name
        for name in Row._fields
        if name not in _LEARNED and getattr(before, name, None) != getattr(after, name, None)
    ]
    fields_before, fields_after = _fields(before, names), _fields(after, names)
    reasons = explainer.reasons(_fact_of(event), before, after)
    return Step(event, _outcome(before, after), fields_before, fields_after, reasons)


def _fact_of(event: RecordedEvent) -> Fact:
    return fact_of(BulkEvent(*(getattr(event, name) for name in BulkEvent._fields)))


def _fields(row: Row | None, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(row, name) for name in names} if row else {}


def _outcome(before: Row | None, after: Row | None) -> str:
    if before is after or (before and after and before.position == after.position):
        return "ignored"
    if before is None:
        return "added"
    return "modified" if after else "removed"
