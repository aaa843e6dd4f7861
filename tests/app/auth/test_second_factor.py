"""Signing in with a password and a code: what counts, what counts once, and what a password alone still opens."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, select

from app.auth.pending_sign_in import LASTS
from app.wiring.mail import SealedMail
from app.wiring.tools import Tools
from events.log.read import stream_events
from notices.mail import claim_letters
from tenants.people.factor_tables import recovery_code, second_factor
from tenants.people.password_links import link_to_be_mailed
from tenants.people.sessions import open_session
from tenants.people.totp import STEP
from tenants.people.users import set_password
from tests.support.clock import NOON, SetClock
from tests.support.company import PASSWORDS, company_with, new_key_headers
from tests.support.web.people import Browser, add_member, signed_in
from tests.support.web.second_factors import AuthenticatorApp, enter_code, prove, recovery_codes_on, turn_on
from tests.support.web.settings_page import text_of
from tests.support.web.tools import app_with

PENDING = "__Host-revmap-second-step"
NEW = "another good password"


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_tests")


@pytest.fixture
def ada(app: Flask, engine: Engine, company_id: int) -> Browser:
    return signed_in(app, engine, company_id)


@pytest.fixture
def authenticator(ada: Browser, clock: SetClock) -> AuthenticatorApp:
    """Return the app of Ada, who has turned a second factor on."""
    authenticator, page = turn_on(ada, clock)
    assert len(recovery_codes_on(page.text)) == 10
    return authenticator


def password_given(app: Flask) -> Browser:
    """Return a browser in which Ada's password was given, and no code yet."""
    browser = Browser(app)
    answer = browser.sign_in()
    assert answer.headers["Location"].startswith("/sign-in/code?")
    assert browser.cookie() is None
    return browser


def is_in(browser: Browser, company_id: int) -> bool:
    return browser.get(f"/companies/{company_id}/account").status_code == 200


def facts_of(engine: Engine, company_id: int) -> list[str]:
    with engine.connect() as connection:
        facts = [fact.type for fact in stream_events(connection, company_id)]
    return [fact for fact in facts if "factor" in fact or "recovery" in fact]


def test_whoever_need_not_turn_it_on_goes_back_to_where_they_came_from(
    ada: Browser, company_id: int, clock: SetClock
) -> None:
    account = f"/companies/{company_id}/account"
    before = ada.get(f"/second-factor?next={account}").text
    turn_on(ada, clock)
    after = ada.get(f"/second-factor?next={account}").text

    assert f'href="{account}">Not now</a>' in before
    assert f'href="{account}">Back</a>' in after


def test_it_is_turned_on_by_a_code_and_each_code_then_lets_in_once(
    app: Flask, ada: Browser, company_id: int, clock: SetClock
) -> None:
    elsewhere = Browser(app)
    elsewhere.sign_in()
    wrong = [turn_on(ada, clock, **fields)[1] for fields in ({"password": "wrong"}, {"code": "000000"}, {"secret": ""})]
    assert [answer.status_code for answer in wrong] == [422] * 3
    assert is_in(elsewhere, company_id)

    authenticator, page = turn_on(ada, clock)

    codes = recovery_codes_on(page.text)
    assert (len(set(codes)), len(codes[0])) == (10, 29)
    assert (is_in(ada, company_id), is_in(elsewhere, company_id)) == (True, False)
    # What turned it on was spent with that, as is every other code, and every older one with it.
    browser = password_given(app)
    assert enter_code(browser, authenticator.code()).status_code == 401
    code, older = authenticator.next_code(), authenticator.code(off=-STEP)
    signed_in = enter_code(browser, code, next_path=f"/companies/{company_id}/syncs")
    assert signed_in.headers["Location"] == f"/companies/{company_id}/syncs"
    assert is_in(browser, company_id)
    assert browser.cookie(PENDING) is None
    assert [enter_code(password_given(app), spent).status_code for spent in (code, older)] == [401, 401]


