"""However webhooks are shuffled or repeated on their way, the table ends equal to the account's truth."""

from random import Random

import pytest
from sqlalchemy import select

from projections.engine.behind import audit_marks
from projections.registry import PROJECTIONS
from projections.revenue.store.tables import revenue_line
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with
from tests.support.databases import arranging
from tests.support.syncs.arrivals import fold_and_fetch, receive_all
from tests.support.syncs.truth import table_of, truth_of
from workers.wiring.tools import Tools


def bodies_of(
    simulated: SimulatedStripe, account: Account, api_version: str, *, invoices: int, seed: int
) -> list[bytes]:
    """Generate a history, and return its webhook bodies in order."""
    endpoint = simulated.add_endpoint("", ["whsec_x"], api_version=api_version)
    generate(account, invoices=invoices, seed=seed, until=int(NOON.timestamp()) - 86_400)
    return [delivery.body for delivery in simulated.signed_deliveries(endpoint, account=account)]


def shuffled_with_repeats(bodies: list[bytes], seed: int) -> list[bytes]:
    random = Random(seed)
    disordered = bodies + random.choices(bodies, k=len(bodies) // 3)
    random.shuffle(disordered)
    return disordered


@pytest.mark.promise("Webhooks lost, repeated, shuffled and late: the table ends as the truth")
@pytest.mark.parametrize("api_version", ["2024-06-20", "2024-12-18.acacia", "2025-03-31.basil", "2026-10-28.endive"])
def test_webhooks_of_any_version_in_any_order_and_twice_give_the_truth(
    api_version: str, simulated: SimulatedStripe, tools: Tools
) -> None:
    account = simulated.create_account("Sample Studio")
    company_id = company_with(tools.engine, account.id)
    bodies = bodies_of(simulated, account, api_version, invoices=90, seed=3)

    receive_all(tools.engine, shuffled_with_repeats(bodies, seed=5))
    fold_and_fetch(tools)

    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.promise("Facts in any order, any of them again, fold to the same bytes")
def test_batches_of_any_size_give_the_same_bytes(simulated: SimulatedStripe, tools: Tools) -> None:
    account = simulated.create_account("Sample Studio")
    bodies = shuffled_with_repeats(bodies_of(simulated, account, "2024-06-20", invoices=60, seed=4), seed=6)
    company_with(tools.engine, account.id)
    receive_all(tools.engine, bodies)
    tables = []

    for batch_size in (1000, 64, 7, 1):
        with arranging(tools.engine) as connection:
            for table in (table for one in PROJECTIONS for tables in one.tables.values() for table in tables):
                connection.execute(table.delete())
            connection.exec_driver_sql("UPDATE projection_state SET position = 0")
        audit_marks(tools.engine, 0)
        catch_up(tools.engine, batch_size=batch_size)
        with tools.engine.connect() as connection:
            ordered = select(revenue_line).order_by(revenue_line.c.invoice_id, revenue_line.c.invoice_line_item_id)
            tables.append(connection.execute(ordered).all())

    assert tables[0]
    assert all(table == tables[0] for table in tables)
