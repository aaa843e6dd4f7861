"""All rows of a company, to see that nothing of them changes."""

from sqlalchemy import Engine, text

from tests.support.databases import arranging


def rows_of(engine: Engine, company_id: int) -> dict[str, list[object]]:
    """Return all rows of a company, by table; without when they are due, which tests change to skip waits."""
    tables = text("""
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE a.attname = 'company_id' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    """)
    rows = "SELECT (to_jsonb(t) - 'due_at')::text FROM {} t WHERE company_id = :company_id ORDER BY 1"
    with arranging(engine) as connection:
        return {
            table: list(connection.scalars(text(rows.format(table)), {"company_id": company_id}))
            for table in connection.scalars(tables)
        }
