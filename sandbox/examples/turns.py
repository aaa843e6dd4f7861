"""Order operations so that each finds what it needs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sandbox.examples.asked import ASKED, Asked

CREATING = (0, 0)


class Operation(NamedTuple):
    """An operation of the document."""

    name: str
    path: str
    method: str
    described: Mapping[str, Any]


def turn_of(document: Mapping[str, Any], operation: Operation) -> tuple[int, int]:
    """Return when it is asked: first what creates, then what reads, what changes, what acts, what deletes."""
    lists = _is_list(document, document["paths"][operation.path].get("get", {}))
    turns = {"post": 0 if lists else 3, "get": 1, "put": 2, "patch": 2, "delete": 4}
    return ASKED.get(operation.name, Asked()).turn, turns[operation.method]


def _is_list(document: Mapping[str, Any], read: Mapping[str, Any]) -> bool:
    content = read.get("responses", {}).get("200", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    return "data" in document["components"]["schemas"].get(name, {}).get("properties", {})
