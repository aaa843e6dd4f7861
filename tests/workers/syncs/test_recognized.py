"""What is recognized is what Stripe's records say, whatever became of the webhooks, once a sync has succeeded."""

import json
from random import Random

import pytest

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from tests.support.company import catch_up, company_with, record_events
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import recognized_of, recognized_truth_of, table_of, truth_of
from workers.wiring.tools import Tools


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    return simulated.create_account("Sample Studio")


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


@pytest.mark.parametrize("seed", range(2))
def test_lost_repeated_and_shuffled_webhooks_end_in_what_stripe_says(
    seed: int, tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    random = Random(seed)
    endpoint = simulated.add_endpoint("", ["whsec_x"])
    generate(account, invoices=40, seed=seed, until=YESTERDAY)
    bodies = [delivery.body for delivery in simulated.signed_deliveries(endpoint)]
    heard = random.sample(bodies, len(bodies) * 2 // 3)
    heard += random.sample(heard, 20)
    random.shuffle(heard)
    record_events(tools.engine, *heard)
    catch_up(tools.engine, batch_size=50)
    before = recognized_of(tools.engine, company_id)

    run = sync(tools, company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)
    assert recognized_of(tools.engine, company_id) == recognized_truth_of(account)
    assert before not in ({}, recognized_truth_of(account))
    assert len({json.loads(body)["id"] for body in heard}) < len(bodies)
