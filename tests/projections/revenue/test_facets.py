"""Customers, subscriptions, prices and products are kept with names and hints, in any batches, and written once."""

from random import Random

import pytest
from sqlalchemy import Engine, text

from tests.support.company import catch_up, company_with, record_events
from tests.support.histories import busy_history
from tests.support.payloads import ACCOUNT, customer, event, new_invoice, new_line

THERE = " UNION ALL ".join(
    f"SELECT DISTINCT livemode, '{one}', {one}_id FROM revenue_line WHERE {one}_id IS NOT NULL"  # noqa: S608
    for one in ("customer", "subscription", "price", "product")
)
# A name that is gone, as that of a price may be, is kept to find it by.
NAMED = " UNION ALL ".join(
    f"SELECT DISTINCT livemode, '{one}', {one}_id, {one}_name FROM revenue_line WHERE {one}_name IS NOT NULL"  # noqa: S608
    for one in ("customer", "price", "product")
)


def rows_of(engine: Engine, statement: str) -> list[tuple]:
    with engine.connect() as connection:
        return sorted((tuple(row) for row in connection.execute(text(statement))), key=repr)


@pytest.mark.parametrize("seed", range(3))
def test_facets_are_all_that_lines_have_and_named_as_they_are_whatever_the_batches(engine: Engine, seed: int) -> None:
    events = busy_history(Random(seed), 60)
    kept = []
    for number, batch_size in enumerate((1000, 7, 1)):
        account = f"acct_{number}"
        company_id = company_with(engine, account)
        record_events(engine, *(one | {"account": account, "id": f"{one['id']}_{number}"} for one in events))
        catch_up(engine, batch_size=batch_size)
        of_company = f"company_id = {company_id}"
        facets = rows_of(
            engine,
            f"SELECT livemode, facet, id, name, hint, words FROM revenue_facet WHERE {of_company}",  # noqa: S608
        )
        kept.append(facets)

        names = {row[:3]: row[3] for row in facets}
        assert names.keys() >= set(rows_of(engine, THERE.replace("WHERE", f"WHERE {of_company} AND")))
        named = rows_of(engine, NAMED.replace("WHERE", f"WHERE {of_company} AND"))
        assert {row[1] for row in named} >= {"customer", "product"}
        assert [names[row[:3]] for row in named] == [row[3] for row in named]

    assert kept[0]
    assert kept[0] == kept[1] == kept[2]


def test_a_customer_is_kept_with_its_newest_name_and_address_and_touched_only_for_news(engine: Engine) -> None:
    company_with(engine, ACCOUNT)
    invoice = new_invoice("in_1", new_line("il_1"), new_line("il_2"), customer_email="Zed@Example.org", status="open")
    record_events(engine, event(invoice), event(customer("ZETA"), "customer.updated", created=1_800_000_000))
    catch_up(engine)
    found = "SELECT id, name, hint, words FROM revenue_facet WHERE facet = 'customer'"
    touched = "SELECT facet, id, xmin, xmax, ctid FROM revenue_facet"

    assert rows_of(engine, found) == [("cus_1", "ZETA", "Zed@Example.org", "zeta\x1fzed@example.org\x1fcus_1")]
    before = rows_of(engine, touched)
    paid = invoice | {"status": "paid"}
    more = new_invoice("in_2", new_line("il_3"), customer_email="Zed@Example.org")
    record_events(engine, event(paid, "invoice.paid", created=1_800_000_001))
    catch_up(engine)
    record_events(engine, event(more), event({"id": "in_1", "object": "invoice", "status": "draft"}, "invoice.deleted"))
    catch_up(engine)
    assert rows_of(engine, touched) == before


def test_an_old_invoice_that_is_paid_brings_no_old_address_back(engine: Engine) -> None:
    company_with(engine, ACCOUNT)
    old = new_invoice("in_1", new_line("il_1"), customer_email="old@example.org", status="open")
    new = new_invoice("in_2", new_line("il_2"), customer_email="new@example.org")
    record_events(engine, event(old), event(new, created=1_800_000_000))
    record_events(engine, event(old | {"status": "paid"}, "invoice.paid", created=1_800_000_001))

    catch_up(engine)

    assert rows_of(engine, "SELECT hint FROM revenue_facet WHERE facet = 'customer'") == [("new@example.org",)]
