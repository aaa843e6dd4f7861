"""The OpenAPI document and the reference page are valid, complete and true."""

import gzip
import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from app.api.document.examples import Example
from app.api.document.operations import operations_in
from app.problems.codes import PROBLEMS
from app.reference.curl import curl_of
from app.reference.marking import coloured, marked
from app.wiring.tools import Tools
from projections.reads.table.orders import SORTS
from tests.support.promises import examples
from tests.support.syncs.run_states import PARTIALLY_SUCCEEDED, finish_run, start_run
from tests.support.web.lines import Reader, json_of, line_of
from tests.support.web.syncs import new_editor
from tests.support.web.tools import app_with

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})


@pytest.fixture
def app(web_tools: Tools) -> Flask:
    """Return an app whose streams end after their first events."""
    return app_with(replace(web_tools, pause=lambda _seconds: True))


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    reader = new_editor(client, engine)
    reader.add_lines(*(line_of(f"il_{number}", number) for number in range(60)))
    finish_run(engine, start_run(engine, reader.company_id), PARTIALLY_SUCCEEDED)
    return reader


@pytest.fixture
def described(app: Flask) -> BaseSchema:
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


class Page(HTMLParser):
    """The text, links and anchors of a page, and the faults of its markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.links += [str(attributes["href"])] if "href" in attributes else []
        self.anchors += [str(attributes["id"])] if "id" in attributes else []
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_description_is_valid_openapi_3_1(client: FlaskClient, described: BaseSchema) -> None:
    described.validate()

    assert json_of(client.get("/openapi.json"))["openapi"] == "3.1.0"


def test_every_route_of_the_api_is_described_and_no_other(app: Flask, client: FlaskClient) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
        if rule.rule.startswith("/v1/")
    }

    paths = json_of(client.get("/openapi.json"))["paths"]

    assert {(path, method) for path in paths for method in paths[path] if method != "parameters"} == served
    assert all(path == "/v1/me" or f"{path}/".startswith("/v1/companies/{company_id}/") for path in paths)


def test_reference_page_shows_code_as_code_and_no_value_of_python(client: FlaskClient) -> None:
    page = client.get("/docs").text

    assert "`" not in page
    assert "('" not in Page(page).text
    assert "<code>since</code>" in page or "<code>from</code>" in page
    assert "None" not in Page(page).text.split()


def test_browser_finds_an_icon_by_its_usual_name(client: FlaskClient) -> None:
    icon = client.get("/favicon.ico", buffered=True)

    assert (icon.status_code, icon.mimetype) == (200, "image/svg+xml")


def test_every_error_is_described_as_a_problem(client: FlaskClient) -> None:
    document = json_of(client.get("/openapi.json"))
    responses = document["components"]["responses"]

    assert responses
    for response in responses.values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        }
    for path in document["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}


def test_a_table_for_spreadsheets_is_described_by_its_columns(client: FlaskClient) -> None:
    document = json_of(client.get("/openapi.json"))

    content = document["paths"]["/v1/companies/{company_id}/revenue-lines.csv"]["get"]["responses"]["200"]["content"]

    assert content["text/csv"]["schema"] == {"$ref": "#/components/schemas/RevenueLineRow"}
    assert "period_end" in document["components"]["schemas"]["RevenueLineRow"]["properties"]


@pytest.mark.promise("API: whatever is asked, well or badly, is answered as its description says")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_asked_is_answered_as_described(
    reader: Reader, described: BaseSchema, mode: GenerationMode
) -> None:
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for operation in operations))

    @settings(
        examples(40, 600),
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, is_ours=st.booleans())
    def ask(case: Case, *, is_ours: bool) -> None:
        if is_ours:
            ours = {"company_id": reader.company_id, "run_id": 1}
            case.path_parameters = {name: ours.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers=dict(reader.key), checks=_CHECKS)

    ask()


def test_every_described_sort_and_page_size_is_served(reader: Reader) -> None:
    operation = json_of(reader.client.get("/openapi.json"))["paths"]["/v1/companies/{company_id}/revenue-lines"]["get"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}

    assert parameters["sort"]["enum"] == list(SORTS)
    for sort, limit in product(SORTS, (parameters["limit"]["minimum"], parameters["limit"]["maximum"])):
        assert len(reader.ids(sort=sort, limit=limit)) == min(limit, 60)


def test_the_page_shows_every_route_object_and_problem(client: FlaskClient) -> None:
    document = json_of(client.get("/openapi.json"))

    page = Page(client.get("/docs").text)

    for name, (path, method, operation) in operations_in(document).items():
        assert f"{method.upper()} {path}" in page.text
        assert all(part.strip() in page.text for part in operation["summary"].split("`"))
        assert name in page.anchors
        assert f"#{name}" in page.links
        assert all(parameter["name"] in page.text for parameter in operation.get("parameters", ()))
    assert {f"problem-{code}" for code in PROBLEMS} <= set(page.anchors)
    assert {"Problem", "RevenueLine", "RevenueLineRow", "SyncRun", "SyncDifference"} <= set(page.anchors)
    topics = {"authentication", "errors", "pagination", "as-of", "idempotency", "etags", "rate-limits", "webhooks"}
    assert topics <= set(page.anchors)


def test_every_route_is_shown_with_a_command_to_copy_and_its_answer(client: FlaskClient) -> None:
    page = Page(client.get("/docs").text)

    lists = 'curl "https://localhost/v1/companies/$COMPANY/revenue-lines?limit=2&cadence=monthly&include=totals"'
    assert f'{lists} \\ -H "Authorization: Bearer $REVMAP_KEY"' in page.text
    assert 'curl -X POST "https://localhost/v1/companies/$COMPANY/syncs"' in page.text
    assert """-d '{"restricted_key": "rk_live_EXAMPLE""" in page.text
    assert page.text.count("Bearer $REVMAP_KEY") >= len(operations_in(json_of(client.get("/openapi.json"))))
    assert "Answer 202" in page.text


