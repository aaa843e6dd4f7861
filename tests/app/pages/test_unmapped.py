"""The Unmapped page: groups by money, mapped by rules of the draft, and the first steps of a company."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from tenants.roles import Role
from tests.support.company import catch_up, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice, product
from tests.support.rules import rule, to
from tests.support.syncs.run_states import SUCCEEDED, finish_run, start_run
from tests.support.web.admins import Admin, Json
from tests.support.web.desk import Mapper
from tests.support.web.lines import line_of
from tests.support.web.mapping_page import ids_in
from tests.support.web.people import Browser, signed_in
from tests.support.web.settings_page import Reader, text_of


def sold_as(product_id: str, price_id: str) -> Json:
    return {"pricing": {"type": "price_details", "price_details": {"price": price_id, "product": product_id}}}


PRO, EUROPE = sold_as("prod_pro", "price_pro"), sold_as("prod_pro", "price_eur")
SETUP = sold_as("prod_setup", "price_setup")
UNSOLD: dict[str, Any] = {"pricing": None}


@pytest.fixture
def mapper(app: Flask, engine: Engine) -> Mapper:
    mapper = Mapper.beside(Admin.of_new_company(app, engine, ACCOUNT))
    record_events(engine, event(product("Pro plan", "prod_pro"), "product.updated"))
    lines = (
        line_of("il_1", 4000, description="2 × Pro", **PRO),
        line_of("il_2", 300, description="Pro in Europe", **EUROPE),
        line_of("il_3", 2000, description="Setup", **SETUP),
        line_of("il_4", 100, description="3 hours of help", **UNSOLD),
    )
    mapper.add_lines(*lines)
    return mapper


def reader_of(app: Flask, mapper: Mapper, role: Role = "editor") -> Reader:
    return Reader(signed_in(app, mapper.engine, mapper.company_id, role), mapper.company_id)


def forms_on(page: str) -> dict[str, dict[str, str]]:
    """Return the fields that each group's form sends as it stands, by the name of its button."""
    found: dict[str, dict[str, str]] = {}
    for form in re.findall(r'<form class="flow" method="post".*?</form>', page, re.DOTALL):
        fields = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form))
        for name, options in re.findall(r'<select[^>]* name="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
            values = re.findall(r'<option value="([^"]*)"( selected)?', options)
            fields[name] = next((value for value, chosen in values if chosen), values[0][0])
        label = re.search(r'<button[^>]* aria-label="([^"]*)"', form)
        assert label is not None, form
        found[unescape(label[1])] = {name: unescape(value) for name, value in fields.items()}
    return found


def map_by(reader: Reader, button: str, **fields: str) -> str:
    """Press a group's button, follow where it leads, and return the page."""
    sent = forms_on(reader.page(reader.path("/unmapped")))[button] | fields
    answer = reader.browser.client.post(reader.path("/unmapped"), data=sent, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def draft_of(mapper: Mapper) -> list[Json]:
    return [{**one, "id": None} for one in mapper.get("/rule-draft")["rules"]]


def test_every_group_that_is_known_by_something_leads_to_its_lines(app: Flask, mapper: Mapper) -> None:
    mapper.add_lines(line_of("il_5", 700, description="12 × Help & more, part 3", **UNSOLD), invoice_id="in_2")
    reader = reader_of(app, mapper)
    page = reader.page(reader.path("/unmapped"))
    links = {
        unescape(name): unescape(link)
        for link, name in re.findall('href="([^"]*)" aria-label="See the lines of ([^"]*)"', page)
    }

    assert ids_in(reader.page(links["Pro plan, 2 × Pro"])) == ["il_1"]
    assert ids_in(reader.page(links["… hours of help"])) == ["il_4"]
    assert ids_in(reader.page(links["… × Help & more, part …"])) == ["il_5"]


def test_a_group_is_not_sent_without_a_stream(app: Flask, mapper: Mapper) -> None:
    mapper.add_stream("Fees")
    reader = reader_of(app, mapper)

    choices = re.findall(r"<select[^>]*>", reader.page(reader.path("/unmapped")))

    chosen = [one for one in choices if 'name="stream_id"' in one]
    assert len(chosen) == 4
    assert all(" required" in one for one in chosen)


def test_groups_are_mapped_by_rules_of_the_draft_until_it_is_published(app: Flask, mapper: Mapper) -> None:
    saas, reader = mapper.add_stream("Pro plan"), reader_of(app, mapper)
    catch_up(mapper.engine)
    page = reader.page(reader.path("/unmapped"))
    told = text_of(page)
    assert [told.index(name) for name in ("$40.00", "$20.00", "$3.00", "$1.00")] == sorted(
        told.index(name) for name in ("$40.00", "$20.00", "$3.00", "$1.00")
    )
    assert "… hours of help" in told
    assert "Suggested: Pro plan. Its name is part of the product's name or of the description." in told
    assert '<span class="badge">4<span class="unseen"> to map</span></span>' in page

    told = text_of(map_by(reader, "Map Pro plan, 2 × Pro"))

    assert "Pro plan is added to the draft: Pro plan. Nothing changes until the rules are published." in told
    assert told.count("In the draft") == 2  # both prices of the product
    assert f'href="{reader.path("/rules")}#{mapper.get("/rule-draft")["rules"][0]["id"]}"' in reader.page(
        reader.path("/unmapped")
    )
    map_by(reader, "Map prod_setup, Setup", stream_id=saas)
    map_by(reader, "Map … hours of help", stream_id=saas)
    by_product = {"field": "product_id", "op": "in", "value": ["prod_pro", "prod_setup"]}
    alone = [{"field": field, "op": "is_empty"} for field in ("product_id", "price_id")]
    words = {"field": "description", "op": "contains_all", "value": ["hours of help"]}
    shared = {"id": None, "enabled": True, "match": "all", "outcome": to(saas)}
    assert draft_of(mapper) == [
        {**shared, "name": "Pro plan by product", "conditions": [by_product]},
        {**shared, "name": "… hours of help", "conditions": [*alone, words]},
    ]
    assert forms_on(reader.page(reader.path("/unmapped"))) == {}

    mapper.publish(mapper.get("/rule-draft")["rules"])
    catch_up(mapper.engine)
    assert mapper.get("/unmapped")["data"] == []


def test_a_new_stream_is_made_with_its_first_group_or_not_at_all(app: Flask, mapper: Mapper) -> None:
    reader = reader_of(app, mapper)
    button = "Make and map Pro plan, 2 × Pro"
    sent = forms_on(reader.page(reader.path("/unmapped")))[button]
    assert sent["new_stream"] == "Pro plan"

    told = text_of(map_by(reader, button, new_stream="SaaS"))

    assert "Pro plan is added to the draft: SaaS." in told
    answer = reader.browser.client.post(reader.path("/unmapped"), data=sent | {"new_stream": "saas"})
    assert answer.status_code == 422
    assert "There is a stream of that name. Choose it from the list." in text_of(answer.text)
    wordless = {**sent, "product_id": "", "price_id": "", "phrase": "…", "new_stream": "Others"}
    answer = reader.browser.client.post(reader.path("/unmapped"), data=wordless)
    assert "no words in common" in text_of(answer.text)
    answer = reader.browser.client.post(
        reader.path("/unmapped"), data={**sent, "stream_id": "str_none"} | {"new_stream": ""}
    )
    assert (answer.status_code, "Enter a name for the stream" in text_of(answer.text)) == (422, True)
    assert [stream["name"] for stream in mapper.get("/streams")["data"]] == ["SaaS"]
    assert len(draft_of(mapper)) == 1


def test_a_rule_by_price_stands_before_what_would_take_its_lines(app: Flask, mapper: Mapper) -> None:
    old, new = mapper.add_stream("Old"), mapper.add_stream("New")
    to_old = rule("rule_old", ("product_id", "is", "prod_pro"), outcome=to(old))
    by_cadence = rule("rule_cadence", ("cadence", "is", "annual"), outcome=to(new))
    everything = {"id": "rule_rest", "name": "Rest", "enabled": False, "outcome": to(new)}
    rules = [by_cadence, to_old, everything]
    tag = mapper.send("GET", "/rule-draft").headers["ETag"]
    mapper.send("PUT", "/rule-draft", {"rules": rules}, headers={**mapper.key, "If-Match": tag})
    mapper.send("PATCH", f"/streams/{old}", {"archived": True})
    reader = reader_of(app, mapper)

    map_by(reader, "Map Pro plan, 2 × Pro", stream_id=new, by="price")

    assert [one["name"] for one in draft_of(mapper)] == ["", "New by price", "", "Rest"]
    assert draft_of(mapper)[1]["conditions"] == [{"field": "price_id", "op": "in", "value": ["price_pro"]}]
    assert text_of(reader.page(reader.path("/unmapped"))).count("In the draft") == 1
    refused = forms_on(reader.page(reader.path("/unmapped")))["Map Pro plan, Pro in Europe"] | {"stream_id": old}
    answer = reader.browser.client.post(reader.path("/unmapped"), data=refused)
    assert (answer.status_code, "Choose a stream." in text_of(answer.text)) == (422, True)


def test_viewers_see_what_is_unmapped_and_change_nothing(app: Flask, mapper: Mapper) -> None:
    mapper.add_stream("Pro plan")
    catch_up(mapper.engine)
    reader = reader_of(app, mapper, "viewer")

    page = reader.page(reader.path("/unmapped"))

    assert "Probably Pro plan." in text_of(page)
    assert reader.offers(page) == set()
    assert reader.browser.send(reader.path("/unmapped"), data={"product_id": "prod_pro"}).status_code == 403


def test_the_first_steps_lead_from_stripe_to_a_report(app: Flask, engine: Engine) -> None:
    admin = Admin.of_new_company(app, engine, ACCOUNT)
    reader = Reader(signed_in(app, engine, admin.company_id, "editor"), admin.company_id)
    assert next_step(reader.browser, reader.path("/unmapped")) == "2 Let the first sync finish"
    mapper = Mapper.beside(admin)
    mapper.add_lines(line_of("il_1", 100, **PRO), line_of("il_2", 100, **SETUP))
    finish_run(engine, start_run(engine, admin.company_id), SUCCEEDED)
    assert next_step(reader.browser, reader.path("/unmapped")) == "3 Map your 2 products"

    map_by(reader, "Make and map prod_pro, 3 × Team plan", new_stream="SaaS")
    told = text_of(map_by(reader, "Map prod_setup, 3 × Team plan", stream_id=mapper.get("/streams")["data"][0]["id"]))

    assert "Everything is in the draft. Preview and publish it. Publish the rules" in told
    mapper.publish(mapper.get("/rule-draft")["rules"])
    catch_up(engine)
    tag = mapper.send("GET", "/rule-draft").headers["ETag"]
    mapper.send("DELETE", "/rule-draft", headers={**mapper.key, "If-Match": tag})
    told = text_of(reader.page(reader.path("/unmapped")))
    assert "Everything is mapped" in told
    assert "From Stripe to your first report" not in told


def next_step(browser: Browser, path: str) -> str:
    """Return the title of the step that a page says is the next one, with its number."""
    step = re.search(r'<li[^>]*aria-current="step">(.*?)</p>', browser.get(path).text, re.DOTALL)
    assert step is not None
    return " ".join(re.sub(r"<[^>]*>", " ", step[1]).split())


def test_many_lines_are_counted_as_so_many_or_more(app: Flask, mapper: Mapper, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(app, mapper)
    record_events(mapper.engine, event(new_invoice("in_9", line_of("il_9", 1, **PRO))))
    catch_up(mapper.engine)
    monkeypatch.setattr("app.pages.to_map._MOST_LINES", 1)

    assert '<span class="badge">1+<span class="unseen"> to map</span></span>' in reader.page(reader.path("/syncs"))
