"""The first steps of a company: connect, sync, map, and read the first report."""

from typing import NamedTuple

from backlog.syncs.health import ConnectionHealth


class Step(NamedTuple):
    """A step: what to do, where, and whether it is done. The first one that is not is the next one."""

    title: str
    says: str
    action: str
    address: str
    is_done: bool
    is_next: bool = False


def first_steps(company_id: int, stripe: ConnectionHealth, *, groups: str, is_drafted: bool) -> list[Step]:
    """Return the steps. `groups` says how many groups are unmapped; `is_drafted` that all of them are in the draft."""
    is_connected = stripe.status != "pending_authorization"
    mapping = (
        "Everything is in the draft. Preview and publish it."
        if is_drafted
        else "Choose a stream for each group below. Nothing counts until the rules are published."
    )
    steps = [
        Step(
            "Connect Stripe",
            "On Stripe's own page. We only read.",
            "Connect",
            f"/settings/integrations?company={company_id}",
            is_connected,
        ),
        Step(
            "Let the first sync finish",
            "It reads every finalized invoice, and compares the books.",
            "Follow the sync",
            f"/companies/{company_id}/syncs",
            stripe.last_success_at is not None,
        ),
        Step(
            f"Map your {groups} products" if groups not in ("", "1") else "Map your products",
            mapping,
            "Publish the rules" if is_drafted else "",
            f"/companies/{company_id}/rules",
            not groups and stripe.last_success_at is not None,
        ),
        Step(
            "Read your first report",
            "Recognized and deferred revenue by month and stream, each figure explained.",
            "Open the report",
            f"/companies/{company_id}/recognition",
            is_done=False,
        ),
    ]
    following = next(place for place, step in enumerate(steps) if not step.is_done)
    return [step._replace(is_next=place == following) for place, step in enumerate(steps)]
