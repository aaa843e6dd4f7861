"""Who may read a table and how; everybody else learns nothing."""

from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update
from sqlalchemy.pool import QueuePool

from app.auth.access import for_role
from app.wiring.tools import Tools
from tenants.roles import ROLES
from tenants.tables import api_key
from tests.support.clock import NOON
from tests.support.company import new_key_headers
from tests.support.web.lines import Reader, json_of, line_of, without_request_id

READS = (
    "/revenue-lines",
    "/revenue-lines/il_1",
    "/revenue-lines/il_1/recognition",
    "/revenue-lines.csv",
    "/credit-notes",
    "/quarantine",
    "/reports/recognition",
    "/reports/deferred.csv",
)


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    reader = Reader.of_new_company(client, engine)
    reader.add_lines(line_of("il_1"))
    return reader


@pytest.fixture
def stranger(client: FlaskClient, engine: Engine) -> Reader:
    reader = Reader.of_new_company(client, engine, "acct_of_a_stranger")
    reader.add_lines(line_of("il_theirs"), account="acct_of_a_stranger")
    return reader


def test_another_companys_resource_and_a_missing_one_get_the_same_bytes(reader: Reader, stranger: Reader) -> None:
    absent = without_request_id(reader.get("/revenue-lines/il_none"))

    assert absent[0] == 404
    for below in READS:
        theirs = reader.ask(stranger.path(below))
        nobodys = reader.ask(f"/v1/companies/999999{below}")
        assert without_request_id(theirs) == without_request_id(nobodys) == absent
    assert without_request_id(reader.get("/revenue-lines/il_theirs")) == absent
    assert without_request_id(reader.ask("/v1/nothing")) == absent
    assert without_request_id(reader.ask(f"/v1/companies/{'9' * 40}/revenue-lines")) == absent


def test_another_companys_tag_and_lines_open_nothing(reader: Reader, stranger: Reader) -> None:
    tag = stranger.get().headers["ETag"]

    assert reader.get(headers={"If-None-Match": tag}).status_code == 200
    assert reader.ask(stranger.path(), headers={**reader.key, "If-None-Match": tag}).status_code == 404
    assert reader.ids(q="il_theirs") == []
    assert "il_theirs" not in reader.get("/revenue-lines.csv").text


@pytest.mark.parametrize("below", READS)
def test_without_a_good_key_nobody_learns_whether_a_company_exists(reader: Reader, below: str) -> None:
    revoked = new_key_headers(reader.engine, reader.company_id, "admin")
    with reader.engine.begin() as connection:
        connection.execute(update(api_key).where(api_key.c.role == "admin").values(revoked_at=NOON))
    good = reader.key["Authorization"]
    refusals = [
        reader.ask(path, headers=headers)
        for path in (reader.path(below), reader.path(below) + "?colour=red", f"/v1/companies/999999{below}")
        for headers in (
            {},
            revoked,
            {"Authorization": ""},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer  "},
            {"Authorization": "Bearer rmk_of_nobody"},
            {"Authorization": good.removeprefix("Bearer ")},
            {"Authorization": good.replace("Bearer", "Basic")},
            {"Authorization": good + "x"},
            {"Authorization": good[:-1]},
            {"Authorization": good.swapcase()},
            {"Authorization": "Bearer ké"},
            {"Authorization": "Bearer \x00"},
            {"Authorization": "Bearer " + "k" * 10_240},
            {"X-Api-Key": good},
        )
    ]

    assert len({without_request_id(refused) for refused in refusals}) == 1
    assert (refusals[0].status_code, json_of(refusals[0])["code"]) == (401, "unauthenticated")
    assert refusals[0].headers["WWW-Authenticate"] == 'Bearer realm="revmap"'


def test_a_key_in_the_address_is_no_key(reader: Reader) -> None:
    key = reader.key["Authorization"].removeprefix("Bearer ")

    assert reader.client.get(f"{reader.path()}?api_key={key}").status_code == 401


def test_every_role_may_read(reader: Reader) -> None:
    for role in ROLES:
        key = new_key_headers(reader.engine, reader.company_id, role)

        assert [reader.ask(reader.path(below), headers=key).status_code for below in READS] == [200] * len(READS)


def test_a_role_reaches_as_far_as_its_rank(extensible_app: Flask, engine: Engine) -> None:
    for role in ROLES:
        path = f"/v1/companies/<int:company_id>/{role}"
        extensible_app.add_url_rule(path, role, for_role(role)(lambda **_path: "done"))
    reader = Reader.of_new_company(extensible_app.test_client(), engine)

    for rank, role in enumerate(ROLES):
        key = new_key_headers(engine, reader.company_id, role)
        answers = [reader.ask(reader.path(f"/{needed}"), headers=key) for needed in ROLES]

        assert [answer.status_code for answer in answers] == [200 if needed <= rank else 403 for needed in range(3)]
        for answer in answers[rank + 1 :]:
            assert json_of(answer)["code"] == "forbidden"


def test_a_route_answers_to_the_method_it_declares_alone(reader: Reader) -> None:
    for below, method in product(READS, ("OPTIONS", "PUT", "POST", "PATCH", "DELETE", "TRACE", "BREW")):
        refused = reader.ask(reader.path(below), method)

        assert (refused.status_code, set(refused.allow)) == (405, {"GET", "HEAD"}), (below, method)
        assert refused.mimetype == "application/problem+json"


def test_head_tells_what_get_would_without_its_body(reader: Reader, web_tools: Tools) -> None:
    pool = web_tools.engine.pool
    assert isinstance(pool, QueuePool)

    for below in READS:
        head = reader.ask(reader.path(below), "HEAD")

        assert (head.status_code, head.data) == (200, b"")
        assert head.headers.get("ETag") == reader.get(below).headers.get("ETag")
        assert pool.checkedout() == 0


def test_no_header_turns_one_method_into_another(reader: Reader) -> None:
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert reader.get(headers={name: "DELETE"}).status_code == 200
        refused = reader.ask(reader.path(), "POST", headers={**reader.key, name: "GET"})
        assert refused.status_code == 405
    assert reader.client.post(reader.path(), data={"_method": "GET"}, headers=reader.key).status_code == 405
    assert reader.ids() == ["il_1"]
