"""Read what an invoice and its lines say that no table shows: metadata, and the customer's country. Pure."""

from collections.abc import Iterable

from events.stripe import shapes as wire
from events.stripe.details import InvoiceDetails, LineMetadata, Metadata
from events.stripe.metadata import country_of, metadata_of
from events.stripe.observations import Line

_NOTHING = InvoiceDetails()


def invoice_details(invoice: wire.Invoice, mirrored: Metadata) -> InvoiceDetails | None:
    """Return what an invoice says, or None if that is nothing.

    `mirrored`: the metadata of its subscription that lines mirror, for invoices that have no copy of it themselves.
    """
    within = invoice.parent.subscription_details if invoice.parent else None
    frozen = within.metadata if within else None
    if frozen is None and isinstance(invoice.subscription_details, dict):
        frozen = invoice.subscription_details.get("metadata")
    # Invoices have a copy if they were made on 2023-06-29 or later: https://docs.stripe.com/api/invoices/object
    subscription_metadata = mirrored if frozen is None else metadata_of(frozen)
    country = country_of(invoice.customer_address)
    if not (invoice.metadata or subscription_metadata or country):
        return None
    details = InvoiceDetails(metadata_of(invoice.metadata), subscription_metadata, country)
    return details if details != _NOTHING else None


def metadata_of_lines(lines: wire.Lines) -> LineMetadata | None:
    """Return the metadata of the lines that have any, or None if none has."""
    read = [(line.id, metadata_of(line.metadata)) for line in lines.data if line.metadata]
    return dict(sorted(one for one in read if one[1])) or None if read else None


def mirrored_metadata(lines: wire.Lines, read: Iterable[Line], metadata: LineMetadata | None) -> LineMetadata:
    """Return the metadata of subscriptions, by their ids, that their own lines mirror.

    https://docs.stripe.com/api/invoice-line-item/object: prorations and other invoice items have metadata of their own.
    """
    if not metadata:
        return {}
    own = {
        line.id
        for line in lines.data
        if line.type == "subscription" or (line.parent and line.parent.subscription_item_details)
    }
    mirrored: LineMetadata = {}
    for line in read:
        if line.subscription_id and line.line_id in own and not line.proration and line.line_id in metadata:
            mirrored.setdefault(line.subscription_id, metadata[line.line_id])
    return mirrored