def test_a_recovery_code_stands_in_once_and_a_password_with_a_code_turns_it_off(
    app: Flask, ada: Browser, engine: Engine, company_id: int, clock: SetClock
) -> None:
    authenticator, page = turn_on(ada, clock)
    codes, browser = recovery_codes_on(page.text), password_given(app)

    led = enter_code(browser, f" {codes[3].upper()} ", field="recovery_code").headers["Location"]
    assert "9 of 10 recovery codes are left" in text_of(browser.get(led).text)
    assert enter_code(password_given(app), codes[3], field="recovery_code").status_code == 401

    spent = authenticator.next_code()
    renewed = recovery_codes_on(prove(browser, "/recovery-codes", code=spent).text)
    assert (len(renewed), set(renewed) & set(codes)) == (10, set())
    assert enter_code(password_given(app), codes[4], field="recovery_code").status_code == 401
    assert prove(browser, "/off", code=spent).status_code == 422
    assert prove(browser, "/off", code=authenticator.next_code(), password="wrong").status_code == 422
    assert prove(browser, "/off", code=authenticator.code()).status_code == 303
    assert (is_in(browser, company_id), Browser(app).sign_in().headers["Location"]) == (True, "/")
    assert facts_of(engine, company_id) == [
        "access.second_factor_turned_on",
        "access.recovery_code_used",
        "access.recovery_codes_renewed",
        "access.second_factor_turned_off",
    ]


def test_a_password_alone_opens_nothing(
    app: Flask, authenticator: AuthenticatorApp, company_id: int, clock: SetClock
) -> None:
    nobody, pending = Browser(app), password_given(app)
    nobody.form_token()  # gives it the cookie of a visitor
    differing = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?\w+>", "1", rule.rule.replace("<int:company_id>", str(company_id)))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answers = [
                browser.client.open(path, method=method, headers={"X-CSRF-Token": browser.form_token("/sign-in")})
                for browser in (nobody, pending)
            ]
            if len({answer.status_code for answer in answers}) > 1 and rule.rule != "/sign-in/code":
                differing.append((method, rule.rule, answers))
    assert differing == []

    # The state is of this browser, for a while, and for a password that still holds.
    state, thief = pending.cookie(PENDING) or "", Browser(app)
    thief.form_token()
    thief.set_cookie(state, PENDING)
    assert thief.get("/sign-in/code").headers["Location"].startswith("/sign-in?")
    clock.advance(LASTS - timedelta(seconds=1))
    assert pending.get("/sign-in/code").status_code == 200
    token = pending.form_token("/sign-in/code")
    clock.advance(timedelta(seconds=1))
    late = pending.client.post("/sign-in/code", data={"csrf_token": token, "code": authenticator.code()})
    assert late.headers["Location"].startswith("/sign-in?")
    assert "within five minutes" in pending.get(late.headers["Location"]).text
    assert pending.cookie() is None


def test_a_new_password_by_a_link_ends_what_is_pending_and_still_takes_a_code(
    app: Flask, authenticator: AuthenticatorApp, engine: Engine, company_id: int, clock: SetClock
) -> None:
    pending, browser = password_given(app), Browser(app)
    with engine.begin() as connection:
        token = link_to_be_mailed(connection, add_member(engine, company_id), now=clock())
    form = {"new_password": NEW, "csrf_token": browser.form_token(f"/new-password/{token}")}

    answer = browser.client.post(f"/new-password/{token}", data=form)

    assert answer.headers["Location"] == "/sign-in/code?next=%2F"
    assert (browser.cookie(), is_in(browser, company_id)) == (None, False)
    assert pending.get("/sign-in/code").status_code == 303
    assert enter_code(browser, authenticator.next_code()).headers["Location"] == "/"
    assert is_in(browser, company_id)


def test_codes_are_not_guessed_at_and_each_refusal_is_logged(
    app: Flask, authenticator: AuthenticatorApp, engine: Engine, company_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    browser = password_given(app)

    statuses = [enter_code(browser, "000000").status_code for _ in range(11)]
    limited = enter_code(browser, authenticator.next_code())

    assert statuses == [401] * 10 + [429]
    assert (limited.status_code, browser.cookie()) == (429, None)
    assert 0 < int(limited.headers["Retry-After"]) <= 900
    told = [vars(one) for one in caplog.records if one.getMessage() == "sign-in refused"]
    assert [one["reason"] for one in told] == ["wrong code"] * 10 + ["too many codes"] * 2
    assert len({(one["account"], one["address"]) for one in told}) == 1
    # From wherever they come: a hundred a day, and the right one does not begin another hundred.
    for number in range(9):
        other = Browser(app, address=f"203.0.113.{number}")
        other.sign_in()
        for _ in range(10):
            enter_code(other, "000000")
    last = Browser(app, address="198.51.100.7")
    last.sign_in()
    assert enter_code(last, authenticator.next_code()).status_code == 429
    # Whoever tried them does not know a new password, with which they begin anew.
    with engine.begin() as connection:
        set_password(connection, add_member(engine, company_id), PASSWORDS.hashed(NEW))
    last.sign_in(password=NEW)
    assert enter_code(last, authenticator.next_code()).status_code == 303


def test_what_is_wrong_with_a_password_is_told_alike_with_and_without_a_second_factor(
    app: Flask, authenticator: AuthenticatorApp, engine: Engine, company_id: int
) -> None:
    add_member(engine, company_id, email="bob@example.org")
    browser = Browser(app)

    answers = [browser.sign_in(email, "wrong") for email in ("ada@example.org", "bob@example.org")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].text.replace("ada@", "") == answers[1].text.replace("bob@", "")


def test_the_database_holds_neither_the_secret_nor_a_recovery_code(
    ada: Browser, engine: Engine, clock: SetClock
) -> None:
    authenticator, page = turn_on(ada, clock)

    with engine.connect() as connection:
        kept = repr([connection.execute(select(table)).all() for table in (second_factor, recovery_code)])

    assert repr(authenticator.secret)[2:-1] not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in recovery_codes_on(page.text))


