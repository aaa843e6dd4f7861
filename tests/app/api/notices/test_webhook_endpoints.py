"""Admins create webhook endpoints, see what was sent to them, and send it again; each change is a fact of the log."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app.wiring.tools import Tools
from notices.announcements import announce
from notices.attempts import Attempt, note_attempt
from notices.claims import claim_deliveries
from notices.vocabulary import SYNC_FAILED, WEBHOOK_TYPES
from tests.support.clock import NOON
from tests.support.company import company_with, new_key_headers
from tests.support.web.lines import json_of
from tests.support.web.tools import app_with

URL = "https://hooks.zed.test/revmap"


@dataclass
class Admin:
    """An admin's key, and the company's path."""

    client: FlaskClient
    company_id: int
    headers: dict[str, str]

    def send(self, method: str, below: str = "", **options: Any) -> Any:
        path = f"/v1/companies/{self.company_id}/webhook-endpoints{below}"
        return self.client.open(path, method=method, headers=self.headers, **options)

    def create(self, **fields: Any) -> dict[str, Any]:
        answer = self.send("POST", json={"url": URL} | fields)
        assert answer.status_code == 201, answer.text
        return json_of(answer)


@pytest.fixture
def admin(client: FlaskClient, engine: Engine) -> Admin:
    company_id = company_with(engine, "acct_zed")
    return Admin(client, company_id, new_key_headers(engine, company_id, "admin"))


def facts(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        types = connection.scalars(text("SELECT type FROM event WHERE type LIKE 'access.webhook%' ORDER BY position"))
        return [one.removeprefix("access.webhook_endpoint_") for one in types]


def test_an_endpoint_is_created_with_a_secret_that_is_shown_once(admin: Admin, engine: Engine) -> None:
    created = admin.create(types=[SYNC_FAILED], description="Ours")
    secret = created.pop("secret")

    assert secret.startswith("whsec_")
    assert created == {
        "object": "webhook_endpoint",
        "id": created["id"],
        "url": URL,
        "description": "Ours",
        "types": ["sync.failed"],
        "is_enabled": True,
        "disabled_at": None,
        "disabled_because": None,
        "failing_since": None,
        "created_at": "2026-03-01T12:00:00Z",
    }
    assert json_of(admin.send("GET", f"/{created['id']}")) == created
    assert json_of(admin.send("GET")) == {"object": "list", "data": [created], "has_more": False}
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT sealed FROM webhook_secret")).all()
        bodies = connection.execute(text("SELECT count(*) FROM event WHERE type LIKE 'access.%'")).scalar()
    assert secret.encode() not in rows[0].sealed
    assert bodies == 1


def test_without_types_an_endpoint_gets_all_there_are(admin: Admin) -> None:
    assert admin.create()["types"] == list(WEBHOOK_TYPES)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/json/url"),
        ({"url": "http://hooks.zed.test"}, "/json/url"),
        ({"url": "https://127.0.0.1/"}, "/json/url"),
        ({"url": "https://u:p@hooks.zed.test"}, "/json/url"),
        ({"url": URL, "types": []}, "/json/types"),
        ({"url": URL, "types": ["period.closed"]}, "/json/types/0"),
        ({"url": URL, "description": "\x00"}, "/json/description"),
        ({"url": URL, "is_enabled": True}, "/json/is_enabled"),
    ],
)
def test_what_cannot_be_an_endpoint_is_refused_with_a_pointer(
    admin: Admin, body: dict[str, object], pointer: str
) -> None:
    answer = admin.send("POST", json=body)

    assert answer.status_code == 422
    assert json_of(answer)["errors"][0]["pointer"] == pointer
    assert json_of(admin.send("GET"))["data"] == []


def test_an_endpoint_is_changed_disabled_enabled_and_deleted(admin: Admin, engine: Engine) -> None:
    below = f"/{admin.create()['id']}"

    changed = json_of(admin.send("PATCH", below, json={"types": ["sync.succeeded"], "description": None}))
    assert (changed["types"], changed["description"]) == (["sync.succeeded"], None)
    off = json_of(admin.send("PATCH", below, json={"is_enabled": False}))
    assert (off["is_enabled"], off["disabled_because"], off["disabled_at"]) == (
        False,
        "by_hand",
        "2026-03-01T12:00:00Z",
    )
    on = json_of(admin.send("PATCH", below, json={"is_enabled": True}))
    assert (on["is_enabled"], on["disabled_because"]) == (True, None)
    assert json_of(admin.send("PATCH", below, json={})) == on
    assert admin.send("PATCH", below, json={"url": "https://localhost/"}).status_code == 422
    assert json_of(admin.send("POST", f"{below}/rotate-secret"))["secret"].startswith("whsec_")
    assert admin.send("DELETE", below).status_code == 204
    assert admin.send("DELETE", below).status_code == 404
    assert admin.send("GET", f"/{2**63}").status_code == 404
    assert facts(engine) == ["created", "changed", "changed", "changed", "secret_rotated", "deleted"]


def test_a_company_has_sixteen_endpoints_at_most(admin: Admin) -> None:
    for _ in range(16):
        admin.create()

    answer = admin.send("POST", json={"url": URL})

    assert (answer.status_code, json_of(answer)["code"]) == (409, "too_many_endpoints")


def test_for_the_demo_endpoints_may_be_on_this_machine(admin: Admin, web_tools: Tools) -> None:
    admin.client = app_with(replace(web_tools, outbound="any")).test_client()

    assert admin.create(url="http://127.0.0.1:9000/hooks")["url"] == "http://127.0.0.1:9000/hooks"


def test_what_was_sent_is_shown_with_every_answer_and_sent_again(admin: Admin, engine: Engine) -> None:
    endpoint_id = admin.create()["id"]
    for number in range(3):
        with engine.begin() as connection:
            announce(connection, admin.company_id, SYNC_FAILED, {"sync_id": number}, now=NOON)
    (leased,) = claim_deliveries(engine, {"new": 9})
    note_attempt(engine, leased, Attempt(NOON, 21, 500, "no", None), now=NOON)
    below = f"/{endpoint_id}/deliveries"

    first = json_of(admin.send("GET", f"{below}?limit=2"))
    rest = json_of(admin.send("GET", f"{below}?limit=2&before={first['data'][-1]['id']}"))

    assert [first["has_more"], rest["has_more"]] == [True, False]
    (shown,) = rest["data"]
    assert (shown["webhook_id"], shown["body"], shown["status"]) == (leased.message_id, leased.body, "waiting")
    assert shown["attempts"] == [
        {
            "number": 1,
            "started_at": "2026-03-01T12:00:00Z",
            "duration_ms": 21,
            "status": 500,
            "answer": "no",
            "error": None,
        }
    ]
    again = admin.send("POST", f"{below}/{shown['id']}/redeliver")
    assert (again.status_code, json_of(again)["status"]) == (202, "waiting")
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_delivery SET status = 'failed' WHERE attempts = 0"))
    assert [one.id for one in claim_deliveries(engine, {"slow": 9})] == [shown["id"]]
    assert admin.send("POST", f"{below}/99/redeliver").status_code == 404
    admin.send("PATCH", f"/{endpoint_id}", json={"is_enabled": False})
    refused = admin.send("POST", f"{below}/{shown['id']}/redeliver")
    assert (refused.status_code, json_of(refused)["code"]) == (409, "endpoint_disabled")
