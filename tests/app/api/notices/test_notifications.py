"""Each person chooses for themselves which notices come by e-mail."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.company import company_with, new_key_headers
from tests.support.web.lines import json_of
from tests.support.web.people import signed_in


def test_a_person_chooses_for_themselves_alone(app: Flask, engine: Engine) -> None:
    company_id = company_with(engine, "acct_zed")
    path = f"/v1/companies/{company_id}/notifications"
    admin = signed_in(app, engine, company_id, "admin", email="ada@zed.test")
    viewer = signed_in(app, engine, company_id, "viewer", email="vi@zed.test")

    before = json_of(admin.get(path))
    every = [
        "sync.failed",
        "connection.action_required",
        "quarantine.opened",
        "stream.archived",
        "webhook_endpoint.disabled",
    ]
    chosen = json_of(admin.send(path, "PUT", json={"by_email": ["quarantine.opened", "sync.failed"]}))

    assert before == {
        "object": "notifications",
        "email": "ada@zed.test",
        "by_email": every,
        "types": every,
        "is_email_sent": False,
    }
    assert chosen["by_email"] == ["sync.failed", "quarantine.opened"]
    assert json_of(admin.get(path)) == chosen
    assert json_of(viewer.get(path))["by_email"] == []
    assert json_of(admin.send(path, "PUT", json={"by_email": []}))["by_email"] == []
    for body in ({}, {"by_email": ["revenue_lines.changed"]}, {"by_email": "all"}):
        assert admin.send(path, "PUT", json=body).status_code == 422


def test_a_key_has_no_notifications(client: FlaskClient, engine: Engine) -> None:
    company_id = company_with(engine, "acct_zed")
    answer = client.get(f"/v1/companies/{company_id}/notifications", headers=new_key_headers(engine, company_id))

    assert (answer.status_code, json_of(answer)["code"]) == (409, "not_a_person")
