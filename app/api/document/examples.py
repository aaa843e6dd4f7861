"""Add an example of each operation to the OpenAPI document. `python -m sandbox.examples` makes their files."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from app.api.document.operations import operations_in

FOLDER = Path(__file__).parent / "examples"


class Example(NamedTuple):
    """A request and its answer. `body` and `answer` are JSON; `answer` is text for other media types, None if empty."""

    path: dict[str, Any]
    query: dict[str, Any]
    headers: dict[str, str]
    body: Any
    status: int
    media_type: str | None
    answer: Any


@cache
def examples() -> Mapping[str, Example]:
    """Return the examples by `operationId`."""
    return {file.stem: Example(**json.loads(file.read_text())) for file in sorted(FOLDER.glob("*.json"))}


def add_examples(document: dict[str, Any]) -> None:
    """Add its example to each operation of a document that has one."""
    for name, (path, _, operation) in operations_in(document).items():
        if example := examples().get(name):
            shared = document["paths"][path].get("parameters", ())
            _add(operation, [*shared, *operation.get("parameters", ())], example)


def _add(operation: dict[str, Any], parameters: list[dict[str, Any]], example: Example) -> None:
    given = {"path": example.path, "query": example.query, "header": example.headers}
    for parameter in parameters:
        if parameter["name"] in given.get(parameter["in"], ()):
            value = given[parameter["in"]][parameter["name"]]
            takes_several = parameter["schema"].get("type") == "array" and not isinstance(value, list)
            parameter["example"] = [value] if takes_several else value
    if example.body is not None and "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["examples"] = {"example": {"value": example.body}}
    answered = operation["responses"].get(str(example.status), {}).get("content", {}).get(example.media_type)
    if answered is not None and example.answer is not None:
        answered["examples"] = {"example": {"value": example.answer}}
