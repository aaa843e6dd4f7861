"""`flask mapping`: streams and rules go out and come in, as JSON and CSV, and a round trip changes nothing."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from sqlalchemy import Engine, text

from commands.mapping.csv_reading import sheet_in
from commands.mapping.csv_writing import csv_of
from projections.mapping.reading_rules import read_rules
from projections.mapping.writing_rules import document_of
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import company_with
from tests.support.rules import new_ids, rule, rule_documents, to
from tests.support.web.desk import Mapper

Json = dict[str, Any]

TRICKY = ["=1+1", "'quoted", "- dash", "a, b", 'say "x"', "two\nlines"]


@pytest.fixture
def mapper(app: Flask, engine: Engine) -> Mapper:
    """Return an editor of a company with two streams, a plan, and a draft that uses all that rules can say."""
    mapper = Mapper.of_new_company(app, engine)
    saas = mapper.add_stream("SaaS", code="4000", default_treatment={"kind": "months", "n": 12, "from": "booked"})
    fees = mapper.add_stream("=Fees, other")
    plan = mapper.send("POST", f"/streams/{saas}/plans", {"name": "Pro"}).get_json()["plans"][0]["id"]
    mapper.send("PATCH", f"/streams/{fees}", {"archived": True})
    split = {
        "shares": [
            {"bp": 3333, "stream_id": saas, "plan_id": plan, "treatment": {"kind": "booked"}},
            {"bp": 6667, "stream_id": fees, "kind": "pass_through"},
        ]
    }
    conditions = [
        ("description", "in", TRICKY),
        ("product.metadata.region", "is", "-5"),
        ("quantity", "gt", "2.5"),
        ("quantity", "lt", 3),
        ("net_amount", "between", [-5, 10]),
        ("proration", "is", False),
        ("price_id", "is_present"),
    ]
    applies = {"by": "finalized", "from": "2026-01-01", "to": None}
    rules = [
        rule("rule_a", *conditions, name="'Some", match="any", enabled=False, applies=applies, outcome=split),
        {"id": "rule_b", "name": "", "lookup": {"field": "product_name", "table": dict.fromkeys(TRICKY, saas)}},
    ]
    save(mapper, rules)
    return mapper


def save(mapper: Mapper, rules: list[Json]) -> None:
    tag = mapper.send("GET", "/rule-draft").headers["ETag"]
    saved = mapper.send("PUT", "/rule-draft", {"rules": rules}, headers={**mapper.key, "If-Match": tag})
    assert saved.status_code == 200, saved.text


def state(mapper: Mapper) -> tuple[int, str, Json]:
    """Return how far the log is, the tag of the draft, and the streams."""
    with mapper.engine.connect() as connection:
        head = connection.execute(text("SELECT max(position) FROM event")).scalar_one()
    return int(head), mapper.send("GET", "/rule-draft").headers["ETag"], mapper.get("/streams")


@pytest.mark.parametrize("words", [(), ("--csv",)])
def test_a_round_trip_changes_nothing(words: tuple[str, ...], mapper: Mapper, run: Run, tmp_path: Path) -> None:
    file, before = tmp_path / ("out.csv" if words else "out.json"), state(mapper)
    exported = run("mapping", "export", "--company", mapper.company_id, *words)
    assert exported.exit_code == 0
    cells = [cell for row in csv.reader(exported.stdout.splitlines()) for cell in row] if words else []
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    file.write_bytes(exported.stdout_bytes)

    imported = json_of(run("mapping", "import", file, "--company", mapper.company_id, "--json"))

    assert imported == {
        **dict.fromkeys(("streams_added", "streams_changed", "plans_added", "plans_changed"), 0),
        "rules": 2,
        "is_draft_changed": False,
    }
    assert state(mapper) == before


@pytest.mark.parametrize("words", [(), ("--csv",)])
def test_another_company_gets_the_same_under_ids_of_its_own(
    words: tuple[str, ...], mapper: Mapper, run: Run, tmp_path: Path, engine: Engine
) -> None:
    file, other = tmp_path / ("out.csv" if words else "out.json"), company_with(engine, "acct_other")
    file.write_bytes(run("mapping", "export", "--company", mapper.company_id, *words).stdout_bytes)

    told = run("mapping", "import", file, "--company", other)

    assert told.stdout == "2 streams added, 1 plan added, the draft has 2 rules now.\n"
    ours, theirs = (json_of(run("mapping", "export", "--company", one, "--json")) for one in (mapper.company_id, other))
    assert _without_ids(theirs) == _without_ids(ours)
    assert {one["id"] for one in ours["streams"]}.isdisjoint(one["id"] for one in theirs["streams"])
    assert run("mapping", "import", file, "--company", other).stdout == "the same 2 rules as before.\n"


def test_mistakes_are_told_by_row_or_place_and_nothing_is_imported(mapper: Mapper, run: Run, tmp_path: Path) -> None:
    before, file = state(mapper), tmp_path / "in.csv"
    rows = [
        "row,name,field,op,value,stream,percent",
        "stream,New one,,,,,",
        "rule,Bad,,,,,",
        "condition,,colour,is,red,,",
        "share,,,,,None such,100",
    ]
    file.write_text("\n".join(rows))
    told = error_of(run("mapping", "import", file, "--company", mapper.company_id, "--replace"))
    assert "nothing was imported\nrow 4: There is no field “colour”." in told
    file.write_text("\n".join([*rows[:3], rows[4]]))
    told = error_of(run("mapping", "import", file, "--company", mapper.company_id, "--replace"))
    assert "row 4: There is no revenue stream “None such”." in told
    file.write_text("row,name\nplan,Lost")
    assert "row 2: a plan has to follow what it belongs to" in error_of(run("mapping", "import", file, "--company", 1))
    file.write_text("row,name\npaln,Lost")
    assert "row 2: “paln” is none of stream, plan, rule" in error_of(run("mapping", "import", file, "--company", 1))

    file = tmp_path / "in.json"
    file.write_text(json.dumps({"streams": [{"name": "x", "archived": "soon"}], "rules": []}))
    told = error_of(run("mapping", "import", file, "--company", mapper.company_id))
    assert "/streams/0/archived: Only true or false is possible here." in told
    file.write_text("{")
    assert "is not JSON" in error_of(run("mapping", "import", file, "--company", mapper.company_id))
    assert state(mapper) == before


def test_a_draft_with_other_rules_is_replaced_only_on_demand(mapper: Mapper, run: Run, tmp_path: Path) -> None:
    file, saas = tmp_path / "in.json", mapper.get("/streams")["data"][0]["id"]
    file.write_text(
        json.dumps({"streams": [{"id": saas, "name": "Software"}], "rules": [rule("rule_z", outcome=to("software"))]})
    )

    refused = error_of(run("mapping", "import", file, "--company", mapper.company_id))
    assert "has a draft with other rules" in refused
    assert mapper.get("/streams")["data"][0]["name"] == "SaaS"
    told = run("mapping", "import", file, "--company", mapper.company_id, "--replace")
    assert told.stdout == "1 stream changed, the draft has 1 rule now.\n"
    (saved,) = mapper.get("/rule-draft")["rules"]
    assert saved["outcome"] == to(saas)
    published = json_of(run("mapping", "export", "--company", mapper.company_id, "--published", "--json"))
    assert published["rules"] == []


@given(rule_documents())
def test_csv_says_all_that_rules_say(documents: list[Json]) -> None:
    rules = document_of(read_rules(documents, new_ids()))
    read = sheet_in(csv_of({"streams": [], "rules": rules})).document["rules"]
    assert document_of(read_rules(read, new_ids())) == rules


def _without_ids(document: Json) -> Json:
    names = {one["id"]: one["name"] for one in document["streams"]}
    names |= {plan["id"]: plan["name"] for one in document["streams"] for plan in one["plans"]}
    written = json.dumps(document)
    for one, name in names.items():
        written = written.replace(json.dumps(one), json.dumps(name))
    anonymous: Json = json.loads(written)
    return anonymous
