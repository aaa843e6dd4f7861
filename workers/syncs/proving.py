"""Prove that the table equals what Stripe showed, request repairs of what differs, and end the run with the result."""

from sqlalchemy import Connection, text

from backlog.fetch_requests import request_fetches
from backlog.fetches import open_fetches
from backlog.sync_vocabulary import OPTIONAL
from workers.syncs.credit_note_sightings import credit_note_differences
from workers.syncs.differences import NoteDifference
from workers.syncs.endings import Ending, finish
from workers.syncs.leases import Lease, held
from workers.syncs.reconciliation import prove
from workers.wiring.tools import Tools

# How many proofs in a row may find no fewer differences than before.
_MOST_PROOFS = 3
# Of two answers from the same second, nobody knows which is newer.
_NEXT_SECOND = 1.1
_REPAIRABLE = frozenset({"missing", "status_differs", "lines_differ", "not_shown_by_stripe"})

_ENTER = text("UPDATE sync_run SET phase = 'proving' WHERE id = :id RETURNING proved_position")
_PROVED = text("""
    UPDATE sync_run r SET differing = :differing, proved_position = :position,
        proofs = CASE WHEN :differing < coalesce(r.differing, :differing + 1) THEN 0 ELSE r.proofs + 1 END
    WHERE id = :id RETURNING proofs, repaired
""")
_FORBIDDEN = text("SELECT DISTINCT resource FROM sync_segment WHERE run_id = :id AND ended_as = 'forbidden' ORDER BY 1")


def prove_or_repair(tools: Tools, lease: Lease, position: int) -> bool:
    """Compare, and request what differs or end the run; return whether it ended. Commits.

    `position`: how far the table has folded the log. What webhooks changed after the position of the proof before may
    be newer than Stripe's answers, and is no difference of this run: a busy company would always have some.
    """
    with held(tools.engine, lease) as connection:
        since = connection.execute(_ENTER, {"id": lease.run_id}).scalar_one()
        proof = prove(connection, lease.company_id, lease.run_id, lease.account, since=since)
        forbidden = _forbidden(connection, lease)
        notes, moving_notes = _compared_credit_notes(connection, lease, forbidden, since)
        differing = {"id": lease.run_id, "differing": proof.differing + len(notes), "position": position}
        proved = connection.execute(_PROVED, differing).one()
        to_repair = {
            "invoice": [one.invoice_id for one in proof.differences if one.kind in _REPAIRABLE] + proof.moving,
            "credit_note": [one.credit_note_id for one in notes if one.kind in _REPAIRABLE] + moving_notes,
        }
        if any(to_repair.values()) and proved.proofs < _MOST_PROOFS:
            _request_soon(connection, lease, to_repair)
            return False
        lacking = [one for one in forbidden if one["resource"] not in OPTIONAL]
        differences = [one.as_json() for one in proof.differences] + [one.as_json() for one in notes] + lacking
        differences += _not_fetched(connection, lease)
        result: dict[str, object] = {
            "matched": proof.matched,
            "repaired": proved.repaired,
            "differences": differences,
            "notices": [one for one in forbidden if one["resource"] in OPTIONAL]
            + [one.as_json() for one in proof.subtotals]
            + _changed_meanwhile({"invoice": proof.moving, "credit_note": moving_notes}),
            "books": proof.books,
        }
        ending = Ending("partially_succeeded" if differences else "succeeded", reconciliation=result)
        finish(connection, lease, ending, now=tools.clock(), period_seconds=tools.sync_period_seconds)
        return True


def _compared_credit_notes(
    connection: Connection, lease: Lease, forbidden: list[dict[str, object]], since: int | None
) -> tuple[list[NoteDifference], list[str]]:
    if any(one["resource"] == "credit_notes" for one in forbidden):
        return [], []
    return credit_note_differences(connection, lease.company_id, lease.run_id, lease.account, since=since)


def _request_soon(connection: Connection, lease: Lease, ids_by_kind: dict[str, list[str]]) -> None:
    livemode = lease.account.livemode
    for kind, ids in ids_by_kind.items():
        request_fetches(connection, lease.company_id, kind, ids, livemode=livemode, after_seconds=_NEXT_SECOND)


def _changed_meanwhile(moving: dict[str, list[str]]) -> list[dict[str, object]]:
    """Return a notice for each resource of which objects changed too late for this run to compare them."""
    return [
        {
            "kind": "changed_meanwhile",
            "resource": resource,
            "objects": len(ids),
            "detail": f"{what} that changed while they were compared: {len(ids)}. The table has them as Stripe's "
            "webhooks say, and the next sync compares them.",
        }
        for resource, what, ids in (
            ("invoices", "Invoices", moving["invoice"]),
            ("credit_notes", "Credit notes", moving["credit_note"]),
        )
        if ids
    ]


def _forbidden(connection: Connection, lease: Lease) -> list[dict[str, object]]:
    return [
        {
            "kind": "permission_missing",
            "resource": resource,
            "detail": OPTIONAL.get(resource, f"The key may not read {resource}."),
        }
        for resource in connection.scalars(_FORBIDDEN, {"id": lease.run_id})
    ]


def _not_fetched(connection: Connection, lease: Lease) -> list[dict[str, object]]:
    return [
        {"kind": "not_fetched", "resource": one.kind, "object_id": one.object_id, "detail": one.error}
        for one in open_fetches(connection, lease.company_id, livemode=lease.account.livemode)
        if one.error is not None
    ]
