"""Lines of the table say what they are mapped to, and are found by it, now and as of any moment."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from projections.mapping.decisions.payloads import PlanCreated, StreamCreated
from tests.support.company import catch_up
from tests.support.decisions import SPLIT, decide, rules
from tests.support.web.lines import Reader, line_of


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    """Return a reader of lines of 100.00 and 50.00: the first is split by a rule, then all are in one stream."""
    reader = Reader.of_new_company(client, engine)
    reader.add_lines(line_of("il_1", amount=10_000), line_of("il_2", amount=5_000))
    streams = (
        StreamCreated("str_saas", "SaaS"),
        StreamCreated("str_fees", "Fees"),
        PlanCreated("pln_pro", "str_saas", "Pro"),
    )
    decide(engine, reader.company_id, *streams)
    decide(engine, reader.company_id, rules(1, ("amount", "gt", 9_000), outcome=SPLIT))
    catch_up(engine)
    return reader


def mapping_of(reader: Reader, line_id: str, **query: object) -> dict[str, object]:
    (line,) = [line for line in reader.page(**query)["data"] if line["invoice_line_item_id"] == line_id]
    mapping: dict[str, object] = line["mapping"]
    return mapping


def test_a_line_says_what_maps_it_and_what_its_shares_come_to(reader: Reader) -> None:
    assert mapping_of(reader, "il_2") == {
        "layer": "unmapped",
        "rule_id": None,
        "rules_version": 1,
        "parts": [
            {"stream_id": None, "plan_id": None, "kind": "revenue", "bp": 10_000, "treatment": None, "net_amount": 5000}
        ],
    }
    split = mapping_of(reader, "il_1")
    assert (split["layer"], split["rule_id"]) == ("rule", "rule_1")
    assert split["parts"] == [
        {
            "stream_id": "str_saas",
            "plan_id": "pln_pro",
            "kind": "revenue",
            "bp": 3333,
            "treatment": {"kind": "booked"},
            "net_amount": 3333,
        },
        {
            "stream_id": "str_fees",
            "plan_id": None,
            "kind": "pass_through",
            "bp": 6667,
            "treatment": None,
            "net_amount": 6667,
        },
    ]
    assert reader.get("/revenue-lines/il_1").get_json()["mapping"] == split


def test_lines_are_found_by_what_they_are_mapped_to(reader: Reader, engine: Engine) -> None:
    assert reader.ids(stream_id="str_fees") == ["il_1"]
    assert reader.ids(plan_id="pln_pro", layer="rule") == ["il_1"]
    assert reader.ids(mapped="false") == ["il_2"]
    assert reader.ids(layer=["unmapped", "line_override"]) == ["il_2"]
    assert reader.ids(stream_id=["str_fees", "str_saas"], mapped="true") == ["il_1"]
    assert reader.page(stream_id="str_fees", include="totals")["totals"][0]["count"] == 1
    assert reader.get(layer="none").status_code == 422

    before = reader.page()["position"]
    decide(engine, reader.company_id, rules(2, ("amount", "gt", 0)))
    catch_up(engine)

    assert reader.ids(stream_id="str_fees") == []
    assert reader.ids(stream_id="str_saas", sort="amount") == ["il_2", "il_1"]
    assert reader.ids(stream_id="str_fees", as_of=before) == ["il_1"]
    assert reader.ids(mapped="false", as_of=before, sort="-updated_at") == ["il_2"]
    assert mapping_of(reader, "il_2", as_of=before)["layer"] == "unmapped"
    assert mapping_of(reader, "il_2")["rules_version"] == 2
