"""However PostgreSQL plans a claim, it takes as many rows as it says."""

from sqlalchemy import Engine

from tests.runtime.test_distributable import PACKAGES
from tests.support.parse_trees import chooses_again, tree_of
from tests.support.statements import changes_in

FROM_A_SUBQUERY = """
    UPDATE mail m SET attempts = 1
    FROM (SELECT id FROM mail ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) due WHERE m.id = due.id
"""
CHOSEN_BEFORE = """
    WITH due AS MATERIALIZED (SELECT id FROM mail ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE mail m SET attempts = 1 FROM due WHERE m.id = due.id
"""


def test_no_statement_chooses_its_rows_again_while_it_changes_them(engine: Engine) -> None:
    statements = changes_in(PACKAGES)

    with engine.connect() as connection:
        found = [name for statement, name in statements.items() if chooses_again(tree_of(connection, statement))]

    assert sum("SKIP LOCKED" in statement for statement in statements) > 5
    assert found == []


def test_a_statement_that_would_is_seen(engine: Engine) -> None:
    with engine.connect() as connection:
        assert chooses_again(tree_of(connection, FROM_A_SUBQUERY))
        assert not chooses_again(tree_of(connection, CHOSEN_BEFORE))
