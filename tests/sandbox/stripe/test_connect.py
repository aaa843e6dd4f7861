"""Connecting an account: the page, the code, and what ends a connection."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import stripe

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import StripeServer
from tests.support.stripe_clock import HandClock

BACK = "http://127.0.0.1:8000/connect/stripe/callback"


@pytest.fixture
def stranger(simulated: SimulatedStripe) -> Account:
    return simulated.create_account("Not <yet> connected", connected=False)


def parameters(server: StripeServer, **changed: str) -> dict[str, str]:
    client_id = server.stripe.client_id(livemode=True)
    named = {"response_type": "code", "client_id": client_id, "scope": "read_write", "state": "s&1"}
    return {**named, "redirect_uri": BACK, **changed}


def redirect_query(answer: requests.Response) -> dict[str, str]:
    assert answer.headers["Location"].startswith(BACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_the_page_offers_every_account_and_a_way_to_refuse(
    server: StripeServer, http: requests.Session, stranger: Account
) -> None:
    page = http.get(f"{server.url}/oauth/authorize", params=parameters(server))

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f'value="{stranger.id}"' in page.text
    assert "Not &lt;yet&gt; connected" in page.text
    assert 'value="refuse"' in page.text
    assert server.stripe.platform.id not in page.text


def test_choosing_an_account_goes_back_with_a_code_that_connects_it(
    client: stripe.StripeClient, server: StripeServer, http: requests.Session, stranger: Account
) -> None:
    form = parameters(server, account=stranger.id, decision="agree")
    answer = http.post(f"{server.url}/oauth/authorize", data=form, allow_redirects=False)
    query = redirect_query(answer)

    tokens = client.oauth.token({"grant_type": "authorization_code", "code": query["code"]})

    assert (answer.status_code, query["state"], query["scope"]) == (303, "s&1", "read_write")
    assert (tokens.stripe_user_id, tokens["livemode"]) == (stranger.id, True)
    assert server.connect.exchanges == 1
    assert client.v1.invoices.list({}, {"stripe_account": stranger.id}).data == []


def test_the_clients_own_address_leads_to_the_page(
    client: stripe.StripeClient, http: requests.Session, stranger: Account
) -> None:
    address = client.oauth.authorize_url({"scope": "read_write", "redirect_uri": BACK, "state": "s"})

    assert stranger.id in http.get(address).text


def test_refusing_goes_back_with_access_denied(server: StripeServer, http: requests.Session, stranger: Account) -> None:
    form = parameters(server, account=stranger.id, decision="refuse")

    query = redirect_query(http.post(f"{server.url}/oauth/authorize", data=form, allow_redirects=False))

    assert (query["error"], query["state"]) == ("access_denied", "s&1")
    assert "code" not in query


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "ca_unknown"}, "invalid_request"),
        ({"redirect_uri": "http://elsewhere.test/"}, "invalid_redirect_uri"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_address_is_answered_here_and_redirects_nowhere(
    server: StripeServer, http: requests.Session, changed: dict[str, str], error: str
) -> None:
    server.connect.redirect_uris = (BACK,)

    answer = http.get(f"{server.url}/oauth/authorize", params=parameters(server, **changed), allow_redirects=False)

    assert (answer.status_code, answer.json()["error"], answer.json()["state"]) == (400, error, "s&1")


def test_a_code_used_twice_is_refused_and_ends_the_connection(
    client: stripe.StripeClient, server: StripeServer, stranger: Account
) -> None:
    code = server.connect.issue_code(stranger.id, livemode=True)
    client.oauth.token({"grant_type": "authorization_code", "code": code})

    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        client.oauth.token({"grant_type": "authorization_code", "code": code})

    assert server.connect.exchanges == 1
    with pytest.raises(stripe.PermissionError):
        client.v1.invoices.list({}, {"stripe_account": stranger.id})


def test_a_code_is_good_for_five_minutes(
    client: stripe.StripeClient, server: StripeServer, stranger: Account, clock: HandClock
) -> None:
    code = server.connect.issue_code(stranger.id, livemode=True)
    clock.now += 301

    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        client.oauth.token({"grant_type": "authorization_code", "code": code})

    assert (stranger.id, True) not in server.stripe.connections


def test_a_code_of_the_other_mode_is_refused(
    client: stripe.StripeClient, server: StripeServer, stranger: Account
) -> None:
    code = server.connect.issue_code(stranger.id, livemode=False)

    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        client.oauth.token({"grant_type": "authorization_code", "code": code})


def test_another_grant_type_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.oauth_error.UnsupportedGrantTypeError):
        client.oauth.token({"grant_type": "client_credentials"})  # type: ignore[typeddict-item]


def test_deauthorizing_ends_the_connection_and_is_told(
    client: stripe.StripeClient, server: StripeServer, acme: Account
) -> None:
    endpoint = server.stripe.add_endpoint("", ["whsec_1"])
    client_id = server.stripe.client_id(livemode=True)

    client.oauth.deauthorize({"client_id": client_id, "stripe_user_id": acme.id})

    (delivery,) = server.stripe.signed_deliveries(endpoint)
    body: dict[str, Any] = json.loads(delivery.body)
    assert (body["type"], body["account"]) == ("account.application.deauthorized", acme.id)
    assert body["data"]["object"]["id"] == client_id
    with pytest.raises(stripe.PermissionError):
        client.v1.invoices.list({}, {"stripe_account": acme.id})


def test_deauthorizing_what_is_not_connected_is_refused(client: stripe.StripeClient, stranger: Account) -> None:
    with pytest.raises(stripe.oauth_error.InvalidClientError):
        client.oauth.deauthorize({"stripe_user_id": stranger.id})
