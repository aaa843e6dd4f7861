"""What every route under /v1 does alike: bodies, parameters, conditional reads, and JSON whoever asks."""

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.app.line_hands import Reader
from tests.hands import key_of


@pytest.fixture
def admin(client: FlaskClient, engine: Engine) -> Reader:
    reader = Reader.of_new_company(client, engine)
    return Reader(client, engine, reader.company_id, key_of(engine, reader.company_id, "admin"))


def sent(
    admin: Reader, path: str, body: bytes, kind: str = "application/json", method: str = "POST"
) -> tuple[int, str]:
    """Send a body, and give the status and the code of the refusal."""
    answer = admin.client.open(
        admin.path(path), method=method, data=body, headers={**admin.key, "Content-Type": kind}, buffered=True
    )
    return answer.status_code, answer.get_json()["code"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"{}{}", b'{"restricted_key": "\xff"}', b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 9999 + b"]" * 9999],
)
def test_a_body_that_is_not_strict_json_is_refused(admin: Reader, body: bytes) -> None:
    assert sent(admin, "/connection", body) == (400, "not_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_body_of_another_kind_is_refused_and_not_ignored(admin: Reader, kind: str) -> None:
    assert sent(admin, "/connection", b'{"restricted_key": "rk_live_12345678"}', kind) == (400, "not_json")


def test_no_more_of_a_body_is_held_than_a_request_may_have(admin: Reader) -> None:
    huge = json.dumps({"restricted_key": "rk_live_" + "a" * 100_000}).encode()

    assert sent(admin, "/connection", huge) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b'{"colour": 1}', b'{"restricted_key": null}'])
def test_json_that_cannot_be_used_is_pointed_at(admin: Reader, body: bytes) -> None:
    assert sent(admin, "/connection", body) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/connection"), ("POST", "/connection/pause"), ("POST", "/connection/resume")]
)
def test_a_request_that_needs_no_body_takes_none(admin: Reader, method: str, path: str) -> None:
    assert sent(admin, path, b'{"account": "acct_1"}', method=method) == (422, "invalid_request")
    assert admin.get("/connection").get_json()["status"] == "connected"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/companies/1", "/v1/companies/x/revenue-lines"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_under_v1_even_a_browser_is_told_in_json(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method, headers={"Accept": "text/html"})

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_method_that_v1_does_not_have_is_told_in_json(admin: Reader) -> None:
    answer = admin.ask(admin.path(), "DELETE", headers={**admin.key, "Accept": "text/html"})

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
