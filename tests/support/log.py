"""What the tests of the log hold: facts of which only the identity matters, and the log they end up in."""

from sqlalchemy import Engine

from events.log.append import Appended, Condition, NewEvent, append
from events.log.read import stream_events
from tests.support.clock import NOON

ACME, ZED = 1, 2


def fact(external_id: str, payload: bytes = b"{}", **fields: object) -> NewEvent:
    """Give a fact with these fields, the others being somehow."""
    named = {"type": "invoice.paid", "source": "stripe", "livemode": True, "occurred_at": NOON} | fields
    return NewEvent(external_id=external_id, payload=payload, **named)  # type: ignore[arg-type]


def commit(engine: Engine, company_id: int, *facts: NewEvent, condition: Condition | None = None) -> list[Appended]:
    """Append in a transaction of its own."""
    with engine.begin() as connection:
        return append(connection, company_id, facts, condition=condition)


def ids(engine: Engine, company_id: int) -> list[str]:
    """Give the external ids of a company's events in order; their positions have no gaps."""
    with engine.connect() as connection:
        events = list(stream_events(connection, company_id))
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    return [event.external_id for event in events]
