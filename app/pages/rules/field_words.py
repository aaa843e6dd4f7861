"""The fields and operators of rules in words, and which operators suit a field."""

from projections.mapping.fields import METADATA_OWNERS, FieldType, field_type_of
from projections.mapping.operators import OPERATORS, Shape

FIELDS = {
    "product_id": "Product",
    "product_name": "Product name",
    "price_id": "Price",
    "price_nickname": "Price nickname",
    "price_lookup_key": "Price lookup key",
    "customer_id": "Customer",
    "customer_name": "Customer name",
    "customer_email": "Customer e-mail",
    "customer_country": "Customer country",
    "subscription_id": "Subscription",
    "invoice_id": "Invoice",
    "invoice_number": "Invoice number",
    "invoice_line_item_id": "Invoice line item",
    "description": "Description",
    "amount": "Amount",
    "net_amount": "Net amount",
    "quantity": "Quantity",
    "currency": "Currency",
    "type": "Type",
    "cadence": "Cadence",
    "interval": "Interval",
    "proration": "Proration",
    "has_period": "Has a service period",
    "date": "Service start",
    "finalized_on": "Finalized on",
}
# What a form offers in place of a field of metadata, whose key is typed beside it.
METADATA = {f"{owner}.metadata.": f"{owner.capitalize()} metadata" for owner in METADATA_OWNERS}
# Fields whose values are suggested as one types, as in the table's filters.
SUGGESTED = {"product_id": "product", "price_id": "price", "customer_id": "customer", "subscription_id": "subscription"}

_OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "is_empty": "is empty",
    "is_present": "is present",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "contains": "contains",
    "contains_all": "contains all of",
    "contains_any": "contains any of",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "between": "is between",
}
_OF_DAYS = {"lt": "is before", "lte": "is on or before", "gt": "is after", "gte": "is on or after"}


def field_words(field: str) -> str:
    """Return a field in words: of metadata, the owner and the key."""
    owner, is_metadata, key = field.partition(".metadata.")
    return f"{owner.capitalize()} metadata “{key}”" if is_metadata else FIELDS.get(field, field)


def operator_words(field: str, op: str) -> str:
    """Return an operator in words, as it is said of this field."""
    of_days = _OF_DAYS if field_type_of(field) is FieldType.DATE else {}
    return of_days.get(op) or _OPERATORS.get(op, op)


def operators_for(field: str) -> list[tuple[str, str]]:
    """Return the operators that suit a field, with their words; all of them as long as there is no field."""
    known = _type(field)
    return [
        (name, operator_words(field, name))
        for name, operator in OPERATORS.items()
        if known is None or known in operator.suits
    ]


def shape_of(op: str) -> Shape:
    """Return what an operator compares with."""
    operator = OPERATORS.get(op)
    return operator.shape if operator else Shape.ONE


def _type(field: str) -> FieldType | None:
    return FieldType.TEXT if field in METADATA else field_type_of(field)
