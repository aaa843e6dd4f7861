"""Describe the values of parameters and fields in words."""

from collections.abc import Iterator, Mapping
from json import dumps
from typing import Any, NamedTuple

_FORMATS = {"date-time": "timestamp", "date": "date", "uuid": "UUID", "uri": "URL", "uri-reference": "URL"}
_LARGEST_TOLD = 1_000_000
_LONGEST_DEFAULT = 40


class Value(NamedTuple):
    """A parameter or a field. `object_name` is the object that it is, or a list of."""

    name: str
    kind: str
    object_name: str | None
    notes: str
    choices: list[str]
    description: str
    place: str = ""
    is_required: bool = False


def value_of(name: str, schema: Mapping[str, Any], **known: Any) -> Value:  # noqa: ANN401 - the fields of Value
    """Return what a schema says of a value."""
    listed = schema.get("enum") or schema.get("items", {}).get("enum", ())
    choices = [str(choice) for choice in listed if choice is not None]
    described = {"description": schema.get("description", ""), **known}
    notes = ", ".join(_notes(schema, described["description"]))
    return Value(name, _kind(schema), _object_in(schema), notes, choices, **described)


def values_of(schema: Mapping[str, Any]) -> list[Value]:
    """Return the fields of an object's schema."""
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    return [value_of(name, field, is_required=name in required) for name, field in fields.items()]


def name_of(schema: Mapping[str, Any]) -> str:
    """Return the name of the object that a schema refers to, or nothing."""
    name: str = schema.get("$ref", "").rpartition("/")[2]
    return name


def _object_in(schema: Mapping[str, Any]) -> str | None:
    options = [schema, schema.get("items", {}), *schema.get("anyOf", ())]
    return next(filter(None, map(name_of, options)), None)


def _kind(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"always {dumps(schema['const'], ensure_ascii=False)}"
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if "$ref" in schema:
        return "object"
    kinds = schema.get("type", "any")
    told = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_one_kind(kind, schema) for kind in told)


def _one_kind(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array":
        return f"array of {_kind(schema['items'])}s" if schema.get("items") else "array"
    return _FORMATS.get(schema.get("format", ""), kind) if kind == "string" else kind


def _notes(schema: Mapping[str, Any], description: str) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None and most <= _LARGEST_TOLD:
        yield f"{least} to {most}"
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if shortest is not None and longest is not None:
        yield f"{shortest} to {longest:,} characters"
    default = schema.get("default")
    if default is not None and len(str(default)) <= _LONGEST_DEFAULT and "Default:" not in description:
        yield f"default {str(default).lower() if isinstance(default, bool) else default}"
