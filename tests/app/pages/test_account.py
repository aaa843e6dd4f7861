"""One's own account: name, password, sessions."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.pages.account.devices import device
from tests.support.clock import SetClock
from tests.support.web.people import PASSWORD, Browser, signed_in
from tests.support.web.settings_page import Reader, text_of

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "another good password"


@pytest.fixture
def ada(app: Flask, engine: Engine) -> Reader:
    return Reader.of_new_company(app, engine, "viewer")


def told_by(reader: Reader, path: str, **fields: str) -> str:
    return text_of(reader.browser.send(reader.path(f"/account{path}"), data=fields, follow_redirects=True).text)


def test_a_name_is_shown_in_place_of_the_address(ada: Reader) -> None:
    assert "Your name is saved." in told_by(ada, "/name", name=" Ada <b> ")
    page = ada.page(ada.path("/account"))
    assert 'value="Ada &lt;b&gt;"' in page
    assert '<span class="clip d-block">Ada &lt;b&gt;</span>' in page
    assert "Enter your name" in told_by(ada, "/name", name="")
    assert "Company of acct_page Viewer" in text_of(page)


def test_a_password_is_changed_by_who_knows_it_and_ends_all_other_sessions(app: Flask, ada: Reader) -> None:
    other = Browser(app)
    other.sign_in()

    assert "not your current password" in told_by(ada, "/password", password="wrong", new_password=NEW)
    assert "of 12 to 256 characters" in told_by(ada, "/password", password=PASSWORD, new_password="short")
    assert other.get(ada.path("/account")).status_code == 200
    assert "Your password is changed." in told_by(ada, "/password", password=PASSWORD, new_password=NEW)

    assert other.get(ada.path("/account")).status_code == 303
    assert Browser(app).sign_in(password=PASSWORD).status_code == 401
    assert Browser(app).sign_in(password=NEW).status_code == 303


def test_a_current_password_is_not_guessed_at(ada: Reader) -> None:
    told = [told_by(ada, "/password", password=f"guess {number}", new_password=NEW) for number in range(11)]

    assert "Too many attempts" in told[10]
    assert "Too many attempts" not in told[9]
    assert "Too many attempts" in told_by(ada, "/password", password=PASSWORD, new_password=NEW)


def test_sessions_are_listed_and_ended_one_by_one_or_all_at_once(app: Flask, ada: Reader, clock: SetClock) -> None:
    clock.advance(timedelta(minutes=5))
    other, third = Browser(app), Browser(app)
    other.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    for browser in (other, third):
        browser.sign_in()

    page = ada.page(ada.path("/account"))
    assert "Firefox on Windows" in text_of(page)
    assert text_of(page).count("This session") == 1
    assert "That session is over." in told_by(ada, "/sessions/2/end")
    assert other.get(ada.path("/account")).status_code == 303
    assert third.get(ada.path("/account")).status_code == 200

    out = ada.browser.send(ada.path("/account/sessions/end"))

    assert out.headers["Location"] == "/sign-in"
    assert [one.get(ada.path("/account")).status_code for one in (ada.browser, third)] == [303, 303]


def test_nobody_ends_the_session_of_somebody_else(app: Flask, ada: Reader, engine: Engine) -> None:
    eve = signed_in(app, engine, ada.company_id, "admin", email="eve@example.org")

    for session_id in (1, 2**70):
        eve.send(ada.path(f"/account/sessions/{session_id}/end"))

    assert ada.browser.get(ada.path("/account")).status_code == 200


def test_a_browser_is_named_as_people_know_it() -> None:
    safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"

    assert [device(one) for one in (FIREFOX, safari, edge, "curl/8", None)] == [
        "Firefox on Windows",
        "Safari on iPhone",
        "Edge on Windows",
        "Unknown browser",
        "Unknown browser",
    ]
