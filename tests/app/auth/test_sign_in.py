"""Signing in and out, when a session ends, and how many wrong passwords are allowed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Connection, Engine, select

from app.auth.access import for_role, still_let_in
from tenants.api_keys import revoke_api_key
from tenants.people.sessions import IDLE, LONGEST, end_sessions_of
from tenants.people.users import add_user, remove_member, set_member
from tenants.tables import user_session
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with, new_key_headers
from tests.support.web.people import PASSWORD, SESSION_COOKIE, Browser, add_member, signed_in


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_tests")


@pytest.fixture
def ada(app: Flask, engine: Engine, company_id: int) -> Browser:
    return signed_in(app, engine, company_id)


def lines_path(company_id: int) -> str:
    return f"/v1/companies/{company_id}/revenue-lines"


def test_signing_in_opens_the_companys_table(app: Flask, engine: Engine, company_id: int) -> None:
    add_member(engine, company_id, "viewer")
    browser = Browser(app)
    assert browser.get(lines_path(company_id)).status_code == 401

    answer = browser.sign_in("  Ada@Example.ORG ")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.get(lines_path(company_id)).status_code == 200


def test_the_sessions_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: Flask, engine: Engine, company_id: int
) -> None:
    add_member(engine, company_id)

    cookies = [one for one in Browser(app).sign_in().headers.getlist("Set-Cookie") if SESSION_COOKIE in one]

    (cookie,) = cookies
    assert {part.strip() for part in cookie.split(";")} >= {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert "Domain" not in cookie


def test_a_wrong_password_and_an_unknown_address_get_the_same_bytes(
    app: Flask, engine: Engine, company_id: int
) -> None:
    add_member(engine, company_id)
    with engine.begin() as connection:
        add_user(connection, "eve@example.org", password_hash=None)
    browser = Browser(app)

    answers = [
        browser.sign_in(email, "not the password").text.replace(email, "…")
        for email in ("ada@example.org", "eve@example.org", "nobody@example.org", "no\x00body@example.org")
    ]

    assert len({answer.replace("\x00", "") for answer in answers[:3]}) == 1
    assert "is wrong" in answers[3]
    assert browser.cookie() is None


def test_a_session_ends_when_it_is_not_used(ada: Browser, clock: SetClock, company_id: int) -> None:
    for _ in range(3):
        clock.advance(IDLE - timedelta(minutes=1))
        assert ada.get(lines_path(company_id)).status_code == 200

    clock.advance(IDLE)

    assert ada.get(lines_path(company_id)).status_code == 401


def test_a_session_ends_after_a_week_however_much_it_is_used(ada: Browser, clock: SetClock, company_id: int) -> None:
    for _ in range(int(LONGEST / timedelta(hours=6)) - 1):
        clock.advance(timedelta(hours=6))
        assert ada.get(lines_path(company_id)).status_code == 200

    clock.advance(timedelta(hours=6))

    assert ada.get(lines_path(company_id)).status_code == 401


def test_each_sign_in_has_a_session_of_its_own_and_ends_the_browsers_old_one(
    app: Flask, ada: Browser, company_id: int
) -> None:
    old = ada.cookie()
    assert old

    ada.send("/sign-out")
    ada.sign_in()
    copied = Browser(app)
    copied.set_cookie(old)

    assert ada.cookie() != old
    assert copied.get(lines_path(company_id)).status_code == 401


def test_signing_in_again_in_the_same_browser_ends_the_session_before(
    app: Flask, engine: Engine, company_id: int
) -> None:
    add_member(engine, company_id)
    browser, copied = Browser(app), Browser(app)
    form = {"email": "ada@example.org", "password": PASSWORD, "csrf_token": browser.form_token()}
    browser.client.post("/sign-in", data=form)
    copied.set_cookie(browser.cookie() or "")
    assert copied.get(lines_path(company_id)).status_code == 200

    assert browser.client.post("/sign-in", data=form).status_code == 303

    assert browser.get(lines_path(company_id)).status_code == 200
    assert copied.get(lines_path(company_id)).status_code == 401


def test_a_cookie_that_was_planted_before_never_becomes_a_session(app: Flask, engine: Engine, company_id: int) -> None:
    add_member(engine, company_id)
    browser = Browser(app)
    browser.set_cookie("planted")

    browser.sign_in()

    assert browser.cookie() != "planted"


def test_signing_out_ends_the_session_wherever_its_cookie_was_copied_to(
    app: Flask, ada: Browser, company_id: int
) -> None:
    copied = Browser(app)
    copied.set_cookie(ada.cookie() or "")
    assert copied.get(lines_path(company_id)).status_code == 200

    ada.send("/sign-out")

    assert copied.get(lines_path(company_id)).status_code == 401
    assert ada.cookie() is None


def test_the_database_holds_no_byte_of_a_token(ada: Browser, engine: Engine) -> None:
    token = ada.cookie() or ""

    with engine.connect() as connection:
        kept = connection.execute(select(user_session)).one()

    assert token not in repr(kept)
    assert token.encode() not in kept.token_sha256


def test_nobody_has_more_than_twenty_sessions_and_the_oldest_end(
    app: Flask, engine: Engine, company_id: int, clock: SetClock, redis: Redis
) -> None:
    add_member(engine, company_id)
    browsers = [Browser(app) for _ in range(21)]
    for browser in browsers:
        clock.advance(timedelta(seconds=1))
        browser.sign_in()
        redis.flushall()

    assert [browser.get(lines_path(company_id)).status_code for browser in browsers] == [401, *[200] * 20]


def test_a_role_holds_from_the_next_request_on(ada: Browser, engine: Engine, company_id: int) -> None:
    user_id = add_member(engine, company_id, "admin")
    pause = f"/v1/companies/{company_id}/connection/pause"
    assert ada.send(pause).status_code == 200

    with engine.begin() as connection:
        set_member(connection, company_id, user_id, "viewer", actor="tests", now=NOON)
    lowered = ada.send(pause).status_code, ada.get(lines_path(company_id)).status_code
    with engine.begin() as connection:
        remove_member(connection, company_id, user_id, actor="tests", now=NOON)
    removed = ada.get(lines_path(company_id)).status_code

    assert lowered == (403, 200)
    assert removed == 404


def test_ending_somebodys_sessions_signs_them_out_everywhere(ada: Browser, engine: Engine, company_id: int) -> None:
    with engine.begin() as connection:
        assert end_sessions_of(connection, add_member(engine, company_id)) == 1

    assert ada.get(lines_path(company_id)).status_code == 401


def test_a_wrong_key_is_not_helped_out_by_a_session(ada: Browser, company_id: int) -> None:
    assert ada.get(lines_path(company_id), headers={"Authorization": "Bearer rmk_of_nobody"}).status_code == 401


def test_ten_wrong_passwords_are_enough_and_the_right_one_waits_with_them(
    app: Flask, engine: Engine, company_id: int
) -> None:
    add_member(engine, company_id)
    browser = Browser(app)

    statuses = [browser.sign_in(password="not the password").status_code for _ in range(11)]
    refused = browser.sign_in()

    assert statuses == [401] * 10 + [429]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert browser.cookie() is None


def test_the_right_password_forgets_the_wrong_ones(app: Flask, engine: Engine, company_id: int) -> None:
    add_member(engine, company_id)

    for _ in range(4):
        assert [Browser(app).sign_in(password="not the password").status_code for _ in range(9)] == [401] * 9
        assert Browser(app).sign_in().status_code == 303


def test_a_hundred_wrong_passwords_from_elsewhere_keep_nobody_from_their_own(
    app: Flask, engine: Engine, company_id: int
) -> None:
    add_member(engine, company_id)
    for number in range(12):
        elsewhere = Browser(app, address=f"203.0.113.{number}")
        for _ in range(10):
            elsewhere.sign_in(password="not the password")

    guesses = [Browser(app, address="203.0.113.99").sign_in(password="a guess").status_code for _ in range(4)]

    assert guesses == [401] * 3 + [429]
    assert Browser(app, address="198.51.100.7").sign_in().status_code == 303
    assert Browser(app, address="203.0.113.1").sign_in().status_code == 429


WAYS_BACK = (
    ("/connect/stripe?company=7", "/connect/stripe?company=7"),
    ("/settings/integrations", "/settings/integrations"),
    ("/settings/integrations?company=7", "/settings/integrations?company=7"),
    ("/companies/7/revenue-mapping?q=Z%C3%A9d&sort=-amount", "/companies/7/revenue-mapping?q=Z%C3%A9d&sort=-amount"),
    ("/companies/7/syncs/12", "/companies/7/syncs/12"),
    ("https://evil.example/", "/"),
    ("//evil.example/", "/"),
    ("/\\evil.example", "/"),
    ("/companies/7/revenue-mapping/../../sign-out", "/"),
    ("/companies/7/syncs?\\evil.example", "/"),
    ("/connect/stripe?company=7&next=//evil.example", "/"),
    ("/settings/integrations\n", "/"),
)


def test_signing_in_leads_to_our_own_pages_alone(app: Flask, engine: Engine, company_id: int) -> None:
    add_member(engine, company_id)

    for wanted, led_to in WAYS_BACK:
        assert Browser(app).sign_in(next_path=wanted).headers["Location"] == led_to


def test_what_was_typed_is_shown_again_as_text(app: Flask) -> None:
    page = Browser(app).sign_in('"><script>alert(1)</script>@example.org').text

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_lasting_response_learns_when_its_client_is_no_longer_let_in(
    extensible_app: Flask, engine: Engine, company_id: int, clock: SetClock
) -> None:
    checks: list[Callable[[Connection], bool]] = []

    def last(**_path: object) -> str:
        checks.append(still_let_in())
        return "begun"

    extensible_app.add_url_rule("/v1/companies/<int:company_id>/lasting", "lasting", for_role("viewer")(last))
    ada = signed_in(extensible_app, engine, company_id, "editor")
    ada.get(f"/v1/companies/{company_id}/lasting")
    extensible_app.test_client().get(f"/v1/companies/{company_id}/lasting", headers=new_key_headers(engine, company_id))
    by_session, by_key = checks
    user_id = add_member(engine, company_id, "editor")

    with engine.begin() as connection:
        before = by_session(connection), by_key(connection)
        set_member(connection, company_id, user_id, "viewer", actor="tests", now=NOON)
        lowered = by_session(connection), by_key(connection)
        set_member(connection, company_id, user_id, "editor", actor="tests", now=NOON)
        revoke_api_key(connection, company_id, 1, actor="tests", now=NOON)
        revoked = by_session(connection), by_key(connection)
    clock.advance(LONGEST)
    with engine.begin() as connection:
        ended = by_session(connection)

    assert (before, lowered, revoked, ended) == ((True, True), (False, True), (True, False), False)


def test_every_attempt_to_sign_in_is_logged_with_its_account_as_a_hash_and_with_its_address(
    app: Flask, engine: Engine, company_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    add_member(engine, company_id)

    for email, password in ((" Ada@example.org", "wrong"), ("ada@example.org", PASSWORD), ("eve@example.org", "wrong")):
        Browser(app).sign_in(email, password)

    told = [one for one in caplog.records if one.name == "app.auth.attempts"]
    accounts = [vars(one)["account"] for one in told]
    assert [one.message for one in told] == ["sign-in refused", "signed in", "sign-in refused"]
    assert accounts[0] == accounts[1] != accounts[2]
    assert {vars(one)["address"] for one in told} == {"127.0.0.1"}
    assert not any("example.org" in str(vars(one)) or PASSWORD in str(vars(one)) for one in told)


def test_the_log_line_of_a_request_names_the_company_and_who_asked(
    app: Flask, ada: Browser, engine: Engine, company_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    key = new_key_headers(engine, company_id)

    ada.get(lines_path(company_id))
    app.test_client().get(lines_path(company_id), headers=key)
    app.test_client().get(lines_path(company_id))
    ada.get("/v1/me")

    told = [vars(one) for one in caplog.records if one.name == "revmap.request"]
    assert [(one.get("company_id"), one.get("actor")) for one in told] == [
        (company_id, "user:1"),
        (company_id, "api_key:1"),
        (None, None),
        (None, "user:1"),
    ]
