"""Where the books stand in PostgreSQL: read, replace and copy in, many companies in one statement.

A statement costs more than a row, so each of them serves all companies at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection, Table

from projections.known import Change, Key
from projections.revenue_lines import Books

_AT_KEYS = (
    "unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])"
    " AS k (company_id, build, livemode, id)"
)


class Volume(NamedTuple):
    """One company's books in one build. Before it is begun, its tables hold nothing."""

    company_id: int
    build: int
    is_begun: bool
    books: Books


Place = tuple[Volume, Key]
Record = tuple[Volume, Sequence[object]]


def read_books(connection: Connection, table: Table, places: set[Place]) -> Iterator[tuple[Place, bytes, Change]]:
    """Give what a table of books holds at these places: the book as bytes, and its last change."""
    begun = [place for place in places if place[0].is_begun]
    if not begun:
        return
    volumes = {volume.company_id: volume for volume, _ in places}
    rows = connection.exec_driver_sql(
        f"SELECT t.company_id, t.livemode, t.id, t.book, t.position, t.changed_at FROM {_AT_KEYS}"  # noqa: S608
        f" JOIN {table.name} t ON t.company_id = k.company_id AND t.build = k.build AND t.livemode = k.livemode"
        " AND t.id = k.id",
        columns_of_places(begun),
    )
    for company_id, livemode, object_id, book, position, changed_at in rows:
        yield (volumes[company_id], (livemode, object_id)), book, Change(position, changed_at)


def columns_of_places(places: Sequence[Place]) -> dict[str, object]:
    """Give places as the parallel arrays that statements take."""
    return {
        "company_id": [volume.company_id for volume, _ in places],
        "build": [volume.build for volume, _ in places],
        "livemode": [livemode for _, (livemode, _) in places],
        "id": [object_id for _, (_, object_id) in places],
    }


def replace(
    connection: Connection, table: Table, places: Sequence[Place], records: Iterable[Record], columns: Sequence[str]
) -> None:
    """Put these records of books in the place of those that stand there. Commits nothing."""
    held = [place for place in places if place[0].is_begun]
    if held:
        connection.exec_driver_sql(
            f"DELETE FROM {table.name} t USING {_AT_KEYS} WHERE t.company_id = k.company_id AND t.build = k.build"  # noqa: S608
            " AND t.livemode = k.livemode AND t.id = k.id",
            columns_of_places(held),
        )
    copy_in(connection, table, list(records), columns)


def copy_in(connection: Connection, table: Table, records: Sequence[Record], columns: Sequence[str]) -> None:
    """Add records. Commits nothing."""
    if not records:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, ("company_id", "build", *columns)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for volume, record in records:
            copy.write_row((volume.company_id, volume.build, *record))
