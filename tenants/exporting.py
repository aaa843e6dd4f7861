"""Read everything that is kept about one company, for handing it over: its rows in every table, without secrets.

As for an erasure, the catalogue knows the tables: those with a column `company_id`. Columns of bytes are left out:
sealed secrets and hashes of tokens are of that type, and what the log is folded into, which follows from the log.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from tenants.erasure_statements import TABLES

# Exported with the bodies of its events, which are compressed in the table.
_LOG = ("event", "event_conflict")
_ROWS_AT_ONCE = 1000
_COLUMNS = text("""
    SELECT quote_ident(a.attname) AS name, format_type(a.atttypid, NULL) = 'bytea' AS is_bytes,
           array_position(CAST(k.indkey AS smallint[]), a.attnum) AS place_in_key
    FROM pg_attribute a LEFT JOIN pg_index k ON k.indrelid = a.attrelid AND k.indisprimary
    WHERE a.attrelid = CAST(quote_ident(:table) AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
""")
# These have no company of their own. Of people only what identifies them: other companies may share them.
_COMPANY = "SELECT * FROM company WHERE id = :company_id"
_PEOPLE = """
    SELECT id, email, name, created_at FROM user_account
    WHERE id IN (SELECT user_id FROM membership WHERE company_id = :company_id) ORDER BY id
"""
_IN_UTC = text("SET LOCAL timezone = 'UTC'")


class TableOfCompany(NamedTuple):
    """A table with rows of a company: the query for them, and the columns that are left out."""

    name: str
    query: str
    left_out: tuple[str, ...] = ()


def tables_of_company(connection: Connection) -> list[TableOfCompany]:
    """Return all tables with rows of companies, except those of the log."""
    names = [name for name in connection.scalars(TABLES) if name not in _LOG]
    of_catalogue = [_table(connection, name) for name in names]
    return [TableOfCompany("company", _COMPANY), TableOfCompany("user_account", _PEOPLE), *of_catalogue]


def stream_rows(connection: Connection, table: TableOfCompany, company_id: int) -> Iterator[str]:
    """Yield a company's rows of a table as JSON, one line each, in the order of its primary key, in constant memory."""
    connection.execute(_IN_UTC)
    query = text(f"SELECT CAST(to_json(t) AS text) FROM ({table.query}) t").execution_options(yield_per=_ROWS_AT_ONCE)  # noqa: S608 - names from the catalogue
    for row in connection.scalars(query, {"company_id": company_id}):
        # A column of type json keeps its line breaks; those within its texts are escaped.
        yield row.replace("\n", " ").replace("\r", " ")


def _table(connection: Connection, name: str) -> TableOfCompany:
    columns = connection.execute(_COLUMNS, {"table": name}).all()
    shown = ", ".join(column.name for column in columns if not column.is_bytes)
    key = [column for column in columns if column.place_in_key is not None]
    order = ", ".join(column.name for column in sorted(key, key=lambda column: column.place_in_key)) or "1"
    query = f"SELECT {shown} FROM {name} WHERE company_id = :company_id ORDER BY {order}"  # noqa: S608 - as above
    return TableOfCompany(name, query, tuple(column.name for column in columns if column.is_bytes))
