"""Saved views on the table's page, and columns and density that are remembered for a person."""

import re
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from tests.support.web.lines import Reader, line_of
from tests.support.web.mapping_page import Visitor, headings_in, ids_in
from tests.support.web.people import signed_in


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> Visitor:
    visitor = Visitor.of_new_company(app, engine, "editor")
    visitor.reader.add_lines(line_of("il_1", 100), line_of("il_2", 900))
    return visitor


def another(visitor: Visitor, app: Flask, engine: Engine, role: str = "viewer") -> Visitor:
    browser = signed_in(app, engine, visitor.reader.company_id, role, email=f"{role}@example.org")  # type: ignore[arg-type]
    return replace(visitor, browser=browser)


def send(visitor: Visitor, below: str, **form: object) -> TestResponse:
    return visitor.browser.client.post(visitor.path(below), data=form | {"csrf_token": visitor.browser.token()})


def views_in(page: str) -> dict[str, str]:
    return {
        unescape(name): href for href, name in re.findall(r'href="([^"]*/views/\d+)"><span class="clip">([^<]*)<', page)
    }


def test_a_view_is_saved_opened_renamed_and_deleted(visitor: Visitor) -> None:
    asked = {"customer_id": ["cus_1", "cus_2"], "currency": "usd", "amount_min": "500", "columns": "amount,date"}

    saved = send(visitor, "/views", view_name=" Large & rare ", **asked)

    assert saved.status_code == 303
    page = visitor.follow(saved.headers["Location"])
    assert ids_in(visitor.page(currency="usd", amount_min=500)) == ["il_2"]
    address = views_in(page)["Large & rare"]
    opened = visitor.browser.get(address)
    assert opened.headers["Location"] == saved.headers["Location"]
    assert opened.headers["Location"].endswith(
        "?customer_id=cus_1&customer_id=cus_2&currency=usd&amount_min=500&columns=amount%2Cdate"
    )
    below = address.removeprefix(visitor.path())
    assert send(visitor, below, view_name="Rare").status_code == 303
    assert list(views_in(visitor.page())) == ["Rare"]
    assert send(visitor, f"{below}/delete").status_code == 303
    assert views_in(visitor.page()) == {}


def test_a_view_without_a_usable_name_is_not_saved_and_nothing_is_lost(visitor: Visitor) -> None:
    send(visitor, "/views", view_name="Mine", sort="amount")

    for name, said in (("", "Enter a name"), ("x" * 101, "Enter a name"), ("MINE", "There is a view of that name")):
        refused = send(visitor, "/views", view_name=name, sort="-amount", q="kept")

        assert refused.status_code == 422
        assert said in refused.text
        assert f'name="view_name" value="{name}"' in refused.text
        assert 'name="sort" value="-amount"' in refused.text
        assert 'value="kept"' in refused.text
    send(visitor, "/views", view_name="Other")
    other = views_in(visitor.page())["Other"].removeprefix(visitor.path())
    assert "There is a view of that name" in send(visitor, other, view_name="mine").text


def test_private_views_are_ones_own_and_shared_ones_are_for_editors_to_change(
    visitor: Visitor, app: Flask, engine: Engine
) -> None:
    viewer = another(visitor, app, engine)
    send(visitor, "/views", view_name="Mine")
    send(visitor, "/views", view_name="Everybody's", scope="company")
    mine, shared = (views_in(visitor.page())[name].removeprefix(visitor.path()) for name in ("Mine", "Everybody's"))

    assert list(views_in(viewer.page())) == ["Everybody's"]
    assert viewer.get(mine).status_code == send(viewer, mine, view_name="x").status_code == 404
    assert send(viewer, f"{mine}/delete").status_code == 404
    assert viewer.get(shared).status_code == 303
    assert send(viewer, shared, view_name="x").status_code == 403
    assert send(viewer, f"{shared}/delete").status_code == 403
    assert send(viewer, "/views", view_name="x", scope="company").status_code == 403
    assert send(viewer, "/views", view_name="Mine").status_code == 303
    assert len(views_in(visitor.page())) == 2


def test_columns_and_density_are_remembered_for_a_person_in_a_company(
    visitor: Visitor, app: Flask, engine: Engine
) -> None:
    viewer = another(visitor, app, engine)

    led = send(visitor, "/preference", column=["", "amount", "invoice_status"], density="compact", q="il")

    assert led.headers["Location"] == visitor.path("?q=il")
    assert headings_in(visitor.page()) == ["Amount", "Invoice status"]
    assert 'class="lines compact"' in visitor.page()
    assert headings_in(visitor.page(columns="date")) == ["Date"]
    assert 'class="lines comfortable"' in visitor.page(density="comfortable")
    assert len(headings_in(viewer.page())) == 7
    assert "columns=amount%2C" in visitor.page()
    send(visitor, "/preference/reset", q="il")
    assert len(headings_in(visitor.page())) == 7
    assert 'class="lines compact"' in visitor.page()
    assert send(visitor, "/preference", density="tiny").status_code == 422


def test_widths_of_columns_are_remembered_until_they_are_reset(visitor: Visitor, app: Flask, engine: Engine) -> None:
    viewer = another(visitor, app, engine)
    send(visitor, "/preference", column=["amount", "date"])

    assert send(visitor, "/preference/widths", amount="220", date="48", csrf="x").status_code == 204
    assert re.findall(r'data-column="(\w+)" data-width="(\d+)"', visitor.page()) == [("date", "48"), ("amount", "220")]
    assert 'data-width="' not in viewer.page()
    for wrong in ("47", "1201", "1e3", "-50", "", "9" * 5000):
        assert send(visitor, "/preference/widths", amount=wrong).status_code == 422
    send(visitor, "/preference", density="compact")
    assert headings_in(visitor.page()) == ["Date", "Amount"]
    assert 'data-width="220"' in visitor.page()
    send(visitor, "/preference/widths")
    assert 'data-width="' not in visitor.page()
    assert headings_in(visitor.page()) == ["Date", "Amount"]
    send(visitor, "/preference/widths", amount="220")
    send(visitor, "/preference/reset")
    assert 'data-width="' not in visitor.page()


def test_what_is_remembered_in_one_company_says_nothing_in_another(
    visitor: Visitor, app: Flask, engine: Engine
) -> None:
    reader = Reader.of_new_company(app.test_client(), engine, "acct_other")
    other = Visitor(signed_in(app, engine, reader.company_id, "editor"), reader)
    send(visitor, "/preference", column=["amount"])
    send(visitor, "/views", view_name="Mine")
    mine = views_in(visitor.page())["Mine"].removeprefix(visitor.path())

    other.reader.add_lines(line_of("il_9"), account="acct_other")
    assert len(headings_in(other.page())) == 7
    assert views_in(other.page()) == {}
    assert other.get(mine).status_code == 404
