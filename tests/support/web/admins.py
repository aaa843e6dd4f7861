"""An admin of a company who manages people and keys over the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine
from werkzeug.test import TestResponse

from tenants.roles import Role
from tests.support.company import company_with, new_key_headers
from tests.support.web.lines import json_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Admin:
    """A client of the API with an admin's key of one company."""

    client: FlaskClient
    engine: Engine
    company_id: int
    key: Mapping[str, str]

    @classmethod
    def of_new_company(cls, app: Flask, engine: Engine, account_id: str = "acct_tests") -> Self:
        """Return an admin of a new company."""
        company_id = company_with(engine, account_id)
        return cls(app.test_client(), engine, company_id, new_key_headers(engine, company_id, "admin"))

    def send(self, method: str, below: str, body: Json | None = None, **options: Any) -> TestResponse:
        """Send a request about the company, with the admin's key unless others are given."""
        path, headers = f"/v1/companies/{self.company_id}{below}", options.pop("headers", self.key)
        return self.client.open(path, method=method, json=body, headers=headers, buffered=True, **options)

    def get(self, below: str, **query: Any) -> Json:
        """Return what a path of the company answers, having checked that it does."""
        answer = self.send("GET", below, query_string=query)
        assert answer.status_code == 200, answer.text
        return json_of(answer)

    def problem(self, method: str, below: str, body: Json | None = None) -> tuple[int, str]:
        """Send what is refused, and return the status and the code of the problem."""
        answer = self.send(method, below, body)
        return answer.status_code, json_of(answer)["code"]

    def invite(self, email: str, role: Role = "viewer") -> Json:
        """Invite an address, and return the invitation with its link."""
        answer = self.send("POST", "/invitations", {"email": email, "role": role})
        assert answer.status_code == 201, answer.text
        return json_of(answer)

    def acts(self) -> list[tuple[str, str | None, str | None]]:
        """Return type, entity and actor of what the audit lists, newest first."""
        return [(act["type"], act["entity"], act["actor"]) for act in self.get("/audit", limit=500)["data"]]


class Mails:
    """Mails that were queued, of transactions that were committed or not."""

    def __init__(self) -> None:
        self.queued: list[dict[str, Any]] = []

    def __call__(self, connection: Connection, *, company_id: int, to: str, subject: str, text: str) -> None:
        """Keep a mail."""
        self.queued.append({"company_id": company_id, "to": to, "subject": subject, "text": text})
