"""The pages of streams and of the accounting policy: what each role is shown, and what each form does."""

import re

import pytest
from flask import Flask
from sqlalchemy import Engine

from tests.support.company import catch_up
from tests.support.payloads import ACCOUNT
from tests.support.rules import rule, to
from tests.support.web.admins import Admin
from tests.support.web.desk import Mapper
from tests.support.web.lines import line_of
from tests.support.web.people import signed_in
from tests.support.web.settings_page import Reader, text_of

# The month before the tests' clock.
TENTH_OF_FEBRUARY = 1_770_681_600
POLICY = "/settings/accounting-policy"


@pytest.fixture
def mapper(app: Flask, engine: Engine) -> Mapper:
    return Mapper.beside(Admin.of_new_company(app, engine, ACCOUNT), "admin")


@pytest.fixture
def reader(app: Flask, mapper: Mapper) -> Reader:
    return Reader(signed_in(app, mapper.engine, mapper.company_id, "editor"), mapper.company_id)


def told_by(reader: Reader, below: str, **fields: str) -> tuple[int, str]:
    """Fill in a form, follow where it leads, and return the status and the text of the page."""
    answer = reader.browser.send(reader.path(below), data=fields, follow_redirects=True)
    return answer.status_code, text_of(answer.text)


def test_streams_and_plans_are_added_changed_archived_and_restored(mapper: Mapper, reader: Reader) -> None:
    assert "No streams yet" in text_of(reader.page(reader.path("/streams")))

    status, told = told_by(reader, "/streams", name=" SaaS ", code="4000", treatment="months_period_start", months="12")

    assert (status, "The stream is added." in told) == (200, True)
    assert "0 lines · Earned: over 12 months from its start" in told
    (stream,) = mapper.get("/streams")["data"]
    assert (stream["name"], stream["code"]) == ("SaaS", "4000")
    assert stream["default_treatment"] == {"kind": "months", "n": 12, "from": "period_start"}

    one = f"/streams/{stream['id']}"
    assert "Saved." in told_by(reader, f"{one}/change", name="Software", code="", treatment="booked", months="")[1]
    assert "The plan is added." in told_by(reader, f"{one}/plans", name="Team")[1]
    plan = f"{one}/plans/{mapper.get('/streams')['data'][0]['plans'][0]['id']}"
    assert "Saved." in told_by(reader, f"{plan}/rename", name="Pro")[1]
    assert "The plan is archived." in told_by(reader, f"{plan}/archive")[1]
    assert "later ones are unmapped." in told_by(reader, f"{one}/archive")[1]
    (stream,) = mapper.get("/streams")["data"]
    assert (stream["name"], stream["code"], stream["archived"]) == ("Software", None, True)
    assert stream["default_treatment"] == {"kind": "booked"}
    assert [(known["name"], known["archived"]) for known in stream["plans"]] == [("Pro", True)]
    assert "Restored." in told_by(reader, f"{plan}/restore")[1]
    assert told_by(reader, f"{one}/restore")[0] == 200
    assert [known["archived"] for known in mapper.get("/streams")["data"]] == [False]


def test_mistakes_are_told_at_their_field_and_lose_nothing(mapper: Mapper, reader: Reader) -> None:
    mapper.add_stream("SaaS")
    other = mapper.add_stream("Fees")
    for path, fields, says in (
        ("/streams", {"name": ""}, "Enter a name, up to 100 characters."),
        ("/streams", {"name": "saas"}, "This name is taken. Choose another one."),
        ("/streams", {"name": "New", "treatment": "never"}, "Choose when the revenue is earned."),
        ("/streams", {"name": "New", "treatment": "months_booked", "months": "0"}, "from 1 to 120."),
        ("/streams", {"name": "New", "treatment": "months_booked", "months": "a year"}, "from 1 to 120."),
        (f"/streams/{other}/change", {"name": "SAAS"}, "This name is taken."),
        (f"/streams/{other}/plans", {"name": " "}, "Enter a name"),
    ):
        status, told = told_by(reader, path, **fields)
        assert (status, says in told) == (422, True), (path, fields, told)
    page = reader.browser.send(reader.path("/streams"), data={"name": "saas", "code": "4000", "treatment": "booked"})
    assert re.search(r'name="name"[^>]* value="saas"[^>]* aria-invalid="true"', page.text)
    assert re.search(r'name="code"[^>]* value="4000"', page.text)
    assert '<option value="booked" selected>' in page.text
    assert told_by(reader, "/streams/str_none/archive")[0] == 404
    assert len(mapper.get("/streams")["data"]) == 2


