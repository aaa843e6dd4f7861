"""What the tests of the sync doors hold: somebody who may start syncs, and the events of a stream."""

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
    """Somebody who may start and stop a company's syncs."""

    def post(self, below: str = "/syncs", *, headers: Mapping[str, str] | None = None, **sent: Any) -> TestResponse:
        return self.client.post(self.path(below), headers={**self.key, **(headers or {})}, **sent)

    def as_viewer(self) -> Reader:
        return Reader(self.client, self.engine, self.company_id, new_key_headers(self.engine, self.company_id, "viewer"))


def new_editor(client: FlaskClient, engine: Engine, account_id: str = "acct_tests") -> Editor:
    """Give an editor of a new company that owns the account."""
    reader = Editor.of_new_company(client, engine, account_id)
    return replace(reader, key=new_key_headers(engine, reader.company_id, "editor"))


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    id: str
    run: dict[str, Any]


def events_of(stream: str) -> list[Event]:
    """Read the events of a stream; comments and the time to wait are left out."""
    found = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append(Event(fields["event"], fields["id"], json.loads(fields["data"])))
    return found


def stepping_client(tools: Tools, *steps: Callable[[], object]) -> FlaskClient:
    """Give a client of an app in whose streams one step happens in each wait; after the last the process is to stop."""
    left: Iterator[Callable[[], object]] = iter(steps)

    def pause(_seconds: float) -> bool:
        step = next(left, None)
        if step is not None:
            step()
        return step is None

    return app_with(replace(tools, pause=pause)).test_client()
