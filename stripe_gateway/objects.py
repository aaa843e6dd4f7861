"""Turn Stripe's answers into facts: bodies exactly as received, with the time of the answer."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from events.connection.accounts import Account
from events.intake.envelope import stripe_external_id
from events.log.append import NewEvent
from events.stripe.words import (
    CREDIT_NOTE_FETCHED,
    CREDIT_NOTE_LINES_FETCHED,
    CUSTOMER_FETCHED,
    FETCHED_FROM_STRIPE,
    INVOICE_FETCHED,
    INVOICE_LINES_FETCHED,
    PRICE_FETCHED,
    PRODUCT_FETCHED,
)
from stripe_gateway.client import Answer, Gateway, Tally
from stripe_gateway.refusals import ObjectMissingError, StripeAnswerError

Shape = TypeVar("Shape")

_LINES_A_PAGE = 100
# 251 pages of 100 are more lines than Stripe allows an invoice; a cursor that runs in circles stops here.
_MOST_PAGES = 251
_FACT_OF = {
    "invoice": INVOICE_FETCHED,
    "credit_note": CREDIT_NOTE_FETCHED,
    "customer": CUSTOMER_FETCHED,
    "price": PRICE_FETCHED,
    "product": PRODUCT_FETCHED,
}
# On an invoice that is not final yet, lines may change during paging: then they are read again from the start.
_TRIES_AT_LINES = 3


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class _HasLines(msgspec.Struct):
    lines: _Page | None = None


class _HasId(msgspec.Struct):
    id: str


class _OfInvoice(msgspec.Struct):
    """A credit note: the invoice it is for, and whether more lines are to be fetched."""

    invoice: str | _HasId
    lines: _Page


class _LineOf(msgspec.Struct):
    id: str
    invoice: str | None = None


class _Lines(NamedTuple):
    """The lines of an invoice or a credit note. What is put together of a credit note's names its invoice, too."""

    kind: str
    object_id: str
    invoice_id: str | None = None


class _PagesDoNotFitError(StripeAnswerError):
    pass


def fetch(stripe: Gateway, account: Account, kind: str, object_id: str, tally: Tally) -> list[NewEvent]:
    """Fetch an invoice or a credit note with all its lines, only an invoice's lines, or any other object, as facts.

    :raises StripeAnswerError: as `StripeGateway.ask`, or the answer does not match the request
    """
    match kind:
        case "price" | "product" | "customer":
            answer = _answer_about(object_id, stripe.ask(account, f"{kind}s.get", _path(f"{kind}s", object_id), tally))
            return [fetched(account, kind, object_id, answer.body, answer)]
        case "invoice":
            answer = _answer_about(object_id, stripe.ask(account, "invoices.get", _path("invoices", object_id), tally))
            facts = [fetched(account, kind, object_id, answer.body, answer)]
            lines = decoded(answer.body, _HasLines).lines
            of = _Lines("invoice", object_id)
            return [*facts, _fetched_lines(stripe, account, of, tally)] if lines and lines.has_more else facts
        case "credit_note":
            answer = stripe.ask(account, "credit_notes.get", _path("credit_notes", object_id), tally)
            facts = [fetched(account, kind, object_id, _answer_about(object_id, answer).body, answer)]
            note = decoded(answer.body, _OfInvoice)
            of = _Lines("credit_note", object_id, note.invoice if isinstance(note.invoice, str) else note.invoice.id)
            return [*facts, _fetched_lines(stripe, account, of, tally)] if note.lines.has_more else facts
        case "invoice_lines":
            return [_fetched_lines(stripe, account, _Lines("invoice", object_id), tally)]
        case other:
            raise StripeAnswerError(f"there is no way to fetch a {other}")


def _path(resource: str, object_id: str) -> str:
    """Return the path of an object, quoted so that an id cannot lead to any other path.

    :raises ObjectMissingError: the id is `.` or `..`, which would mean another path (RFC 3986 §5.2.4)
    """
    if object_id in (".", ".."):
        raise ObjectMissingError(None)
    return f"/v1/{resource}/{quote(object_id, safe='')}"


