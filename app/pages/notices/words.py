"""What notices, webhooks and their answers are called on pages. Pure."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from app.pages.unreadable import reason_in_words
from notices.letters import Summary, Told, link_of, summary_of
from notices.vocabulary import NOTICE_TYPES, QUARANTINE_OPENED

Tone = Literal["good", "warn", "bad", "calm"]

DELIVERED: Mapping[str, tuple[Tone, str]] = {
    "waiting": ("warn", "Waiting"),
    "delivered": ("good", "Delivered"),
    "failed": ("bad", "Given up"),
}
NOTIFICATIONS: Mapping[str, str] = NOTICE_TYPES


class ShownNotice(NamedTuple):
    """A notice on a page: what it says, the address where something can be done, and since when it is open."""

    summary: Summary
    link: str
    opened_at: object


def shown_notice(row: Any, company_id: int) -> ShownNotice:  # noqa: ANN401 - a row of open notices
    """Return a notice as the page shows it."""
    summary = summary_of(Told(company_id, "", row.type, row.details))
    if row.type == QUARANTINE_OPENED:
        said = reason_in_words(None, row.details.get("reason", ""))
        summary = summary._replace(happened=f"Something is missing from the table. {said}")
    return ShownNotice(summary, link_of(row.type, company_id, ""), row.opened_at)


def standing_of(endpoint: Any) -> tuple[Tone, str]:  # noqa: ANN401 - an endpoint
    """Return the badge of an endpoint: its tone and its word."""
    match (endpoint.disabled_because, endpoint.failing_since):
        case ("failing", _):
            return "bad", "Disabled after failures"
        case ("by_hand", _):
            return "calm", "Disabled"
        case (None, None):
            return "good", "Enabled"
        case _:
            return "warn", "Failing"
