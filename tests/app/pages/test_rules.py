"""Rules on pages: editors write them in a draft, see in money what it would change, and admins publish it."""

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.datastructures import MultiDict

from tests.support.rules import rule
from tests.support.web.mapping_page import text_of
from tests.support.web.people import signed_in
from tests.support.web.rule_pages import Writer

FORM = {"name": "Pro", "enabled": "on", "match": "all", "s0.percent": "100"}


@pytest.fixture
def writer(app: Flask, engine: Engine) -> Writer:
    return Writer(app, engine)


def mistake_at(page: str, field: str) -> str:
    found = re.search(rf'id="{re.escape(field)}-told">([^<]*)<', page)
    assert found, field
    return unescape(found[1])


def test_rules_are_listed_in_words_with_what_the_draft_changes(writer: Writer, app: Flask, engine: Engine) -> None:
    assert "Rules map lines to revenue streams" in text_of(writer.page())
    split = {
        "shares": [
            {"bp": 9000, "stream_id": writer.stream, "treatment": {"kind": "months", "n": 12, "from": "booked"}},
            {"bp": 1000, "stream_id": None, "kind": "pass_through"},
        ]
    }
    published = [
        writer.to_saas("rule_a", ("currency", "is", "eur"), ("cadence", "in", ["annual", "monthly"]), name="Euros"),
        writer.to_saas("rule_b", name="Rest"),
    ]
    writer.mapper.publish(published, note="First ones")
    assert "Version 1 is in force" in text_of(writer.page())
    writer.draft(
        rule(
            "rule_c",
            ("product_name", "starts_with", "Setup"),
            ("date", "lt", "2026-02-01"),
            name="Setup",
            match="any",
            outcome=split,
            applies={"by": "service_start", "from": "2026-01-01", "to": "2027-01-01"},
        ),
        {**published[0], "enabled": False},
    )

    page = writer.page()
    shown = text_of(page)
    assert "3 changes that nobody sees yet" in shown
    assert "Setup New Product name starts with “Setup” or Service start is before 1 Feb 2026" in shown
    assert "Service starts from 1 Jan 2026 through 31 Dec 2026" in shown
    assert "90 % SaaS over 12 months from the booking 10 % Pass-through" in shown
    assert "Product name may be renamed in Stripe" in shown
    assert "Euros Changed Currency is EUR and Cadence is one of Annual, Monthly SaaS Off" in shown
    assert "Deleted in the draft Rest Every line" in shown
    viewer = signed_in(app, engine, writer.company_id, "viewer", email="vi@zed.test")
    seen = writer.get(browser=viewer).text
    assert "Euros" in seen
    assert "New rule" not in seen
    assert "/up" not in seen
    assert writer.get("/new", browser=viewer).status_code == 403


@pytest.mark.parametrize(
    ("conditions", "more", "told"),
    [
        ([("currency", "is", "usd"), ("amount", "gte", 5000)], {}, "Currency is USD and Amount is at least $50.00"),
        ([("net_amount", "between", [0, 9]), ("currency", "in", ["jpy"])], {}, "Net amount is between ¥0 and ¥9 and"),
        ([("amount", "gte", 5000)], {}, "Amount is at least 5,000 in the smallest unit of the currency SaaS"),
        (
            [("currency", "in", ["usd", "eur"]), ("amount", "lt", 5000)],
            {},
            "Amount is less than 5,000 in the smallest unit of the currency",
        ),
        (
            [("currency", "is", "usd"), ("amount", "lt", 5000)],
            {"match": "any"},
            "or Amount is less than 5,000 in the smallest unit of the currency",
        ),
        ([("currency", "is", "usd"), ("quantity", "gt", 5000)], {}, "Quantity is more than 5,000 SaaS"),
    ],
)
def test_amounts_in_rules_are_told_in_the_rules_one_currency(
    writer: Writer, conditions: list[tuple[str, str, object]], more: dict[str, str], told: str
) -> None:
    writer.draft({**writer.to_saas("rule_a", *conditions), **more})

    assert told in text_of(writer.page())


