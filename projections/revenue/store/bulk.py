"""Read, delete and copy in rows of many companies, each in one statement: a statement costs more than a row."""

from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql

from projections.facts.sightings import Change
from projections.revenue.build_state import BuildState
from projections.revenue.state import Key
from runtime.database import driver_of

_AT_KEYS = (
    "unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])"
    " AS k (company_id, build, livemode, id)"
)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


Places = Sequence[tuple[BuildState, Iterable[Key]]]
Record = Sequence[object]


def read_stored(
    connection: Connection, table: Table, places: Places
) -> Iterator[tuple[BuildState, Key, bytes, Change]]:
    """Yield the states that a state table has at these places: each as bytes, with the change that last altered it."""
    build_states = {build_state.company_id: build_state for build_state, _ in places}
    columns = columns_of_places(places)
    if not columns["id"]:
        return
    rows = connection.exec_driver_sql(
        f"SELECT t.company_id, t.livemode, t.id, t.book, t.position, t.changed_at FROM {_AT_KEYS}"  # noqa: S608
        f" JOIN {table.name} t ON t.company_id = k.company_id AND t.build = k.build AND t.livemode = k.livemode"
        " AND t.id = k.id",
        columns,
    )
    for company_id, livemode, object_id, stored, position, changed_at in rows:
        yield build_states[company_id], (livemode, object_id), stored, Change(position, changed_at)


def remove(connection: Connection, table: Table, places: Places) -> None:
    """Delete the records at these places. Commits nothing."""
    columns = columns_of_places(places)
    if columns["id"]:
        connection.exec_driver_sql(
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


def copy_in(connection: Connection, table: Table, records: Iterable[Record]) -> None:
    """Insert records, each with the table's columns in their order. Commits nothing."""
    rows = list(records)
    if not rows:
        return
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.c)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), names)
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([str(column.type.compile(_DIALECT)).lower() for column in table.c])
        for row in rows:
            copy.write_row(row)
