"""Save Stripe's answers: append what differs from the table to the log, as facts. Commits nothing."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, text

from backlog.fetch_requests import request_fetches
from events.connection.accounts import Account
from events.intake.envelope import NotAnEventError, event_from_stripe, stripe_external_id
from events.intake.strict_json import UnreadableJsonError
from events.log.append import NewEvent, append
from events.stripe.observations import CreditNoteLinesSeen, InvoiceLinesSeen
from events.stripe.subtotal import line_discounts_of, subtotal_of
from events.stripe.words import CREDIT_NOTE_FETCHED, INVOICE_FETCHED, PRICE_FETCHED, observations_of
from projections.reads.effects import Compared, Effect, compare
from projections.revenue.credit_notes import digest_of
from stripe_gateway.objects import decoded, fetched
from stripe_gateway.pages import Listed, Page
from stripe_gateway.refusals import StripeAnswerError
from workers.syncs.changes import count, note_changes
from workers.syncs.credit_note_sightings import NoteShown, note_credit_note_lines, note_credit_notes
from workers.syncs.leases import Lease
from workers.syncs.sightings import Shown, note_lines, note_shown

LISTED_EVENT_SOURCE = "stripe.events"

_KNOWN_EVENTS = text("SELECT external_id FROM event WHERE external_id = ANY (:ids) AND company_id + 0 = :company_id")
_RUN_UNDER_WAY = text("SELECT id FROM sync_run WHERE company_id = :company_id AND status = 'running'")


def keep_page(connection: Connection, lease: Lease, resource: str, page: Page) -> None:
    """Save a page of a list. Safe to repeat: what the log has already is not appended again."""
    match resource:
        case "invoices":
            _keep_invoices(connection, lease, page)
        case "credit_notes":
            _keep_credit_notes(connection, lease, page)
        case "customers" | "products":
            kind = resource.removesuffix("s")
            facts = [fetched(lease.account, kind, listed.id, body, page.answer) for listed, body in page.objects]
            _append_differing(connection, lease.company_id, facts, compare(connection, lease.company_id, facts))
        case _:
            _keep_events(connection, lease, page)


def keep_answer(connection: Connection, account: Account, company_id: int, facts: Sequence[NewEvent]) -> None:
    """Save what was fetched about one object. Safe to repeat."""
    compared = compare(connection, company_id, facts)
    for fact, one in zip(facts, compared, strict=True):
        _note_fetched(connection, company_id, account, fact, one)
    prices = sum(fact.type == PRICE_FETCHED for fact in facts)
    count(connection, company_id, prices=prices)
    _append_differing(connection, company_id, facts, compared)


def _keep_invoices(connection: Connection, lease: Lease, page: Page) -> None:
    final = [(listed, body) for listed, body in page.objects if listed.status != "draft"]
    facts = [fetched(lease.account, "invoice", listed.id, body, page.answer) for listed, body in final]
    compared = compare(connection, lease.company_id, facts)
    shown = [
        Shown(listed, one.invoice, one.unreadable, subtotal_of(body))
        for (listed, body), one in zip(final, compared, strict=True)
    ]
    livemode = lease.account.livemode
    first = note_shown(connection, lease.company_id, lease.run_id, shown, livemode=livemode)
    count(connection, lease.company_id, invoices_listed=first.invoices, lines=first.lines)
    lacking = [listed.id for (listed, _), one in zip(final, compared, strict=True) if one.lacks_lines]
    request_fetches(connection, lease.company_id, "invoice_lines", lacking, livemode=livemode)
    _append_differing(connection, lease.company_id, facts, compared)


def _keep_credit_notes(connection: Connection, lease: Lease, page: Page) -> None:
    facts = [fetched(lease.account, "credit_note", listed.id, body, page.answer) for listed, body in page.objects]
    compared = compare(connection, lease.company_id, facts)
    shown = [
        NoteShown(listed, one.credit_note, one.unreadable)
        for (listed, _), one in zip(page.objects, compared, strict=True)
    ]
    note_credit_notes(connection, lease.company_id, lease.run_id, shown, livemode=lease.account.livemode)
    _append_differing(connection, lease.company_id, facts, compared)


def _keep_events(connection: Connection, lease: Lease, page: Page) -> None:
    account = lease.account
    events = []
    for listed, body in page.objects:
        try:
            event = event_from_stripe(body)
        except (NotAnEventError, UnreadableJsonError) as error:
            raise StripeAnswerError(f"an event that is none: {error}") from error
        if event.account_id not in {None, account.account_id}:
            raise StripeAnswerError("an event of another account")
        identity = stripe_external_id(account.account_id, listed.id, livemode=event.livemode)
        events.append(replace(event, source=LISTED_EVENT_SOURCE, external_id=identity, account_id=account.account_id))
    ids = [event.external_id for event in events]
    known = set(connection.scalars(_KNOWN_EVENTS, {"ids": ids, "company_id": lease.company_id}))
    # A page is newest first; the log is in the order in which things happened.
    missed = [event for event in reversed(events) if event.external_id not in known]
    if missed:
        compared = compare(connection, lease.company_id, missed)
        appended = append(connection, lease.company_id, missed)
        # A webhook may have brought some of them meanwhile: those are no finds of the run. So the head is locked first.
        found = [pair for pair, one in zip(zip(missed, compared, strict=True), appended, strict=True) if one.is_new]
        note_changes(connection, lease.company_id, found)


def _append_differing(
    connection: Connection, company_id: int, facts: Sequence[NewEvent], compared: Sequence[Compared]
) -> None:
    differing = [fact for fact, one in zip(facts, compared, strict=True) if one.effect is not Effect.NOTHING]
    if differing:
        note_changes(connection, company_id, list(zip(facts, compared, strict=True)))
        append(connection, company_id, differing)


def _note_fetched(connection: Connection, company_id: int, account: Account, fact: NewEvent, one: Compared) -> None:
    livemode = account.livemode
    if fact.type in (INVOICE_FETCHED, CREDIT_NOTE_FETCHED):
        run_id = connection.execute(_RUN_UNDER_WAY, {"company_id": company_id}).scalar()
        listed = decoded(fact.payload, Listed)
        if run_id is None or listed.status == "draft":
            return
        if fact.type == CREDIT_NOTE_FETCHED:
            noted = NoteShown(listed, one.credit_note, one.unreadable)
            note_credit_notes(connection, company_id, run_id, [noted], livemode=livemode)
        else:
            shown = Shown(listed, one.invoice, one.unreadable, subtotal_of(fact.payload))
            note_shown(connection, company_id, run_id, [shown], livemode=livemode)
    for seen in observations_of(fact.type, fact.entity, fact.payload):
        if isinstance(seen, InvoiceLinesSeen):
            line_discounts = line_discounts_of(fact.payload)
            note_lines(connection, company_id, seen, line_discounts=line_discounts, livemode=livemode)
        elif isinstance(seen, CreditNoteLinesSeen):
            note_credit_note_lines(connection, company_id, seen.note_id, digest_of(seen.lines), livemode=livemode)