def fetched(account: Account, kind: str, object_id: str, body: bytes, answer: Answer) -> NewEvent:
    """Return the fact that Stripe showed this object, with this body, at the time of the answer."""
    return _fact(account, _FACT_OF[kind], f"{kind}:{object_id}", body, answer.answered_at, answer.api_version)


def decoded(body: bytes | msgspec.Raw, shape: type[Shape]) -> Shape:
    """Decode an answer.

    :raises StripeAnswerError: it does not have this shape
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StripeAnswerError(f"Stripe's answer is not what was asked for: {error}") from error


def _answer_about(object_id: str, answer: Answer) -> Answer:
    if decoded(answer.body, _HasId).id != object_id:
        raise StripeAnswerError("the answer is about another object")
    return answer


def _fetched_lines(stripe: Gateway, account: Account, of: _Lines, tally: Tally) -> NewEvent:
    for attempt in range(1, _TRIES_AT_LINES + 1):
        try:
            return _all_lines(stripe, account, of, tally)
        except (ObjectMissingError, _PagesDoNotFitError) as error:
            is_lost_cursor = isinstance(error, _PagesDoNotFitError) or error.parameter == "starting_after"
            if not is_lost_cursor or attempt == _TRIES_AT_LINES:
                raise
    raise AssertionError  # the last attempt returns or raises


def _all_lines(stripe: Gateway, account: Account, of: _Lines, tally: Tally) -> NewEvent:
    # From the start, not from where the embedded page ended: the two could be from different moments.
    path = _path(f"{of.kind}s", of.object_id) + "/lines"
    lines: list[bytes] = []
    seen: set[str] = set()
    after: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = stripe.ask(account, f"{of.kind}s.lines", path, tally, limit=_LINES_A_PAGE, **after)
        page = decoded(answer.body, _Page)
        page_lines = [decoded(line, _LineOf) for line in page.data]
        ids = [line.id for line in page_lines]
        is_foreign = of.kind == "invoice" and any(line.invoice not in {None, of.object_id} for line in page_lines)
        if seen.intersection(ids) or (page.has_more and not ids) or is_foreign:
            raise _PagesDoNotFitError(f"the pages of the {of.kind.replace('_', ' ')}'s lines do not fit together")
        seen.update(ids)
        lines += map(bytes, page.data)
        if not page.has_more:
            return _line_set(account, of, path, lines, answer)
        after = {"starting_after": ids[-1]}
    raise StripeAnswerError(f"the pages of the {of.kind.replace('_', ' ')}'s lines do not end")


def _line_set(account: Account, of: _Lines, path: str, lines: Sequence[bytes], answer: Answer) -> NewEvent:
    url, joined = json.dumps(path).encode(), b",".join(lines)
    named = b"" if of.invoice_id is None else b'"invoice":%b,' % json.dumps(of.invoice_id).encode()
    body = b'{"object":"list",%b"has_more":false,"url":%b,"data":[%b]}' % (named, url, joined)
    event_type = INVOICE_LINES_FETCHED if of.kind == "invoice" else CREDIT_NOTE_LINES_FETCHED
    return _fact(account, event_type, f"{of.kind}:{of.object_id}", body, answer.answered_at, answer.api_version)


def _fact(
    account: Account, event_type: str, entity: str, body: bytes, at: datetime, api_version: str | None
) -> NewEvent:
    # The same body at another second is another fact, so that a change back to an earlier state is appended, too.
    identity = f"{entity}:{sha256(body).hexdigest()[:32]}:{int(at.timestamp())}"
    return NewEvent(
        type=event_type,
        source=FETCHED_FROM_STRIPE,
        external_id=stripe_external_id(account.account_id, identity, livemode=account.livemode),
        payload=body,
        livemode=account.livemode,
        occurred_at=at,
        entity=entity,
        account_id=account.account_id,
        api_version=api_version,
    )
