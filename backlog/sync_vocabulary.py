"""The words for syncs: triggers, statuses, phases, counts, differences and errors, with their texts for people."""

from collections.abc import Mapping
from typing import NamedTuple

TRIGGERS = ("initial", "scheduled", "manual", "reauthorization")
STATUSES: Mapping[str, str] = {
    "queued": "Queued",
    "running": "Running",
    "succeeded": "Succeeded",
    "partially_succeeded": "Partly succeeded",
    "failed": "Failed",
    "canceled": "Canceled",
}
ACTIVE = ("queued", "running")
PHASES: Mapping[str, str] = {
    "queued": "Waiting for its turn",
    "listing": "Reading invoices from Stripe",
    "fetching": "Fetching what is still missing",
    "proving": "Comparing the table with Stripe",
    "finished": "Finished",
}
# Stripe's lists that a run reads. The feed of events is read in two parts, as it takes 20 types at once.
RESOURCES = ("invoices", "credit_notes", "customers", "products", "events", "other_events")
# Without the permission to read these, the lines are complete all the same: a run notes it and can still succeed.
OPTIONAL: Mapping[str, str] = {
    "products": "The connection may not read products, so product names are missing. Allow it to read them, then sync.",
    "credit_notes": "The connection may not read credit notes, so nothing shows what they take from revenue."
    " Allow it to read them, then sync.",
    "other_events": "The connection may not read events about products and credit notes: the daily sync finds changes.",
}
# Columns of the run's row, and members of its `counts`.
COUNTS = ("invoices_listed", "invoices_new", "invoices_changed", "lines", "prices", "requests", "rate_limited")
DIFFERENCES: Mapping[str, str] = {
    "missing": "Missing from the table",
    "status_differs": "Status differs",
    "lines_differ": "Lines differ",
    "not_shown_by_stripe": "Not listed by Stripe",
    "unreadable": "Unreadable",
    "not_fetched": "Could not be fetched",
    "permission_missing": "Permission missing",
}


class SyncError(NamedTuple):
    """What happened, what the reader can do, whether the reader has to act, and what we do ourselves."""

    title: str
    what_you_can_do: str
    has_to_act: bool
    what_we_do: str


_RETRIED = "We'll keep retrying, less and less often, until this is fixed."
ERRORS: Mapping[str, SyncError] = {
    "stripe_unavailable": SyncError(
        "Stripe didn't respond as expected.",
        "Nothing is lost. The next sync starts automatically, and continues where this one stopped. Or start one now.",
        has_to_act=False,
        what_we_do="We'll retry soon, and continue where this sync stopped.",
    ),
    "stripe_key_refused": SyncError(
        "Stripe rejected the platform's key.",
        "Ask your operator to check STRIPE_SECRET_KEY. It may have been rolled, or be for the other mode.",
        has_to_act=True,
        what_we_do=_RETRIED,
    ),
    "secret_lost": SyncError(
        "We can't open the secret with which we read this account.",
        "Connect the account again, or enter its restricted key again. Everything read so far is kept.",
        has_to_act=True,
        what_we_do=_RETRIED,
    ),
    "account_access_lost": SyncError(
        "Stripe no longer lets us read this account.",
        "Reconnect the Stripe account. Everything read so far is kept.",
        has_to_act=True,
        what_we_do="We've stopped reading this account.",
    ),
    "permission_missing": SyncError(
        "We don't have permission to read invoices.",
        "Reconnect with a key or authorization that can read invoices, customers and prices.",
        has_to_act=True,
        what_we_do=_RETRIED,
    ),
    "projection_halted": SyncError(
        "The table stopped updating, so it can't be compared with Stripe.",
        "Ask your operator to run 'flask projections status'. Everything read so far is kept.",
        has_to_act=True,
        what_we_do=_RETRIED,
    ),
    "worker_crashed": SyncError(
        "The workers kept crashing while reading this account.",
        "Ask your operator to check the workers' memory and logs.",
        has_to_act=True,
        what_we_do=_RETRIED,
    ),
}