def test_each_stream_shows_how_many_lines_it_has_and_what_they_come_to(
    mapper: Mapper, reader: Reader, app: Flask
) -> None:
    saas, fees = mapper.add_stream("SaaS"), mapper.add_stream("Fees")
    shares = [{"bp": 9000, "stream_id": saas}, {"bp": 1000, "stream_id": fees, "kind": "pass_through"}]
    split = rule("rule_1", ("invoice_line_item_id", "is", "il_1"), outcome={"shares": shares})
    mapper.publish([split, rule("rule_2", ("description", "is", "Fee"), outcome=to(fees))])
    mapper.add_lines(line_of("il_1", 10_000), line_of("il_2", 500, description="Fee"), line_of("il_3", 7))
    mapper.add_lines(line_of("il_4", 30, description="Fee", currency="eur"), invoice_id="in_2", currency="eur")
    catch_up(mapper.engine)
    viewer = Reader(
        signed_in(app, mapper.engine, mapper.company_id, "viewer", email="v@example.org"), mapper.company_id
    )

    page = viewer.page(viewer.path("/streams"))

    told = text_of(page)
    assert "SaaS 1 line · Earned: over its period, if any $90.00" in told
    assert "Fees 3 lines · Earned: over its period, if any $15.00 €0.30" in told
    assert viewer.offers(page) == set()
    assert viewer.browser.send(viewer.path("/streams"), data={"name": "Mine"}).status_code == 403


def test_admins_set_the_accounting_policy_and_nobody_else_sees_the_form(
    mapper: Mapper, reader: Reader, app: Flask
) -> None:
    assert reader.browser.get(reader.path(POLICY)).status_code == 403
    admin = Reader(signed_in(app, mapper.engine, mapper.company_id, "admin", email="a@example.org"), mapper.company_id)
    assert "Never changed" in text_of(admin.page(admin.path(POLICY)))
    policy = {"time_zone": "Europe/Berlin", "uncollectible": "expense", "catch_up": "booked"}

    told = told_by(admin, POLICY, **policy)[1]

    assert "Saved. All figures follow within seconds." in told
    assert "Version 1" in told
    kept = mapper.get("/accounting-policy")
    assert {name: kept[name] for name in policy} == policy
    page = admin.page(admin.path(POLICY))
    assert re.findall(r'value="(\w+)" checked', page) == ["expense", "booked"]
    for wrong, says in (("time_zone", "Choose a time zone"), ("catch_up", "Choose one of the two.")):
        status, told = told_by(admin, POLICY, **policy | {wrong: "nothing"})
        assert (status, says in told) == (422, True)
    assert mapper.get("/accounting-policy")["version"] == 1


def test_policy_is_tried_before_it_is_saved(mapper: Mapper, app: Flask) -> None:
    mapper.add_lines(line_of("il_1", 2800) | {"period": {"start": 1_769_922_000, "end": 1_772_341_200}})
    admin = Reader(signed_in(app, mapper.engine, mapper.company_id, "admin", email="a@example.org"), mapper.company_id)
    policy = {"time_zone": "America/Los_Angeles", "uncollectible": "contra", "catch_up": "none"}

    status, told = told_by(admin, POLICY, **policy | {"try": "1"})

    assert status == 200
    assert "What it would change USD Month Before After Difference" in told
    assert "Jan 2026 Unmapped $0.00 $1.00 +$1.00" in told
    assert "Feb 2026 Unmapped $28.00 $27.00 −$1.00" in told
    assert mapper.get("/accounting-policy")["time_zone"] == "UTC"


def test_an_archived_stream_that_rules_lead_to_is_told_until_they_lead_elsewhere(
    mapper: Mapper, reader: Reader
) -> None:
    saas, fees = mapper.add_stream("SaaS"), mapper.add_stream("Fees")
    mapper.add_lines(line_of("il_1", amount=12_345), status_transitions={"finalized_at": TENTH_OF_FEBRUARY})
    mapper.publish([rule("rule_1", ("currency", "is_present"), outcome=to(saas), name="All <that> is sold")])
    catch_up(mapper.engine)
    page = text_of(reader.page(reader.path("/streams")))
    assert "1 rule leads here: All <that> is sold." in page
    assert "Last month, $123.45 of what was billed went here." in page
    assert "No rule in force leads here" in page

    told_by(reader, f"/streams/{saas}/archive")
    told_by(reader, f"/streams/{fees}/archive")

    shown = text_of(reader.page(reader.path("/notices")))
    assert "SaaS is archived, and rules lead to it" in shown
    assert "The rule “All <that> is sold” leads to SaaS." in shown
    assert "The month before, 123.45 USD of what was billed went there." in shown
    assert "Fees is archived" not in shown

    told_by(reader, f"/streams/{saas}/restore")
    assert "Nothing needs you" in text_of(reader.page(reader.path("/notices")))
