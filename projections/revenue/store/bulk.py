"""Delete and insert rows of many companies, each in one statement: a statement costs more than a row."""

from collections.abc import Iterable, Sequence

from psycopg import sql
from psycopg.pq import PipelineStatus
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from projections.revenue.build_state import BuildState
from projections.revenue.row_text import fields_of
from projections.revenue.state import Key
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

# A company's build, the mode, and the id of an invoice, price or customer.
PLACE = ("company_id", "build", "livemode", "id")
AT_PLACES = rows_of("company_id bigint, build integer, livemode boolean, id text")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


Places = Sequence[tuple[BuildState, Iterable[Key]]]
Place = tuple[int, int, bool, str]
Record = Sequence[object]


def places_of(places: Places) -> list[Place]:
    """Return places as rows for `AT_PLACES`."""
    return [(at.company_id, at.build, *key) for at, keys in places for key in keys]


def replace(driver: Driver, table: Table, places: Places, records: Iterable[Record]) -> None:
    """Insert records, among them new ones for all that are stored at these places. Commits nothing."""
    rows = places_of(places)
    if rows and is_pipelined(driver):
        insert_few(driver, table.name, [column.name for column in table.c], records, on_conflict=_replacing(table))
        return
    if rows:
        driver.execute(
            f"DELETE FROM {table.name} t USING {AT_PLACES} WHERE t.company_id = k.company_id AND t.build = k.build"  # noqa: S608
            " AND t.livemode = k.livemode AND t.id = k.id",
            as_rows(PLACE, rows),
        )
    insert(driver, table, records)


def insert(driver: Driver, table: Table, records: Iterable[Record]) -> None:
    """Insert records, each with the table's columns in their order. Commits nothing."""
    rows = list(records)
    names = [column.name for column in table.c]
    if rows and is_pipelined(driver):
        insert_few(driver, table.name, names, rows)
    elif rows:
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), columns)
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([str(column.type.compile(_DIALECT)).lower() for column in table.c])
            for row in rows:
                copy.write_row(row)


def insert_few(
    driver: Driver, table: str, names: Sequence[str], rows: Iterable[Record], *, on_conflict: str = ""
) -> None:
    """Insert a few rows without COPY, which cannot be part of a pipeline. Commits nothing."""
    columns = ", ".join(names)
    driver.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %(rows)s)"  # noqa: S608
        f"{on_conflict}",
        as_rows(names, rows),
    )


def insert_lines(driver: Driver, table: str, names: Sequence[str], lines: Sequence[bytes]) -> None:
    """Insert rows that are already lines for COPY: see `row_text`. Commits nothing."""
    if not lines:
        return
    if is_pipelined(driver):
        insert_few(driver, table, names, map(fields_of, lines))
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        copy.write(b"".join(lines))


def _replacing(table: Table) -> str:
    changed = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.c if column.name not in PLACE)
    return f" ON CONFLICT ({', '.join(PLACE)}) DO UPDATE SET {changed}"


def is_pipelined(driver: Driver) -> bool:
    """Return whether statements are sent without waiting for one another."""
    return driver.pgconn.pipeline_status != PipelineStatus.OFF
