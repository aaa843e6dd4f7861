"""Saved views over the API: whose they are, and that only what the list would take can be saved."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, insert, select

from tenants.views.saved_views import MOST_VIEWS
from tenants.views.tables import saved_view
from tests.support.clock import NOON
from tests.support.company import new_key_headers
from tests.support.web.lines import Reader, json_of
from tests.support.web.people import Browser, signed_in

VIEW = {"name": "Large", "parameters": {"currency": ["usd"], "amount_min": "500", "sort": "-amount", "columns": "date"}}


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


@pytest.fixture
def browser(app: Flask, engine: Engine, reader: Reader) -> Browser:
    return signed_in(app, engine, reader.company_id, "editor")


def test_a_view_is_saved_listed_changed_and_deleted(reader: Reader, browser: Browser) -> None:
    saved = browser.send(reader.path("/views"), json=VIEW)

    view = json_of(saved)
    assert saved.status_code == 201
    assert saved.headers["Location"] == reader.path(f"/views/{view['id']}")
    assert (view["scope"], view["parameters"]) == ("private", VIEW["parameters"])
    path = saved.headers["Location"]
    assert json_of(browser.get(path)) == view
    assert json_of(browser.get(reader.path("/views")))["data"] == [view]
    changed = browser.send(path, "PATCH", json={"name": "Huge", "parameters": {"q": "x"}})
    assert (json_of(changed)["name"], json_of(changed)["parameters"]) == ("Huge", {"q": "x"})
    assert browser.send(path, "DELETE").status_code == 204
    assert browser.get(path).status_code == 404


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "/json/name"),
    ({"name": "x" * 101}, "/json/name"),
    ({"name": "   "}, "/json/name"),
    ({"scope": "world"}, "/json/scope"),
    ({"colour": "red"}, "/json/colour"),
    ({"parameters": []}, "/json/parameters"),
    ({"parameters": {"colour": "red"}}, "/json/parameters/colour"),
    ({"parameters": {"sort": "description"}}, "/json/parameters/sort"),
    ({"parameters": {"sort": ["date"]}}, "/json/parameters/sort"),
    ({"parameters": {"invoice_status": ["open", "draft"]}}, "/json/parameters/invoice_status"),
    ({"parameters": {"customer_id": [1]}}, "/json/parameters/customer_id"),
    ({"parameters": {"amount_min": "a"}}, "/json/parameters/amount_min"),
    ({"parameters": {"columns": "colour"}}, "/json/parameters/columns"),
    ({"parameters": {"cursor": "x"}}, "/json/parameters/cursor"),
]


def test_only_what_the_table_would_take_can_be_saved(reader: Reader, browser: Browser) -> None:
    for wrong, pointer in UNUSABLE:
        refused = browser.send(reader.path("/views"), json=VIEW | wrong)

        assert refused.status_code == 422, wrong
        assert [error["pointer"] for error in json_of(refused)["errors"]] == [pointer], refused.text
    assert browser.send(reader.path("/views"), json={"name": "All", "parameters": {}}).status_code == 201


def test_a_key_sees_and_saves_the_companys_views_alone(reader: Reader, browser: Browser, engine: Engine) -> None:
    browser.send(reader.path("/views"), json=VIEW)
    editor = new_key_headers(engine, reader.company_id, "editor")

    def ask(method: str, below: str, headers: dict[str, str], **options: Any) -> Any:
        return reader.client.open(reader.path(below), method=method, headers=headers, **options)

    assert json_of(reader.get("/views"))["data"] == []
    assert ask("POST", "/views", editor, json=VIEW).status_code == 422
    assert ask("POST", "/views", dict(reader.key), json=VIEW | {"scope": "company"}).status_code == 403
    shared = ask("POST", "/views", editor, json=VIEW | {"scope": "company"})
    assert shared.status_code == 201
    assert [view["scope"] for view in json_of(browser.get(reader.path("/views")))["data"]] == ["private", "company"]
    again = ask("POST", "/views", editor, json=VIEW | {"scope": "company", "name": "LARGE"})
    assert (again.status_code, json_of(again)["code"]) == (409, "name_taken")
    below = f"/views/{json_of(shared)['id']}"
    assert ask("PATCH", below, dict(reader.key), json={"name": "x"}).status_code == 403
    assert ask("DELETE", below, dict(reader.key)).status_code == 403
    assert ask("DELETE", below, editor).status_code == 204


def test_views_have_a_number(reader: Reader, browser: Browser, engine: Engine) -> None:
    view = {
        "company_id": reader.company_id,
        "parameters": {},
        "created_by": "t",
        "created_at": NOON,
        "updated_at": NOON,
    }
    with engine.begin() as connection:
        owner = connection.exec_driver_sql("SELECT id FROM user_account").scalar_one()
        many = [view | {"owner_id": owner, "name": f"{number}"} for number in range(MOST_VIEWS)]
        connection.execute(insert(saved_view), many)

    refused = browser.send(reader.path("/views"), json=VIEW)

    assert (refused.status_code, json_of(refused)["code"]) == (409, "too_many_views")
    assert browser.send(reader.path("/views"), json=VIEW | {"scope": "company"}).status_code == 201
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(saved_view)).scalar_one() == MOST_VIEWS + 1
