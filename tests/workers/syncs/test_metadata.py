"""Metadata that changed while no webhook told of it is found by the next sync, which changes no row for it."""

from datetime import timedelta

from sqlalchemy import text

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import sync
from workers.wiring.tools import Tools

_REGIONS = text("""
    SELECT 'invoice' AS kind, convert_from(book, 'UTF8') FROM revenue_invoice UNION ALL
    SELECT 'product', convert_from(book, 'UTF8') FROM revenue_product
""")


def test_a_sync_finds_changed_metadata_once_and_leaves_rows_alone(
    tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account = simulated.create_account("Sample Studio")
    live = account.live
    product = live.create_product("Team plan", metadata={"region": "emea"}, at=YESTERDAY)
    price = live.create_price(product.id, 100, at=YESTERDAY)
    lines, spec = [LineSpec(amount=9, price=price.id)], InvoiceSpec(metadata={"region": "emea"})
    invoice = live.create_paid_invoice(live.create_customer("Zed", at=YESTERDAY).id, lines, spec, at=YESTERDAY)
    company_id = company_with(tools.engine, account.id)

    def held() -> tuple[dict[str, bool], list[int]]:
        with tools.engine.connect() as connection:
            books = {kind: "apac" in book for kind, book in connection.execute(_REGIONS)}
            positions = connection.execute(text("SELECT position FROM revenue_line")).scalars()
            return books, list(positions)

    sync(tools, company_id, trigger="initial")
    before = held()
    invoice.metadata = product.metadata = {"region": "apac"}
    clock.advance(timedelta(hours=1))
    found = sync(tools, company_id)
    after = held()
    clock.advance(timedelta(hours=1))
    again = sync(tools, company_id)

    assert before[0] == {"invoice": False, "product": False}
    assert after == ({"invoice": True, "product": True}, before[1])
    assert (found.invoices_changed, again.invoices_changed) == (1, 0)
