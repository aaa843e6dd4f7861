"""Make bodies up from their schemas, with values that people would send."""

from collections.abc import Mapping
from typing import Any

_USUAL = {
    "email": "linus@example.org",
    "name": "Month-end close",
    "url": "https://example.com/revmap-events",
    "time_zone": "Europe/Berlin",
    "currency": "usd",
    "reason": "Agreed with the auditors",
    "description": "Month-end close",
}
_OF_FORMAT = {"date": "2026-03-01", "date-time": "2026-03-31T00:00:00Z", "email": "ada@example.org"}
_OF_TYPE = {"boolean": True, "integer": 1, "number": 1, "string": "Example"}


def made_up(document: Mapping[str, Any], schema: Mapping[str, Any], name: str = "") -> Any:  # noqa: ANN401 - any JSON
    """Return a value that suits a schema of the document: what is required of it, or else all of it."""
    schema = _resolved(document, schema)
    for given in ("example", "const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value is not None)
    kind = schema.get("type", "object")
    kind = kind if isinstance(kind, str) else next(one for one in kind if one != "null")
    if kind == "object":
        properties = schema.get("properties", {})
        # Inside another object, all that may be left out is.
        fields = schema.get("required", () if name else properties)
        return {field: made_up(document, properties[field], field) for field in properties if field in fields}
    if kind == "array":
        return [made_up(document, schema["items"], f"one of {name}")]
    return _USUAL.get(name) or _OF_FORMAT.get(schema.get("format", "")) or _OF_TYPE[kind]


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    for combined in ("anyOf", "oneOf", "allOf"):
        if combined in schema:
            return _resolved(document, schema[combined][0])
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
