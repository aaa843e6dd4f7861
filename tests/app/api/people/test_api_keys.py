"""Admins make, list and revoke API keys; a key is shown once and makes none above itself."""

import pytest
from flask import Flask
from sqlalchemy import Engine

from tenants.roles import ROLES
from tests.support.company import new_key_headers
from tests.support.web.admins import Admin
from tests.support.web.lines import json_of


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Admin:
    return Admin.of_new_company(app, engine)


def test_a_key_is_shown_once_works_at_once_and_ends_when_it_is_revoked(admin: Admin) -> None:
    answer = admin.send("POST", "/api-keys", {"name": " Warehouse ", "role": "viewer"})
    made = json_of(answer)
    headers = {"Authorization": f"Bearer {made['key']}"}

    assert answer.status_code == 201
    assert list(made) == [
        *("object", "id", "name", "role", "prefix", "created_by", "created_at", "last_used_at", "revoked_at", "key")
    ]
    assert (made["name"], made["role"], made["created_by"]) == ("Warehouse", "viewer", "api_key:1")
    assert made["key"].startswith(made["prefix"])
    assert admin.send("GET", "/connection", headers=headers).status_code == 200
    newest, oldest = admin.get("/api-keys")["data"]
    assert newest == {name: value for name, value in made.items() if name != "key"} | {
        "last_used_at": "2026-03-01T12:00:00Z"
    }
    assert (oldest["name"], oldest["created_by"]) == ("", None)
    assert admin.acts()[0] == ("access.api_key_created", f"api_key:{made['id']}", "api_key:1")

    assert [admin.send("DELETE", f"/api-keys/{made['id']}").status_code for _ in range(2)] == [204, 204]

    assert admin.send("GET", "/connection", headers=headers).status_code == 401
    assert admin.get("/api-keys")["data"][0]["revoked_at"] == "2026-03-01T12:00:00Z"
    assert admin.acts()[0] == ("access.api_key_revoked", f"api_key:{made['id']}", "api_key:1")


def test_no_key_makes_a_key_a_member_or_an_invitation_above_itself(admin: Admin, engine: Engine) -> None:
    for role in ROLES:
        headers = new_key_headers(engine, admin.company_id, role)
        for wanted in ROLES:
            answers = [
                admin.send("POST", "/api-keys", {"name": "Key", "role": wanted}, headers=headers),
                admin.send("POST", "/invitations", {"email": "bob@example.org", "role": wanted}, headers=headers),
            ]

            is_above = ROLES.index(wanted) > ROLES.index(role)
            assert not is_above or {answer.status_code for answer in answers} == {403}, (role, wanted)
            assert role == "admin" or {answer.status_code for answer in answers} == {403}


def test_a_key_has_a_name_and_a_role_that_is_one(admin: Admin) -> None:
    for wrong in (
        {"name": "", "role": "viewer"},
        {"name": "  ", "role": "viewer"},
        {"name": "a\nb", "role": "viewer"},
        {"name": "a" * 101, "role": "viewer"},
        {"role": "viewer"},
        {"name": "Key", "role": "owner"},
        {"name": "Key", "role": "viewer", "key": "rmk_mine"},
    ):
        assert admin.problem("POST", "/api-keys", wrong) == (422, "invalid_request"), wrong
    assert admin.problem("DELETE", "/api-keys/999") == (404, "not_found")
    assert admin.problem("DELETE", f"/api-keys/{2**80}") == (404, "not_found")
