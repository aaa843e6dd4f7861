"""What all routes under /v1 have in common: bodies, parameters, conditional reads, and JSON for every client."""

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.company import new_key_headers
from tests.support.payloads import new_line
from tests.support.web.lines import Reader


@pytest.fixture
def admin(client: FlaskClient, engine: Engine) -> Reader:
    reader = Reader.of_new_company(client, engine)
    return Reader(client, engine, reader.company_id, new_key_headers(engine, reader.company_id, "admin"))


def send(
    admin: Reader, path: str, body: bytes, content_type: str = "application/json", method: str = "POST"
) -> tuple[int, str]:
    """Send a body, and return the status and the problem code of the response."""
    answer = admin.client.open(
        admin.path(path), method=method, data=body, headers={**admin.key, "Content-Type": content_type}, buffered=True
    )
    return answer.status_code, answer.get_json()["code"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"{}{}", b'{"restricted_key": "\xff"}', b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 9999 + b"]" * 9999],
)
def test_a_body_that_is_not_strict_json_is_refused(admin: Reader, body: bytes) -> None:
    assert send(admin, "/connection", body) == (400, "not_json")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_body_of_another_kind_is_refused_and_not_ignored(admin: Reader, content_type: str) -> None:
    assert send(admin, "/connection", b'{"restricted_key": "rk_live_12345678"}', content_type) == (400, "not_json")


def test_a_body_larger_than_a_request_may_have_is_refused(admin: Reader) -> None:
    huge = json.dumps({"restricted_key": "rk_live_" + "a" * 100_000}).encode()

    assert send(admin, "/connection", huge) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b'{"colour": 1}', b'{"restricted_key": null}'])
def test_json_that_cannot_be_used_is_pointed_at(admin: Reader, body: bytes) -> None:
    assert send(admin, "/connection", body) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/connection"), ("POST", "/connection/pause"), ("POST", "/connection/resume")]
)
def test_a_request_that_needs_no_body_takes_none(admin: Reader, method: str, path: str) -> None:
    assert send(admin, path, b'{"account": "acct_1"}', method=method) == (422, "invalid_request")
    assert admin.get("/connection").get_json()["status"] == "connected"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/companies", "/v1/companies/x/revenue-lines"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_under_v1_even_a_browser_gets_json(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method, headers={"Accept": "text/html"})

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_an_unsupported_method_under_v1_is_answered_in_json(admin: Reader) -> None:
    answer = admin.ask(admin.path(), "DELETE", headers={**admin.key, "Accept": "text/html"})

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/connection"),
        ("POST", "/connection"),
        ("DELETE", "/connection"),
        ("POST", "/connection/pause"),
        ("POST", "/connection/resume"),
        ("POST", "/syncs"),
        ("GET", "/syncs/1"),
        ("GET", "/syncs/1/events"),
        ("POST", "/syncs/1/cancel"),
        ("GET", "/events/1"),
    ],
)
def test_a_route_without_parameters_refuses_each(admin: Reader, method: str, path: str) -> None:
    refused = admin.ask(f"{admin.path(path)}?colour=red&colour=blue&a/b", method)

    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.get_json()["errors"]] == ["/query/colour", "/query/a~1b"]
    assert admin.ask(f"{admin.path(path)}?colour=red", method, headers={}).status_code == 401


def test_every_read_has_an_etag_and_is_not_sent_again_to_a_client_that_has_it(admin: Reader) -> None:
    admin.add_lines(new_line("il_1"))
    run_id = admin.ask(admin.path("/syncs"), "POST").get_json()["id"]
    paths = (
        *("/revenue-lines", "/revenue-lines/il_1", "/revenue-lines/il_1/history", "/revenue-lines.csv"),
        *("/revenue-by-month", "/changes", "/quarantine", "/events/1", "/connection", "/syncs", f"/syncs/{run_id}"),
    )

    for path in paths:
        tag = admin.get(path).headers["ETag"]
        unchanged = admin.get(path, headers={"If-None-Match": f'"other", {tag}'})

        assert (unchanged.status_code, unchanged.data, unchanged.headers["ETag"]) == (304, b"", tag), path
        assert unchanged.headers["Cache-Control"] == "private, no-store"
        assert admin.get(path, headers={"If-None-Match": '"other"'}).status_code == 200, path


def test_a_read_that_says_something_else_has_another_tag(admin: Reader) -> None:
    tag = admin.get("/connection").headers["ETag"]

    admin.ask(admin.path("/connection/pause"), "POST")

    answer = admin.get("/connection", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "paused")


def test_a_refusal_has_no_tag(admin: Reader) -> None:
    assert "ETag" not in admin.get("/syncs/99").headers
    assert "ETag" not in admin.ask(admin.path("/syncs"), "POST").headers
