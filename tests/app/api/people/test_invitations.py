"""An invitation is a link for one address into one company: shown once, hashed at rest, used once, revocable."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.wiring.tools import Tools
from tenants.people.joining import (
    EmailTakenError,
    ForeignInvitationError,
    accept_invitation,
    find_open_invitation,
    join_as_new_person,
)
from tenants.people.link_tokens import LinkOverError
from tenants.people.users import find_user, list_members, role_of
from tests.support.clock import NOON, SetClock
from tests.support.company import PASSWORDS
from tests.support.web.admins import Admin, Mails
from tests.support.web.people import PASSWORD, add_member
from tests.support.web.tools import app_with

HASH = PASSWORDS.hashed(PASSWORD)
WEEK = timedelta(days=7)


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Admin:
    return Admin.of_new_company(app, engine)


def token_of(invitation: dict) -> str:
    address, _, token = invitation["url"].rpartition("/")
    assert address == "https://localhost/invitations"
    return str(token)


def test_the_link_is_in_the_answer_that_makes_it_and_nowhere_else(admin: Admin, engine: Engine) -> None:
    made = admin.invite(" Bob@Example.ORG ", "editor")

    token = token_of(made)
    assert made == {
        "object": "invitation",
        "id": 1,
        "email": "bob@example.org",
        "role": "editor",
        "status": "open",
        "invited_by": "api_key:1",
        "created_at": "2026-03-01T12:00:00Z",
        "expires_at": "2026-03-08T12:00:00Z",
        "is_mailed": False,
        "url": made["url"],
    }
    (listed,) = admin.get("/invitations")["data"]
    assert listed == {name: value for name, value in made.items() if name not in ("url", "is_mailed")}
    assert admin.acts()[0] == ("access.invitation_created", "invitation:1", "api_key:1")
    with engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT invitation, token_sha256 FROM invitation").all())
        log = connection.exec_driver_sql("SELECT string_agg(payload_zstd, '') FROM event").scalar_one()
    assert len(token) >= 40
    assert token not in kept
    assert token.encode() not in log
    assert "bob@example.org" not in str(admin.get("/audit")["data"][0]["details"])


def test_inviting_again_replaces_the_link_and_a_member_is_not_invited(admin: Admin, engine: Engine) -> None:
    first = admin.invite("bob@example.org", "viewer")
    second = admin.invite("bob@example.org", "editor")
    add_member(engine, admin.company_id, email="ada@example.org")

    with engine.begin() as connection:
        with pytest.raises(LinkOverError):
            find_open_invitation(connection, token_of(first), now=NOON)
        assert find_open_invitation(connection, token_of(second), now=NOON).role == "editor"
    assert [one["id"] for one in admin.get("/invitations")["data"]] == [second["id"]] == [first["id"]]
    wanted = {"email": "ADA@example.org", "role": "viewer"}
    assert admin.problem("POST", "/invitations", wanted) == (409, "already_member")
    for wrong in ({"email": "nobody", "role": "viewer"}, {"email": "a@b", "role": "owner"}, {"email": "a\x00@b"}):
        assert admin.problem("POST", "/invitations", wrong) == (422, "invalid_request")


def test_a_new_person_joins_once_and_only_the_company_that_invited(app: Flask, admin: Admin, engine: Engine) -> None:
    other = Admin.of_new_company(app, engine, "acct_elsewhere")
    token = token_of(admin.invite("bob@example.org", "editor"))

    with engine.begin() as connection:
        user_id, company_id = join_as_new_person(connection, token, name="Bob", password_hash=HASH, now=NOON)
    with engine.begin() as connection:
        roles = [role_of(connection, one.company_id, user_id) for one in (admin, other)]
        with pytest.raises(LinkOverError):
            accept_invitation(connection, token, user_id=user_id, email="bob@example.org", now=NOON)
        bob = find_user(connection, "bob@example.org")

    assert (company_id, roles) == (admin.company_id, ["editor", None])
    assert bob is not None
    assert not bob.is_address_proven
    assert [one["name"] for one in admin.get("/members")["data"]] == ["Bob"]
    assert admin.acts()[:2] == [
        ("access.invitation_accepted", "invitation:1", f"user:{user_id}"),
        ("access.member_added", f"user:{user_id}", f"user:{user_id}"),
    ]
    assert admin.get("/invitations")["data"][0]["status"] == "accepted"
    assert admin.problem("DELETE", "/invitations/1") == (409, "invitation_accepted")


def test_somebody_with_an_account_joins_as_themselves_and_never_by_a_new_password(
    app: Flask, admin: Admin, engine: Engine
) -> None:
    other = Admin.of_new_company(app, engine, "acct_elsewhere")
    bob = add_member(engine, other.company_id, "admin", email="bob@example.org")
    token = token_of(admin.invite("bob@example.org"))

    with engine.connect() as connection:
        assert find_open_invitation(connection, token, now=NOON).has_account
    with pytest.raises(EmailTakenError), engine.begin() as connection:
        join_as_new_person(connection, token, name="Mallory", password_hash="", now=NOON)
    with pytest.raises(ForeignInvitationError), engine.begin() as connection:
        accept_invitation(connection, token, user_id=bob, email="eve@example.org", now=NOON)
    with engine.begin() as connection:
        accept_invitation(connection, token, user_id=bob, email="bob@example.org", now=NOON)
    with engine.connect() as connection:
        assert [role_of(connection, one.company_id, bob) for one in (admin, other)] == ["viewer", "admin"]


def test_a_link_that_is_over_opens_nothing(admin: Admin, engine: Engine, clock: SetClock) -> None:
    revoked, expired = (admin.invite(f"{name}@example.org") for name in ("bob", "eve"))

    assert admin.send("DELETE", f"/invitations/{revoked['id']}").status_code == 204
    assert admin.send("DELETE", f"/invitations/{revoked['id']}").status_code == 204
    clock.advance(WEEK)

    assert [act[0] for act in admin.acts()].count("access.invitation_revoked") == 1
    assert [one["status"] for one in admin.get("/invitations")["data"]] == ["expired", "revoked"]
    for token in (token_of(revoked), token_of(expired), "", "no\udcfftoken"):
        with pytest.raises(LinkOverError), engine.begin() as connection:
            join_as_new_person(connection, token, name="Bob", password_hash=HASH, now=clock())
    assert admin.problem("DELETE", "/invitations/99") == (404, "not_found")


def test_of_two_who_accept_at_once_one_is_let_in(admin: Admin, engine: Engine) -> None:
    for number in range(5):
        token = token_of(admin.invite(f"bob{number}@example.org"))
        both = Barrier(2)

        def join(_: int, token: str = token, both: Barrier = both) -> bool:
            with engine.begin() as connection:
                both.wait(30)
                try:
                    join_as_new_person(connection, token, name="Bob", password_hash=HASH, now=NOON)
                except (LinkOverError, EmailTakenError):
                    return False
            return True

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(join, range(2))) == [False, True]
    with engine.connect() as connection:
        assert len(list_members(connection, admin.company_id)) == 5
    assert [act[0] for act in admin.acts()].count("access.member_added") == 5


def test_who_became_a_member_meanwhile_keeps_their_role(admin: Admin, engine: Engine) -> None:
    token = token_of(admin.invite("bob@example.org", "viewer"))
    bob = add_member(engine, admin.company_id, "admin", email="bob@example.org")

    with engine.begin() as connection:
        accept_invitation(connection, token, user_id=bob, email="bob@example.org", now=NOON)
        assert role_of(connection, admin.company_id, bob) == "admin"


def test_the_link_is_mailed_as_well_if_mail_is_configured(web_tools: Tools, engine: Engine) -> None:
    mails = Mails()
    admin = Admin.of_new_company(app_with(replace(web_tools, queue_mail=mails)), engine)

    made = admin.invite("bob@example.org", "editor")

    (mail,) = mails.queued
    assert made["is_mailed"]
    assert (mail["company_id"], mail["to"]) == (admin.company_id, "bob@example.org")
    assert mail["subject"] == "Join Company of acct_tests on revmap"
    assert made["url"] in mail["text"]


def test_a_company_does_not_write_to_the_whole_world(admin: Admin) -> None:
    statuses = {
        admin.send("POST", "/invitations", {"email": f"bob{number}@example.org", "role": "viewer"}).status_code
        for number in range(100)
    }

    refused = admin.send("POST", "/invitations", {"email": "bob@example.org", "role": "viewer"})

    assert statuses == {201}
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
