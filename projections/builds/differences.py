"""Compare two builds of a table, byte by byte, in memory that grows only with their differences."""

from collections.abc import Iterator
from itertools import zip_longest

from psycopg import sql
from sqlalchemy import Connection, Table

from runtime.database import driver_of

_SCOPE = ("company_id", "build")
_Rows = dict[tuple[bytes, ...], list[bytes]]


def differences(
    live: Connection, other: Connection, table: Table, company_id: int, builds: tuple[int, int]
) -> Iterator[str]:
    """Yield a sentence for every row in which two builds of a table differ, comparing what PostgreSQL's COPY writes."""
    keys = [column.name for column in table.primary_key if column.name not in _SCOPE]
    columns = keys + [column.name for column in table.c if column.name not in (*_SCOPE, *keys)]
    pairs = zip_longest(
        _rows(live, table, columns, keys, company_id, builds[0]),
        _rows(other, table, columns, keys, company_id, builds[1]),
    )
    apart: tuple[_Rows, _Rows] = ({}, {})
    for pair in pairs:
        if pair[0] != pair[1]:
            yield from _unlike(table, columns, len(keys), pair, apart)
    for rows, what in zip(apart, ("is in the table and not in the log", "is missing from the table"), strict=True):
        yield from (f"{table.name} {_named(columns, key)}: {what}" for key in rows)


def _unlike(
    table: Table,
    columns: list[str],
    key_size: int,
    pair: tuple[bytes | None, bytes | None],
    apart: tuple[_Rows, _Rows],
) -> Iterator[str]:
    # Both are in the order of their keys, so a row that one of them lacks only shifts it against the other.
    for side, line in enumerate(pair):
        if line is None:
            continue
        fields = line.rstrip(b"\n").split(b"\t")
        key = tuple(fields[:key_size])
        counterpart = apart[1 - side].pop(key, None)
        if counterpart is None:
            apart[side][key] = fields
        elif counterpart != fields:
            found, wanted = (fields, counterpart) if side == 0 else (counterpart, fields)
            changed = (
                f"{name} is {one.decode()}, the log says {other.decode()}"
                for name, one, other in zip(columns, found, wanted, strict=True)
                if one != other
            )
            yield f"{table.name} {_named(columns, key)}: {', '.join(changed)}"


def _rows(
    connection: Connection, table: Table, columns: list[str], keys: list[str], company_id: int, build: int
) -> Iterator[bytes]:
    names = sql.SQL(", ").join
    statement = sql.SQL("COPY (SELECT {} FROM {} WHERE company_id = {} AND build = {} ORDER BY {}) TO STDOUT").format(
        names(map(sql.Identifier, columns)),
        sql.Identifier(table.name),
        sql.Literal(company_id),
        sql.Literal(build),
        names(map(sql.Identifier, keys)) if keys else sql.SQL("1"),
    )
    driver = driver_of(connection)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            yield bytes(block)


def _named(columns: list[str], key: tuple[bytes, ...]) -> str:
    return " ".join(f"{name}={value.decode()}" for name, value in zip(columns, key, strict=False)) or "the only row"