def test_a_rule_is_written_in_a_form_and_its_mistakes_stand_at_their_fields(writer: Writer) -> None:
    unfinished = FORM | {"c0.field": "customer.metadata.", "c0.op": "is", "c0.value": "emea", "s1.percent": "20"}
    refused = writer.send("", unfinished | {"s1.target": writer.stream, "by": "finalized", "from": "soon"})
    assert refused.status_code == 422
    assert mistake_at(refused.text, "c0.field") == "Enter the key of the metadata, up to 40 characters."
    assert mistake_at(refused.text, "s0.target") == "Choose a stream."
    assert mistake_at(refused.text, "from") == "Enter a day."
    assert 'value="emea"' in refused.text
    assert 'value="soon"' in refused.text
    assert writer.rules() == []

    filled = FORM | {
        "c0.field": "customer.metadata.",
        "c0.key": "region",
        "c0.op": "in",
        "c0.value": "emea\r\nnorth america",
        "c1.field": "net_amount",
        "c1.op": "between",
        "s0.target": writer.stream,
        "s0.percent": "33.33",
        "s1.percent": "66.67",
        "s1.kind": "tax",
        "by": "finalized",
        "from": "2026-01-01",
        "last_day": "2026-12-31",
    }
    form = MultiDict(filled)
    form.setlist("c1.value", ["100", "5000"])
    added = writer.send("", form)

    (rule_id,) = writer.ids()
    assert added.headers["Location"].endswith(f"/rules?done=added#{rule_id}")
    expected = {
        "id": rule_id,
        "name": "Pro",
        "enabled": True,
        "applies": {"by": "finalized", "from": "2026-01-01", "to": "2027-01-01"},
        "match": "all",
        "conditions": [
            {"field": "customer.metadata.region", "op": "in", "value": ["emea", "north america"]},
            {"field": "net_amount", "op": "between", "value": [100, 5000]},
        ],
        "outcome": {
            "shares": [{"bp": 3333, "stream_id": writer.stream}, {"bp": 6667, "stream_id": None, "kind": "tax"}]
        },
    }
    assert writer.rules() == [expected]
    editor = writer.page(f"/rule/{rule_id}")
    assert 'value="33.33"' in editor
    assert 'value="2026-12-31"' in editor
    assert writer.send(f"/rule/{rule_id}", form).status_code == 303
    assert writer.rules() == [expected]
    form["s1.percent"] = "1"
    wrong = writer.send(f"/rule/{rule_id}", form)
    assert mistake_at(wrong.text, "shares") == "The shares come to 34.33 % of the line. They have to come to 100 %."


def test_the_editor_offers_what_suits_the_field_and_saves_nothing_on_the_way(writer: Writer) -> None:
    page = writer.send("/editor?step=condition", FORM | {"c0.field": "finalized_on", "c0.op": "contains"}).text
    operators = re.search(r'name="c0.op".*?</select>', page, re.DOTALL)
    assert operators
    assert "is on or after" in operators[0]
    assert "contains" not in operators[0]
    assert 'type="date"' in page
    assert 'name="c1.field"' in page
    page = writer.send("/editor", {"c0.field": "product_id", "c0.op": "in", "c0.value": "prod_1"} | FORM).text
    assert f'data-suggests="/companies/{writer.company_id}/revenue-mapping/suggestions?field=product"' in page
    assert page.count('name="c0.value"') == 2
    page = writer.send("/editor?step=condition-0", {"c0.field": "product_id", "c1.field": "currency"} | FORM).text
    assert page.count('name="c0.field"') == 1
    assert '<option value="currency" selected>' in page
    assert writer.rules() == []


