"""Every error response has the same shape, and reveals nothing internal."""

import json
import re
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.problems.codes import PROBLEMS
from app.wiring.tools import Tools
from events.intake.group_append import GroupAppender
from projections.revenue.store.tables import revenue_line
from runtime.database import open_engine
from tests.support.company import company_with, new_key_headers
from tests.support.payloads import ACCOUNT
from tests.support.signing import SECRET, signed
from tests.support.web.lines import Reader, line_of
from tests.support.web.tools import app_with

MEMBERS = ["type", "title", "status", "detail", "code", "request_id"]


def problem_of(answer: TestResponse) -> dict[str, object]:
    """Return a problem, having checked the members and headers that every problem has."""
    problem: dict[str, object] = json.loads(answer.text)
    assert answer.mimetype == "application/problem+json"
    assert list(problem)[: len(MEMBERS)] == MEMBERS
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"/docs#problem-{problem['code']}"
    assert str(UUID(str(problem["request_id"]))) == answer.headers["X-Request-Id"]
    assert problem["title"]
    assert problem["detail"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    return problem


def test_every_refusal_is_a_problem_of_one_shape(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    huge = b"x" * 1_000_001
    refusals = {
        "unauthenticated": client.get(reader.path()),
        "not_found": reader.get("/revenue-lines/il_none"),
        "invalid_request": reader.get(limit=0),
        "invalid_cursor": reader.get(cursor="forged"),
        "method_not_allowed": reader.ask(reader.path(), "DELETE"),
        "unacceptable_webhook": client.post("/webhooks/stripe", data=b"{}", headers=signed(b"{}", secret="whsec_no")),
        "body_too_large": client.post("/webhooks/stripe", data=huge, headers=signed(huge, secret=SECRET)),
        "unsupported_encoding": client.post(
            "/webhooks/stripe", data=b"{}", headers=signed(b"{}") | {"Content-Encoding": "gzip"}
        ),
    }

    for code, answer in refusals.items():
        problem = problem_of(answer)

        assert (problem["code"], answer.status_code) == (code, PROBLEMS[code].status)
        assert list(problem)[len(MEMBERS) :] == (["errors"] if code == "invalid_request" else [])


def test_paths_that_lead_nowhere_are_problems_too(client: FlaskClient) -> None:
    for path in ("/nothing", "/v1", "/v1/companies/x/revenue-lines", "/static/nothing", "/%00", "/v1/%FF", "/..%2fetc"):
        assert problem_of(client.get(path))["code"] == "not_found"


def test_whatever_is_wrong_below_v1_is_a_problem_even_for_a_browser(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    paths = {
        re.sub(r"<(?:\w+:)?company_id>", str(reader.company_id), re.sub(r"<int:(?!company)\w+>", "1", rule.rule))
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
    }
    browser = {"Accept": "text/html,*/*;q=0.8"}
    for path in (*paths, "/v1", "/v1/", "/v1//companies", "/v1/companies", f"{reader.path()}/", "/v1/%2e%2e/sign-in"):
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            answer = client.open(path, method=method, headers={**reader.key, **browser}, buffered=True)
            if answer.status_code >= 400:
                assert problem_of(answer)["code"] in PROBLEMS, (method, path)


def test_an_internal_error_reveals_nothing_but_its_request_id(
    extensible_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("postgresql://user:secret@host")

    extensible_app.add_url_rule("/fail", "fail", fail)

    answer = extensible_app.test_client().get("/fail")

    assert problem_of(answer)["code"] == "unexpected"
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    failures = [record for record in caplog.records if record.getMessage() == "unexpected error"]
    assert [vars(record)["request_id"] for record in failures] == [answer.headers["X-Request-Id"]]


def _abort(status: int) -> str:
    abort(status)


def test_any_other_status_is_a_problem_of_the_same_shape(extensible_app: Flask) -> None:
    extensible_app.add_url_rule("/<int:status>", "abort", _abort)
    client = extensible_app.test_client()

    for status in (400, 406, 409, 410, 413, 415, 429, 500, 501, 503):
        assert problem_of(client.get(f"/{status}"))["status"] == status


def test_an_unreachable_database_is_reported_with_a_time_to_retry(web_tools: Tools, engine: Engine) -> None:
    reader = Reader.of_new_company(app_with(web_tools).test_client(), engine)
    gone = open_engine("postgresql://nobody@127.0.0.1:1/none", name="web", pool_size=1)
    without = replace(web_tools, engine=gone, exports=gone, appender=GroupAppender(gone, after_commit=lambda: None))
    client = app_with(without).test_client()

    for path in (reader.path(), reader.path("/revenue-lines.csv")):
        answer = client.get(path, headers=reader.key)

        assert problem_of(answer)["code"] == "unavailable"
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "127.0.0.1" not in answer.text


def test_a_request_whose_company_is_erased_meanwhile_is_answered_as_if_it_had_never_been(
    client: FlaskClient, engine: Engine
) -> None:
    company_id = company_with(engine, ACCOUNT)
    headers = new_key_headers(engine, company_id, "editor")
    unknown = client.post(f"/v1/companies/{company_id + 1}/streams", headers=headers, json={"name": "Plans"})
    with engine.begin() as connection:
        # What the first step of an erasure does; the key stands for a request that was admitted just before.
        connection.exec_driver_sql(
            "SET LOCAL revmap.maintenance = 'on'; DELETE FROM company_head;"
            "INSERT INTO company_erasure (id, begun_at, erased_by, events, chain_position, chain_sha256, user_ids)"
            " SELECT id, now(), 'operator', 1, 0, '', '{}' FROM company"
        )

    answer = client.post(f"/v1/companies/{company_id}/streams", headers=headers, json={"name": "Plans"})

    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert problem_of(answer) | {"request_id": ""} == problem_of(unknown) | {"request_id": ""}


def test_a_file_that_cannot_be_read_is_refused_before_its_first_line(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.add_lines(line_of("il_1"))
    fails = {"product_id": "(1 / (amount - amount))::text AS product_id"}
    broken = ", ".join(fails.get(column.name, column.name) for column in revenue_line.c)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE revenue_line RENAME TO kept;"  # noqa: S608
            f"CREATE VIEW revenue_line AS SELECT {broken} FROM kept"
        )

    assert problem_of(reader.get("/revenue-lines.csv"))["code"] == "unexpected"


def test_a_database_is_reported_as_unavailable_only_when_it_is(extensible_app: Flask, engine: Engine) -> None:
    def ask(sqlstate: str) -> str:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$")
        return "not reached"

    extensible_app.add_url_rule("/ask/<sqlstate>", "ask", ask)
    client = extensible_app.test_client()
    unavailable = ("08006", "40001", "53300", "55P03", "57014", "57P01", "58030")
    unexpected = ("22003", "23505", "42P01", "54000", "P0001", "XX000")

    codes = {state: problem_of(client.get(f"/ask/{state}"))["code"] for state in unavailable + unexpected}

    assert codes == dict.fromkeys(unavailable, "unavailable") | dict.fromkeys(unexpected, "unexpected")