def test_the_page_has_whole_markup_and_its_links_lead_somewhere(client: FlaskClient) -> None:
    markup = client.get("/docs").text

    page = Page(markup)

    assert (page.faults, page.open) == ([], [])
    assert len(page.anchors) == len(set(page.anchors))
    text = page.text.replace("If-None-Match", "")
    for raw in ("{{", "{%", "<", ">", "&lt;", "&amp;", "Undefined", "None", "['", "{'", "('", "`", "\\Z"):
        assert raw not in text, raw
    for link in page.links:
        if link.startswith("#"):
            assert link.removeprefix("#") in page.anchors
        elif link.startswith("/"):
            assert client.get(link, buffered=True).status_code == 200


def test_the_page_is_drawn_once_and_sent_compressed_to_whoever_takes_it(client: FlaskClient) -> None:
    plain, again = client.get("/docs"), client.get("/docs")
    compressed = client.get("/docs", headers={"Accept-Encoding": "gzip"})

    assert plain.data == again.data == gzip.decompress(compressed.data)
    assert "Content-Encoding" not in plain.headers
    assert (compressed.headers["Content-Encoding"], compressed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", plain.text)


def test_descriptions_are_shown_safely_with_their_code_marked() -> None:
    assert str(marked("The sum of `a<b>` & <i>more</i>")) == (
        "The sum of <code>a&lt;b&gt;</code> &amp; &lt;i&gt;more&lt;/i&gt;"
    )
    shown = str(coloured({"name": '<b>"1": true</b>', "amount": -12, "is_open": None}))
    assert "<b>" not in shown
    assert '<span class="k">&#34;amount&#34;</span>: <span class="n">-12</span>' in shown
    assert json.loads(Page(shown).text) == {"name": '<b>"1": true</b>', "amount": -12, "is_open": None}


def test_a_command_quotes_what_a_shell_would_read() -> None:
    example = Example(
        path={"company_id": 1, "line_id": "il $1/2"},
        query={"q": "Zed & $HOME"},
        headers={"Idempotency-Key": "monday"},
        body={"name": "Ada's"},
        status=201,
        media_type="application/json",
        answer={},
    )

    command = curl_of("https://localhost", "POST", "/v1/companies/{company_id}/lines/{line_id}", example)

    said = subprocess.run(
        ["sh", "-c", command.replace("curl", "printf '%s\\n'", 1)],
        env={"COMPANY": "7"},
        capture_output=True,
        check=True,
    )
    assert said.stdout.decode().splitlines() == [
        *("-X", "POST", "https://localhost/v1/companies/7/lines/il%20%241%2F2?q=Zed+%26+%24HOME"),
        *("-H", "Authorization: Bearer ", "-H", "Idempotency-Key: monday"),
        *("-H", "Content-Type: application/json", "-d", '{"name": "Ada\'s"}'),
    ]
