"""The fields of a line that rules may test, and the types of their values. Pure."""

from datetime import date
from decimal import Decimal
from enum import Enum

from events.stripe.cadence import CADENCES, LINE_TYPES
from events.stripe.money import EXPONENTS
from projections.mapping.texts import folded

# What a line has in a field, and what a test compares: texts are folded, dates and decimals parsed.
Value = str | int | bool | date | Decimal | None


class FieldType(Enum):
    """How values of a field are compared."""

    ID = "id"
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLAG = "flag"
    DATE = "date"


# Stripe's ids differ by case, so they are compared as they are.
_BY_TYPE = {
    FieldType.ID: "product_id price_id customer_id subscription_id invoice_id invoice_line_item_id",
    FieldType.TEXT: (
        "product_name price_nickname price_lookup_key customer_name customer_email customer_country invoice_number"
        " description currency type cadence interval"
    ),
    FieldType.INTEGER: "amount net_amount",
    FieldType.DECIMAL: "quantity",
    FieldType.FLAG: "proration has_period",
    FieldType.DATE: "date finalized_on",
}
_TYPES = {name: field_type for field_type, names in _BY_TYPE.items() for name in names.split()}

# The days that a rule may apply by.
APPLIES_BY = {"service_start": "date", "finalized": "finalized_on"}

# https://docs.stripe.com/api/metadata: keys have at most 40 characters.
METADATA_OWNERS = ("line", "invoice", "subscription", "customer", "product", "price")
_MAX_METADATA_KEY = 40

# Fields with few values: a rule that tests for another one would never match.
CHOICES: dict[str, frozenset[str]] = {
    "currency": frozenset(EXPONENTS),
    "type": frozenset(LINE_TYPES),
    "cadence": frozenset(CADENCES),
    "interval": frozenset({"day", "week", "month", "year"}),
}


def known_fields() -> tuple[str, ...]:
    """Return the names of all fields but metadata."""
    return tuple(_TYPES)


def field_type_of(field: str) -> FieldType | None:
    """Return the type of a field by its name, or None if there is no such field."""
    known = _TYPES.get(field)
    if known is not None:
        return known
    owner, _, key = field.partition(".metadata.")
    if owner in METADATA_OWNERS and 0 < len(key) <= _MAX_METADATA_KEY:
        return FieldType.TEXT
    return None


def type_of(field: str) -> FieldType:
    """Return the type of a field of a rule that was read.

    :raises LookupError: there is no such field
    """
    field_type = field_type_of(field)
    if field_type is None:
        raise LookupError(field)
    return field_type


def comparable(field_type: FieldType, value: Value) -> Value:
    """Return a line's value in the form in which tests compare it; None if it is empty."""
    if value is None or value == "":
        return None
    if field_type is FieldType.TEXT and isinstance(value, str):
        return folded(value) or None
    if field_type is FieldType.DECIMAL and isinstance(value, str | int):
        return Decimal(value)
    return value
