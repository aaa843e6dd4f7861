"""Webhooks: which endpoint receives what, how it is signed, and what happens to a failed delivery."""

import json

import pytest
import stripe

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from tests.support.stripe_clock import HandClock

SECRET, FORMER_SECRET = "whsec_new", "whsec_old"


def test_a_delivery_is_signed_with_every_secret(simulated: SimulatedStripe, acme: Account, clock: HandClock) -> None:
    endpoint = simulated.add_endpoint("", [SECRET, FORMER_SECRET])
    acme.live.create_customer("Zed Samples")

    (delivery,) = simulated.signed_deliveries(endpoint)

    header = delivery.headers["Stripe-Signature"]
    assert header.startswith(f"t={clock.now},v1=")
    for secret in (SECRET, FORMER_SECRET):
        assert stripe.WebhookSignature.verify_header(delivery.body.decode(), header, secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(delivery.body.decode() + " ", header, SECRET)


def test_a_connect_delivery_names_the_account_and_an_own_one_does_not(
    simulated: SimulatedStripe, acme: Account
) -> None:
    connect = simulated.add_endpoint("", [SECRET])
    own = simulated.add_endpoint("", [SECRET], account_id=acme.id)
    acme.live.create_customer("Zed Samples")

    (from_connect,), (from_own,) = simulated.signed_deliveries(connect), simulated.signed_deliveries(own)

    assert json.loads(from_connect.body)["account"] == acme.id
    assert "account" not in json.loads(from_own.body)


def test_an_endpoint_hears_in_its_own_version(simulated: SimulatedStripe, acme: Account) -> None:
    endpoint = simulated.add_endpoint("", [SECRET], api_version="2024-06-20")
    acme.live.create_customer("Zed Samples")

    (delivery,) = simulated.signed_deliveries(endpoint)

    assert json.loads(delivery.body)["api_version"] == "2024-06-20"
    assert next(iter(acme.live.journal.events)).data.keys() == {"2024-06-20", acme.api_version}


def test_an_endpoint_hears_only_the_types_it_asked_for(simulated: SimulatedStripe, acme: Account) -> None:
    endpoint = simulated.add_endpoint("", [SECRET], types=["customer.updated"])
    customer = acme.live.create_customer("Zed Samples")
    acme.live.rename_customer(customer.id, "Zed & Daughters")

    assert [delivery.event_type for delivery in simulated.signed_deliveries(endpoint)] == ["customer.updated"]


def test_a_live_endpoint_also_hears_the_test_events_of_accounts_connected_live(simulated: SimulatedStripe) -> None:
    live, test = (simulated.add_endpoint("", [SECRET], livemode=livemode) for livemode in (True, False))
    account = simulated.create_account("Live only", connected=False)
    simulated.connect(account.id, livemode=True)
    account.live.create_customer("Live")
    account.test.create_customer("Test")

    heard = [json.loads(delivery.body)["livemode"] for delivery in simulated.signed_deliveries(live)]

    assert heard == [True, False]
    assert list(simulated.signed_deliveries(test)) == []


def test_nobody_hears_of_an_account_that_is_not_connected(simulated: SimulatedStripe) -> None:
    endpoint = simulated.add_endpoint("", [SECRET])

    simulated.create_account("Stranger", connected=False).live.create_customer("Zed Samples")

    assert list(simulated.signed_deliveries(endpoint)) == []
