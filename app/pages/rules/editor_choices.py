"""What the fields of the editor offer."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from app.pages.mapped.share_words import KINDS, percent
from app.pages.mapped.targets import target_choices
from app.pages.mapping.words import spoken
from app.pages.rules.field_words import FIELDS, METADATA, SUGGESTED, operators_for, shape_of
from projections.mapping.decisions.streams import Stream
from projections.mapping.fields import CHOICES, FieldType, field_type_of
from projections.mapping.operators import TEXTS

_GROUPS = {
    "What was sold": ("product_id", "product_name", "price_id", "price_nickname", "price_lookup_key", "description"),
    "Who bought": ("customer_id", "customer_name", "customer_email", "customer_country", "subscription_id"),
    "How it bills": ("type", "cadence", "interval", "quantity", "proration", "has_period", "date"),
    "Invoice": ("currency", "amount", "net_amount", "finalized_on", "invoice_number", "invoice_id"),
    "Line": ("invoice_line_item_id",),
}
_TREATMENTS = (
    ("", "As the stream's default"),
    ("period", "Over the service period"),
    ("booked", "When booked"),
    ("months", "Over a number of months"),
)
_ANCHORS = (("booked", "the booking"), ("period_start", "the service start"))
_APPLIES = (("", "All lines"), ("service_start", "By service start"), ("finalized", "By the day of the invoice"))
# More values than these are typed.
_MOST_CHOICES = 12


def choices(streams: Mapping[str, Stream]) -> dict[str, object]:
    """Return what the editor's template offers, by name."""
    return {
        "field_groups": _field_groups(lambda _: True),
        "table_field_groups": _field_groups(lambda field: field_type_of(field) in TEXTS),
        "operators_for": operators_for,
        "shape_of": lambda op: shape_of(op).value,
        "input_of": input_of,
        "offered_values": offered_values,
        "suggested": SUGGESTED,
        "split_field": split_field,
        "targets": target_choices(streams),
        "kinds": tuple(KINDS.items()),
        "treatments": _TREATMENTS,
        "anchors": _ANCHORS,
        "applies_by": _APPLIES,
        "last_day": last_day,
        "percent": lambda bp: percent(bp) if isinstance(bp, int) else bp,
    }


def split_field(field: str) -> tuple[str, str]:
    """Return what the choice of fields has for a field, and the key of metadata that is typed beside it."""
    owner, is_metadata, key = field.partition(".metadata.")
    return (f"{owner}.metadata.", key) if is_metadata else (field, "")


def last_day(to: str | None) -> str:
    """Return the last day before an exclusive end, as the form shows it; what is no day, as it was typed."""
    try:
        return (date.fromisoformat(to) - timedelta(days=1)).isoformat() if to else ""
    except (ValueError, OverflowError):
        return to or ""


def input_of(field: str) -> str:
    """Return the kind of input that values of a field are typed into."""
    return {
        FieldType.DATE: "date",
        FieldType.FLAG: "flag",
        FieldType.INTEGER: "whole",
        FieldType.DECIMAL: "number",
    }.get(field_type_of(field) or FieldType.TEXT, "text")


def offered_values(field: str) -> list[tuple[str, str]]:
    """Return the values to choose from, if a field has few."""
    known = CHOICES.get(field, frozenset())
    return [(value, spoken(value)) for value in sorted(known)] if len(known) <= _MOST_CHOICES else []


def _field_groups(is_offered: Callable[[str], bool]) -> list[tuple[str, list[tuple[str, str]]]]:
    of_lines = [
        (title, [(name, FIELDS[name]) for name in names if is_offered(name)]) for title, names in _GROUPS.items()
    ]
    return [(title, fields) for title, fields in (*of_lines, ("Metadata", list(METADATA.items()))) if fields]
