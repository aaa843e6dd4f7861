"""Put sync runs into the states that tests of the API, pages and commands need, without a Stripe to read."""

from sqlalchemy import Engine, text

from backlog.syncs.requests import SyncRun, find_run, request_sync
from tests.support.clock import NOON
from workers.syncs.endings import Ending, finish
from workers.syncs.leases import Lease, claim_run

DIFFERENCES: list[dict[str, object]] = [
    {
        "kind": "lines_differ",
        "invoice_id": "in_1",
        "at_stripe": {"status": "paid", "lines": 3, "amount": 1200},
        "in_table": {"status": "paid", "lines": 2, "amount": 800},
    },
    {"kind": "unreadable", "invoice_id": "in_2", "detail": "an unknown status"},
    {"kind": "not_fetched", "resource": "price", "object_id": "price_1", "detail": "Stripe did not answer"},
]
_FIGURES = {"invoices": 2, "lines": 5, "amount": 700}
BOOKS: list[dict[str, object]] = [
    {
        "month": "2026-02",
        "status": "paid",
        "currency": "usd",
        "stripe": _FIGURES,
        "table": _FIGURES | {"lines": 4},
        "is_equal": False,
    }
]
SUCCEEDED = Ending("succeeded", reconciliation={"matched": 7, "repaired": 2, "differences": [], "books": BOOKS})
PARTIALLY_SUCCEEDED = Ending(
    "partially_succeeded", reconciliation={"matched": 4, "repaired": 0, "differences": DIFFERENCES, "books": BOOKS}
)
FAILED = Ending("failed", error=("stripe_unavailable", "503 from /v1/invoices"))

_SET_OLDEST = text("""
    INSERT INTO sync_segment (run_id, number, company_id, resource, oldest_created)
    VALUES (:run_id, 1, :company_id, 'invoices', :created)
    ON CONFLICT (run_id, number) DO UPDATE SET oldest_created = :created
""")
_SET_LISTED = text("UPDATE sync_run SET invoices_listed = :listed, lines = 3 * :listed WHERE id = :run_id")


def request_run(engine: Engine, company_id: int) -> int:
    """Request a sync run, and return its id."""
    with engine.begin() as connection:
        return int(request_sync(connection, company_id, trigger="manual", actor="tests", now=NOON).id)


def start_run(engine: Engine, company_id: int) -> Lease:
    """Request a sync run, claim it, and return the lease."""
    run_id = request_run(engine, company_id)
    lease = claim_run(engine, now=NOON)
    assert lease is not None
    assert lease.run_id == run_id
    return lease


def record_progress(engine: Engine, lease: Lease, invoices: int, *, back_to_unix_seconds: int) -> None:
    """Record that a running sync has listed so many invoices, back to that time."""
    with engine.begin() as connection:
        connection.execute(_SET_LISTED, {"run_id": lease.run_id, "listed": invoices})
        oldest = {"run_id": lease.run_id, "company_id": lease.company_id, "created": back_to_unix_seconds}
        connection.execute(_SET_OLDEST, oldest)


def finish_run(engine: Engine, lease: Lease, ending: Ending = SUCCEEDED) -> None:
    """End a sync run."""
    with engine.begin() as connection:
        finish(connection, lease, ending, now=NOON, period_seconds=86_400)


def run_of(engine: Engine, company_id: int, run_id: int) -> SyncRun:
    """Return a sync run as it is stored."""
    with engine.connect() as connection:
        run = find_run(connection, company_id, run_id)
    assert run is not None
    return run
