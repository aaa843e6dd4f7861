"""Describe parameters and fields that mean the same everywhere, where their schemas say nothing of them."""

from collections.abc import Iterator
from typing import Any

from app.api.document.operations import operations_in

_PARAMETERS = {
    "company_id": "The company of the key.",
    "limit": "How many items to return at most.",
    "cursor": "The `next_cursor` of the page before. Without it, the list begins.",
    "before": "The last `position` of the page before. Without it, the list begins.",
    "sort": "The order. A minus sign: the largest or newest first.",
    "currency": "A three-letter code, in either case.",
    "customer_id": "Stripe's id of the customer.",
    "subscription_id": "Stripe's id of the subscription.",
    "invoice_id": "Stripe's id of the invoice.",
    "price_id": "Stripe's id of the price.",
    "product_id": "Stripe's id of the product.",
    "invoice_status": "The status of the line's invoice.",
    "cadence": "How often the line's price bills.",
    "modified_after": "Only lines that changed after this timestamp.",
    "line_id": "The id of the invoice line item.",
    "run_id": "The id of the sync.",
    "position": "A position of the company's log.",
    "stream_id": "The id of the revenue stream.",
    "plan_id": "The id of the plan.",
    "batch_id": "The id of the batch of overrides.",
    "version": "The version of the rule set.",
    "preview_id": "The id of the preview.",
}
_FIELDS = {
    "object": "The kind of object.",
    "has_more": "Whether there are items after these.",
    "next_cursor": "Pass it on as `cursor` for the items after these. Null if there are none.",
    "position": "A position of the company's log.",
    "currency": "A three-letter code in lower case.",
    "currency_exponent": "How many decimals the currency has: amounts are in units of ten to the minus this.",
    "amount": "In minor units of the currency.",
    "net_amount": "`amount` without discounts and the tax that is included in it, in minor units.",
    "discount_amount": "In minor units.",
    "livemode": "Whether it is of live mode, not of test mode.",
    "company_id": "The company.",
}


def add_usual_words(document: dict[str, Any]) -> None:
    """Describe what a document leaves undescribed, if its name says what it means."""
    for parameter in _parameters(document):
        _describe(parameter, _PARAMETERS.get(parameter["name"]))
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            _describe(field, _FIELDS.get(name))


def _parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, _, operation in operations_in(document).values():
        yield from document["paths"][path].get("parameters", ())
        yield from operation.get("parameters", ())


def _describe(described: dict[str, Any], words: str | None) -> None:
    # Nothing but `$ref` would be read beside a reference by older readers.
    if words and "$ref" not in described:
        described.setdefault("description", words)
