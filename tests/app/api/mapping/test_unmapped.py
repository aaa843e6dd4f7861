"""Unmapped lines over the API: grouped by what is sold, by money, each with the stream it probably belongs to."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from projections.reads.mapping import unmapped
from tests.support.company import catch_up, record_events
from tests.support.payloads import credit_note, credit_note_line, event, product
from tests.support.rules import rule, to
from tests.support.web.admins import Admin, Json
from tests.support.web.desk import Mapper
from tests.support.web.lines import line_of

PRO: dict[str, Any] = {
    "pricing": {"type": "price_details", "price_details": {"price": "price_pro", "product": "prod_pro"}}
}
EUROPE: dict[str, Any] = {
    "pricing": {"type": "price_details", "price_details": {"price": "price_eur", "product": "prod_pro"}}
}
SETUP: dict[str, Any] = {
    "pricing": {"type": "price_details", "price_details": {"price": "price_setup", "product": "prod_setup"}}
}
UNSOLD: dict[str, Any] = {"pricing": None}


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Mapper:
    return Mapper.beside(Admin.of_new_company(app, engine))


def groups(editor: Mapper, *names: str, **query: Any) -> list[Any]:
    """Return these values of each group, in order."""
    found = editor.get("/unmapped", **query)["data"]
    return [tuple(group[name] for name in names) if len(names) > 1 else group[names[0]] for group in found]


def suggested(editor: Mapper) -> Json:
    return {group["description"]: group["suggestion"] for group in editor.get("/unmapped")["data"]}


def test_lines_are_grouped_by_what_is_sold_and_what_comes_to_most_is_first(editor: Mapper) -> None:
    record_events(editor.engine, event(product("Pro plan", "prod_pro"), "product.updated"))
    unsold: dict[str, Any] = {**UNSOLD, "currency": "usd"}
    editor.add_lines(
        line_of("il_1", 2000, description="2 × Pro (at $10.00 / month)", **PRO),
        line_of("il_2", 1500, description="1 × Pro (at $15.00 / month)", **PRO),
        line_of("il_3", 100, description="Pro in Europe", **EUROPE),
        line_of("il_4", -9000, description="Refund of 2026-01-31 (case 12)", **unsold),
        line_of("il_5", -500, description="Refund of 2026-02-28  (case 7)", **unsold),
        line_of("il_6", 0, description=None, **UNSOLD),
    )
    editor.add_lines(line_of("il_7", 4000, currency="eur", **PRO), invoice_id="in_2", currency="eur")

    page = editor.get("/unmapped")

    assert page["data"][2] == {
        "object": "unmapped_group",
        "product_id": "prod_pro",
        "product_name": "Pro plan",
        "price_id": "price_pro",
        "description": "1 × Pro (at $15.00 / month)",
        "currency": "usd",
        "currency_exponent": 2,
        "lines": 2,
        "net_amount": 3500,
        "suggestion": None,
    }
    assert [(one["product_id"], one["price_id"], one["currency"], one["net_amount"]) for one in page["data"]] == [
        (None, None, "usd", -9500),
        ("prod_pro", "price_pro", "eur", 4000),
        ("prod_pro", "price_pro", "usd", 3500),
        ("prod_pro", "price_eur", "usd", 100),
        (None, None, "usd", 0),
    ]
    assert [one["description"] for one in page["data"] if not one["product_id"]] == ["Refund of … (case …", None]
    rest = {name: value for name, value in page.items() if name not in ("data", "position")}
    assert rest == {"object": "list", "has_more": False, "next_cursor": None, "is_complete": True}


def test_what_credit_notes_took_is_no_money_to_map(editor: Mapper) -> None:
    editor.add_lines(line_of("il_1", 6000, **PRO), line_of("il_2", 3000, **SETUP))
    note = credit_note("cn_1", credit_note_line("cnli_1", 5000, "il_1"), amount=5000)
    record_events(editor.engine, event(note, "credit_note.created"))
    catch_up(editor.engine)

    assert groups(editor, "product_id", "net_amount") == [("prod_setup", 3000), ("prod_pro", 1000)]
    assert groups(editor, "net_amount", livemode="false") == []


def test_mapped_lines_leave_the_list_and_earlier_moments_keep_them(editor: Mapper) -> None:
    saas = editor.add_stream()
    editor.add_lines(line_of("il_1", 6000, **PRO), line_of("il_2", 3000, **SETUP))
    before = editor.get("/unmapped")
    tag = editor.send("GET", "/unmapped").headers["ETag"]
    assert editor.send("GET", "/unmapped", headers={**editor.key, "If-None-Match": tag}).status_code == 304

    editor.publish([rule("rule_1", ("product_id", "is", "prod_pro"), outcome=to(saas))])
    catch_up(editor.engine)

    assert groups(editor, "product_id") == ["prod_setup"]
    assert editor.send("GET", "/unmapped", headers={**editor.key, "If-None-Match": tag}).status_code == 200
    assert editor.get("/unmapped", as_of=before["position"]) == before
    editor.send("PATCH", f"/streams/{saas}", {"archived": True})
    editor.add_lines(line_of("il_3", 50, **PRO), invoice_id="in_2", status_transitions={"finalized_at": 1_900_000_000})
    assert groups(editor, "product_id", "lines") == [("prod_setup", 1), ("prod_pro", 1)]


def test_pages_have_each_group_once_and_cursors_are_of_one_list(editor: Mapper) -> None:
    sold: list[dict[str, Any]] = [
        {"pricing": {"type": "price_details", "price_details": {"price": f"price_{n}", "product": "prod_1"}}}
        for n in range(4)
    ]
    unsold = [{**UNSOLD, "description": f"Item {letter}"} for letter in "abc"]
    editor.add_lines(*(line_of(f"il_{n}", 100, **fields) for n, fields in enumerate([*sold, *unsold])))
    everything, seen = groups(editor, "price_id", "description"), []
    query: dict[str, Any] = {"limit": 2}

    while True:
        page = editor.get("/unmapped", **query)
        seen += [(one["price_id"], one["description"]) for one in page["data"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == everything
    assert len(seen) == 7
    assert page["next_cursor"] is None
    for wrong in ({"as_of": page["position"]}, {"livemode": "false"}):
        answer = editor.send("GET", "/unmapped", query_string={**query, **wrong})
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_cursor")


def test_suggestions_follow_lines_of_the_same_product_price_or_description(editor: Mapper) -> None:
    saas, services = editor.add_stream("SaaS"), editor.add_stream("Services")
    editor.add_lines(
        *(line_of(f"il_{n}", 100, description="mapped", **PRO) for n in range(3)),
        line_of("il_3", 100, description="mapped", **EUROPE),
        line_of("il_4", 100, description="Visit of 1 May, 2 hours", **UNSOLD),
        line_of("il_5", 100, description="Pro in Europe", **EUROPE),
        line_of("il_6", 100, description="Visit of 17 May, 12 hours", **UNSOLD),
        line_of("il_7", 100, description="Setup", **SETUP),
    )
    assert set(suggested(editor).values()) == {None}
    by_id = [
        rule("rule_1", ("invoice_line_item_id", "in", ["il_0", "il_1", "il_2"]), outcome=to(saas)),
        rule("rule_2", ("invoice_line_item_id", "in", ["il_3", "il_4"]), outcome=to(services)),
    ]
    editor.publish(by_id)
    catch_up(editor.engine)

    because = "3 lines of the same product are mapped to it."
    assert suggested(editor) == {
        "Pro in Europe": {"stream_id": saas, "because": because, "support": 3},
        "Visit of … May, … hours": {
            "stream_id": services,
            "because": "1 line with the same description is mapped to it.",
            "support": 1,
        },
        "Setup": None,
    }
    before = editor.get("/unmapped")
    editor.send("PATCH", f"/streams/{saas}", {"archived": True})
    catch_up(editor.engine)
    assert suggested(editor)["Pro in Europe"]["stream_id"] == services
    assert editor.get("/unmapped", as_of=before["position"]) == before


def test_a_stream_that_a_product_or_a_description_names_is_suggested_when_nothing_else_speaks(editor: Mapper) -> None:
    for name in ("Pro", "PRO  plan", "Up", "Fees"):
        editor.add_stream(name)
    plan = next(one["id"] for one in editor.get("/streams")["data"] if one["name"].endswith("plan"))
    record_events(editor.engine, event(product("The Pro Plan", "prod_pro"), "product.updated"))
    editor.add_lines(line_of("il_1", 200, description="a", **PRO), line_of("il_2", 100, description="Setup", **SETUP))

    because = "Its name is part of the product's name or of the description."
    assert suggested(editor) == {"a": {"stream_id": plan, "because": because, "support": 0}, "Setup": None}


def test_a_table_with_too_many_unmapped_lines_says_that_it_shows_the_newest(
    editor: Mapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor.add_lines(line_of("il_1", 200, **PRO), line_of("il_2", 100, **SETUP), invoice_id="in_1")
    editor.add_lines(line_of("il_3", 300, **SETUP), invoice_id="in_2")
    monkeypatch.setattr(unmapped, "MOST_LINES", 2)

    page = editor.get("/unmapped")

    assert [(one["product_id"], one["net_amount"]) for one in page["data"]] == [("prod_setup", 400)]
    assert not page["is_complete"]
