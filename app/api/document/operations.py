"""Name, group and guard all operations of the OpenAPI document in one place, from their views and paths."""

import re
from collections.abc import Mapping
from typing import Any

from apispec import BasePlugin
from flask import Flask
from werkzeug.routing import Rule

_RESOURCE = re.compile(r"/v1/(?:companies/\{company_id\}/)?([a-z-]+)")
_ABBREVIATIONS = {"Api": "API"}


class OperationNames(BasePlugin):
    """Gives each operation its `operationId`, a tag and the role that it needs. `subjects` describes the tags."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.subjects: dict[str, str] = {}
        self._described: set[str] = set()

    def operation_helper(
        self,
        path: str | None = None,
        operations: dict[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - apispec's own
    ) -> None:
        """Complete the operations of a path."""
        rule: Rule = options["rule"]
        blueprint, _, view = rule.endpoint.rpartition(".")
        subject = subject_of(path or rule.rule)
        self._describe(subject, blueprint)
        role = vars(self._app.view_functions[rule.endpoint]).get("needed_role")
        for operation in (operations or {}).values():
            operation.setdefault("operationId", camel_case(view))
            operation["tags"] = [subject]
            if role:
                # Roles of a scheme other than OAuth: https://spec.openapis.org/oas/v3.1.1#security-requirement-object
                operation["security"] = [{"apiKey": [role]}]

    def _describe(self, subject: str, blueprint: str) -> None:
        # A blueprint's description is of the subject that it begins with.
        text = "" if blueprint in self._described else getattr(self._app.blueprints[blueprint], "description", "")
        self.subjects[subject] = self.subjects.get(subject) or text
        self._described.add(blueprint)

    def tags(self) -> list[dict[str, str]]:
        """Return the tags of all operations, in the order of their first."""
        return [{"name": name, "description": text} for name, text in self.subjects.items()]


def camel_case(name: str) -> str:
    """Return the name of a view as an `operationId`: `list_syncs` as `listSyncs`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def subject_of(path: str) -> str:
    """Return what a path is about, as people write it: the resource of the company that it begins with."""
    found = _RESOURCE.match(path)
    words = found[1].replace("-", " ").capitalize() if found else "General"
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words.split())


def operations_in(document: Mapping[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return the path, the method and the description of each operation of a document by its `operationId`."""
    return {
        operation["operationId"]: (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }
