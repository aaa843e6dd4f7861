"""Read a page of one of Stripe's lists, newest first, and reject a page that contradicts the request.

There is no `updated` filter and `has_more` can be wrong, so a list ends only when Stripe returns nothing after the
last object. https://docs.stripe.com/api/pagination
"""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from events.connection.accounts import Account
from events.stripe.shapes import Id
from stripe_gateway.client import Answer, Gateway, Tally
from stripe_gateway.objects import decoded
from stripe_gateway.refusals import StripeAnswerError

# The parts of the feed of events, since Stripe accepts at most 20 types. https://docs.stripe.com/api/events/list
EVENT_TYPES = {
    "events": (
        *("invoice.finalized", "invoice.updated", "invoice.paid", "invoice.payment_succeeded"),
        *("invoice.payment_failed", "invoice.voided", "invoice.marked_uncollectible", "invoice.overpaid"),
        *("invoice.sent", "invoice.deleted", "customer.created", "customer.updated", "customer.deleted"),
        *("price.created", "price.updated", "price.deleted", "plan.created", "plan.updated", "plan.deleted"),
    ),
    "other_events": (
        *("credit_note.created", "credit_note.updated", "credit_note.voided"),
        *("product.created", "product.updated", "product.deleted"),
    ),
}


_FOREVER = 2**62


class PageDoesNotFitError(StripeAnswerError):
    """The page contradicts the request: it repeats objects, leaves the window, or is empty and not the end."""


class Window(NamedTuple):
    """A half-open range of creation times, in Unix seconds; None means unbounded."""

    created_from: int | None
    created_before: int | None


@dataclass(frozen=True, slots=True)
class PageAddress:
    """A page of a list: what follows `cursor` in the window or, if the cursor was lost, `oldest_created` and older."""

    resource: str
    window: Window
    cursor: str | None
    oldest_created: int | None
    limit: int

    def parameters(self) -> dict[str, object]:
        """Return the query parameters of the page."""
        created: dict[str, int] = {}
        if self.window.created_from is not None:
            created["gte"] = self.window.created_from
        if self.cursor is None and self.oldest_created is not None:
            created["lte"] = self.oldest_created
        elif self.window.created_before is not None:
            created["lt"] = self.window.created_before
        parameters: dict[str, object] = {"limit": self.limit}
        if created:
            parameters["created"] = created
        if self.cursor is not None:
            parameters["starting_after"] = self.cursor
        if self.resource in EVENT_TYPES:
            parameters["types"] = list(EVENT_TYPES[self.resource])
        return parameters

    def name_at_stripe(self) -> str:
        """Return the list's name in Stripe's paths."""
        return "events" if self.resource in EVENT_TYPES else self.resource


class ListedLines(msgspec.Struct):
    """What a list says about an invoice's lines, besides the first of them."""

    has_more: bool
    total_count: int | None = None


class Listed(msgspec.Struct):
    """The fields of an object that paging needs, and of an invoice that the proof needs."""

    id: Id
    created: int
    livemode: bool
    status: str | None = None
    currency: str | None = None
    lines: ListedLines | None = None


class Page(NamedTuple):
    """The objects of a page with their bodies, newest first. An empty page ends its window."""

    objects: list[tuple[Listed, bytes]]
    says_more: bool
    answer: Answer


class _Body(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


def read_page(stripe: Gateway, account: Account, address: PageAddress, tally: Tally) -> Page:
    """Request a page.

    :raises PageDoesNotFitError: the page contradicts the request; nothing of it may be used
    :raises StripeAnswerError: as `StripeGateway.ask`
    """
    name = address.name_at_stripe()
    path, endpoint = f"/v1/{name}", f"{name}.list"
    answer = stripe.ask(account, endpoint, path, tally, **address.parameters())
    body = decoded(answer.body, _Body)
    objects = [(decoded(raw, Listed), bytes(raw)) for raw in body.data]
    if not objects and body.has_more:
        raise PageDoesNotFitError("an empty page that says there is more")
    _check([listed for listed, _ in objects], address, account)
    return Page(objects, body.has_more, answer)


def _check(listed: list[Listed], address: PageAddress, account: Account) -> None:
    newest = (address.window.created_before or _FOREVER) - 1
    if address.oldest_created is not None:
        newest = min(newest, address.oldest_created)
    oldest = address.window.created_from or 0
    ids = {one.id for one in listed}
    if len(ids) < len(listed) or (address.cursor in ids):
        raise PageDoesNotFitError("a page that repeats what came before")
    for one in listed:
        if not oldest <= one.created <= newest:
            raise PageDoesNotFitError("an object out of its place: of another page, or of another account")
        if one.livemode != account.livemode:
            raise PageDoesNotFitError("an object of the other mode")
        newest = one.created
