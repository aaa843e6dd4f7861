"""Append events of which only the identity matters, and read the log back."""

from sqlalchemy import Engine, text

from events.log.append import Appended, Condition, NewEvent, append
from events.log.read import stream_events
from tests.support.clock import NOON
from tests.support.databases import arranging

ACME, ZED = 1, 2
_COPY = {
    "event": """
        INSERT INTO event (company_id, {columns}) SELECT :replayed, {columns} FROM event
        WHERE company_id = :company_id AND position > :after AND position <= :through
    """,
    "company_head": """
        INSERT INTO company_head (company_id, position, behind_since) VALUES (:replayed, :through, now())
        ON CONFLICT (company_id) DO UPDATE SET position = :through, behind_since = now()
    """,
}


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


def copy_log(engine: Engine, company_id: int, replayed: int, *, after: int, through: int) -> None:
    """Copy a range of one company's log to another's, byte for byte."""
    parameters = {"company_id": company_id, "replayed": replayed, "after": after, "through": through}
    with arranging(engine) as connection:
        columns = connection.execute(
            text(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_name = 'event' AND column_name <> 'company_id' AND is_generated = 'NEVER'"
            )
        ).scalar_one()
        for statement in _COPY.values():
            connection.execute(text(statement.format(columns=columns)), parameters)
