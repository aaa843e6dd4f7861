"""Read the conditions of a rule. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches
from functools import partial

from projections.mapping.fields import CHOICES, FieldType, field_type_of, known_fields
from projections.mapping.operators import OPERATORS, Shape, operands_of, test_of
from projections.mapping.problems import Place, quoted
from projections.mapping.reading_values import date_at, flag_at, items_at, object_at, text_at, whole_number_at
from projections.mapping.rules import Condition, Operand
from projections.mapping.texts import folded

MAX_CONDITIONS = 50
MAX_OPERANDS = 1000
_MAX_INTEGER = 2**63 - 1
_MAX_DIGITS = 40
_RANGE = 2  # values
# Operators that compare a value as a whole: with a word that no line has, they would always say the same.
_EXACT = frozenset({"is", "is_not", "in", "not_in"})

Reader = Callable[[Place, object], str | int | None]
Choices = Collection[str] | None


def conditions_at(place: Place, value: object) -> tuple[Condition, ...]:
    """Return conditions."""
    read = [condition_at(here, item) for here, item in items_at(place, value, most=MAX_CONDITIONS)]
    return tuple(condition for condition in read if condition is not None)


def condition_at(place: Place, value: object) -> Condition | None:
    """Return one condition."""
    found = object_at(place, value, ("field", "op", "value"), required=("field", "op"))
    if found.get("field") is None or found.get("op") is None:
        return None
    field_type, op = field_at(place / "field", found["field"]), found["op"]
    operator = OPERATORS.get(op) if isinstance(op, str) else None
    if field_type is None:
        return None
    suitable = [name for name, other in OPERATORS.items() if field_type in other.suits]
    if operator is None or field_type not in operator.suits:
        (place / "op").note(f"{quoted(op)} cannot be asked of {found['field']}. Use one of: {', '.join(suitable)}.")
        return None
    field = str(found["field"])
    read = partial(_READERS[field_type], choices=CHOICES.get(field) if op in _EXACT else None)
    operand = _operand_at(place / "value", found.get("value"), operator.shape, read)
    condition = Condition(field, str(op), operand)
    if operator.shape is Shape.RANGE and _is_backwards(condition):
        (place / "value").note("The first value is greater than the second, so that no line can be between them.")
    return condition


def field_at(place: Place, value: object) -> FieldType | None:
    """Return the type of a field that is named here."""
    name = text_at(place, value)
    if name is None:
        return None
    field_type = field_type_of(name)
    if field_type is None:
        near = get_close_matches(name, known_fields(), n=1)
        hint = f"Did you mean {near[0]}?" if near else "Metadata is written as product.metadata.KEY."
        place.note(f"There is no field {quoted(name)}. {hint}")
    return field_type


def _operand_at(place: Place, value: object, shape: Shape, read: Reader) -> Operand:
    match shape:
        case Shape.NOTHING:
            if value is not None:
                place.note("This operator compares with nothing. Leave the value out.")
            return None
        case Shape.ONE:
            return read(place, value)
        case Shape.MANY:
            return tuple(_operands(items_at(place, value, least=1, most=MAX_OPERANDS), read))
        case Shape.RANGE:
            return tuple(_operands(items_at(place, value, least=_RANGE, most=_RANGE), read))


def _is_backwards(condition: Condition) -> bool:
    operands = operands_of(condition)
    # The first value is not even between itself and the second.
    return len(operands) == _RANGE and not test_of(condition)(operands[0])


def _operands(items: Iterable[tuple[Place, object]], read: Reader) -> Iterator[str | int]:
    for here, item in items:
        operand = read(here, item)
        if operand is not None:
            yield operand


def _flag(place: Place, value: object, *, choices: Choices) -> bool | None:  # noqa: ARG001 - as all readers
    return flag_at(place, value)


def _integer(place: Place, value: object, *, choices: Choices) -> int | None:  # noqa: ARG001 - as all readers
    return whole_number_at(place, value, -_MAX_INTEGER, _MAX_INTEGER)


def _decimal(place: Place, value: object, *, choices: Choices) -> str | int | None:  # noqa: ARG001 - as all readers
    if type(value) is int and abs(value) <= _MAX_INTEGER:
        return value
    digits = value.removeprefix("-").replace(".", "", 1) if isinstance(value, str) else ""
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and digits.isascii() and digits.isdigit():
        return value
    place.note("Write a number, and one with decimals as a text: 3 or “2.5”.")
    return None


def _date(place: Place, value: object, *, choices: Choices) -> str | None:  # noqa: ARG001 - as all readers
    found = date_at(place, value)
    return None if found is None else found.isoformat()


def _text(place: Place, value: object, *, choices: Choices) -> str | None:
    text = text_at(place, value)
    if text is not None and choices is not None and folded(text) not in choices:
        near = get_close_matches(folded(text), choices, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(choices)[:12])}."
        place.note(f"No line has the value {quoted(text)} here. {hint}")
        return None
    return text


_READERS: dict[FieldType, Callable[..., str | int | None]] = {
    FieldType.ID: _text,
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.FLAG: _flag,
    FieldType.DATE: _date,
}