def test_its_owner_is_told_by_mail_when_it_is_turned_on_or_off(
    web_tools: Tools, engine: Engine, company_id: int, clock: SetClock
) -> None:
    with_mail = app_with(replace(web_tools, queue_mail=SealedMail(web_tools.box, clock)))
    browser = signed_in(with_mail, engine, company_id)
    authenticator, _ = turn_on(browser, clock)
    prove(browser, "/off", code=authenticator.next_code())

    letters = claim_letters(engine, now=clock())

    assert [(one.recipient, one.open(web_tools.box)[0]) for one in letters] == [
        ("ada@example.org", "Your second factor is on"),
        ("ada@example.org", "Your second factor is off"),
    ]


@pytest.fixture
def bob(app: Flask, ada: Browser, engine: Engine, company_id: int) -> Browser:
    """Return the browser of another member of Ada's company, who requires a second factor of everybody there."""
    bob = signed_in(app, engine, company_id, "viewer", email="bob@example.org")
    form = {"name": "Zed Inc", "time_zone": "UTC", "requires_second_factor": "yes"}
    assert ada.send(f"/companies/{company_id}/company", data=form).status_code == 303
    return bob


def test_a_company_that_requires_one_is_closed_to_people_without_it(
    app: Flask, ada: Browser, bob: Browser, engine: Engine, company_id: int
) -> None:
    other_id = company_with(engine, "acct_other")
    add_member(engine, other_id)
    key = new_key_headers(engine, company_id)

    for browser in (ada, bob):
        led = browser.get(f"/companies/{company_id}/revenue-mapping?q=1").headers["Location"]
        assert led == f"/second-factor?next=%2Fcompanies%2F{company_id}%2Frevenue-mapping%3Fq%3D1"
        assert "Zed Inc requires a second factor." in text_of(browser.get(led).text)
        answer = browser.get(f"/v1/companies/{company_id}/revenue-lines")
        assert (answer.status_code, (answer.json or {})["code"]) == (403, "second_factor_needed")
        part = browser.get(f"/companies/{company_id}/revenue-mapping/rows", headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["HX-Refresh"]) == (401, "true")
    assert f"/companies/{other_id}/" in ada.get("/second-factor").text
    assert is_in(ada, other_id)
    assert app.test_client().get(f"/v1/companies/{company_id}/revenue-lines", headers=key).status_code == 200


def test_a_company_that_requires_one_is_open_to_whoever_has_it_or_comes_by_the_provider(
    ada: Browser, bob: Browser, engine: Engine, company_id: int, clock: SetClock
) -> None:
    authenticator, _ = turn_on(bob, clock)
    with engine.begin() as connection:
        ada.set_cookie(open_session(connection, add_member(engine, company_id), now=NOON, proof="provider"))

    assert (is_in(ada, company_id), is_in(bob, company_id)) == (True, True)
    assert prove(bob, "/off", code=authenticator.next_code()).status_code == 303
    assert (is_in(ada, company_id), is_in(bob, company_id)) == (True, False)
    path = f"/v1/companies/{company_id}"
    assert ada.send(path, "PATCH", json={"requires_second_factor": False}).json["requires_second_factor"] is False
    assert is_in(bob, company_id)
    assert facts_of(engine, company_id)[::3] == [
        "access.second_factor_required",
        "access.second_factor_made_optional",
    ]
