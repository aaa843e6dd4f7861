"""The OpenAPI document: every operation has a name, a subject, a role and an example that keeps its own schema."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import fields

from app.api.document.examples import FOLDER, examples
from app.api.document.operations import camel_case, operations_in, subject_of
from app.api.document.values import describe_values
from app.http.fields import Currency, Moment, Names
from tests.support.web.lines import json_of

COMMAND = "run `.venv/bin/python -m sandbox.examples`, which writes all of them"
SECRETS = re.compile(r"\b(?:rmk|rk_live|rk_test|sk_live|sk_test|whsec)_(\w+)")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return json_of(client.get("/openapi.json"))


def faults_of(document: Mapping[str, Any], schema: Mapping[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [fault.message for fault in jsonschema_rs.validator_for(whole, validate_formats=True).iter_errors(value)]


def contents(operation: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the media types of an operation's body and answers that have an example."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media_type, content in part.get("content", {}).items():
            if "examples" in content:
                yield media_type, content


def unknown_fields(document: Mapping[str, Any], schema: Mapping[str, Any], value: object) -> Iterator[str]:
    """Yield the fields of a value that its schema does not name."""
    schema = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    options = [option for option in schema.get("anyOf", ()) if "$ref" in option]
    if options:
        yield from unknown_fields(document, options[0], value)
    elif isinstance(value, dict) and "properties" in schema:
        for name, below in value.items():
            if name not in schema["properties"]:
                yield name
            else:
                yield from unknown_fields(document, schema["properties"][name], below)
    elif isinstance(value, list):
        for item in value:
            yield from unknown_fields(document, schema.get("items", {}), item)


def test_every_operation_is_named_after_its_view_once_and_for_all(app: Flask, document: dict[str, Any]) -> None:
    named = [
        operation["operationId"]
        for operations in document["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    ]

    assert len(set(named)) == len(named)
    assert all(re.fullmatch(r"[a-z]+(?:[A-Z][a-z0-9]*)*", name) for name in named)
    assert {"listRevenueLines", "getSync", "startSync", "connectAccount"} <= set(named)
    views = {camel_case(rule.endpoint.rpartition(".")[2]) for rule in app.url_map.iter_rules()}
    assert len(views & set(named)) > len(named) / 2


def test_every_operation_has_a_subject_and_says_which_role_it_needs(document: dict[str, Any]) -> None:
    found = {name: (path, operation) for name, (path, _, operation) in operations_in(document).items()}

    assert next(tag["name"] for tag in document["tags"]) == "Revenue lines"
    for path, operation in found.values():
        assert operation["tags"] == [subject_of(path)]
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}
    assert found["listRevenueLines"][1]["security"] == [{"apiKey": ["viewer"]}]
    assert found["connectAccount"][1]["security"] == [{"apiKey": ["admin"]}]


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/v1/companies/{company_id}/revenue-lines.csv", "Revenue lines"),
        ("/v1/companies/{company_id}/api-keys/{key_id}", "API keys"),
        ("/v1/companies/{company_id}", "Companies"),
        ("/v1/me", "Me"),
    ],
)
def test_the_subject_of_a_path_is_the_resource_that_it_begins_with(path: str, subject: str) -> None:
    assert subject_of(path) == subject


def test_every_operation_has_an_example_and_every_example_an_operation(document: dict[str, Any]) -> None:
    operations, files = set(operations_in(document)), {file.stem for file in FOLDER.glob("*.json")}

    assert operations - files == set(), f"Without an example: {COMMAND}."
    assert files - operations == set(), f"Examples of nothing: {COMMAND}."


def test_examples_keep_the_schemas_of_their_operations(document: dict[str, Any]) -> None:
    for name, (path, _, operation) in operations_in(document).items():
        example = examples()[name]
        where = f"{name}: {COMMAND}."
        assert str(example.status) in operation["responses"], where
        for media_type, content in contents(operation):
            value = content["examples"]["example"]["value"]
            if media_type == "application/json":
                assert faults_of(document, content["schema"], value) == [], where
                assert list(unknown_fields(document, content["schema"], value)) == [], where
        parameters = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
        known = {parameter["name"]: parameter["schema"] for parameter in parameters}
        for parameter, value in {**example.path, **example.query, **example.headers}.items():
            if parameter in ("Cookie", "X-CSRF-Token"):  # of a session, for what keys are refused
                continue
            assert parameter in known, where
            several = [value] if known[parameter].get("type") == "array" else value
            assert faults_of(document, known[parameter], several) == [], where


def test_the_document_shows_the_examples(document: dict[str, Any]) -> None:
    operations = operations_in(document)
    _, _, lists = operations["listRevenueLines"]
    _, _, connects = operations["connectAccount"]

    shown = lists["responses"]["200"]["content"]["application/json"]["examples"]["example"]["value"]
    assert shown == examples()["listRevenueLines"].answer
    assert [one["example"] for one in lists["parameters"] if one["name"] == "limit"] == [2]
    sent = connects["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
    assert sent == examples()["connectAccount"].body


def test_objects_are_described_by_the_docstrings_of_their_schemas(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["RevenueLine"]["description"].startswith("A line of a completed invoice.")
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []


def test_secrets_in_examples_are_obviously_none() -> None:
    for file in FOLDER.glob("*.json"):
        for secret in SECRETS.finditer(file.read_text()):
            assert secret[1].startswith(("EXAMPLE", "RVhBTVBMRQ")), f"{file.name}: {secret[0]}"


def test_fields_of_our_own_are_described_as_what_is_written_for_them() -> None:
    plugin = MarshmallowPlugin()
    APISpec("Samples", "1", "3.1.0", plugins=[plugin])
    converter = plugin.converter
    assert converter is not None
    describe_values(converter)

    assert converter.field2property(Currency()) == {"type": "string", "pattern": "^[A-Za-z]{3}$"}
    assert converter.field2property(Moment(allow_none=True)) == {"type": ["string", "null"]}
    assert converter.field2property(Names(["a", "b"], load_default=("a", "b"))) == {"type": "string", "default": "a,b"}
    assert converter.field2property(fields.Constant("list")) == {"type": "string", "const": "list"}
    assert converter.field2property(fields.Constant(False)) == {"type": "boolean", "const": False}  # noqa: FBT003


def test_values_are_described_for_readers_of_json_schema(document: dict[str, Any]) -> None:
    operations = operations_in(document)
    parameters = {one["name"]: one for one in operations["exportRevenueLines"][2]["parameters"]}

    assert parameters["columns"]["schema"]["type"] == "string"
    assert parameters["columns"]["schema"]["default"].startswith("invoice_line_item_id,subscription_id,")
    assert document["components"]["schemas"]["RevenueLine"]["properties"]["object"]["const"] == "revenue_line"
    for _, _, operation in operations.values():
        for parameter in operation.get("parameters", ()):
            assert "type" in parameter["schema"], parameter
            assert "\\Z" not in parameter["schema"].get("pattern", "")
