"""Rows arrive in a statement as they were given to it."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from runtime.database import raw_driver
from runtime.json_rows import as_rows, rows_of

_COLUMNS = "n bigint, is_new boolean, name text, day date, hash bytea"
_QUERY = f"SELECT n, is_new, name, day, hash FROM {rows_of(_COLUMNS)}"  # noqa: S608 - our own words
_ROWS = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.dates(date(1, 1, 1)),
    st.binary(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROWS))
def test_a_statement_reads_the_rows_that_were_given_to_it(engine: Engine, rows: list[tuple[object, ...]]) -> None:
    with engine.connect() as connection, raw_driver(connection) as driver:
        read = driver.execute(_QUERY, as_rows(("n", "is_new", "name", "day", "hash"), rows)).fetchall()

    assert read == rows
