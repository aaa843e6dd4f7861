"""Reading in bulk gives what reading in order gives."""

from sqlalchemy import Engine

from events.bulk import BulkEvent, copy_events
from events.log import read_events
from tests.hands import company_with, keep
from tests.payloads import ACCOUNT, event, old_invoice


def test_a_bulk_read_gives_what_an_ordered_read_gives(engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    keep(engine, *(event(old_invoice(f"in_{number}")) for number in range(30)))

    with engine.connect() as connection:
        copied = list(copy_events(connection, company_id, after=3, through=20))
        read = read_events(connection, company_id, after=3, limit=17)

    assert copied == [BulkEvent(*(getattr(one, name) for name in BulkEvent._fields)) for one in read]
    assert [one.payload for one in copied] == [one.payload for one in read]
