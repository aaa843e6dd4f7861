"""Keep where each company's connection stands. Commits nothing."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, text

from projections.connection.fold import NAME, ConnectionState, after, is_about_connection
from projections.facts.facts import FactPage

_COLUMNS = ", ".join(ConnectionState._fields)
_READ = text(f"""
    SELECT c.company_id, {_COLUMNS} FROM connection_state c
    JOIN unnest(CAST(:company_id AS bigint[]), CAST(:build AS integer[])) AS k (company, build_number)
        ON c.company_id = k.company AND c.build = k.build_number
""")  # noqa: S608 - our own columns
_KEEP = text(f"""
    INSERT INTO connection_state (company_id, build, {_COLUMNS})
    VALUES (:company_id, :build, {", ".join(f":{name}" for name in ConnectionState._fields)})
    ON CONFLICT (company_id, build) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in ConnectionState._fields)}
""")  # noqa: S608 - our own columns
_OF_COMPANY = text(f"""
    SELECT {_COLUMNS} FROM connection_state c
    JOIN projection_active a ON a.company_id = c.company_id AND a.build = c.build AND a.projection = :projection
    WHERE c.company_id = :company_id
""")  # noqa: S608 - our own columns


def fold_connection(connection: Connection, pages: Sequence[FactPage]) -> None:
    """Bring every page's build forward by its facts."""
    kept = [(page, [fact.event for fact in page.facts if fact.event]) for page in pages]
    told = [(page, about) for page, events in kept if (about := list(filter(is_about_connection, events)))]
    if not told:
        return
    keys = {"company_id": [page.company_id for page, _ in told], "build": [page.build for page, _ in told]}
    held = {company_id: ConnectionState(*state) for company_id, *state in connection.execute(_READ, keys)}
    for page, events in told:
        state = held.get(page.company_id, ConnectionState())
        for event in events:
            state = after(state, event)
        told_run = state._asdict() | {"run_error": None if state.run_error is None else json.dumps(state.run_error)}
        connection.execute(_KEEP, {"company_id": page.company_id, "build": page.build, **told_run})


def connection_of(connection: Connection, company_id: int) -> ConnectionState:
    """Give where a company's connection stands, as far as the log is folded."""
    row = connection.execute(_OF_COMPANY, {"projection": NAME, "company_id": company_id}).one_or_none()
    return ConnectionState(*row) if row else ConnectionState()
