"""Rules that are evaluated on groups of lines change what they change line by line."""

from random import Random

import msgspec
import pytest
from sqlalchemy import Engine

from mapping.evaluation import evaluated, evaluated_line_by_line
from mapping.figures import Json
from mapping.lines_at import book_at, lines_in
from projections.mapping.decisions.payloads import RulesPublished, StreamRestored
from projections.mapping.reading_rules import read_rules
from projections.mapping.rule_set import RuleSet
from projections.mapping.rules import Rules
from projections.reads.snapshots import snapshot_of
from projections.revenue.store.mapping.mapped_groups import Books
from tests.support.company import catch_up, company_with
from tests.support.decisions import decide, record_decided_history
from tests.support.payloads import ACCOUNT
from tests.support.promises import cases_of
from tests.support.rules import new_ids
from tests.support.rules_of_groups import random_rules


@pytest.mark.parametrize(
    "seed", cases_of("Rules evaluated on groups of lines change what they change line by line", range(4), nth=2)
)
def test_groups_of_lines_change_as_their_lines_do(engine: Engine, seed: int) -> None:
    random, company_id, by_groups = Random(seed), company_with(engine, ACCOUNT), 0
    found: Json = {}
    rules: Rules = ()
    documents: list[Json] = []
    seen: list[int] = []
    record_decided_history(engine, company_id, random, 240)
    if seed:
        decide(engine, company_id, StreamRestored("str_saas", "SaaS"))
    catch_up(engine)
    with snapshot_of(engine, company_id) as snapshot:
        before = book_at(snapshot)
        for _ in range(8):
            documents = random_rules(random)
            rules = read_rules(documents, new_ids())
            by_groups += Books(before, msgspec.structs.replace(before, rules=RuleSet(rules))).map_by_groups
            for livemode in (True, False):
                seen.clear()
                found = evaluated(snapshot, before, rules, livemode=livemode, progress=seen.append)
                assert seen[-1:] == [lines_in(snapshot, livemode=livemode)] or not seen
                plain = evaluated_line_by_line(snapshot, before, rules, livemode=livemode, progress=seen.append)
                assert found == plain
    assert by_groups or not seed
    decide(engine, company_id, RulesPublished(before.rules_version + 1, list(documents), before.rules_version))
    catch_up(engine)
    with snapshot_of(engine, company_id) as snapshot:
        published = evaluated_line_by_line(snapshot, book_at(snapshot), rules, livemode=False, progress=seen.append)
    assert [(one["month"], one["stream_id"], one["before"]) for one in published["cells"]] == [
        (one["month"], one["stream_id"], one["after"]) for one in found["cells"] if one["after"]
    ]
