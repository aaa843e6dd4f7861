"""Signing in at the organization's identity provider: only with its proof, and only who was let in before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import OctKey
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.factory import create_app
from app.wiring.identity_provider import IdentityProvider
from app.wiring.settings import ProviderSettings
from app.wiring.tools import Tools
from tenants.users import add_user, set_member
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with
from tests.support.web.identity_provider import CLIENT_ID, FakeProvider, provider, rsa_key
from tests.support.web.people import Browser

CALLBACK = "/sign-in/provider/callback"


@dataclass
class Organization:
    """An organization with its provider, a company, and a user without a password."""

    app: Flask
    fake: FakeProvider
    company_id: int

    def signed_in(self, browser: Browser, *, way_back: str = "") -> TestResponse:
        """Go to the provider, agree, and come back."""
        out = browser.get("/sign-in/provider", query_string={"next": way_back} if way_back else {})
        assert out.status_code == 303, out.text
        return browser.get(self.fake.authorized(out.headers["Location"]))

    def sees_company(self, browser: Browser) -> bool:
        return browser.get(f"/v1/companies/{self.company_id}/connection").status_code == 200


@pytest.fixture
def organization(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[Organization]:
    company_id = company_with(engine, "acct_tests")
    with engine.begin() as connection:
        user = add_user(connection, "ada@example.org", password_hash=None)
        set_member(connection, company_id, user.id, "viewer", actor="tests", now=NOON)
    with provider() as fake:
        fake.now = int(clock().timestamp())
        settings = ProviderSettings(fake.url, CLIENT_ID, "client secret")
        client = IdentityProvider(settings, redirect_uri="https://localhost" + CALLBACK)
        yield Organization(create_app(replace(web_tools, identity_provider=client)), fake, company_id)


def test_whom_the_provider_names_is_signed_in(organization: Organization) -> None:
    browser = Browser(organization.app)
    assert "/sign-in/provider" in browser.get("/sign-in").text

    answer = organization.signed_in(browser, way_back="/connect/stripe?company=1")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/connect/stripe?company=1")
    assert organization.sees_company(browser)
    assert organization.fake.asked["code_challenge_method"] == "S256"
    assert organization.fake.asked["redirect_uri"] == "https://localhost" + CALLBACK


def test_from_then_on_the_subject_counts_and_not_the_address(organization: Organization) -> None:
    organization.signed_in(Browser(organization.app))

    renamed, successor = Browser(organization.app), Browser(organization.app)
    organization.fake.claims = {"email": "ada.married@example.org"}
    organization.signed_in(renamed)
    organization.fake.claims = {"sub": "subject-2", "email": "ada@example.org"}
    refused = organization.signed_in(successor)

    assert organization.sees_company(renamed)
    assert refused.status_code == 403
    assert not organization.sees_company(successor)


STRANGERS: tuple[dict[str, Any], ...] = (
    {"email": "stranger@example.org"},
    {"email_verified": False},
    {"email_verified": None},
    {"email_verified": "true"},
    {"email": None},
    {"email": ["ada@example.org"]},
)


def test_who_was_not_let_in_stays_out(organization: Organization) -> None:
    for claims in STRANGERS:
        browser = Browser(organization.app)
        organization.fake.claims = claims

        answer = organization.signed_in(browser)

        assert answer.status_code == 403, claims
        assert browser.cookie() is None


TOKENS_FOR_OTHERS: tuple[dict[str, Any], ...] = (
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another client"},
    {"iss": "https://another.example"},
    {"exp": 1},
    {"exp": None},
    {"sub": None},
)


def test_a_token_that_is_not_for_us_proves_nothing(organization: Organization) -> None:
    for claims in TOKENS_FOR_OTHERS:
        browser = Browser(organization.app)
        organization.fake.claims = claims

        assert organization.signed_in(browser).status_code == 403, claims
        assert not organization.sees_company(browser)


def test_a_token_signed_by_anybody_else_proves_nothing(organization: Organization) -> None:
    shared = OctKey.import_key("a key that anybody could have made up", parameters={"kid": "1"})
    for algorithm, key in (("RS256", rsa_key("somebody else's")), ("HS256", shared)):
        browser = Browser(organization.app)
        organization.fake.algorithm, organization.fake.signing_key = algorithm, key

        assert organization.signed_in(browser).status_code == 403


def test_the_way_back_is_good_in_the_browser_that_set_out_and_for_ten_minutes(
    organization: Organization, clock: SetClock
) -> None:
    browser, other = Browser(organization.app), Browser(organization.app)
    way_back = organization.fake.authorized(browser.get("/sign-in/provider").headers["Location"])
    other.get("/sign-in/provider")

    assert other.get(way_back).status_code == 403
    assert Browser(organization.app).get(way_back).status_code == 403
    assert browser.get(way_back.replace("code=good", "code=bad")).status_code == 403
    assert browser.get(way_back.replace("state=", "state=x")).status_code == 403
    assert browser.get(CALLBACK).status_code == 403
    assert browser.get(way_back).status_code == 303
    assert browser.get(way_back).status_code == 403


def test_nobody_is_led_to_another_site(organization: Organization) -> None:
    answer = organization.signed_in(Browser(organization.app), way_back="https://evil.example/")

    assert answer.headers["Location"] == "/"


def test_a_provider_that_is_away_is_told_as_such(web_tools: Tools) -> None:
    settings = ProviderSettings("http://127.0.0.1:9", CLIENT_ID, "client secret")
    client = IdentityProvider(settings, redirect_uri="https://localhost" + CALLBACK)

    answer = Browser(create_app(replace(web_tools, identity_provider=client))).get("/sign-in/provider")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_without_a_provider_there_is_no_such_door(app: Flask) -> None:
    browser = Browser(app)

    assert browser.get("/sign-in/provider").status_code == 404
    assert "/sign-in/provider" not in browser.get("/sign-in").text


def test_a_description_is_asked_for_once_an_hour(organization: Organization, clock: SetClock) -> None:
    organization.signed_in(Browser(organization.app))
    organization.fake.url += "/moved"  # what would be told from now on is another issuer's

    assert Browser(organization.app).get("/sign-in/provider").status_code == 303
    clock.pass_by(timedelta(hours=1))
    assert Browser(organization.app).get("/sign-in/provider").status_code == 503
