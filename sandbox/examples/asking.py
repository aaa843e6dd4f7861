"""Ask every operation of the API once, in an order in which each finds what it needs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from werkzeug.test import TestResponse

from app.api.document.examples import Example
from app.api.document.operations import operations_in
from runtime.clock import utc_now
from sandbox.examples.asked import ASKED, Asked
from sandbox.examples.demo import SESSION_COOKIE, Demo
from sandbox.examples.made_up import made_up
from sandbox.examples.plain import RECEIVING, plain, plain_lines
from sandbox.examples.turns import CREATING, Operation, turn_of

_UNDER_WAY = ("queued", "running", "pending")


class Told(NamedTuple):
    """The example of each operation that answered as hoped, and why the others did not, by `operationId`."""

    examples: dict[str, Example]
    refusals: dict[str, str]


class UnknownIdError(LookupError):
    """No answer so far names the id that a path needs."""


class RefusedError(Exception):
    """An operation answered with a problem; the message shows it."""


def told_by(demo: Demo) -> Told:
    """Ask all operations that the demo describes."""
    document = demo.ask("GET", "/openapi.json").get_json()
    operations = [Operation(name, *found) for name, found in operations_in(document).items()]
    asking, told = _Asking(demo, document), Told({}, {})
    for operation in sorted(operations, key=lambda one: turn_of(document, one)):
        if not demo.ids.get("position") and turn_of(document, operation) > CREATING:
            demo.pay()  # so that what was created has something to tell
        try:
            told.examples[operation.name] = asking.example_of(operation)
        except (UnknownIdError, RefusedError) as error:
            told.refusals[operation.name] = str(error)
    return told


class _Asking:
    def __init__(self, demo: Demo, document: Mapping[str, Any]) -> None:
        self._demo = demo
        self._document = document
        # An item of each collection, by the collection's path: one that was just created, or else the first.
        self._items: dict[str, Mapping[str, Any]] = {}

    def example_of(self, operation: Operation) -> Example:
        """Ask an operation and return its example.

        :raises UnknownIdError: an id in its path is unknown
        :raises RefusedError: it refused
        """
        asked = ASKED.get(operation.name, Asked())
        path = self._path_of(operation, asked)
        query = asked.query or self._query_of(operation)
        body = self._filled(asked.body) if asked.body is not None else self._body_of(operation)
        sent = {"query_string": query, **({} if body is None else {"json": body})}
        answer, headers = self._answer_to(operation, operation.path.format(**path), asked.headers, sent)
        self._note(operation, answer)
        now = utc_now()
        media_type, told = _told(answer)
        return Example(
            path=plain(path, now=now),
            query=query,
            headers=headers,
            body=plain(body, now=now),
            status=answer.status_code,
            media_type=media_type,
            answer=told,
        )

    def _answer_to(
        self, operation: Operation, path: str, headers: dict[str, str], sent: dict[str, Any]
    ) -> tuple[TestResponse, dict[str, str]]:
        """Return an answer and the headers that were sent. What keys are refused is asked by a person."""
        method = operation.method.upper()
        answer = self._demo.ask(method, path, headers=headers, **sent)
        if answer.is_json and answer.data and answer.get_json().get("code") == "not_a_person":
            answer = self._demo.ask_as_person(method, path, headers=headers, **sent)
            token = {} if method == "GET" else {"X-CSRF-Token": "$TOKEN"}
            headers = {"Cookie": f"{SESSION_COOKIE}=$SESSION", **token, **headers}
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(f"{answer.status_code}: {answer.text.strip()}")
        return answer, headers

    def _path_of(self, operation: Operation, asked: Asked) -> dict[str, Any]:
        named = self._document["paths"][operation.path].get("parameters", ())
        known = {"company_id": self._demo.company_id, **self._filled(asked.path)}
        names = [parameter["name"] for parameter in named if parameter["in"] == "path"]
        return {name: known.get(name) or self._id_of(operation.path, name) for name in names}

    def _id_of(self, path: str, name: str) -> Any:  # noqa: ANN401 - text or a number
        if name in self._demo.ids and name not in ("run_id", "position"):
            return self._demo.ids[name]
        item = self._items.get(path.partition(f"/{{{name}}}")[0], {})
        found = item.get(name, item.get("id", next((item[key] for key in item if key.endswith("_id")), None)))
        if found is None:
            raise UnknownIdError(f"no answer names its {name}")
        return found

    def _query_of(self, operation: Operation) -> dict[str, Any]:
        parameters = [one for one in operation.described.get("parameters", ()) if one["in"] == "query"]
        required = {
            one["name"]: made_up(self._document, one["schema"], one["name"]) for one in parameters if one["required"]
        }
        return required | ({"limit": 2} if any(one["name"] == "limit" for one in parameters) else {})

    def _body_of(self, operation: Operation) -> Any:  # noqa: ANN401 - any JSON
        content = operation.described.get("requestBody", {}).get("content", {})
        body = made_up(self._document, content["application/json"]["schema"]) if content else None
        if isinstance(body, dict) and "url" in body:
            # What is sent to an endpoint of the examples must not leave this machine.
            body["url"] = self._demo.receiver + RECEIVING
        return body

    def _filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        known = {**self._demo.ids, "restricted_key": self._demo.restricted_key}
        return {name: known[text[1:-1]] if _is_name(text) else text for name, text in values.items()}

    def _note(self, operation: Operation, answer: TestResponse) -> None:
        told = answer.get_json() if answer.data and answer.is_json else None
        if operation.method == "post" and told:
            self._items[operation.path] = told
            if told.get("status") in _UNDER_WAY and "Location" in answer.headers:
                location = answer.headers["Location"]
                self._demo.work_until(lambda: self._is_over(location), f"{operation.name} stays under way")
            elif not ASKED.get(operation.name, Asked()).turn:  # after those, nobody asks what became of it
                self._demo.work()
        elif told and told.get("data") and operation.path not in self._items:
            self._items[operation.path] = told["data"][0]

    def _is_over(self, location: str) -> bool:
        return self._demo.ask("GET", location).get_json()["status"] not in _UNDER_WAY


def _is_name(text: object) -> bool:
    return isinstance(text, str) and text.startswith("{") and text.endswith("}")


def _told(answer: TestResponse) -> tuple[str | None, Any]:
    if not answer.data:
        return None, None
    if answer.is_json:
        return answer.mimetype, plain(answer.get_json(), now=utc_now())
    is_text = (answer.mimetype or "").startswith("text/")
    return answer.mimetype, plain_lines(answer.text, now=utc_now()) if is_text else None
