"""Describe values as JSON Schema where apispec leaves a type out or writes Python."""

from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

_TYPES = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
_TYPED = ("type", "$ref", "anyOf", "allOf", "oneOf")
# Fields of any type: what they are is known to their schema alone.
_UNTYPED = (fields.Field, fields.Raw, fields.Nested, fields.Pluck)


def describe_values(converter: OpenAPIConverter) -> None:
    """Have the converter describe our own fields as text, constants by their value, and patterns for all readers."""
    for describe in (_constant, _text, _default, _pattern):
        converter.add_attribute_function(describe)  # type: ignore[no-untyped-call]  # apispec leaves it untyped


def _constant(_self: OpenAPIConverter, field: fields.Field[Any], **_context: object) -> dict[str, Any]:
    if not isinstance(field, fields.Constant):
        return {}
    return {"type": _TYPES[type(field.constant)], "const": field.constant}


def _text(_self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_context: object) -> dict[str, Any]:
    # Subclasses of a plain field are written as text: months, moments, lists of names.
    if type(field) in _UNTYPED or any(name in ret for name in _TYPED):
        return {}
    return {"type": ["string", "null"] if field.allow_none else "string"}


def _default(
    _self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_context: object
) -> dict[str, Any]:
    if isinstance(field, fields.Constant):
        ret.pop("default", None)
    default = ret.get("default")
    return {"default": ",".join(map(str, default))} if isinstance(default, tuple) else {}


def _pattern(
    _self: OpenAPIConverter, _field: fields.Field[Any], ret: dict[str, Any], **_context: object
) -> dict[str, Any]:
    # JSON Schema's patterns are ECMAScript's, which may match anywhere and know no \Z.
    pattern = ret.get("pattern")
    return {"pattern": "^" + pattern.removeprefix("^").replace(r"\Z", "$")} if pattern else {}
