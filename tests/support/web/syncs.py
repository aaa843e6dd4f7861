"""Start and stop syncs over HTTP, and read the events of a stream."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from tests.support.company import new_key_headers
from tests.support.web.lines import Reader
from tests.support.web.tools import app_with


@dataclass(frozen=True, slots=True)
class Editor(Reader):
    """A client of the API that may start and stop a company's syncs."""

    def post(self, below: str = "/syncs", *, headers: Mapping[str, str] | None = None, **sent: Any) -> TestResponse:
        return self.client.post(self.path(below), headers={**self.key, **(headers or {})}, **sent)

    def as_viewer(self) -> Reader:
        return Reader(
            self.client, self.engine, self.company_id, new_key_headers(self.engine, self.company_id, "viewer")
        )


def new_editor(client: FlaskClient, engine: Engine, account_id: str = "acct_tests") -> Editor:
    """Return an editor of a new company that owns the account."""
    reader = Editor.of_new_company(client, engine, account_id)
    return replace(reader, key=new_key_headers(engine, reader.company_id, "editor"))


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    id: str
    run: dict[str, Any]


def events_of(stream: str) -> list[Event]:
    """Return the events of a stream, without its comments and the `retry` field."""
    events = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append(Event(fields["event"], fields["id"], json.loads(fields["data"])))
    return events


def stepping_client(tools: Tools, *steps: Callable[[], object]) -> FlaskClient:
    """Return a client of an app whose streams run one step per wait, and find the process stopping after the last."""
    remaining: Iterator[Callable[[], object]] = iter(steps)

    def pause(_seconds: float) -> bool:
        step = next(remaining, None)
        if step is not None:
            step()
        return step is None

    return app_with(replace(tools, pause=pause)).test_client()
