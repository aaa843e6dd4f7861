"""Every page: who may open it, where it redirects, and that vendored scripts match their checksums."""

import re
from hashlib import sha256

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.event import listen

from app.wiring.tools import Tools
from tenants.companies import add_company
from tests.support.company import company_with
from tests.support.paths import ROOT
from tests.support.web.people import Browser, add_member, signed_in

VENDOR = ROOT / "app" / "static" / "vendor"


@pytest.fixture
def company_id(engine: Engine) -> int:
    with engine.begin() as connection:
        return add_company(connection, "Zed Books Inc").id


def test_the_front_door_leads_to_the_settings_until_an_account_is_connected_then_to_the_table(
    app: Flask, engine: Engine, company_id: int
) -> None:
    browser = signed_in(app, engine, company_id)
    assert browser.get("/").headers["Location"] == "/settings/integrations"

    connected = company_with(engine, "acct_1")
    other = signed_in(app, engine, connected, email="bo@example.org")

    assert other.get("/").headers["Location"] == f"/companies/{connected}/revenue-mapping"


def test_who_is_not_signed_in_comes_back_to_the_page_they_wanted(app: Flask, engine: Engine, company_id: int) -> None:
    add_member(engine, company_id)
    browser = Browser(app)
    wanted = f"/settings/integrations?company={company_id}"

    led = browser.get(wanted)

    assert led.status_code == 303
    assert f'name="next" value="{wanted}"' in browser.get(led.headers["Location"]).text


def test_a_part_of_a_page_has_the_whole_page_loaded_again_when_the_session_is_over(app: Flask) -> None:
    answer = Browser(app).get("/settings/integrations", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Refresh"], answer.text) == (401, "true", "")


def test_people_see_a_page_where_programs_get_json(app: Flask) -> None:
    browser = Browser(app)

    assert "<h1>Page not found</h1>" in browser.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"}).text
    assert browser.get("/nowhere", headers={"Accept": "*/*"}).mimetype == "application/problem+json"


def test_a_member_of_two_companies_can_switch_and_others_are_not_offered(
    app: Flask, engine: Engine, company_id: int
) -> None:
    browser = signed_in(app, engine, company_id)
    second, foreign = company_with(engine, "acct_2"), company_with(engine, "acct_3")
    add_member(engine, second)

    offered = set(re.findall(r"/companies/(\d+)/", browser.get("/settings/integrations").text))

    assert {str(company_id), str(second)} <= offered
    assert str(foreign) not in offered


def test_the_files_of_others_are_the_ones_that_were_looked_at() -> None:
    lines = [line.split() for line in (VENDOR / "SHA256SUMS").read_text().splitlines()]
    held = [path for path in VENDOR.rglob("*") if path.is_file() and path.parent != VENDOR]

    assert {str(path.relative_to(VENDOR)): sha256(path.read_bytes()).hexdigest() for path in held} == {
        path: digest for digest, path in lines
    }


def test_new_browser_opens_the_company_that_was_opened_last_elsewhere(
    app: Flask, engine: Engine, company_id: int
) -> None:
    browser = signed_in(app, engine, company_id)
    second = company_with(engine, "acct_2")
    add_member(engine, second)
    for opened in (company_id, second):
        browser.get(f"/companies/{opened}/revenue-mapping")
        another = Browser(app)
        another.sign_in()

        assert f'href="/companies/{opened}/syncs"' in another.get("/settings/integrations").text


def test_a_page_reads_in_as_few_transactions_as_it_can(app: Flask, engine: Engine, web_tools: Tools) -> None:
    company_id = company_with(engine, "acct_1")
    browser = signed_in(app, engine, company_id)
    seen: list[str] = []
    listen(web_tools.engine, "begin", lambda _connection: seen.append("begin"))

    for page, most in (
        (f"/companies/{company_id}/revenue-mapping", 3),
        (f"/settings/integrations?company={company_id}", 4),
        (f"/companies/{company_id}/revenue-mapping/freshness", 2),
    ):
        browser.get(page)  # notes that it was opened
        seen.clear()
        assert browser.get(page).status_code == 200
        assert len(seen) <= most, page
