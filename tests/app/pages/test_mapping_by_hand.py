"""The table says what maps its lines, and editors map them by hand: one, those selected, or all of a filter."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.support.company import catch_up, new_key_headers
from tests.support.rules import rule, to
from tests.support.web.desk import Mapper
from tests.support.web.lines import json_of, line_of
from tests.support.web.mapping_page import Visitor, headings_in, ids_in, row_of, text_of
from tests.support.web.people import signed_in


class Hand(Visitor):
    """An editor at the table of a company with three lines and two streams, of which a rule maps the dearest line."""

    def post(self, below: str, form: Any = ()) -> TestResponse:
        sent = MultiDict(form)
        sent["csrf_token"] = self.browser.token()
        answer: TestResponse = self.browser.client.post(self.path(below), data=sent)
        return answer

    def mapper(self) -> Mapper:
        key = new_key_headers(self.reader.engine, self.reader.company_id, "editor")
        return Mapper(self.reader.client, self.reader.engine, self.reader.company_id, key)

    def mapped(self, line_id: str) -> tuple[str, list[str | None]]:
        """Return the layer that maps a line, and its streams, once the table has followed."""
        catch_up(self.reader.engine)
        mapping = json_of(self.reader.get(f"/revenue-lines/{line_id}"))["mapping"]
        return mapping["layer"], [part["stream_id"] for part in mapping["parts"]]


@pytest.fixture
def hand(app: Flask, engine: Engine) -> Hand:
    hand = Hand.of_new_company(app, engine, "editor")
    hand = Hand(hand.browser, hand.reader)
    hand.reader.add_lines(line_of("il_1", 5000, subscription="sub_1"), line_of("il_2", 700), line_of("il_3", 300))
    mapper = hand.mapper()
    saas = mapper.add_stream("SaaS")
    mapper.publish([rule("rule_a", ("amount", "gte", 5000), name="Dear ones", outcome=to(saas))])
    catch_up(engine)
    return hand


def stream_of(hand: Hand, name: str = "SaaS") -> str:
    streams = json_of(hand.reader.get("/streams"))["data"]
    return str(next(one["id"] for one in streams if one["name"] == name))


def hidden_in(page: str) -> MultiDict[str, str]:
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page[page.index('action="/companies/') :])
    return MultiDict([(name, unescape(value)) for name, value in found if name != "csrf_token"])


def test_the_table_says_what_maps_its_lines_and_is_filtered_by_it(hand: Hand) -> None:
    page = hand.page(columns="invoice_line_item_id,stream,mapped_by")
    assert headings_in(page)[1:] == ["Stream", "Mapped by"]
    assert f'href="/companies/{hand.reader.company_id}/rules/versions/1#rule_a"' in row_of(page, "il_1")
    assert text_of(row_of(page, "il_1")).endswith("SaaS Dear ones")
    assert text_of(row_of(page, "il_2")).endswith("– Unmapped")
    export = re.search(r'href="([^"]*revenue-lines.csv[^"]*)"', page)
    assert export
    assert hand.follow(export[1]).splitlines()[0].removeprefix("\ufeff") == "invoice_line_item_id"

    unmapped = hand.page(mapped="false")
    assert set(ids_in(unmapped)) == {"il_2", "il_3"}
    assert "Mapped: no" in text_of(unmapped)
    of_stream = hand.page(stream_id=stream_of(hand))
    assert ids_in(of_stream) == ["il_1"]
    assert "Stream: SaaS" in text_of(of_stream)


def test_it_is_told_what_all_of_a_filter_come_to_before_they_are_mapped(hand: Hand) -> None:
    link = re.search(r'href="([^"]*/by-hand[^"]*)"', hand.page(mapped="false", select="lines"))
    assert link
    page = hand.follow(link[1])
    assert "2 lines that the filter shows, net $10.00" in text_of(page)
    form = hidden_in(page)
    refused = hand.post("/by-hand/apply", form)
    assert refused.status_code == 422
    assert "Choose a stream." in refused.text

    form |= {"target": stream_of(hand), "reason": "As agreed"}
    hand.reader.add_lines(line_of("il_4", 100), invoice_id="in_4")
    others = hand.post("/by-hand/apply", form)
    assert (others.status_code, "3 lines that the filter shows" in text_of(others.text)) == (422, True)
    assert hand.mapped("il_2")[0] == "unmapped"


def test_all_of_a_filter_are_mapped_by_hand_and_that_is_undone(hand: Hand) -> None:
    form = hidden_in(hand.page("/by-hand", mapped="false")) | {"target": stream_of(hand), "reason": "As agreed"}
    done = hand.post("/by-hand/apply", form)
    assert done.status_code == 303
    assert hand.mapped("il_2") == ("line_override", [stream_of(hand)])
    batch = done.headers["Location"]
    shown = text_of(hand.follow(batch))
    assert "2 lines mapped by hand" in shown
    assert "Mapped to SaaS" in shown
    assert "Net amount $10.00 By ada@example.org" in shown
    assert "Why As agreed" in shown

    below = batch.partition("/revenue-mapping")[2]
    assert hand.post(f"{below}/undo").status_code == 303
    assert hand.mapped("il_2") == ("unmapped", [None])
    assert "Undone" in text_of(hand.follow(batch))


def test_selected_lines_are_mapped_once_however_often_the_form_is_sent(hand: Hand) -> None:
    boxes = re.findall(r'name="line" value="([^"]*)"', hand.page(select="lines"))
    assert sorted(boxes) == ["in_1/il_1", "in_1/il_2", "in_1/il_3"]
    assert 'type="checkbox" form="by-hand"' not in hand.page()

    nothing = hand.post("/by-hand", {})
    assert "No lines are chosen" in text_of(nothing.text)
    page = hand.post("/by-hand", MultiDict([("line", "in_1/il_1"), ("line", "in_1/il_3"), ("line", "in_1/il_3")])).text
    assert "2 lines selected, net $53.00" in text_of(page)
    form = hidden_in(page) | {"target": stream_of(hand), "kind": "pass_through"}
    answers = [hand.post("/by-hand/apply", form) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert hand.mapped("il_3")[0] == "line_override"
    assert hand.mapped("il_2")[0] == "unmapped"

    below = answers[0].headers["Location"].partition("/revenue-mapping")[2]
    hand.post("/lines/il_3/mapping", {"target": stream_of(hand)})
    later = hand.post(f"{below}/undo")
    assert later.status_code == 409
    assert "something else was chosen for some of these lines since" in text_of(later.text)


def test_a_lines_page_says_what_maps_it_and_changes_that(hand: Hand, app: Flask, engine: Engine) -> None:
    assert "By the rule Dear ones" in text_of(hand.page("/lines/il_1"))
    assert "No rule in force matches it" in text_of(hand.fragment("/lines/il_2").text)
    unusable = hand.post("/lines/il_2/mapping", {"target": ""})
    assert "Choose a stream" in text_of(hand.follow(unusable.headers["Location"]))

    told = hand.post("/lines/il_2/mapping", {"target": stream_of(hand), "reason": "By contract"})
    assert "Mapped by hand. The table follows in a moment." in text_of(hand.follow(told.headers["Location"]))
    assert hand.mapped("il_2") == ("line_override", [stream_of(hand)])
    assert "By hand: By contract." in text_of(hand.page("/lines/il_2"))
    hand.post("/lines/il_2/mapping/release")
    assert hand.mapped("il_2")[0] == "unmapped"

    assert "All lines of its subscription" in hand.page("/lines/il_1")
    hand.post("/lines/il_1/mapping", {"target": stream_of(hand), "subscription": "sub_1", "reason": "Old deal"})
    assert hand.mapped("il_1")[0] == "subscription_override"
    assert "Subscription, by hand: Old deal." in text_of(hand.page("/lines/il_1"))
    hand.post("/lines/il_1/mapping/release", {"subscription": "sub_1"})
    assert hand.mapped("il_1")[0] == "rule"

    viewer = signed_in(app, engine, hand.reader.company_id, "viewer", email="vi@zed.test")
    assert "Map by hand" not in viewer.get(hand.path("/lines/il_1")).text
    assert "Map selected lines" not in viewer.get(hand.path(), query_string={"select": "lines"}).text
