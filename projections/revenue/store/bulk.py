"""Read, delete and insert rows of many companies, each in one statement: a statement costs more than a row.

In a pipeline the statements are sent without waiting for one another, and rows are inserted one by one instead of by
COPY, which cannot be part of a pipeline: that is the faster way for a few rows, and the slower one for many.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import PipelineStatus
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from projections.facts.sightings import Change
from projections.revenue.build_state import BuildState
from projections.revenue.state import Key
from runtime.database import Driver

_AT_KEYS = (
    "unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])"
    " AS k (company_id, build, livemode, id)"
)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


Places = Sequence[tuple[BuildState, Iterable[Key]]]
Record = Sequence[object]


Found = psycopg.Cursor[tuple[Any, ...]] | None


def find_stored(driver: Driver, table: Table, places: Places) -> Found:
    """Look for the states that a state table has at these places; None if there are no places."""
    columns = columns_of_places(places)
    if not columns["id"]:
        return None
    return driver.execute(
        f"SELECT t.company_id, t.livemode, t.id, t.book, t.position, t.changed_at FROM {_AT_KEYS}"  # noqa: S608
        f" JOIN {table.name} t ON t.company_id = k.company_id AND t.build = k.build AND t.livemode = k.livemode"
        " AND t.id = k.id",
        columns,
    )


def stored_of(found: Found) -> Iterator[tuple[int, Key, bytes, Change]]:
    """Yield the states that were found: the company, the key, the state as bytes, and what last altered it."""
    for company_id, livemode, object_id, stored, position, changed_at in found or ():
        yield company_id, (livemode, object_id), stored, Change(position, changed_at)


def remove(driver: Driver, table: Table, places: Places) -> None:
    """Delete the records at these places. Commits nothing."""
    columns = columns_of_places(places)
    if columns["id"]:
        driver.execute(
            f"DELETE FROM {table.name} t USING {_AT_KEYS} WHERE t.company_id = k.company_id AND t.build = k.build"  # noqa: S608
            " AND t.livemode = k.livemode AND t.id = k.id",
            columns,
        )


def columns_of_places(places: Places) -> dict[str, list[object]]:
    """Return places as the parallel arrays that statements take."""
    keys = [(build_state, key) for build_state, found in places for key in found]
    return {
        "company_id": [build_state.company_id for build_state, _ in keys],
        "build": [build_state.build for build_state, _ in keys],
        "livemode": [livemode for _, (livemode, _) in keys],
        "id": [object_id for _, (_, object_id) in keys],
    }


def insert(driver: Driver, table: Table, records: Iterable[Record]) -> None:
    """Insert records, each with the table's columns in their order. Commits nothing."""
    rows = list(records)
    if not rows:
        return
    if is_pipelined(driver):
        insert_each(driver, table.name, [column.name for column in table.c], rows)
        return
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.c)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), names)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([str(column.type.compile(_DIALECT)).lower() for column in table.c])
        for row in rows:
            copy.write_row(row)


def insert_each(driver: Driver, table: str, columns: Sequence[str], rows: Iterable[Record]) -> None:
    """Insert rows one by one. Commits nothing."""
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608
    for row in rows:
        driver.execute(statement, row)


def is_pipelined(driver: Driver) -> bool:
    """Return whether statements are sent without waiting for one another."""
    return driver.pgconn.pipeline_status != PipelineStatus.OFF
