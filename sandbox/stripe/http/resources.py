"""The resources that can be listed and fetched: where each is kept, the permission it needs, and its filters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.http.errors import ApiError
from sandbox.stripe.http.parameters import ListParameters
from sandbox.stripe.records.collection import Collection, Ordered
from sandbox.stripe.records.records import Event, Price, Subscription

Keep = Callable[[Any], bool] | None
_STATUSES = ("draft", "open", "paid", "uncollectible", "void")
_MOST_TYPES = 20
_EVENTS_LAST_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object. `param` is Stripe's name for its id in a refusal.

    `lasts_seconds` is how long an object can be read after its creation; None means for ever.
    """

    noun: str
    param: str
    permission: str
    collection: Callable[[Ledger], Collection[Any]]
    select: Callable[[Ledger, ListParameters], tuple[Ordered[Any], Keep]]
    filters: frozenset[str]
    many: frozenset[str] = frozenset()
    lasts_seconds: int | None = None

    def oldest(self, ledger: Ledger) -> int:
        """Return the Unix second such that objects created before it can no longer be read."""
        return 0 if self.lasts_seconds is None else ledger.moment(None) - self.lasts_seconds

    def find(self, ledger: Ledger, identifier: str) -> Any:  # noqa: ANN401 - whatever the collection holds
        """Return the record with this id if it can still be read, otherwise None."""
        record = self.collection(ledger).get(identifier)
        return None if record is None or record.created < self.oldest(ledger) else record


def _customers(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    email = wanted.filters.get("email")
    return ledger.customers, lambda customer: not customer.deleted and email in {None, customer.email}


def _products(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    active = _truth(wanted, "active")
    return ledger.products, lambda product: not product.deleted and active in {None, product.active}


def _prices(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    # Without the parameter, Stripe lists only active prices.
    active = _truth(wanted, "active") is not False
    product, currency = wanted.filters.get("product"), wanted.filters.get("currency")
    kind = wanted.filters.get("type")

    def keep(price: Price) -> bool:
        recurring = "one_time" if price.interval is None else "recurring"
        wanted_kind = currency in {None, price.currency} and kind in {None, recurring}
        return price.active == active and product in {None, price.product.id} and wanted_kind

    return ledger.prices, keep


def _subscriptions(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    customer, status = wanted.filters.get("customer"), wanted.filters.get("status")

    def keep(subscription: Subscription) -> bool:
        # Without a status, Stripe leaves out canceled subscriptions.
        of_status = status == "all" or (
            subscription.status != "canceled" if status is None else subscription.status == status
        )
        return of_status and customer in {None, subscription.customer.id}

    return ledger.subscriptions, keep


def _invoices(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    status, customer, subscription = (wanted.filters.get(name) for name in ("status", "customer", "subscription"))
    if status is not None and status not in _STATUSES:
        message = f"Invalid status: must be one of {', '.join(_STATUSES[:-1])}, or {_STATUSES[-1]}"
        raise ApiError(400, message, param="status")
    if subscription is not None:
        record = ledger.subscriptions.get(subscription)
        customer = customer or (record.customer.id if record else "")
    candidates: Ordered[Any] = ledger.invoices
    if customer is not None:
        candidates = ledger.invoices_by_customer.get(customer, Ordered())
    elif status is not None:
        candidates = ledger.invoices_by_status.get(status, Ordered())
    if customer is None and subscription is None:
        return candidates, None
    return (
        candidates,
        lambda invoice: status in {None, invoice.status} and subscription in {None, invoice.subscription_id},
    )


def _credit_notes(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    invoice, customer = wanted.filters.get("invoice"), wanted.filters.get("customer")
    return (
        ledger.credit_notes,
        lambda note: invoice in {None, note.invoice.id} and customer in {None, note.invoice.customer.id},
    )


def _events(ledger: Ledger, wanted: ListParameters) -> tuple[Ordered[Any], Keep]:
    types = set(wanted.many.get("types", []))
    if len(types) > _MOST_TYPES:
        raise ApiError(400, f"You may specify at most {_MOST_TYPES} event types.", param="types")
    if "type" in wanted.filters:
        types = {wanted.filters["type"]}
    success, delivered = _truth(wanted, "delivery_success"), ledger.journal.delivered

    def keep(event: Event) -> bool:
        return (not types or event.type in types) and success in {None, event.id in delivered}

    return ledger.journal.events, keep if types or success is not None else None


def _truth(wanted: ListParameters, name: str) -> bool | None:
    value = wanted.filters.get(name)
    if value not in {None, "true", "false"}:
        raise ApiError(400, f"Invalid boolean: {value}", param=name)
    return None if value is None else value == "true"


RESOURCES: dict[str, Resource] = {
    "customers": Resource(
        "customer",
        "id",
        "rak_customer_read",
        lambda ledger: ledger.customers,
        _customers,
        frozenset({"created", "email"}),
    ),
    "products": Resource(
        "product", "id", "rak_product_read", lambda ledger: ledger.products, _products, frozenset({"created", "active"})
    ),
    "prices": Resource(
        "price",
        "price",
        "rak_plan_read",
        lambda ledger: ledger.prices,
        _prices,
        frozenset({"created", "active", "product", "currency", "type"}),
    ),
    "subscriptions": Resource(
        "subscription",
        "id",
        "rak_subscription_read",
        lambda ledger: ledger.subscriptions,
        _subscriptions,
        frozenset({"created", "customer", "status"}),
    ),
    "invoices": Resource(
        "invoice",
        "invoice",
        "rak_invoice_read",
        lambda ledger: ledger.invoices,
        _invoices,
        frozenset({"created", "status", "customer", "subscription"}),
    ),
    "credit_notes": Resource(
        "credit note",
        "id",
        "rak_credit_note_read",
        lambda ledger: ledger.credit_notes,
        _credit_notes,
        frozenset({"created", "invoice", "customer"}),
    ),
    "events": Resource(
        "event",
        "id",
        "rak_event_read",
        lambda ledger: ledger.journal.events,
        _events,
        frozenset({"created", "type", "delivery_success"}),
        frozenset({"types"}),
        _EVENTS_LAST_SECONDS,
    ),
}
