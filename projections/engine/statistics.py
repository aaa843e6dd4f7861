"""Analyze new tables before autovacuum does, which may take a minute.

PostgreSQL assumes of a table that was never analyzed that a company is as rare as an invoice. It may then choose any
index that begins with the company, and look for each of a thousand invoices among all of the company's.
"""

from sqlalchemy import Engine, text

from projections.facts.state_tables import metadata

_ENOUGH_PAGES = 8

_UNKNOWN = text("""
    SELECT c.relname FROM pg_class c
    WHERE c.oid = ANY (CAST(CAST(:names AS text[]) AS regclass[])) AND c.reltuples < 0
      AND pg_relation_size(c.oid) >= :pages * current_setting('block_size')::bigint
""")


def learn_new_tables(engine: Engine) -> list[str]:
    """Analyze the projections' tables that have grown and were never analyzed; return their names. Commits."""
    with engine.begin() as connection:
        unknown = list(connection.scalars(_UNKNOWN, {"names": list(metadata.tables), "pages": _ENOUGH_PAGES}))
        for name in unknown:
            connection.exec_driver_sql(f"ANALYZE {name}")
    return unknown
