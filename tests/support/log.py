"""Append events of which only the identity matters, and read the log back."""

from sqlalchemy import Engine

from events.log.append import Appended, Condition, NewEvent, append
from events.log.read import stream_events
from tests.support.clock import NOON

ACME, ZED = 1, 2


def fact(external_id: str, payload: bytes = b"{}", **fields: object) -> NewEvent:
    """Return an event with these fields, and defaults for the others."""
    known = {"type": "invoice.paid", "source": "stripe", "livemode": True, "occurred_at": NOON} | fields
    return NewEvent(external_id=external_id, payload=payload, **known)  # type: ignore[arg-type]


def commit(engine: Engine, company_id: int, *facts: NewEvent, condition: Condition | None = None) -> list[Appended]:
    """Append the events in their own transaction."""
    with engine.begin() as connection:
        return append(connection, company_id, facts, condition=condition)


def ids(engine: Engine, company_id: int) -> list[str]:
    """Return the external ids of a company's events in order, having checked that the positions have no gaps."""
    with engine.connect() as connection:
        events = list(stream_events(connection, company_id))
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    return [event.external_id for event in events]
