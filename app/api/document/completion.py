"""Complete the OpenAPI document, once all operations are in it."""

from typing import Any

from app.api.document.examples import add_examples
from app.api.document.usual_words import add_usual_words

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def completed(document: dict[str, Any], *, tags: list[dict[str, str]], origin: str) -> dict[str, Any]:
    """Return the document with its tags, its examples and the usual words. `origin` is where the API is served."""
    document = document | {"tags": tags, "servers": [{"url": origin}]}
    components = document["components"]
    components["schemas"].pop("PaginationMetadata", None)  # of flask-smorest's own paging
    for schema in components["schemas"].values():
        schema.pop("additionalProperties", None)  # fields may be added: clients ignore those they do not know
    for response in components["responses"].values():
        response["content"] = {"application/problem+json": _PROBLEM}
    add_usual_words(document)
    add_examples(document)
    return document
