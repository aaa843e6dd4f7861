"""Say in the trade's words why a fact could not be read. The technical reason is beside it, for those who need it."""

import re

from app.pages.wording import words

_OBJECTS = {
    "invoice": "invoice",
    "credit_note": "credit note",
    "price": "price",
    "plan": "price",
    "product": "product",
    "customer": "customer",
}
_FIELDS = {
    "period.start": "start of the period",
    "period.end": "end of the period",
    "recurring.interval": "billing interval",
    "recurring.interval_count": "billing interval",
    "discount_amounts.amount": "discount",
    "taxes.amount": "tax",
    "tax_amounts.amount": "tax",
    "data": "list of lines",
    "id": "ID",
}
# What a value should be, by the type that was expected of it.
_KINDS = {"int": "is not a number", "float": "is not a number", "str": "is not text", "bool": "is not yes or no"}

_WRONG = re.compile(r"Expected `([a-z]+)[^`]*`(?:, got `([a-z]+)`|([^`]*))(?: - at `(.*)`)?\Z")
_LACKING = re.compile(r"Object missing required field `([^`]+)`(?: - at `(.*)`)?\Z")
_CURRENCY = re.compile(r"the currency '(.+)' is not one")
# A credit note's own reasons are written for people already, and end without a period.
_OF_CREDIT_NOTE = "The credit note takes nothing from revenue, because "
# Our own reasons, and how people are told them.
_OWN = (
    (re.compile(r"the invoice's status '(.+)' is not one"), "we don't know the status \u201c{0}\u201d"),
    (re.compile(r"the quantity of line (\S+) is not a number"), "the quantity of its line {0} is not a number"),
    (re.compile(r"the amounts of line (\S+) do not fit"), "the amounts of its line {0} are too large"),
    (re.compile(r"two lines of the invoice share one id"), "two of its lines have the same ID"),
    (re.compile(r"the event does not say when it happened"), "it doesn't say when it happened"),
)
_WHOLE_OBJECT = "$.data.object"
_PLACE = re.compile(r"\$(?:\.data\.object)?(?:\.data\[(\d+|\.\.\.)\])?\.?(.*)\Z")


def reason_in_words(entity: str | None, reason: str) -> str:
    """Return a sentence for finance people about a fact on this entity that could not be read for this reason."""
    sent = _OBJECTS.get((entity or "").partition(":")[0], "update")
    if reason.startswith(_OF_CREDIT_NOTE):
        return f"{reason}."
    if found := _CURRENCY.match(reason):
        return f"This {sent} is in {found[1].upper()}, a currency we don't support yet."
    why = _why(reason)
    return f"Stripe sent this {sent} in a form we can't read{f': {why}' if why else ''}."


def _why(reason: str) -> str | None:
    for pattern, told in _OWN:
        if found := pattern.match(reason):
            return told.format(*found.groups())
    if found := _LACKING.match(reason):
        place = found[2] or "$"
        return f"{_at(f'{place}.{found[1]}')} is missing"
    found = _WRONG.match(reason)
    return _of_wrong_value(found[1], found[2], found[4]) if found else None


def _of_wrong_value(expected: str, got: str | None, place: str | None) -> str | None:
    if place is None or place == _WHOLE_OBJECT:
        return None
    if got == "null":
        return f"{_at(place)} is missing"
    if got is None:
        return f"{_at(place)} is {'empty or too long' if expected == 'str' else 'out of range'}"
    return f"{_at(place)} {_KINDS.get(expected, 'is not in the usual form')}"


def _at(place: str) -> str:
    found = _PLACE.match(place)
    line, path = (found[1], found[2]) if found else (None, place)
    path = re.sub(r"\[[^\]]*\]", "", path)
    field = _FIELDS.get(path) or words(path.rpartition(".")[2]) or "line"
    if line is None:
        return f"the {field}"
    return f"the {field} of its line {int(line) + 1}" if line.isdecimal() else f"the {field} of a line"
