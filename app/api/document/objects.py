"""Describe the objects of the OpenAPI document by the docstrings of their schemas."""

from inspect import cleandoc
from typing import Any

from apispec import BasePlugin


class ObjectDescriptions(BasePlugin):
    """Gives each object its description."""

    def schema_helper(
        self,
        name: str,  # noqa: ARG002 - as apispec has it
        definition: dict[str, Any],  # noqa: ARG002 - likewise
        **options: Any,  # noqa: ANN401 - likewise
    ) -> dict[str, Any]:
        """Return the description of an object, if its schema has a docstring of its own."""
        schema = options.get("schema")
        kind = schema if isinstance(schema, type) else type(schema)
        text = vars(kind).get("__doc__")
        return {"description": " ".join(cleandoc(text).split())} if text and schema is not None else {}
