"""Signing in with an identity provider: only with a valid token, and only users that were added before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import OctKey
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.wiring.openid_connect import OpenIdProvider
from app.wiring.settings import ProviderSettings
from app.wiring.tools import Tools
from tenants.people.users import add_user, set_member
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with
from tests.support.web.identity_provider import CLIENT_ID, FakeProvider, rsa_key, running_provider
from tests.support.web.people import Browser
from tests.support.web.tools import app_with

CALLBACK = "/sign-in/provider/callback"


@dataclass
class Organization:
    """An app with an identity provider, a company, and a user without a password."""

    app: Flask
    fake: FakeProvider
    company_id: int

    def sign_in(self, browser: Browser, *, next_path: str = "") -> TestResponse:
        """Go to the provider, approve, and return the response of our callback."""
        out = browser.get("/sign-in/provider", query_string={"next": next_path} if next_path else {})
        assert out.status_code == 303, out.text
        return browser.get(self.fake.authorize(out.headers["Location"]))

    def can_see_company(self, browser: Browser) -> bool:
        return browser.get(f"/v1/companies/{self.company_id}/connection").status_code == 200


@pytest.fixture
def organization(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[Organization]:
    company_id = company_with(engine, "acct_tests")
    with engine.begin() as connection:
        user = add_user(connection, "ada@example.org", password_hash=None)
        set_member(connection, company_id, user.id, "viewer", actor="tests", now=NOON)
    with running_provider() as fake:
        fake.now = int(clock().timestamp())
        settings = ProviderSettings(fake.url, CLIENT_ID, "client secret")
        client = OpenIdProvider(settings, redirect_uri="https://localhost" + CALLBACK)
        yield Organization(app_with(replace(web_tools, identity_provider=client)), fake, company_id)


def test_whom_the_provider_names_is_signed_in(organization: Organization) -> None:
    browser = Browser(organization.app)
    assert "/sign-in/provider" in browser.get("/sign-in").text

    answer = organization.sign_in(browser, next_path="/connect/stripe?company=1")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/connect/stripe?company=1")
    assert organization.can_see_company(browser)
    assert organization.fake.requested["code_challenge_method"] == "S256"
    assert organization.fake.requested["redirect_uri"] == "https://localhost" + CALLBACK


def test_from_then_on_the_subject_counts_and_not_the_address(organization: Organization) -> None:
    organization.sign_in(Browser(organization.app))

    renamed, successor = Browser(organization.app), Browser(organization.app)
    organization.fake.claims = {"email": "ada.married@example.org"}
    organization.sign_in(renamed)
    organization.fake.claims = {"sub": "subject-2", "email": "ada@example.org"}
    refused = organization.sign_in(successor)

    assert organization.can_see_company(renamed)
    assert refused.status_code == 403
    assert not organization.can_see_company(successor)


STRANGERS: tuple[dict[str, Any], ...] = (
    {"email": "stranger@example.org"},
    {"email_verified": False},
    {"email_verified": None},
    {"email_verified": "true"},
    {"email": None},
    {"email": ["ada@example.org"]},
)


def test_a_user_who_was_not_added_stays_out(organization: Organization) -> None:
    for claims in STRANGERS:
        browser = Browser(organization.app)
        organization.fake.claims = claims

        answer = organization.sign_in(browser)

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

        assert organization.sign_in(browser).status_code == 403, claims
        assert not organization.can_see_company(browser)


def test_a_token_signed_by_anybody_else_proves_nothing(organization: Organization) -> None:
    shared = OctKey.import_key("a key that anybody could have made up", parameters={"kid": "1"})
    for algorithm, key in (("RS256", rsa_key("somebody else's")), ("HS256", shared)):
        browser = Browser(organization.app)
        organization.fake.algorithm, organization.fake.signing_key = algorithm, key

        assert organization.sign_in(browser).status_code == 403


def test_the_callback_is_valid_in_the_browser_that_began_and_for_ten_minutes(
    organization: Organization, clock: SetClock
) -> None:
    browser, other = Browser(organization.app), Browser(organization.app)
    callback = organization.fake.authorize(browser.get("/sign-in/provider").headers["Location"])
    other.get("/sign-in/provider")

    assert other.get(callback).status_code == 403
    assert Browser(organization.app).get(callback).status_code == 403
    assert browser.get(callback.replace("code=good", "code=bad")).status_code == 403
    assert browser.get(callback.replace("state=", "state=x")).status_code == 403
    assert browser.get(CALLBACK).status_code == 403
    assert browser.get(callback).status_code == 303
    assert browser.get(callback).status_code == 403


def test_nobody_is_led_to_another_site(organization: Organization) -> None:
    answer = organization.sign_in(Browser(organization.app), next_path="https://evil.example/")

    assert answer.headers["Location"] == "/"


def test_an_unreachable_provider_is_reported_as_such(web_tools: Tools) -> None:
    settings = ProviderSettings("http://127.0.0.1:9", CLIENT_ID, "client secret")
    client = OpenIdProvider(settings, redirect_uri="https://localhost" + CALLBACK)

    answer = Browser(app_with(replace(web_tools, identity_provider=client))).get("/sign-in/provider")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_without_a_provider_there_is_no_such_route(app: Flask) -> None:
    browser = Browser(app)

    assert browser.get("/sign-in/provider").status_code == 404
    assert "/sign-in/provider" not in browser.get("/sign-in").text


def test_a_description_is_asked_for_once_an_hour(organization: Organization, clock: SetClock) -> None:
    organization.sign_in(Browser(organization.app))
    organization.fake.url += "/moved"  # a document fetched from now on names another issuer

    assert Browser(organization.app).get("/sign-in/provider").status_code == 303
    clock.advance(timedelta(hours=1))
    assert Browser(organization.app).get("/sign-in/provider").status_code == 503


def test_an_address_comes_back_a_hundred_times_in_a_quarter_of_an_hour_and_no_more(organization: Organization) -> None:
    browser = organization.app.test_client()

    statuses = [browser.get("/sign-in/provider/callback?code=x&state=y").status_code for _ in range(101)]

    assert 429 not in statuses[:100]
    assert statuses[100] == 429
