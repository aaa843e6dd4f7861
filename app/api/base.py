"""Assemble /v1: strict parameters, problems for errors, one OpenAPI 3.1 document."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask, Request, Response, json, request
from flask_smorest import Api, Blueprint, abort
from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow import missing as absent
from marshmallow.fields import List
from webargs.flaskparser import FlaskParser

from app.api.document.completion import completed
from app.api.document.objects import ObjectDescriptions
from app.api.document.operations import OperationNames
from app.api.document.values import describe_values
from app.http.bodies import HeldBody, UnsupportedBodyError, require_json
from app.http.entity_tags import not_modified
from app.wiring.tools import tools_of
from events.intake.strict_json import UnreadableJsonError, parse_strictly

Answer = TypeVar("Answer")

_SETTINGS = {
    "API_TITLE": "revmap",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Every completed Stripe invoice, line by line. Amounts are integers in minor units of their"
            " currency. Timestamps are RFC 3339 in UTC. Periods include their start and exclude their end."
            " Clients must ignore fields they do not know."
        },
        "components": {"securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
        "security": [{"apiKey": []}],
    },
}


class Fault(Schema):
    """One error in a request."""

    pointer = fields.String()
    detail = fields.String()


class Problem(Schema):
    """An error, as an RFC 9457 problem."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.UUID()
    errors = fields.List(fields.Nested(Fault))


class StrictParser(FlaskParser):
    """Refuses unknown parameters, and those given twice that have one value: two readers could pick different ones."""

    MOST_BYTES = 32_768  # of a body
    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012

    def load_querystring(self, req: Request, schema: Schema) -> Any:  # noqa: ANN401 - webargs' own kind of mapping
        """Return the parameters of the query string.

        :raises ValidationError: a parameter is given more than once
        """
        may_repeat = {field.data_key or name for name, field in schema.fields.items() if isinstance(field, List)}
        twice = [name for name, values in req.args.lists() if len(values) > 1 and name not in may_repeat]
        if twice:
            raise ValidationError({name: ["Given more than once."] for name in twice})
        return super().load_querystring(req, schema)

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ANN401, ARG002 - as webargs has it
        """Return the JSON body; a missing body counts as an empty object.

        :raises UnsupportedBodyError: it is not strict JSON, or its content type is another; otherwise as in `HeldBody`
        """
        require_json(req)
        with HeldBody(req, limit_bytes=self.MOST_BYTES) as body:
            try:
                return parse_strictly(body) if body.strip() else absent
            except UnreadableJsonError as error:
                raise UnsupportedBodyError(400) from error


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A part of the API: strict parameters, private responses, and ETags for reads."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - flask-smorest's own options
        super().__init__(*args, **kwargs)
        # Flask calls the last one first.
        self.after_request(_keep_private)
        self.after_request(_answer_unchanged)


class ProblemApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """An API whose errors are answered by `app.problems.handlers` alone. `document` is its OpenAPI document."""

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask) -> None:
        self._names = OperationNames(app)
        super().__init__(app, spec_kwargs={"extra_plugins": [self._names, ObjectDescriptions()]})
        self.document: dict[str, Any] = {}
        self._document_as_json = b""

    def complete_document(self, origin: str) -> None:
        """Complete the document, once all operations are registered. `origin` is where the API is served."""
        self.document = completed(self.spec.to_dict(), tags=self._names.tags(), origin=origin)
        self._document_as_json = json.dumps(self.document, sort_keys=False).encode()

    def _openapi_json(self) -> Response:
        """Serve the document."""
        return Response(self._document_as_json, mimetype="application/json")

    def _register_error_handlers(self) -> None:
        """Register none: `app.problems.handlers` answers all errors."""


def install_api(app: Flask, *blueprints: ApiBlueprint) -> ProblemApi:
    """Register these parts of the API, and serve their description at /openapi.json."""
    app.config.update(_SETTINGS)
    api = ProblemApi(app)
    describe_values(api.ma_plugin.converter)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    api.complete_document(tools_of(app).address.origin)
    return api


def without_parameters(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """Refuse all query parameters. Place it below `for_role`, like everything that reports what is wrong."""

    @wraps(view)
    def strict(*args: Any, **path: Any) -> Answer:  # noqa: ANN401 - whatever the view takes
        if request.args:
            abort(422, messages={"query": {name: ["Unknown field."] for name in request.args}})
        return view(*args, **path)

    return strict


def _keep_private(response: Response) -> Response:
    # No shared cache may keep one caller's response for the next.
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _answer_unchanged(response: Response) -> Response:
    """Add an ETag to every read; answer 304 if the client already has these bytes."""
    is_read = request.method in ("GET", "HEAD") and response.status_code == HTTPStatus.OK
    if not is_read or response.is_streamed or "ETag" in response.headers:
        return response
    response.add_etag()
    tag, _ = response.get_etag()
    return (not_modified(tag) if tag else None) or response
