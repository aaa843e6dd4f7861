"""The operators of conditions: which fields they suit, what they compare with, and how they test. Pure.

Each looks at a value once and at each text that it is compared with once. There are no patterns, so that no rule can
take long. An empty value passes `is_empty`, and `is_not` and `not_in`, the opposites of `is` and `in`. It fails others.
"""

from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

from projections.mapping.fields import FieldType, Value, comparable, type_of
from projections.mapping.rules import Condition

Test = Callable[[Value], bool]


class Shape(Enum):
    """What an operator compares with."""

    NOTHING = "nothing"
    ONE = "one"
    MANY = "many"
    RANGE = "range"


class Operator(NamedTuple):
    """An operator: the types of fields that it suits, and the shape of its operand."""

    suits: frozenset[FieldType]
    shape: Shape


_ALL = frozenset(FieldType)
_NAMED = _ALL - {FieldType.FLAG}
TEXTS = frozenset({FieldType.ID, FieldType.TEXT})
_ORDERED = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.DATE})

OPERATORS: dict[str, Operator] = {
    "is": Operator(_ALL, Shape.ONE),
    "is_not": Operator(_ALL, Shape.ONE),
    "in": Operator(_NAMED, Shape.MANY),
    "not_in": Operator(_NAMED, Shape.MANY),
    "is_empty": Operator(_ALL, Shape.NOTHING),
    "is_present": Operator(_ALL, Shape.NOTHING),
    "starts_with": Operator(TEXTS, Shape.ONE),
    "ends_with": Operator(TEXTS, Shape.ONE),
    "contains": Operator(TEXTS, Shape.ONE),
    "contains_all": Operator(TEXTS, Shape.MANY),
    "contains_any": Operator(TEXTS, Shape.MANY),
    "lt": Operator(_ORDERED, Shape.ONE),
    "lte": Operator(_ORDERED, Shape.ONE),
    "gt": Operator(_ORDERED, Shape.ONE),
    "gte": Operator(_ORDERED, Shape.ONE),
    "between": Operator(_ORDERED, Shape.RANGE),
}


def test_of(condition: Condition) -> Test:
    """Return the test of a checked condition, for values that `comparable` returned."""
    operands = operands_of(condition)
    match condition.op:
        case "is" | "in":
            return frozenset(operands).__contains__
        case "is_not" | "not_in":
            unwanted = frozenset(operands)
            return lambda value: value not in unwanted
        case "is_empty":
            return lambda value: value is None
        case "is_present":
            return lambda value: value is not None
        case _:
            compare = _COMPARED[condition.op]
            return lambda value: value is not None and compare(value, operands)


def operands_of(condition: Condition) -> tuple[Value, ...]:
    """Return what a checked condition compares with, as `comparable` values."""
    if condition.value is None:
        return ()
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    field_type = type_of(condition.field)
    if field_type is FieldType.DATE:
        return tuple(date.fromisoformat(str(value)) for value in values)
    return tuple(comparable(field_type, value) for value in values)


# Values and operands have the type of their field.
_COMPARED: dict[str, Callable[[Any, tuple[Any, ...]], bool]] = {
    "starts_with": lambda value, operands: value.startswith(operands[0]),
    "ends_with": lambda value, operands: value.endswith(operands[0]),
    "contains": lambda value, operands: operands[0] in value,
    "contains_all": lambda value, operands: all(operand in value for operand in operands),
    "contains_any": lambda value, operands: any(operand in value for operand in operands),
    "lt": lambda value, operands: value < operands[0],
    "lte": lambda value, operands: value <= operands[0],
    "gt": lambda value, operands: value > operands[0],
    "gte": lambda value, operands: value >= operands[0],
    "between": lambda value, operands: operands[0] <= value <= operands[1],
}
