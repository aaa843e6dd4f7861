"""Read a company's revenue lines over HTTP with an API key."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from tests.support.company import catch_up, company_with, new_key_headers, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice, new_line


@dataclass(frozen=True, slots=True)
class Reader:
    """A client of the API for one company. `key` is the header with its API key."""

    client: FlaskClient
    engine: Engine
    company_id: int
    key: Mapping[str, str]

    @classmethod
    def of_new_company(
        cls, client: FlaskClient, engine: Engine, account_id: str = ACCOUNT, *, livemode: bool = True
    ) -> Self:
        """Return a reader of a new company that owns the account."""
        company_id = company_with(engine, account_id, livemode=livemode)
        return cls(client, engine, company_id, new_key_headers(engine, company_id))

    def receive(self, *events: dict[str, object]) -> None:
        """Receive Stripe events and fold them."""
        record_events(self.engine, *events)
        catch_up(self.engine)

    def add_lines(self, *lines: dict[str, object], invoice_id: str = "in_1", account: str = ACCOUNT) -> None:
        """Receive and fold a paid invoice with these lines."""
        self.receive(event(new_invoice(invoice_id, *lines), account=account))

    def path(self, below: str = "/revenue-lines") -> str:
        return f"/v1/companies/{self.company_id}{below}"

    def get(
        self, below: str = "/revenue-lines", *, headers: Mapping[str, str] | None = None, **query: Any
    ) -> TestResponse:
        """Request a path of the company, with the reader's key and these headers."""
        return self.ask(self.path(below), headers={**self.key, **(headers or {})}, query=query)

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> TestResponse:
        """Request this exact path, with the reader's key or else these headers only, and read the whole response."""
        sent = self.key if headers is None else headers
        return self.client.open(path, method=method, query_string=query, headers=sent, buffered=True)

    def page(self, **query: Any) -> dict[str, Any]:
        """Return a page of lines, having checked that the status is 200."""
        response = self.get(**query)
        assert response.status_code == 200, response.text
        return json_of(response)

    def ids(self, **query: Any) -> list[str]:
        """Return the ids of the lines of one page, in order."""
        return [line["invoice_line_item_id"] for line in self.page(**query)["data"]]

    def pages(self, **query: Any) -> Iterator[list[str]]:
        """Follow the cursors through all pages, and yield the line ids of each."""
        cursor: dict[str, str] = {}
        while True:
            page = self.page(**query, **cursor)
            yield [line["invoice_line_item_id"] for line in page["data"]]
            if not page["has_more"]:
                assert page["next_cursor"] is None
                return
            cursor = {"cursor": page["next_cursor"]}


def line_of(line_id: str, amount: int = 100, *, day: int = 0, **fields: Any) -> dict[str, object]:
    """Return a line over `amount` cents whose period starts `day` days after 2026-01-01 and lasts one day."""
    start = 1_767_225_600 + 86_400 * day
    return new_line(line_id, amount=amount, period={"start": start, "end": start + 86_400}, **fields)


def json_of(response: TestResponse) -> dict[str, Any]:
    """Return the JSON object of a response."""
    document: dict[str, Any] = json.loads(response.text)
    return document


def without_request_id(response: TestResponse) -> tuple[int, str, str]:
    """Return the status, body and headers of a response without its request id, to compare responses."""
    request_id = json_of(response)["request_id"]
    assert request_id == response.headers["X-Request-Id"]
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
    return response.status_code, response.text.replace(request_id, "…"), repr(sorted(headers.items()))
