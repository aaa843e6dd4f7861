"""What e-mails about notices say: what happened, what to do, where, and how to get no more of them. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from events.stripe.money import exponent_of
from notices.vocabulary import (
    ACTION_REQUIRED,
    ENDPOINT_DISABLED,
    NOTICE_TYPES,
    QUARANTINE_OPENED,
    STREAM_ARCHIVED,
    SYNC_FAILED,
)


class Letter(NamedTuple):
    """The subject and the text of an e-mail."""

    subject: str
    text: str


class Told(NamedTuple):
    """A notice to write about: its type and details, and the company it concerns."""

    company_id: int
    company_name: str
    type: str
    details: Mapping[str, Any]


class Summary(NamedTuple):
    """A notice in a line, what happened, what to do, and the name of the page where that is done."""

    title: str
    happened: str
    to_do: str
    place: str


def summary_of(told: Told) -> Summary:
    """Return what a notice says."""
    return _BEGINNINGS[told.type](told.details)


def letter_of_beginning(told: Told, public_url: str) -> Letter:
    """Return the e-mail that says that something needs somebody."""
    title, happened, to_do, place = summary_of(told)
    where = f"{place}: {link_of(told.type, told.company_id, public_url)}"
    return _letter(told, title, [happened, f"{to_do}\n{where}"], public_url)


def letter_of_end(told: Told, public_url: str) -> Letter:
    """Return the e-mail that says that it is over."""
    subject, happened = _ENDS[told.type]
    return _letter(told, subject, [happened, link_of(told.type, told.company_id, public_url)], public_url)


def link_of(what: str, company_id: int, public_url: str) -> str:
    """Return the page on which somebody can do something about a notice."""
    match what:
        case "quarantine.opened":
            path = f"/companies/{company_id}/revenue-mapping/quarantine"
        case "sync.failed":
            path = f"/companies/{company_id}/syncs"
        case "stream.archived":
            path = f"/companies/{company_id}/unmapped"
        case "webhook_endpoint.disabled":
            path = f"/companies/{company_id}/settings/webhooks"
        case _:
            path = f"/settings/integrations?company={company_id}"
    return f"{public_url}{path}"


def _letter(told: Told, subject: str, paragraphs: list[str], public_url: str) -> Letter:
    footer = (
        f"You get this because you asked to be told: {NOTICE_TYPES[told.type]}.\n"
        f"To change that: {public_url}/companies/{told.company_id}/settings/notifications"
    )
    return Letter(f"{subject} ({told.company_name})", "\n\n".join([*paragraphs, f"-- \n{footer}"]) + "\n")


def _action_required(_details: Mapping[str, Any]) -> Summary:
    return Summary(
        "Stripe has to be connected again",
        "Stripe no longer lets us read the account. Since then, new invoices do not appear in the table.",
        "Connect Stripe again.",
        "Integrations",
    )


def _sync_failed(details: Mapping[str, Any]) -> Summary:
    error = details.get("error") or {}
    title = error.get("title") or "The last sync failed."
    since = str(details.get("failing_since", ""))[:16].replace("T", " ")
    return Summary(
        "Syncs with Stripe keep failing",
        f"No sync has succeeded since {since} UTC. {title} The table may lack what happened since.",
        error.get("what_you_can_do") or "Look at the syncs.",
        "Sync history",
    )


def _quarantine_opened(details: Mapping[str, Any]) -> Summary:
    reason = details.get("reason", "it could not be read")
    return Summary(
        "Something about the books could not be read",
        f"A fact from Stripe is missing from the table, because of this: {reason}.",
        "See what is missing. The original is kept, and is read as soon as that is possible.",
        "Invoices we couldn't read",
    )


def _endpoint_disabled(details: Mapping[str, Any]) -> Summary:
    return Summary(
        "A webhook endpoint was disabled",
        f"For five days, {details.get('url', 'the endpoint')} accepted no webhook, so we stopped sending to it.",
        "Mend the endpoint, enable it, and send again what it missed.",
        "Webhooks",
    )


def _stream_archived(details: Mapping[str, Any]) -> Summary:
    names, called = details["rules"], details["name"]
    lead = f"The rule “{names[0]}” leads" if len(names) == 1 else f"{len(names)} rules lead"
    billed = ", ".join(_money(one["amount"], one["currency"]) for one in details["billed"])
    size = f" The month before, {billed} of what was billed went there." if billed else ""
    return Summary(
        f"{called} is archived, and rules lead to it",
        f"{lead} to {called}. Lines that were booked before stay in it; later ones are unmapped.{size}",
        f"Have the {'rule' if len(names) == 1 else 'rules'} lead to another stream, or restore {called}.",
        "Unmapped",
    )


def _money(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-exponent_of(currency)):,f} {currency.upper()}"


_BEGINNINGS = {
    ACTION_REQUIRED: _action_required,
    SYNC_FAILED: _sync_failed,
    QUARANTINE_OPENED: _quarantine_opened,
    STREAM_ARCHIVED: _stream_archived,
    ENDPOINT_DISABLED: _endpoint_disabled,
}
_ENDS = {
    ACTION_REQUIRED: ("The connection to Stripe is settled", "Nobody has to act on the connection to Stripe any more."),
    SYNC_FAILED: ("Syncs with Stripe no longer fail", "The syncs with Stripe no longer fail."),
    QUARANTINE_OPENED: (
        "What could not be read has been read",
        "Everything that could not be read for the reason we wrote about has been read since.",
    ),
    STREAM_ARCHIVED: ("No rule leads to the archived stream", "Its rules lead elsewhere by now, or it was restored."),
    ENDPOINT_DISABLED: ("The webhook endpoint is settled", "The webhook endpoint was enabled again, or deleted."),
}
