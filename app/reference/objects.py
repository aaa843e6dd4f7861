"""Describe the objects that requests and answers consist of."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.api.document.operations import operations_in
from app.reference.values import Value, name_of, values_of


class Object(NamedTuple):
    """An object with its fields. `example` is None if no answer is one."""

    name: str
    description: str
    fields: list[Value]
    example: object


def objects_in(document: Mapping[str, Any]) -> list[Object]:
    """Return the objects of a document by name."""
    examples = _examples(document)
    schemas = sorted(document["components"]["schemas"].items())
    return [
        Object(name, schema.get("description", ""), values_of(schema), examples.get(name)) for name, schema in schemas
    ]


def _examples(document: Mapping[str, Any]) -> dict[str, object]:
    """Return an answer of each kind that is answered whole, or as an item of a list."""
    schemas = document["components"]["schemas"]
    found: dict[str, object] = {}
    for _, _, operation in operations_in(document).values():
        for response in operation["responses"].values():
            content = response.get("content", {}).get("application/json", {})
            name, example = name_of(content.get("schema", {})), content.get("examples", {}).get("example", {})
            if not name or not isinstance(example.get("value"), dict):
                continue
            item = name_of(schemas[name].get("properties", {}).get("data", {}).get("items", {}))
            items = example["value"].get("data", ()) if item else ()
            found.setdefault(item or name, items[0] if items else example["value"])
    return found
