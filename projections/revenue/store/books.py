"""The stored states of prices, products and customers: the register of what the table shows, then the details if any.

What is not there costs nothing: without details a state is its register alone.
"""

from typing import Generic

import msgspec

from events.stripe.details import CustomerDetails, Metadata, PriceDetails
from projections.revenue.register import Register, Value
from projections.revenue.state import InvoiceState, Name, PricedAs

_ENCODER = msgspec.json.Encoder()
_UNNAMED: Register[Name] = Register(None, ())


class _Book(Register[Value], Generic[Value], frozen=True, array_like=True, gc=False):
    @property
    def register(self) -> Register[Value]:
        """Return what the table shows."""
        return Register(self.value, self.stamp, self.is_contested)


class PriceBook(_Book[PricedAs], frozen=True, array_like=True, gc=False):
    """A stored price."""

    details: PriceDetails | None = None


class ProductBook(_Book[Name], frozen=True, array_like=True, gc=False):
    """A stored product."""

    metadata: Metadata = ()


class CustomerBook(_Book[Name], frozen=True, array_like=True, gc=False):
    """A stored customer: its name with an empty stamp if nothing has named it, and what it says of itself."""

    details: Register[CustomerDetails] | None = None

    @property
    def is_named(self) -> bool:
        """Return whether anything has named it."""
        return bool(self.stamp)


def stored_invoice(invoice: InvoiceState) -> bytes:
    """Return an invoice's state to be stored, without the last fields that are not there."""
    stored = _ENCODER.encode(invoice)
    while stored.endswith(b",null]"):
        stored = stored[:-6] + b"]"
    return stored


def stored_price(register: Register[PricedAs], details: PriceDetails | None) -> bytes:
    """Return a price's state to be stored."""
    return _ENCODER.encode(PriceBook(*_fields(register), details) if details else register)


def stored_product(register: Register[Name], metadata: Metadata) -> bytes:
    """Return a product's state to be stored."""
    return _ENCODER.encode(ProductBook(*_fields(register), metadata) if metadata else register)


def stored_customer(name: Register[Name] | None, details: Register[CustomerDetails] | None) -> bytes:
    """Return a customer's state to be stored, of which the name or the details may be unknown."""
    register = name or _UNNAMED
    return _ENCODER.encode(CustomerBook(*_fields(register), details) if details else register)


def _fields(register: Register[Value]) -> tuple[Value, tuple[int, ...], bool]:
    return register.value, register.stamp, register.is_contested
