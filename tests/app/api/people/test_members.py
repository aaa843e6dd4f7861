"""Admins list members, change their roles and remove them; somebody is always left who can."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import Engine

from tenants.people.members import LastAdminError, dismiss_member
from tenants.people.users import list_members, set_member
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with, new_key_headers
from tests.support.web.admins import Admin
from tests.support.web.lines import json_of
from tests.support.web.people import add_member, signed_in


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Admin:
    return Admin.of_new_company(app, engine)


def test_members_are_listed_with_their_role_and_when_they_were_last_seen(
    app: Flask, admin: Admin, engine: Engine, clock: SetClock
) -> None:
    ada = signed_in(app, engine, admin.company_id, "admin")
    add_member(engine, admin.company_id, "viewer", email="bob@example.org")
    elsewhere = company_with(engine, "acct_elsewhere")
    add_member(engine, elsewhere, "viewer", email="eve@example.org")
    add_member(engine, elsewhere, "viewer")
    clock.advance(timedelta(hours=1))
    ada.get(f"/v1/companies/{elsewhere}/connection")
    unseen = admin.get("/members")["data"]

    ada.get(f"/v1/companies/{admin.company_id}/connection")
    clock.advance(timedelta(minutes=4))
    ada.get(f"/v1/companies/{admin.company_id}/connection")
    first = admin.get("/members", limit=1)
    second = admin.get("/members", limit=1, cursor=first["next_cursor"])

    assert [(one["email"], one["role"], one["last_seen_at"]) for one in unseen] == [
        ("ada@example.org", "admin", None),
        ("bob@example.org", "viewer", None),
    ]
    assert first["data"][0] | {"id": 0, "created_at": ""} == {
        "object": "member",
        "id": 0,
        "name": None,
        "email": "ada@example.org",
        "role": "admin",
        "created_at": "",
        "last_seen_at": "2026-03-01T13:00:00Z",
    }
    assert [one["email"] for one in second["data"]] == ["bob@example.org"]
    assert (second["has_more"], second["next_cursor"]) == (False, None)
    assert admin.send("GET", "/invitations", query_string={"cursor": first["next_cursor"]}).status_code == 400


def test_a_role_is_changed_from_the_next_request_on_and_recorded(app: Flask, admin: Admin, engine: Engine) -> None:
    add_member(engine, admin.company_id, "admin")
    bob = signed_in(app, engine, admin.company_id, "viewer", email="bob@example.org")
    bob_id = add_member(engine, admin.company_id, "viewer", email="bob@example.org")

    changed = admin.send("PATCH", f"/members/{bob_id}", {"role": "editor"})

    assert (changed.status_code, json_of(changed)["role"]) == (200, "editor")
    assert bob.get(f"/v1/companies/{admin.company_id}/audit").status_code == 200
    assert admin.acts()[0] == ("access.member_role_changed", f"user:{bob_id}", "api_key:1")
    before = len(admin.acts())
    assert admin.send("PATCH", f"/members/{bob_id}", {"role": "editor"}).status_code == 200
    assert len(admin.acts()) == before
    assert admin.problem("PATCH", f"/members/{bob_id}", {"role": "owner"}) == (422, "invalid_request")
    assert admin.problem("PATCH", f"/members/{bob_id}", {}) == (422, "invalid_request")
    assert admin.problem("PATCH", f"/members/{2**70}", {"role": "editor"}) == (404, "not_found")


def test_who_is_removed_is_signed_out_of_the_company_and_of_no_other(app: Flask, admin: Admin, engine: Engine) -> None:
    add_member(engine, admin.company_id, "admin")
    elsewhere = company_with(engine, "acct_elsewhere")
    bob = signed_in(app, engine, admin.company_id, "editor", email="bob@example.org")
    eve = signed_in(app, engine, admin.company_id, "editor", email="eve@example.org")
    eve_elsewhere = signed_in(app, engine, elsewhere, "editor", email="eve@example.org")
    for browser, company_id in ((bob, admin.company_id), (eve, admin.company_id), (eve_elsewhere, elsewhere)):
        assert browser.get(f"/settings/integrations?company={company_id}").status_code == 200
    ids = {one["email"]: one["id"] for one in admin.get("/members")["data"]}

    for email in ("bob@example.org", "eve@example.org"):
        assert admin.send("DELETE", f"/members/{ids[email]}").status_code == 204

    # A session that is over is 401; one that is not, but has no role here, is 404.
    assert bob.get(f"/v1/companies/{admin.company_id}/connection").status_code == 401
    assert eve.get(f"/v1/companies/{elsewhere}/connection").status_code == 401
    assert eve_elsewhere.get(f"/v1/companies/{elsewhere}/connection").status_code == 200
    assert eve_elsewhere.get(f"/v1/companies/{admin.company_id}/connection").status_code == 404
    assert admin.acts()[0] == ("access.member_removed", f"user:{ids['eve@example.org']}", "api_key:1")
    assert admin.problem("DELETE", f"/members/{ids['bob@example.org']}") == (404, "not_found")


def test_the_last_admin_stays_one(admin: Admin, engine: Engine) -> None:
    ada = add_member(engine, admin.company_id, "admin")
    bob = add_member(engine, admin.company_id, "admin", email="bob@example.org")
    add_member(engine, company_with(engine, "acct_elsewhere"), "admin", email="eve@example.org")

    assert admin.send("PATCH", f"/members/{ada}", {"role": "viewer"}).status_code == 200
    before = admin.acts()

    assert admin.problem("PATCH", f"/members/{bob}", {"role": "editor"}) == (409, "last_admin")
    assert admin.problem("DELETE", f"/members/{bob}") == (409, "last_admin")
    assert admin.send("PATCH", f"/members/{bob}", {"role": "admin"}).status_code == 200
    assert admin.send("DELETE", f"/members/{ada}").status_code == 204
    assert admin.acts()[1:] == before


def test_two_admins_who_remove_each_other_at_once_leave_one(engine: Engine) -> None:
    company_id = company_with(engine, "acct_tests")
    people = [add_member(engine, company_id, email=f"{name}@example.org") for name in ("ada", "bob")]
    for _ in range(5):
        both = Barrier(2)

        def remove(user_id: int, both: Barrier = both) -> bool:
            with engine.begin() as connection:
                both.wait(30)
                try:
                    dismiss_member(connection, company_id, user_id, actor="tests", now=NOON)
                except LastAdminError:
                    return False
            return True

        with ThreadPoolExecutor(2) as threads:
            removed = list(threads.map(remove, people))
        with engine.begin() as connection:
            left = list_members(connection, company_id)
            for user_id in people:
                set_member(connection, company_id, user_id, "admin", actor="tests", now=NOON)

        assert sorted(removed) == [False, True]
        assert len(left) == 1


def test_what_somebody_handed_out_as_an_admin_ends_with_their_being_one(
    app: Flask, admin: Admin, engine: Engine
) -> None:
    add_member(engine, admin.company_id, "admin")
    bob = signed_in(app, engine, admin.company_id, "admin", email="bob@example.org")
    bob_id = add_member(engine, admin.company_id, "admin", email="bob@example.org")
    cleo_id = add_member(engine, admin.company_id, "viewer", email="cleo@example.org")
    path = f"/v1/companies/{admin.company_id}"
    bob.send(f"{path}/invitations", json={"email": "friend@example.org", "role": "admin"})
    link = bob.send(f"{path}/members/{cleo_id}/password-link").get_json()["url"]
    kept = admin.invite("other@example.org")
    assert link

    assert admin.send("PATCH", f"/members/{bob_id}", {"role": "editor"}).status_code == 200

    standing = {one["email"]: one["status"] for one in admin.get("/invitations")["data"]}
    assert standing == {"friend@example.org": "revoked", kept["email"]: "open"}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM password_link").scalar_one() == 0


def test_a_password_link_is_refused_for_who_belongs_elsewhere_too(admin: Admin, engine: Engine) -> None:
    add_member(engine, admin.company_id, "admin")
    bob = add_member(engine, admin.company_id, "viewer", email="bob@example.org")
    eve = add_member(engine, admin.company_id, "viewer", email="eve@example.org")
    elsewhere = company_with(engine, "acct_elsewhere")
    add_member(engine, elsewhere, "admin", email="eve@example.org")

    given = admin.send("POST", f"/members/{bob}/password-link")

    assert given.status_code == 201
    assert json_of(given) | {"url": ""} == {
        "object": "password_link",
        "is_mailed": False,
        "url": "",
        "expires_at": "2026-03-01T13:00:00Z",
    }
    assert admin.acts()[0] == ("access.password_link_created", f"user:{bob}", "api_key:1")
    assert admin.problem("POST", f"/members/{eve}/password-link") == (409, "member_elsewhere")
    assert admin.problem("POST", "/members/999/password-link") == (404, "not_found")


def test_a_caller_learns_its_companies_and_roles(app: Flask, admin: Admin, engine: Engine) -> None:
    elsewhere = company_with(engine, "acct_elsewhere")
    ada = signed_in(app, engine, admin.company_id, "editor")
    add_member(engine, elsewhere, "viewer")
    client = app.test_client()
    here, there = (
        {"id": company_id, "name": f"Company of {account}", "role": role}
        for company_id, account, role in (
            (admin.company_id, "acct_tests", "editor"),
            (elsewhere, "acct_elsewhere", "viewer"),
        )
    )

    of_ada = json_of(ada.get("/v1/me"))
    of_key = json_of(client.get("/v1/me", headers=new_key_headers(engine, elsewhere)))

    assert of_ada == {"object": "principal", "kind": "user", "companies": [there, here]}
    assert of_key == {"object": "principal", "kind": "api_key", "companies": [there]}
    assert client.get("/v1/me").status_code == 401
    assert client.get("/v1/me", headers={"Authorization": "Bearer rmk_none"}).status_code == 401
    assert ada.get("/v1/me?company=1").status_code == 422
    assert client.get("/v1/me?company=1").status_code == 401
