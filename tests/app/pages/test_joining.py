"""People on their way in: by invitation, by signing up, by a link for a forgotten password."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.web.admins import Admin, Mails
from tests.support.web.lines import json_of
from tests.support.web.people import PASSWORD, Browser, add_member, signed_in
from tests.support.web.settings_page import text_of
from tests.support.web.tools import app_with

NEW = "another good password"


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Admin:
    return Admin.of_new_company(app, engine)


@pytest.fixture
def mails() -> Mails:
    return Mails()


@pytest.fixture
def mailing(web_tools: Tools, mails: Mails) -> Flask:
    """Return an app with mail, in which anybody may sign up."""
    return app_with(replace(web_tools, queue_mail=mails, is_sign_up_open=True))


def below(url: str) -> str:
    """Return the path of a link of ours."""
    return url.removeprefix("https://localhost")


def submit(browser: Browser, path: str, **fields: str) -> TestResponse:
    """Open the page, and submit its form with these fields."""
    return browser.client.post(path, data={"csrf_token": browser.form_token(path), **fields})


def companies_of(browser: Browser) -> list[dict[str, Any]]:
    companies: list[dict[str, Any]] = json_of(browser.get("/v1/me"))["companies"]
    return companies


def test_somebody_new_joins_with_a_name_and_a_password(app: Flask, admin: Admin) -> None:
    path, bob = below(admin.invite("bob@example.org", "editor")["url"]), Browser(app)
    for _ in range(2):  # looking at it, as mail scanners do, uses nothing up
        assert "Join Company of acct_tests bob@example.org is invited as editor." in text_of(bob.get(path).text)

    assert "Enter your name" in text_of(submit(bob, path, name="", new_password=NEW).text)
    short = submit(bob, path, name="Bob", new_password="short")
    joined = submit(bob, path, name="Bob", new_password=NEW)

    assert (short.status_code, "of 12 to 256 characters" in text_of(short.text)) == (422, True)
    assert 'value="Bob"' in short.text
    assert joined.headers["Location"] == f"/companies/{admin.company_id}/revenue-mapping"
    assert [(one["id"], one["role"]) for one in companies_of(bob)] == [(admin.company_id, "editor")]
    assert Browser(app).sign_in("bob@example.org", NEW).status_code == 303
    over = Browser(app).get(path)
    assert (over.status_code, "This link no longer works" in text_of(over.text)) == (410, True)


def test_somebody_with_an_account_signs_in_and_joins(app: Flask, admin: Admin, engine: Engine) -> None:
    elsewhere = company_with(engine, "acct_elsewhere")
    add_member(engine, elsewhere, "admin")
    path, ada = below(admin.invite("ada@example.org", "viewer")["url"]), Browser(app)

    page = ada.get(path).text
    assert f'href="/sign-in?next={path}"' in page
    forced = ada.client.post(path, data={"csrf_token": ada.form_token(), "name": "Eve", "new_password": NEW})
    assert ada.sign_in(next_path=path).headers["Location"] == path
    assert submit(ada, path).status_code == 303

    assert forced.status_code == 200
    assert "You have an account already." in text_of(forced.text)
    assert Browser(app).sign_in(password=NEW).status_code == 401
    assert {one["id"]: one["role"] for one in companies_of(ada)} == {elsewhere: "admin", admin.company_id: "viewer"}
    assert ada.get(path).status_code == 410


def test_an_invitation_is_for_nobody_else(app: Flask, admin: Admin, engine: Engine) -> None:
    eve = signed_in(app, engine, company_with(engine, "acct_elsewhere"), "admin", email="eve@example.org")
    path = below(admin.invite("bob@example.org", "admin")["url"])

    page = text_of(eve.get(path).text)
    forced = eve.send(path)

    assert "You're signed in as eve@example.org. Sign out, then open the link again." in page
    assert (forced.status_code, "another e-mail address" in text_of(forced.text)) == (403, True)
    assert admin.company_id not in {one["id"] for one in companies_of(eve)}
    assert Browser(app).get(path).status_code == 200  # still open for Bob


def test_of_two_browsers_that_accept_at_once_one_is_let_in(app: Flask, admin: Admin) -> None:
    path = below(admin.invite("bob@example.org", "editor")["url"])
    browsers, both = [Browser(app), Browser(app)], Barrier(2)
    tokens = [browser.form_token(path) for browser in browsers]

    def accept(browser: Browser, token: str) -> int:
        both.wait(30)
        fields = {"csrf_token": token, "name": "Bob", "new_password": NEW}
        return browser.client.post(path, data=fields).status_code

    with ThreadPoolExecutor(2) as threads:
        statuses = sorted(threads.map(accept, browsers, tokens))

    assert statuses == [303, 410]
    assert len(admin.get("/members")["data"]) == 1


def test_who_is_not_asked_in_cannot_make_a_company(app: Flask) -> None:
    browser = Browser(app)

    page = browser.get("/sign-up").text
    fields = {"company": "Zed Inc", "name": "Ada", "email": "ada@example.org", "new_password": NEW}
    forced = browser.client.post("/sign-up", data={"csrf_token": browser.form_token(), **fields})

    assert "Ask an admin of your company to invite you" in text_of(page)
    assert (forced.status_code, browser.cookie()) == (403, None)
    assert "/sign-up" not in browser.get("/sign-in").text


def test_where_sign_up_is_open_somebody_makes_a_company_and_another_one(mailing: Flask) -> None:
    ada = Browser(mailing)
    fields = {"company": "Zed Inc", "name": "Ada", "email": "Ada@Example.org", "new_password": NEW}
    assert 'href="/sign-up"' in ada.get("/sign-in").text

    wrong = [submit(ada, "/sign-up", **fields | {name: ""}) for name in fields]
    made = submit(ada, "/sign-up", **fields)
    taken = submit(Browser(mailing), "/sign-up", **fields)
    again = submit(ada, "/sign-up", company="Zed Sons")

    assert {answer.status_code for answer in (*wrong, taken)} == {422}
    assert "Somebody with this address has an account." in text_of(taken.text)
    first, second = companies_of(ada)
    assert made.headers["Location"] == f"/settings/integrations?company={first['id']}"
    assert again.headers["Location"] == f"/settings/integrations?company={second['id']}"
    assert [(one["name"], one["role"]) for one in (first, second)] == [("Zed Inc", "admin"), ("Zed Sons", "admin")]
    acts = [one["type"] for one in json_of(ada.get(f"/v1/companies/{first['id']}/audit"))["data"]]
    assert acts == ["access.member_added", "access.company_created"]


def test_nobody_makes_companies_without_end(mailing: Flask) -> None:
    ada = Browser(mailing)
    fields = {"name": "Ada", "email": "ada@example.org", "new_password": NEW}

    statuses = [submit(ada, "/sign-up", company="Zed", **fields).status_code for _ in range(11)]

    assert statuses == [303] * 10 + [429]


def test_a_forgotten_password_is_replaced_by_a_mailed_link_once(
    mailing: Flask, mails: Mails, engine: Engine, clock: SetClock
) -> None:
    add_member(engine, company_with(engine, "acct_tests"), "viewer")
    old, browser = Browser(mailing), Browser(mailing)
    old.sign_in()

    asked = submit(browser, "/forgotten-password", email=" Ada@Example.org ")
    (mail,) = mails.queued
    path = next(below(line) for line in mail["text"].splitlines() if line.startswith("https://"))
    short = submit(browser, path, new_password="short")
    done = submit(browser, path, new_password=NEW)

    assert mail["to"] == "ada@example.org"
    assert "If ada@example.org has an account" in text_of(asked.text)
    assert short.status_code == 422
    assert done.headers["Location"] == "/"
    assert len(companies_of(browser)) == 1
    assert old.get("/settings/integrations").status_code == 303
    assert Browser(mailing).sign_in(password=PASSWORD).status_code == 401
    assert browser.get(path).status_code == 410
    assert browser.send(path, data={"new_password": NEW}).status_code == 410
    submit(Browser(mailing), "/forgotten-password", email="ada@example.org")
    late = next(below(line) for line in mails.queued[1]["text"].splitlines() if line.startswith("https://"))
    clock.advance(timedelta(hours=1))
    assert browser.get(late).status_code == 410


def test_forgotten_passwords_say_nothing_about_who_exists(
    app: Flask, mailing: Flask, mails: Mails, engine: Engine
) -> None:
    add_member(engine, company_with(engine, "acct_tests"), "viewer")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO user_account (email, password_hash) VALUES ('alone@x.org', 'some')")
        connection.exec_driver_sql("INSERT INTO user_account (email) VALUES ('provider@x.org')")
    asked = ("ada@example.org", "nobody@x.org", "alone@x.org", "provider@x.org")

    def answers(browser: Browser, email: str) -> list[tuple[int, str]]:
        answered = [submit(browser, "/forgotten-password", email=email) for _ in range(6)]
        return [(one.status_code, text_of(one.text).replace(email, "…")) for one in answered]

    told = {email: answers(Browser(mailing, f"203.0.113.{place}"), email) for place, email in enumerate(asked)}
    without_mail = Browser(app)

    assert len({str(one) for one in told.values()}) == 1
    assert [status for status, _ in told["nobody@x.org"]] == [200] * 5 + [429]
    assert {mail["to"] for mail in mails.queued} == {"ada@example.org"}
    assert "Ask an admin of your company for a link" in text_of(without_mail.get("/forgotten-password").text)


def test_a_link_that_an_admin_hands_over_sets_the_password(app: Flask, admin: Admin, engine: Engine) -> None:
    bob_id = add_member(engine, admin.company_id, "viewer", email="bob@example.org")
    path = below(json_of(admin.send("POST", f"/members/{bob_id}/password-link"))["url"])
    bob = Browser(app)
    assert 'value="bob@example.org"' in bob.get(path).text

    assert submit(bob, path, new_password=NEW).status_code == 303

    assert Browser(app).sign_in("bob@example.org", NEW).status_code == 303
    assert admin.acts()[:2] == [
        ("access.password_changed", f"user:{bob_id}", f"user:{bob_id}"),
        ("access.password_link_created", f"user:{bob_id}", "api_key:1"),
    ]


def test_forms_of_visitors_take_nothing_from_other_pages(mailing: Flask, admin: Admin) -> None:
    path = below(admin.invite("bob@example.org")["url"])
    fields = {"name": "Bob", "new_password": NEW, "email": "bob@example.org", "company": "Zed"}
    browser = Browser(mailing)
    token = browser.form_token(path)

    for form in (path, "/sign-up", "/forgotten-password", "/new-password/none"):
        assert browser.client.post(form, data=fields).status_code == 403
        assert Browser(mailing).client.post(form, data=fields | {"csrf_token": token}).status_code == 403
        evil = {"Origin": "https://evil.example"}
        assert browser.client.post(form, data=fields | {"csrf_token": token}, headers=evil).status_code == 403
