"""L7: what a preview shows is what publishing its rules does, whatever was decided before."""

from random import Random

import pytest
from sqlalchemy import Engine

from mapping.evaluation import evaluated
from mapping.figures import Json
from mapping.lines_at import book_at, lines_in
from projections.mapping.decisions.payloads import RulesPublished
from projections.mapping.reading_rules import read_rules
from projections.reads.snapshots import snapshot_of
from tests.support.company import catch_up, company_with
from tests.support.decisions import LATER, SPLIT, TO_SAAS, decide, record_decided_history
from tests.support.payloads import ACCOUNT
from tests.support.rules import new_ids, rule

RULES = [
    rule("rule_name", ("customer_name", "is_present"), ("amount", "gt", 400), outcome=SPLIT),
    rule("rule_later", ("currency", "is", "usd"), ("proration", "is", False), outcome=LATER),
    rule("rule_saas", ("has_period", "is", True), outcome=TO_SAAS),
]


def result_of(engine: Engine, company_id: int, *, livemode: bool, rules: list[Json] = RULES) -> Json:
    seen: list[int] = []
    with snapshot_of(engine, company_id) as snapshot:
        read = read_rules(rules, new_ids())
        result = evaluated(snapshot, book_at(snapshot), read, livemode=livemode, progress=seen.append)
        assert max(seen, default=0) == lines_in(snapshot, livemode=livemode)
    return result


def cells(result: Json, which: str) -> dict[tuple[object, ...], int]:
    return {(one["month"], one["stream_id"], one["currency"]): one[which] for one in result["cells"] if one[which]}


@pytest.mark.parametrize("seed", range(4))
def test_l7_publishing_does_what_the_preview_shows(engine: Engine, seed: int) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_decided_history(engine, company_id, Random(seed), 240)
    catch_up(engine)
    with snapshot_of(engine, company_id) as snapshot:
        version = book_at(snapshot).rules_version
    previews = {livemode: result_of(engine, company_id, livemode=livemode) for livemode in (True, False)}

    decide(engine, company_id, RulesPublished(version + 1, list(RULES), version))
    catch_up(engine)

    for livemode, preview in previews.items():
        afterwards = result_of(engine, company_id, livemode=livemode)
        assert cells(preview, "after") == cells(afterwards, "before") == cells(afterwards, "after")
        assert sum(afterwards["lines"].values()) == 0
        assert afterwards["rules"] == preview["rules"]
        assert afterwards["top_lines"] == []
    assert sum(sum(preview["lines"].values()) for preview in previews.values()) > 0


def test_no_table_is_no_line(engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)

    assert result_of(engine, company_id, livemode=True)["cells"] == []
