"""The API's refusals, with Stripe's messages and format."""

import base64

import pytest
import requests
import stripe

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import Settings, StripeServer


def test_no_key_and_a_wrong_key_are_refused(server: StripeServer, http: requests.Session) -> None:
    without = http.get(f"{server.url}/v1/invoices")
    wrong = http.get(f"{server.url}/v1/invoices", headers={"Authorization": "Bearer sk_live_wrong_0000000000001234"})

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.json()["error"]["message"].startswith("You did not provide an API key.")
    assert wrong.json()["error"]["message"].startswith("Invalid API Key provided: sk_live_")
    assert "wrong" not in wrong.text


def test_a_key_may_come_as_basic_authentication(
    server: StripeServer, http: requests.Session, live: dict[str, str]
) -> None:
    key = server.stripe.platform_key(livemode=True)
    basic = {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}

    assert http.get(f"{server.url}/v1/invoices", headers=live | basic).status_code == 200


def test_an_account_that_is_not_connected_is_refused(client: stripe.StripeClient, simulated: SimulatedStripe) -> None:
    stranger = simulated.create_account("Stranger", connected=False)

    with pytest.raises(stripe.PermissionError) as refused:
        client.v1.invoices.list({}, {"stripe_account": stranger.id})

    assert refused.value.http_status == 403
    assert refused.value.error is not None
    assert refused.value.error.code == "account_invalid"
    assert "Application access may have been revoked." in str(refused.value)


def test_a_connection_in_live_mode_opens_no_test_data(
    server: StripeServer, http: requests.Session, simulated: SimulatedStripe
) -> None:
    account = simulated.create_account("Live only", connected=False)
    simulated.connect(account.id, livemode=True)

    def status(*, livemode: bool) -> int:
        key = {"Authorization": f"Bearer {simulated.platform_key(livemode=livemode)}", "Stripe-Account": account.id}
        return http.get(f"{server.url}/v1/invoices", headers=key).status_code

    assert (status(livemode=True), status(livemode=False)) == (200, 403)


def test_a_live_key_sees_no_test_object_but_says_where_it_is(client: stripe.StripeClient, acme: Account) -> None:
    customer = acme.test.create_customer("Only a test")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.retrieve(customer.id, None, {"stripe_account": acme.id})

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "id")
    assert "a similar object exists in test mode, but a live mode key was used" in str(refused.value)


@pytest.mark.parametrize(
    ("target", "status", "code", "param"),
    [
        ("invoices/in_unknown", 404, "resource_missing", "invoice"),
        ("prices/price_unknown", 404, "resource_missing", "price"),
        ("invoices/in_unknown/lines", 404, "resource_missing", "invoice"),
        ("invoices?starting_after=in_unknown", 400, "resource_missing", "starting_after"),
        ("invoices?limit=0", 400, "parameter_invalid_integer", "limit"),
        ("invoices?limit=101", 400, "parameter_invalid_integer", "limit"),
        ("invoices?limit=many", 400, "parameter_invalid_integer", "limit"),
        ("invoices?created[gte]=yesterday", 400, "parameter_invalid_integer", "created[gte]"),
        ("invoices?status=sent", 400, None, "status"),
        ("invoices?colour=red", 400, "parameter_unknown", "colour"),
        ("invoices?starting_after=a&ending_before=b", 400, None, None),
        ("invoices?expand[]=data.number", 400, None, "expand"),
        ("nothing", 404, None, None),
    ],
)
def test_a_bad_request_is_refused_with_its_code_and_parameter(  # noqa: PLR0913 - a row of the table above
    server: StripeServer,
    http: requests.Session,
    live: dict[str, str],
    acme: Account,
    *,
    target: str,
    status: int,
    code: str | None,
    param: str | None,
) -> None:
    acme.live.create_invoice(acme.live.create_customer().id, [LineSpec(amount=1)])

    answer = http.get(f"{server.url}/v1/{target}", headers=live)

    error = answer.json()["error"]
    assert (answer.status_code, error.get("code"), error.get("param")) == (status, code, param)
    assert error["type"] == "invalid_request_error"


def test_a_version_that_never_was_is_refused(
    server: StripeServer, http: requests.Session, live: dict[str, str]
) -> None:
    answer = http.get(f"{server.url}/v1/invoices", headers=live | {"Stripe-Version": "tomorrow"})

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid Stripe API version: tomorrow")


def test_a_restricted_key_reads_what_it_may_and_is_told_what_it_lacks(
    server: StripeServer, http: requests.Session, simulated: SimulatedStripe, acme: Account
) -> None:
    key = simulated.restricted_key(acme.id, livemode=True, permissions=["rak_invoice_read"])
    headers = {"Authorization": f"Bearer {key}"}

    allowed = http.get(f"{server.url}/v1/invoices", headers=headers)
    refused = http.get(f"{server.url}/v1/customers", headers=headers)

    assert (key[:8], allowed.status_code, refused.status_code) == ("rk_live_", 200, 403)
    assert "'rak_customer_read'" in refused.json()["error"]["message"]


def test_the_26th_request_of_a_second_is_refused_and_the_next_second_is_not(
    simulated: SimulatedStripe, http: requests.Session, live: dict[str, str]
) -> None:
    nanoseconds = [0]
    settings = Settings(rate_limits=True, monotonic_ns=lambda: nanoseconds[0])
    with StripeServer(simulated, settings) as server:
        statuses = [http.get(f"{server.url}/v1/invoices", headers=live).status_code for _ in range(25)]
        refused = http.get(f"{server.url}/v1/invoices", headers=live)
        other = http.get(f"{server.url}/v1/prices", headers=live)
        nanoseconds[0] = 1_000_000_000
        later = http.get(f"{server.url}/v1/invoices", headers=live)

    assert statuses == [200] * 25
    assert (refused.status_code, refused.headers["Stripe-Rate-Limited-Reason"]) == (429, "endpoint-rate")
    assert (other.status_code, later.status_code) == (200, 200)


def test_an_account_in_test_mode_has_25_requests_a_second_over_all_endpoints(
    simulated: SimulatedStripe, http: requests.Session, acme: Account
) -> None:
    key = {"Authorization": f"Bearer {simulated.platform_key(livemode=False)}", "Stripe-Account": acme.id}
    with StripeServer(simulated, Settings(rate_limits=True, monotonic_ns=lambda: 0)) as server:
        for place in range(25):
            http.get(f"{server.url}/v1/{('invoices', 'prices')[place % 2]}", headers=key)
        refused = http.get(f"{server.url}/v1/customers", headers=key)

    assert refused.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
