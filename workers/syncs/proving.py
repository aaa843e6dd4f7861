"""Prove that the table equals what Stripe showed, request repairs of what differs, and end the run with the result."""

from sqlalchemy import Connection, text

from backlog.fetch_requests import request_fetches
from backlog.fetches import open_fetches
from backlog.sync_vocabulary import OPTIONAL
from workers.syncs.credit_note_sightings import credit_note_differences
from workers.syncs.endings import Ending, finish
from workers.syncs.leases import Lease, held
from workers.syncs.reconciliation import prove
from workers.wiring.tools import Tools

# How many proofs in a row may find no fewer differences than before.
_MOST_PROOFS = 3
# Of two answers from the same second, nobody knows which is newer.
_NEXT_SECOND = 1.1
_REPAIRABLE = frozenset({"missing", "status_differs", "lines_differ", "not_shown_by_stripe"})

_ENTER = text("UPDATE sync_run SET phase = 'proving' WHERE id = :id AND phase <> 'proving'")
_PROVED = text("""
    UPDATE sync_run r SET differing = :differing,
        proofs = CASE WHEN :differing < coalesce(r.differing, :differing + 1) THEN 0 ELSE r.proofs + 1 END
    WHERE id = :id RETURNING proofs, repaired
""")
_FORBIDDEN = text("SELECT DISTINCT resource FROM sync_segment WHERE run_id = :id AND ended_as = 'forbidden' ORDER BY 1")


def prove_or_repair(tools: Tools, lease: Lease) -> bool:
    """Compare, and request what differs or end the run; return whether it ended. Commits."""
    livemode = lease.account.livemode
    with held(tools.engine, lease) as connection:
        connection.execute(_ENTER, {"id": lease.run_id})
        at = (connection, lease.company_id, lease.run_id, lease.account)
        proof = prove(*at)
        forbidden = _forbidden(connection, lease)
        may_compare = all(one["resource"] != "credit_notes" for one in forbidden)
        notes = credit_note_differences(*at) if may_compare else []
        differing = proof.differing + len(notes)
        row = connection.execute(_PROVED, {"id": lease.run_id, "differing": differing}).one()
        to_repair = {
            "invoice": [one.invoice_id for one in proof.differences if one.kind in _REPAIRABLE],
            "credit_note": [one.credit_note_id for one in notes if one.kind in _REPAIRABLE],
        }
        if any(to_repair.values()) and row.proofs < _MOST_PROOFS:
            for kind, ids in to_repair.items():
                request_fetches(connection, lease.company_id, kind, ids, livemode=livemode, after_seconds=_NEXT_SECOND)
            return False
        lacking = [one for one in forbidden if one["resource"] not in OPTIONAL]
        differences = [one.as_json() for one in proof.differences] + [one.as_json() for one in notes] + lacking
        differences += _not_fetched(connection, lease)
        result: dict[str, object] = {
            "matched": proof.matched,
            "repaired": row.repaired,
            "differences": differences,
            "notices": [one for one in forbidden if one["resource"] in OPTIONAL]
            + [one.as_json() for one in proof.subtotals],
            "books": proof.books,
        }
        ending = Ending("partially_succeeded" if differences else "succeeded", reconciliation=result)
        finish(connection, lease, ending, now=tools.clock(), period_seconds=tools.sync_period_seconds)
        return True


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
