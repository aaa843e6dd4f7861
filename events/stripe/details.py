"""What Stripe's objects say that no table shows and that rules may test. Plain values; absent ones are empty.

What a fold stores is encoded as arrays: the order of the fields is part of the stored form.
"""

from msgspec import Struct

# Keys and texts, ordered by key. Nothing is empty: neither a key nor a text.
Metadata = tuple[tuple[str, str], ...]
# The metadata of lines that have any, by the lines' ids in order.
LineMetadata = dict[str, Metadata]


class InvoiceDetails(Struct, frozen=True, array_like=True, gc=False):
    """What an invoice says of itself, its subscription and its customer's country.

    The subscription's metadata is a copy that Stripe freezes when it finalizes the invoice. The invoice's own may still
    change.
    """

    metadata: Metadata = ()
    subscription_metadata: Metadata = ()
    customer_country: str | None = None


class CustomerDetails(Struct, frozen=True, array_like=True, gc=False):
    """What a customer says of itself, apart from its name. The country is that of its address."""

    email: str | None = None
    country: str | None = None
    metadata: Metadata = ()


class PriceDetails(Struct, frozen=True, array_like=True, gc=False):
    """What a price says of itself, apart from how it bills."""

    nickname: str | None = None
    lookup_key: str | None = None
    metadata: Metadata = ()
