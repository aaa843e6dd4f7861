"""Specifications from which invoices and their lines are created."""

from dataclasses import dataclass

from sandbox.stripe.records.records import Credited, Discount, Line, Metadata, Price, Tax


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSpec:
    """A line for a draft. `period` is (start, end) in Unix seconds; without it, both are the time of the draft.

    `from_subscription`: the line bills a subscription item (prorations too); otherwise it is an invoice item, which may
    still name the `subscription` it was added to. Lines of subscription items mirror its metadata, but prorations do
    not.
    """

    amount: int
    description: str | None = None
    period: tuple[int, int] | None = None
    quantity: str | None = "1"
    price: str | None = None
    subscription: str | None = None
    from_subscription: bool = False
    proration: bool = False
    credited: Credited | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditSpec:
    """A line for a credit note: of an invoice line or, without `line_id`, a custom amount."""

    amount: int
    line_id: str | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSpec:
    """The fields of an invoice other than its lines."""

    currency: str = "usd"
    subscription: str | None = None
    billing_reason: str = "manual"
    description: str | None = None
    auto_advance: bool = False
    metadata: Metadata | None = None


def line_from_spec(
    spec: LineSpec, line_id: str, price: Price | None, *, at: int, mirrored: Metadata | None = None
) -> Line:
    """Return the line that a spec describes. `price` is the record of `spec.price`.

    `mirrored` is the metadata of its subscription.

    :raises ValueError: the spec names a price that does not exist
    """
    if spec.price is not None and price is None:
        message = f"No such price: {spec.price!r}"
        raise ValueError(message)
    start, end = spec.period or (at, at)
    return Line(
        id=line_id,
        amount=spec.amount,
        description=spec.description,
        period_start=start,
        period_end=end,
        quantity=spec.quantity,
        price=price,
        subscription_id=spec.subscription,
        from_subscription=spec.from_subscription,
        proration=spec.proration,
        discountable=not spec.proration,
        discounts=spec.discounts,
        taxes=spec.taxes,
        credited=spec.credited,
        metadata=mirrored if spec.from_subscription and not spec.proration else spec.metadata,
    )
