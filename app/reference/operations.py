"""Describe operations for people: in groups by subject, each with its parameters, its curl command and its answer."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.api.document.examples import examples
from app.api.document.operations import operations_in
from app.reference.curl import curl_of
from app.reference.values import Value, name_of, value_of, values_of


class Answer(NamedTuple):
    """A described answer. `object_name` is None if it has no body, or one that is no object."""

    status: str
    description: str
    media_type: str | None
    object_name: str | None


class Operation(NamedTuple):
    """An operation as the reference shows it."""

    name: str
    title: str
    method: str
    path: str
    role: str | None
    summary: str
    description: str
    parameters: list[Value]
    body: list[Value]
    answers: list[Answer]
    curl: str
    status: int | None
    answer: Any


class Group(NamedTuple):
    """Operations about one subject."""

    title: str
    anchor: str
    description: str
    operations: list[Operation]


def groups_in(document: Mapping[str, Any], origin: str) -> list[Group]:
    """Return all operations of a document. `origin` is where their curl commands are sent."""
    described = [
        (operation["tags"][0], _operation(document, origin, name, path, method))
        for name, (path, method, operation) in operations_in(document).items()
    ]
    return [
        Group(
            title=tag["name"],
            anchor=tag["name"].lower().replace(" ", "-"),
            description=tag["description"],
            operations=[operation for subject, operation in described if subject == tag["name"]],
        )
        for tag in document["tags"]
    ]


def _operation(document: Mapping[str, Any], origin: str, name: str, path: str, method: str) -> Operation:
    operation = document["paths"][path][method]
    shared = document["paths"][path].get("parameters", ())
    example = examples().get(name)
    needed = [role for scheme in operation.get("security", ()) for role in scheme["apiKey"]]
    return Operation(
        name=name,
        title=_title(name),
        method=method.upper(),
        path=path,
        role=needed[0] if needed else None,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=[_parameter(one) for one in (*shared, *operation.get("parameters", ()))],
        body=_body(document, operation),
        answers=list(_answers(operation)),
        curl=curl_of(origin, method.upper(), path, example),
        status=example.status if example else None,
        answer=example.answer if example else None,
    )


def _title(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return (words[:1].upper() + words[1:]).replace("api key", "API key")


def _parameter(parameter: Mapping[str, Any]) -> Value:
    return value_of(
        parameter["name"],
        parameter["schema"],
        description=parameter.get("description", ""),
        place=parameter["in"],
        is_required=parameter.get("required", False),
    )


def _body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> list[Value]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return values_of(document["components"]["schemas"].get(name_of(schema), schema))


def _answers(operation: Mapping[str, Any]) -> Iterator[Answer]:
    for status, response in sorted(operation["responses"].items()):
        if "$ref" not in response:
            content: Mapping[str, Any] = response.get("content", {})
            media_type = next(iter(content), None)
            schema = content[media_type].get("schema", {}) if media_type else {}
            yield Answer(status, response["description"], media_type, name_of(schema) or None)
