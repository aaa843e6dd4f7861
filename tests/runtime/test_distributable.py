"""The schema and the statements keep to what a distributed PostgreSQL can run, such as Citus with companies by schema.

https://docs.citusdata.com/en/stable/develop/reference_workarounds.html
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.support.parse_trees import refusals, tree_of, volatilities
from tests.support.paths import ROOT
from tests.support.statements import changes_in

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
PUBLIC = re.compile(r"\bpublic\.\w|'public'::|(?i:schema|search_path =) public\b")
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
# Citus moves tables by logical replication, which needs to tell rows apart, and numbers rows on each node.
IMMOVABLE = text("""
    SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
""")
NARROW_OR_STRAY = text("""
    SELECT c.relname FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND (s.seqtypid <> 'bigint'::regtype
      OR NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')))
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


def test_no_statement_that_is_built_calls_what_is_refused_but_as_a_default() -> None:
    called = re.compile(r"(\w*)=?func\.(?:clock_timestamp|random|timeofday|gen_random_uuid)\(\)")
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    places = [(found[1], path.name) for path in paths for found in called.finditer(path.read_text())]

    assert [(place, name) for place, name in places if place != "server_default"] == []
    assert len(places) > 5


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


def test_no_statement_changes_rows_as_citus_does_not_plan_it(engine: Engine) -> None:
    """With its parse tree, since whether a function may be in a change depends on what PostgreSQL made of it."""
    statements = changes_in(PACKAGES)

    with engine.connect() as connection:
        volatility = volatilities(connection)
        refused_ones = [
            (name, reason)
            for statement, name in statements.items()
            for reason in refusals(tree_of(connection, statement), volatility)
        ]

    assert len(statements) > 120
    assert refused_ones == []


@pytest.mark.parametrize(
    ("statement", "reason"),
    {
        "UPDATE mail SET due_at = clock_timestamp()": "a volatile function",
        "DELETE FROM mail WHERE random() < :share": "a volatile function",
        "UPDATE mail SET due_at = now() + make_interval(secs => attempts)": "a stable function of a column",
        "DELETE FROM mail WHERE due_at + interval '1 day' < now()": "a stable function of a column",
        "UPDATE mail SET due_at = coalesce(ended_at, now())": "a function that is not immutable in CASE or COALESCE",
        "WITH gone AS (DELETE FROM mail RETURNING due_at < now()) SELECT * FROM gone": (
            "a function that is not immutable in RETURNING"
        ),
        "INSERT INTO log_epoch (epoch) VALUES (:epoch) ON CONFLICT (is_only) DO UPDATE SET restored_at = now()": (
            "a function that is not immutable in DO UPDATE"
        ),
        "UPDATE mail SET error = CASE status WHEN 'sent' THEN 'a' END": "a simple CASE",
    }.items(),
)
def test_what_citus_does_not_plan_is_seen(engine: Engine, statement: str, reason: str) -> None:
    with engine.connect() as connection:
        assert list(refusals(tree_of(connection, statement), volatilities(connection))) == [reason]


def test_every_table_can_be_moved_online_and_every_number_is_wide_enough_for_its_nodes(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalars(IMMOVABLE).all() == []
        assert connection.scalars(NARROW_OR_STRAY).all() == []


def test_no_statement_names_the_schema_that_cannot_be_distributed() -> None:
    paths = [path for package in (*PACKAGES, "migrations") for path in (ROOT / package).rglob("*.py")]
    paths += (ROOT / "migrations").rglob("*.sql")

    assert [path.name for path in paths if PUBLIC.search(path.read_text())] == []
    assert all(PUBLIC.search(one) for one in ("SELECT FROM public.event", "SET search_path = public, pg_temp"))


def test_what_policies_and_triggers_read_is_set_by_a_statement_that_citus_passes_on() -> None:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]

    by_function = {path.name for path in paths if "set_config('revmap." in path.read_text()}

    # There it is set twice, if the deployment is in a schema of its own.
    assert by_function == {"database.py"}
