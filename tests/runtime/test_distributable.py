"""The schema and the statements keep to what a distributed PostgreSQL can run, such as Citus with companies by schema.

https://docs.citusdata.com/en/stable/develop/reference_workarounds.html
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.support.paths import ROOT

PACKAGES = (
    "app",
    "backlog",
    "commands",
    "events",
    "mapping",
    "notices",
    "projections",
    "runtime",
    "tenants",
    "workers",
)
# The log and all that is made of it: what grows, and what lies on the way of a webhook into the table.
GROWING = "^(event|event_conflict|company_head|fetch_request|(projection|revenue|recognition)_.*)$"
CHANGES_ROWS = re.compile(r"\b(UPDATE\s+\w+|DELETE\s+FROM|DO\s+UPDATE)\b")
REFUSED = {
    # Each node would work it out for itself.
    "a volatile function in a change": re.compile(r"\b(clock_timestamp|random|timeofday|gen_random_uuid)\(\)"),
    "a simple CASE": re.compile(r"\bCASE\s+[a-z_.]+\s+WHEN\b"),
}
UNIQUE = text("""
    SELECT i.indexrelid::regclass::text AS key, 'company_id' = ANY (
        SELECT attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) AS has_company
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname ~ :growing
""")
REFERENCES = text("""
    SELECT conrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND (conrelid::regclass::text ~ :growing OR confrelid::regclass::text ~ :growing)
""")


def texts_in(path: Path) -> Iterator[str]:
    """Yield every text of a module, with what is filled in left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
            yield " ".join(part for part in parts if isinstance(part, str))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def refused(statement: str) -> Iterator[str]:
    """Yield what is refused of a statement."""
    if CHANGES_ROWS.search(statement):
        yield from (name for name, found in REFUSED.items() if found.search(statement))


def test_no_statement_that_changes_rows_has_what_is_refused() -> None:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    statements = [(path, statement) for path in paths for statement in texts_in(path)]

    assert sum(bool(CHANGES_ROWS.search(statement)) for _, statement in statements) > 100
    assert [(path.name, name, statement) for path, statement in statements for name in refused(statement)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sync_run SET lease_until = clock_timestamp() + make_interval(secs => :lease)",
        "UPDATE mail SET due_at = statement_timestamp() + random() * interval '1 minute'",
        "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = CASE excluded.c WHEN 'x' THEN 1 END",
    ],
)
def test_what_is_refused_is_seen(statement: str) -> None:
    assert len(list(refused(statement))) == 1


def test_rows_of_the_log_and_its_tables_are_told_apart_within_their_company_and_refer_to_none_outside(
    engine: Engine,
) -> None:
    with engine.connect() as connection:
        keys = connection.execute(UNIQUE, {"growing": GROWING}).all()
        references = connection.execute(REFERENCES, {"growing": GROWING}).all()

    assert len(keys) > 20
    assert [key.key for key in keys if not key.has_company] == []
    assert references == []
