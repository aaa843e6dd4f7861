"""Bulk reads return the same events as ordered reads."""

import pytest
from sqlalchemy import Engine, text

from events.log.bulk import BulkEvent, GapInLogError, read_on
from events.log.read import read_events
from runtime.database import driver_of
from tests.support.company import company_with, record_events
from tests.support.payloads import ACCOUNT, event, old_invoice


def test_a_bulk_read_gives_what_an_ordered_read_gives(engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, *(event(old_invoice(f"in_{number}")) for number in range(30)))

    with engine.connect() as connection:
        in_bulk = [one for _, one in read_on(driver_of(connection), {company_id: 3}, {company_id: 17})]
        read = read_events(connection, company_id, after=3, limit=17)

    assert in_bulk == [BulkEvent(*(getattr(one, name) for name in BulkEvent._fields)) for one in read]
    assert [one.payload for one in in_bulk] == [one.payload for one in read]


def test_reading_on_gives_each_company_its_next_events_in_order(engine: Engine) -> None:
    one_id, other_id = company_with(engine, ACCOUNT), company_with(engine, "acct_other")
    record_events(engine, *(event(old_invoice(f"in_{number}")) for number in range(9)))
    record_events(engine, *(event(old_invoice(f"in_{number}"), account="acct_other") for number in range(5)))

    with engine.connect() as connection:
        read = list(read_on(driver_of(connection), {one_id: 3, other_id: 0}, {one_id: 4, other_id: 100}))

    assert [one.position for company_id, one in read if company_id == one_id] == [4, 5, 6, 7]
    assert [one.position for company_id, one in read if company_id == other_id] == [1, 2, 3, 4, 5, 6]


def test_a_gap_in_a_log_is_not_read_across(engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, *(event(old_invoice(f"in_{number}")) for number in range(4)))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM event WHERE position = 3"))

    with engine.connect() as connection, pytest.raises(GapInLogError):
        list(read_on(driver_of(connection), {company_id: 0}, {company_id: 100}))
