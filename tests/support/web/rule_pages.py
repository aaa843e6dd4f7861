"""Somebody who writes rules on pages."""

from typing import Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.support.rules import rule, to
from tests.support.web.admins import Json
from tests.support.web.desk import Mapper
from tests.support.web.people import Browser, signed_in


class Writer:
    """An admin who writes rules on pages, and reads over the API what came of it."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self.mapper = Mapper.of_new_company(app, engine)
        self.company_id = self.mapper.company_id
        self.browser = signed_in(app, engine, self.company_id)
        self.stream = self.mapper.add_stream("SaaS")

    def get(self, below: str = "", browser: Browser | None = None, **query: object) -> TestResponse:
        return (browser or self.browser).get(f"/companies/{self.company_id}/rules{below}", query_string=query)

    def page(self, below: str = "") -> str:
        response = self.get(below)
        assert response.status_code == 200, response.text
        return response.text

    def tag(self) -> str:
        return self.mapper.send("GET", "/rule-draft").headers["ETag"].strip('"')

    def send(self, below: str = "", form: Any = (), *, tag: str | None = None) -> TestResponse:
        sent = MultiDict(form)
        sent.update({"tag": tag or self.tag(), "csrf_token": self.browser.token()})
        path = f"/companies/{self.company_id}/rules{below}"
        answer: TestResponse = self.browser.client.post(path, data=sent)
        return answer

    def draft(self, *rules: Json) -> None:
        headers = {**self.mapper.key, "If-Match": f'"{self.tag()}"'}
        saved = self.mapper.send("PUT", "/rule-draft", {"rules": list(rules)}, headers=headers)
        assert saved.status_code == 200, saved.text

    def rules(self) -> list[Json]:
        found: list[Json] = self.mapper.get("/rule-draft")["rules"]
        return found

    def ids(self) -> list[str]:
        return [one["id"] for one in self.rules()]

    def to_saas(self, rule_id: str, *conditions: tuple[object, ...], **more: object) -> Json:
        return rule(rule_id, *conditions, outcome=to(self.stream), **more)
