"""All rows of a company, to see that nothing of them changes."""

from sqlalchemy import Engine, text


def rows_of(engine: Engine, company_id: int) -> dict[str, list[object]]:
    """Return all rows of a company, by table."""
    tables = text("""
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE a.attname = 'company_id' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    """)
    with engine.connect() as connection:
        return {
            table: list(
                connection.scalars(
                    text(f"SELECT to_jsonb(t)::text FROM {table} t WHERE company_id = :company_id ORDER BY 1"),  # noqa: S608
                    {"company_id": company_id},
                )
            )
            for table in connection.scalars(tables)
        }
