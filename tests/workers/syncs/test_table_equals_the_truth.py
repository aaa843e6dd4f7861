"""Whatever becomes of the webhooks on their way, the table ends as the account's truth says."""

from random import Random

import pytest
from sqlalchemy import Engine, select

from events.intake.envelope import event_from_stripe
from events.intake.receive import receive
from projections.registry import PROJECTIONS
from projections.revenue.store.tables import revenue_line
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with
from tests.support.syncs.truth import table_of, truth_of
from workers.jobs import catch_up_with, fetch_with
from workers.wiring.tools import Tools


def bodies_of(
    simulated: SimulatedStripe, account: Account, api_version: str, *, invoices: int, seed: int
) -> list[bytes]:
    """Give the webhook bodies of a generated history, in the order it happened."""
    endpoint = simulated.add_endpoint("", ["whsec_x"], api_version=api_version)
    generate(account, invoices=invoices, seed=seed, until=int(NOON.timestamp()) - 86_400)
    return [delivery.body for delivery in simulated.signed_deliveries(endpoint, account=account)]


def shuffled_with_repeats(bodies: list[bytes], seed: int) -> list[bytes]:
    random = Random(seed)
    disordered = bodies + random.choices(bodies, k=len(bodies) // 3)
    random.shuffle(disordered)
    return disordered


def keep_all(engine: Engine, bodies: list[bytes]) -> None:
    for start in range(0, len(bodies), 50):
        with engine.begin() as connection:
            receive(connection, [event_from_stripe(body) for body in bodies[start : start + 50]])


def fill(tools: Tools) -> None:
    """Fold and fetch until there is nothing to do."""
    while catch_up_with(tools) + fetch_with(tools):
        pass


@pytest.mark.parametrize("api_version", ["2024-06-20", "2024-12-18.acacia", "2025-03-31.basil", "2026-10-28.endive"])
def test_webhooks_of_any_version_in_any_order_and_twice_give_the_truth(
    api_version: str, simulated: SimulatedStripe, tools: Tools
) -> None:
    account = simulated.create_account("Sample Studio")
    company_id = company_with(tools.engine, account.id)
    bodies = bodies_of(simulated, account, api_version, invoices=90, seed=3)

    keep_all(tools.engine, shuffled_with_repeats(bodies, seed=5))
    fill(tools)

    assert table_of(tools.engine, company_id) == truth_of(account)


def test_batches_of_any_size_give_the_same_bytes(simulated: SimulatedStripe, tools: Tools) -> None:
    account = simulated.create_account("Sample Studio")
    bodies = shuffled_with_repeats(bodies_of(simulated, account, "2024-06-20", invoices=60, seed=4), seed=6)
    company_with(tools.engine, account.id)
    keep_all(tools.engine, bodies)
    found = []

    for batch_size in (1000, 64, 7, 1):
        with tools.engine.begin() as connection:
            for table in (table for one in PROJECTIONS for tables in one.tables.values() for table in tables):
                connection.execute(table.delete())
            connection.exec_driver_sql("UPDATE projection_state SET position = 0")
        catch_up(tools.engine, batch_size=batch_size)
        with tools.engine.connect() as connection:
            ordered = select(revenue_line).order_by(revenue_line.c.invoice_id, revenue_line.c.invoice_line_item_id)
            found.append(connection.execute(ordered).all())

    assert found[0]
    assert all(table == found[0] for table in found)
