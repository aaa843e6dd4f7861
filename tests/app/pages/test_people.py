"""The settings pages of people, keys, company and audit: what each role is shown, and what each form does."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.wiring.tools import Tools
from projections.mapping.decisions.payloads import PlanCreated, StreamArchived, StreamCreated
from tenants.api_keys import create_api_key
from tests.support.clock import SetClock
from tests.support.company import catch_up, company_with
from tests.support.decisions import decide
from tests.support.web.admins import Mails
from tests.support.web.people import add_member, signed_in
from tests.support.web.settings_page import Reader, text_of
from tests.support.web.tools import app_with


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Reader:
    return Reader.of_new_company(app, engine)


def told_by(reader: Reader, path: str, **fields: str) -> tuple[int, str]:
    """Fill in a form, follow where it leads, and return the status and the text of the page that shows the outcome."""
    answer = reader.browser.send(reader.path(path), data=fields, follow_redirects=True)
    return answer.status_code, text_of(answer.text)


def is_told(status: int, words: str, reader: Reader, path: str, **fields: str) -> bool:
    """Fill in a form, and return whether its outcome has this status and says these words."""
    answered, told = told_by(reader, path, **fields)
    return answered == status and words in told


def secret_in(reader: Reader, path: str, **fields: str) -> str:
    """Fill in a form, and return the secret that its answer shows."""
    answer = reader.browser.send(reader.path(path), data=fields)
    found = re.search(r'data-copies="([^"]+)"', answer.text)
    assert found is not None, answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    return found[1]


def test_an_admin_invites_and_is_shown_the_link_this_once(admin: Reader) -> None:
    assert "No open invitations." in text_of(admin.page(admin.path("/people")))

    link = secret_in(admin, "/people/invitations", email="bob@example.org", role="editor")

    assert link.startswith("https://localhost/invitations/")
    page = admin.page(admin.path("/people"))
    assert "bob@example.org Editor" in text_of(page)
    assert link not in page
    assert is_told(422, "Enter an email", admin, "/people/invitations", email="nobody", role="viewer")
    assert is_told(422, "Choose a role", admin, "/people/invitations", email="a@b.org", role="owner")
    assert is_told(
        422, "This person is a member already.", admin, "/people/invitations", email="ada@example.org", role="viewer"
    )
    assert is_told(200, "The invitation is withdrawn.", admin, "/people/invitations/1/revoke")
    assert "No open invitations." in text_of(admin.page(admin.path("/people")))


def test_an_admin_changes_roles_and_removes_members_but_not_the_last_admin(
    app: Flask, admin: Reader, engine: Engine
) -> None:
    bob = signed_in(app, engine, admin.company_id, "viewer", email="bob@example.org")
    bob_id = add_member(engine, admin.company_id, "viewer", email="bob@example.org")

    assert is_told(200, "The role is changed.", admin, f"/people/{bob_id}/role", role="editor")
    assert bob.get(admin.path("/audit")).status_code == 200
    assert told_by(admin, f"/people/{bob_id}/role", role="owner")[0] == 422
    for form, fields in (("role", {"role": "viewer"}), ("remove", {})):
        assert is_told(422, "Somebody has to be an admin.", admin, f"/people/1/{form}", **fields)
    assert "Remove bob@example.org?" in text_of(admin.page(admin.path("/people")))
    assert is_told(200, "Removed. Their sessions here are over.", admin, f"/people/{bob_id}/remove")
    assert bob.get(admin.path("/people")).headers["Location"].startswith("/sign-in")
    assert told_by(admin, f"/people/{bob_id}/remove")[0] == 404


def test_a_link_for_a_new_password_is_shown_or_mailed_and_never_for_another_company(
    web_tools: Tools, admin: Reader, engine: Engine
) -> None:
    bob = add_member(engine, admin.company_id, "viewer", email="bob@example.org")
    eve = add_member(engine, admin.company_id, "viewer", email="eve@example.org")
    add_member(engine, company_with(engine, "acct_elsewhere"), "viewer", email="eve@example.org")
    mails = Mails()
    with_mail = Reader(
        signed_in(app_with(replace(web_tools, queue_mail=mails)), engine, admin.company_id), admin.company_id
    )

    shown = secret_in(admin, f"/people/{bob}/password-link")
    refused = told_by(admin, f"/people/{eve}/password-link")
    mailed = told_by(with_mail, f"/people/{eve}/password-link")

    assert shown.startswith("https://localhost/new-password/")
    assert (refused[0], "They belong to another company, too" in refused[1]) == (422, True)
    assert (mailed[0], "We've mailed a link to eve@example.org." in mailed[1]) == (200, True)
    assert [mail["to"] for mail in mails.queued] == ["eve@example.org"]


def test_a_key_is_made_shown_once_and_revoked(app: Flask, admin: Reader) -> None:
    key = secret_in(admin, "/api-keys", name="Warehouse", role="viewer")
    headers = {"Authorization": f"Bearer {key}"}
    connection = f"/v1/companies/{admin.company_id}/connection"

    assert app.test_client().get(connection, headers=headers).status_code == 200
    page = admin.page(admin.path("/api-keys"))
    assert key not in page
    assert "Warehouse Viewer" in text_of(page)
    assert "by ada@example.org" in text_of(page)
    assert is_told(422, "Enter a name", admin, "/api-keys", name=" ", role="viewer")
    assert is_told(200, "The key is revoked.", admin, "/api-keys/1/revoke")
    assert app.test_client().get(connection, headers=headers).status_code == 401


def test_a_key_without_a_name_is_called_by_its_beginning_once(engine: Engine, admin: Reader) -> None:
    with engine.begin() as connection:
        key = create_api_key(connection, admin.company_id, "viewer").key

    beginning = key[:10]
    listed = text_of(admin.page(admin.path("/api-keys"))).split("Keys", 1)[1].partition("Revoke")[0]
    assert listed.count(beginning) == 1


def test_name_and_time_zone_are_saved_or_the_mistake_is_told(admin: Reader) -> None:
    assert is_told(200, "Saved.", admin, "/company", name="Zed Inc", time_zone="Asia/Tokyo")
    page = admin.page(admin.path("/company"))
    assert "<option selected>Asia/Tokyo</option>" in page
    assert 'value="Zed Inc"' in page
    assert is_told(422, "Enter a name", admin, "/company", name="", time_zone="UTC")
    assert is_told(422, "Choose a time zone", admin, "/company", name="Zed", time_zone="Mars")


def test_the_audit_is_told_in_words_with_names(admin: Reader, clock: SetClock) -> None:
    secret_in(admin, "/people/invitations", email="bob@example.org", role="editor")
    secret_in(admin, "/api-keys", name="Warehouse", role="viewer")
    clock.advance(timedelta(minutes=1))
    told_by(admin, "/company", name="Zed Inc", time_zone="Asia/Tokyo")

    told = text_of(admin.page(admin.path("/audit")))

    for words in (
        "Accounting policy changed time zone: Asia/Tokyo",
        "Company renamed name: Zed Inc ada@example.org",
        "API key created: Warehouse role: viewer",
        "Invitation sent: bob@example.org role: editor ada@example.org",
        "Connection authorized",
    ):
        assert words in told, told
    assert "Back to newest" not in told
    assert admin.browser.get(admin.path("/audit?cursor=forged")).status_code == 400


def test_the_audit_names_streams_and_plans(admin: Reader, engine: Engine) -> None:
    decide(engine, admin.company_id, StreamCreated("str_saas", "SaaS"), PlanCreated("pln_pro", "str_saas", "Pro"))
    decide(engine, admin.company_id, StreamArchived("str_saas", "SaaS"))
    catch_up(engine)

    told = text_of(admin.page(admin.path("/audit")))

    assert "Plan added stream: SaaS name: Pro" in told
    assert "Revenue stream archived name: SaaS" in told
    assert "str_saas" not in told
    assert "pln_pro" not in told


def test_who_may_not_change_something_is_told_who_can(app: Flask, admin: Reader, engine: Engine) -> None:
    viewer = Reader(signed_in(app, engine, admin.company_id, "viewer", email="bob@example.org"), admin.company_id)

    for path in ("/people", "/api-keys", "/company"):
        page = viewer.page(viewer.path(path))
        assert "Ask an admin of your company" in text_of(page), path
        assert viewer.offers(page) == set()
        assert ">Audit log</a>" not in page
    assert "You are a viewer in Company of acct_page." in text_of(viewer.page(viewer.path("/people")))
    assert "ada@example.org" in text_of(viewer.page(viewer.path("/people")))
    assert viewer.browser.get(viewer.path("/audit")).status_code == 403