def test_tables_are_edited_as_lines_and_pasted(writer: Writer) -> None:
    other = writer.mapper.add_stream("Usage, metered")
    form = MultiDict({"name": "By product", "enabled": "on", "lookup.field": "product_id"})
    form.setlist("table.value", ["prod_1", ""])
    form.setlist("table.stream", [writer.stream, ""])
    wrong = writer.send("", form | {"table.more": "prod_2\tNone such\nprod_1, SaaS\nprod_3"})
    assert wrong.status_code == 422
    assert "“prod_2\tNone such”: there is no such stream." in mistake_at(wrong.text, "table.more")
    assert 'value="prod_1"' in wrong.text
    assert "prod_2\tNone such\nprod_3</textarea>" in wrong.text

    assert writer.send("", form | {"table.more": f"prod_2\tsaas\nprod_3,{other}"}).status_code == 303
    (saved,) = writer.rules()
    table = {"prod_1": writer.stream, "prod_2": writer.stream, "prod_3": other}
    assert saved["lookup"] == {"field": "product_id", "table": table}
    assert "SaaS 2 entries Usage, metered 1 entry" in text_of(writer.page())

    many = {f"prod_{number:060d}": other if number == 7 else writer.stream for number in range(9_000)}
    writer.draft({"id": "rule_many", "lookup": {"field": "product_id", "table": many}})
    page = writer.page("/rule/rule_many")
    lines = re.search(r'<textarea[^>]*name="table.more"[^>]*>([^<]*)</textarea>', page)
    assert lines
    form = MultiDict({"name": "", "enabled": "on", "lookup.field": "product_id", "table.more": unescape(lines[1])})
    saved_again = writer.send("/rule/rule_many", form)
    assert "Usage, metered" in unescape(lines[1])
    assert saved_again.status_code == 303
    assert writer.rules()[0]["lookup"]["table"] == many


def test_rules_are_moved_switched_copied_deleted_and_restored(writer: Writer) -> None:
    published = [writer.to_saas(f"rule_{name}", name=name.upper()) for name in "abc"]
    writer.mapper.publish(published)

    moved = writer.send("/rule/rule_c/up")
    assert moved.headers["Location"].endswith("?at=rule_c&by=up#rule_c")
    assert writer.ids() == ["rule_a", "rule_c", "rule_b"]
    assert "autofocus" in writer.get(at="rule_c", by="up").text
    writer.send("/rule/rule_a/up")
    writer.send("/order", {"order": "rule_b rule_a rule_none"})
    assert writer.ids() == ["rule_b", "rule_a", "rule_c"]
    writer.send("/rule/rule_b/disable")
    assert [one["enabled"] for one in writer.rules()] == [False, True, True]
    writer.send("/rule/rule_b/enable")
    copied = writer.send("/rule/rule_b/copy").headers["Location"]
    assert copied.endswith(writer.ids()[1])
    assert [one["name"] for one in writer.rules()] == ["B", "B (copy)", "A", "C"]
    writer.send("/rule/rule_a/delete")
    assert "Deleted in the draft A" in text_of(writer.page())
    writer.send("/rule/rule_a/restore")
    assert writer.ids()[-1] == "rule_a"
    assert writer.send("/rule/rule_none/up").status_code == 404
    writer.send("/discard")
    assert writer.ids() == ["rule_a", "rule_b", "rule_c"]


def test_a7_who_comes_second_is_told_who_came_first_and_loses_nothing(writer: Writer) -> None:
    tag = writer.tag()
    writer.send("", FORM | {"s0.target": writer.stream})
    (first,) = writer.ids()

    for below in (f"/rule/{first}/delete", "/order", "/discard"):
        refused = writer.send(below, tag=tag)
        assert refused.status_code == 412
        assert "Your change wasn't saved: ada@example.org changed the rules" in unescape(text_of(refused.text))
    refused = writer.send("", FORM | {"name": "Mine", "s0.target": writer.stream}, tag=tag)
    assert refused.status_code == 412
    assert "This isn't saved yet: ada@example.org changed the rules" in unescape(text_of(refused.text))
    assert 'value="Mine"' in refused.text
    new_tag = re.search(r'name="tag" value="([^"]*)"', refused.text)
    assert new_tag
    assert writer.send("", FORM | {"name": "Mine", "s0.target": writer.stream}, tag=new_tag[1]).status_code == 303
    assert [one["name"] for one in writer.rules()] == ["Pro", "Mine"]
