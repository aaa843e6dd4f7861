"""Every route, method, caller and id: who is let in, and that nobody sees another company's data.

The matrix is built from the routes that are served. A route that is missing from `EXPECTED` fails here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from backlog.syncs.requests import request_sync
from tenants.roles import ROLES, Role
from tenants.sessions import IDLE
from tenants.tables import api_key
from tenants.users import remove_member
from tests.support.clock import NOON, SetClock
from tests.support.company import catch_up, company_with, new_key_headers, record_events
from tests.support.payloads import event, new_invoice
from tests.support.web.lines import line_of, without_request_id
from tests.support.web.people import Browser, signed_in
from tests.support.web.stripe_page import ConnectSetup

Needed = Role | Literal["everybody", "signature", "session", "session form"]

V1 = "/v1/companies/<int:company_id>"
PAGES = "/companies/<int:company_id>"
TABLE = f"{PAGES}/revenue-mapping"
# What each route needs. "session": shows every user who is signed in something of their own. "session form": checks the
# browser's form token before anything else.
EXPECTED: dict[tuple[str, str], Needed] = {
    ("GET", "/"): "session",
    ("GET", "/docs"): "everybody",
    ("GET", "/openapi.json"): "everybody",
    ("GET", "/static/<path:filename>"): "everybody",
    ("GET", "/healthz"): "everybody",
    ("GET", "/readyz"): "everybody",
    ("GET", "/metrics"): "everybody",
    ("POST", "/webhooks/stripe"): "signature",
    ("POST", "/webhooks/stripe/accounts/<account_id>"): "signature",
    ("GET", "/sign-in"): "everybody",
    ("POST", "/sign-in"): "session form",
    ("POST", "/sign-out"): "session form",
    ("GET", "/sign-in/provider"): "everybody",
    ("GET", "/sign-in/provider/callback"): "everybody",
    ("GET", "/settings/integrations"): "session",
    ("POST", f"{PAGES}/connection/pause"): "admin",
    ("POST", f"{PAGES}/connection/resume"): "admin",
    ("POST", f"{PAGES}/connection/disconnect"): "admin",
    ("POST", f"{PAGES}/connection/key"): "admin",
    ("GET", f"{PAGES}/syncs"): "viewer",
    ("POST", f"{PAGES}/syncs"): "editor",
    ("GET", f"{PAGES}/syncs/<int:run_id>"): "viewer",
    ("GET", f"{PAGES}/syncs/<int:run_id>/progress"): "viewer",
    ("POST", f"{PAGES}/syncs/<int:run_id>/cancel"): "editor",
    ("GET", "/connect/stripe"): "admin",
    ("GET", "/connect/stripe/callback"): "everybody",
    ("GET", TABLE): "viewer",
    ("GET", f"{TABLE}/rows"): "viewer",
    ("GET", f"{TABLE}/figures"): "viewer",
    ("GET", f"{TABLE}/freshness"): "viewer",
    ("GET", f"{TABLE}/quarantine"): "viewer",
    ("GET", f"{TABLE}/lines/<line_id>"): "viewer",
    ("GET", f"{TABLE}/events/<int:position>"): "editor",
    ("GET", f"{V1}/revenue-lines"): "viewer",
    ("GET", f"{V1}/revenue-lines/<line_id>"): "viewer",
    ("GET", f"{V1}/revenue-lines.csv"): "viewer",
    ("GET", f"{V1}/quarantine"): "viewer",
    ("GET", f"{V1}/revenue-lines/<line_id>/history"): "viewer",
    ("GET", f"{V1}/revenue-by-month"): "viewer",
    ("GET", f"{V1}/changes"): "viewer",
    ("GET", f"{V1}/credit-notes"): "viewer",
    ("GET", f"{V1}/events/<int:position>"): "editor",
    ("GET", f"{V1}/connection"): "viewer",
    ("POST", f"{V1}/connection"): "admin",
    ("DELETE", f"{V1}/connection"): "admin",
    ("POST", f"{V1}/connection/pause"): "admin",
    ("POST", f"{V1}/connection/resume"): "admin",
    ("POST", f"{V1}/syncs"): "editor",
    ("GET", f"{V1}/syncs"): "viewer",
    ("GET", f"{V1}/syncs/<int:run_id>"): "viewer",
    ("POST", f"{V1}/syncs/<int:run_id>/cancel"): "editor",
    ("GET", f"{V1}/syncs/<int:run_id>/events"): "viewer",
}
# Ids below a company: one of ours, one of theirs, one that does not exist.
IDS = {
    "line_id": ("il_mine", "il_CANARY", "il_none"),
    "filename": ("docs.css", "docs.css", "none"),
    "account_id": ("acct_ours", "acct_CANARY", "acct_none"),
    "run_id": ("1", "2", "3000"),
    "position": ("1", "3", "3000"),
}
CANARY = re.compile("CANARY", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caller:
    """A client, and its role in our company if any; `is_known` says whether its session or key is valid."""

    name: str
    client: FlaskClient
    headers: dict[str, str]
    role: Role | None
    is_known: bool = True

    def request(self, method: str, path: str, *, with_token: bool = True) -> TestResponse:
        headers = {name: value for name, value in self.headers.items() if with_token or name != "X-CSRF-Token"}
        body: dict[str, object] | None = {} if method in ("POST", "PUT", "PATCH") and path.startswith("/v1/") else None
        return self.client.open(path, method=method, headers=headers, buffered=True, json=body)


@dataclass(frozen=True, slots=True)
class Site:
    """An app with two companies, and every kind of caller that may request something of ours."""

    app: Flask
    ours: int
    theirs: int
    callers: list[Caller]

    def served(self) -> list[tuple[str, str]]:
        return [
            (method, rule.rule)
            for rule in self.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]


@pytest.fixture
def site(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[Site]:
    # With this pause a stream ends after its first events.
    with ConnectSetup.running(replace(web_tools, pause=lambda _seconds: True), engine, clock) as setup:
        ours, theirs = company_with(engine, "acct_ours"), company_with(engine, "acct_CANARY")
        mine = new_invoice("in_mine", line_of("il_mine"), customer_name="Zed Inc")
        secret = new_invoice("in_CANARY", line_of("il_CANARY", description="CANARY"), customer_name="CANARY Inc")
        record_events(engine, event(mine, account="acct_ours"), event(secret, account="acct_CANARY"))
        catch_up(engine)
        for company_id, actor in ((ours, "tests"), (theirs, "CANARY")):
            with engine.begin() as connection:
                request_sync(connection, company_id, trigger="manual", actor=actor, now=clock())
        yield Site(setup.app, ours, theirs, callers_of(setup.app, engine, clock, ours, theirs))


def callers_of(app: Flask, engine: Engine, clock: SetClock, ours: int, theirs: int) -> list[Caller]:
    def person(name: str, company_id: int, role: Role) -> Browser:
        return signed_in(app, engine, company_id, role, email=f"{name}@example.org")

    def browser_caller(name: str, browser: Browser, role: Role | None, *, is_known: bool = True) -> Caller:
        return Caller(name, browser.client, {"X-CSRF-Token": browser.token()} if is_known else {}, role, is_known)

    def key_caller(name: str, headers: dict[str, str], role: Role | None, *, is_known: bool = True) -> Caller:
        return Caller(name, app.test_client(), headers, role, is_known)

    expired = person("expired", ours, "admin")
    clock.advance(IDLE + timedelta(hours=1))
    removed = person("removed", ours, "admin")
    with engine.begin() as connection:
        user_id = connection.exec_driver_sql("SELECT id FROM user_account WHERE email LIKE 'removed%%'").scalar_one()
        remove_member(connection, ours, user_id, actor="tests", now=NOON)
    revoked = new_key_headers(engine, ours, "admin")
    with engine.begin() as connection:
        connection.execute(update(api_key).values(revoked_at=NOON))
    return [
        key_caller("anonymous", {}, None, is_known=False),
        browser_caller("expired", expired, None, is_known=False),
        key_caller("revoked key", revoked, None, is_known=False),
        browser_caller("another company's admin", person("other", theirs, "admin"), None),
        key_caller("another company's key", new_key_headers(engine, theirs, "admin"), None),
        browser_caller("removed", removed, None),
        *(browser_caller(role, person(role, ours, role), role) for role in ROLES),
        *(key_caller(f"{role} key", new_key_headers(engine, ours, role), role) for role in ROLES),
    ]


def path_of(rule: str, company_id: int, place: int) -> str:
    """Return a path of the rule with this company and the ids at this index of `IDS`."""
    path = re.sub(r"<int:company_id>", str(company_id), rule)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: IDS[found[1]][place], path)
    return f"{path}?company={company_id}" if rule == "/connect/stripe" else path


def test_every_route_that_is_served_is_expected_and_no_other(site: Site) -> None:
    assert set(site.served()) == set(EXPECTED)
    assert {name for _, rule in site.served() for name in re.findall(r"<(?:\w+:)?(\w+)>", rule)} - {
        "company_id"
    } == set(IDS)


def test_everybody_is_let_in_as_far_as_their_role_reaches_and_no_further(site: Site) -> None:
    wrong = []
    for method, rule in site.served():
        needed = EXPECTED[method, rule]
        if needed not in ROLES:
            continue
        for caller in site.callers:
            status = caller.request(method, path_of(rule, site.ours, 0)).status_code
            if status != expected_status(caller, needed, rule, status):
                wrong.append((caller.name, method, rule, status))
    assert wrong == []


def expected_status(caller: Caller, needed: Role, rule: str, status: int) -> int:
    """Return the expected status. A caller that is let in may get any status but 401, 403 and 404."""
    is_page = not rule.startswith("/v1/")
    if is_page and "Authorization" in caller.headers:
        return 401  # a page is for people
    if not caller.is_known:
        return 303 if is_page else 401
    if caller.role is None:
        return 404
    if ROLES.index(caller.role) < ROLES.index(needed):
        return 403
    return 200 if status in (401, 403, 404) else status


def test_another_companys_resource_and_a_missing_one_get_the_same_response(site: Site) -> None:
    wrong = []
    for method, rule in site.served():
        if EXPECTED[method, rule] not in ROLES:
            continue
        for caller in site.callers:
            missing = [path_of(rule, site.ours, 2), path_of(rule, 999_999, 0)]
            foreign = [path_of(rule, site.ours, 1), path_of(rule, site.theirs, 1)]
            if caller.name.startswith("another company's"):
                foreign.pop()  # belongs to this caller
            for absent, theirs in zip(missing, foreign, strict=False):
                if "<line_id>" in rule or "999999" in absent:
                    answers = [caller.request(method, path) for path in (absent, theirs)]
                    if comparable(answers[0]) != comparable(answers[1]):
                        wrong.append((caller.name, method, absent, theirs, [one.status_code for one in answers]))
    assert wrong == []


def comparable(answer: TestResponse) -> tuple[object, ...]:
    """Return a response without its request id and without what its own address names, to compare responses."""
    if answer.mimetype == "application/problem+json":
        return without_request_id(answer)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "…", without_next_path(answer.text))
    return answer.status_code, re.sub(r"company(=|%3D|%253D)\d+", "company=…", text)


def without_next_path(text: str) -> str:
    """Return a text without the address to return to after signing in."""
    return re.sub(r"next=[\w%.-]+", "next=…", text)


def test_a_canary_of_one_company_is_seen_by_nobody_else(
    site: Site, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "app")
    leaks = []
    for method, rule in site.served():
        for caller in site.callers:
            if caller.name.startswith("another company's"):
                continue
            for company_id, place in ((site.ours, 0), (site.ours, 1), (site.theirs, 1), (site.theirs, 0)):
                answer = caller.request(method, path_of(rule, company_id, place))
                text = without_next_path(f"{answer.headers} {answer.text}")
                if CANARY.search(text):
                    leaks.append((caller.name, method, rule, company_id))
    stored = b"".join(redis.dump(key) or b"" for key in redis.scan_iter("*"))

    assert leaks == []
    assert not CANARY.search("".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records))
    assert b"CANARY" not in stored


def test_its_owner_sees_the_canary(site: Site) -> None:
    owner = next(caller for caller in site.callers if caller.name == "another company's key")

    assert "CANARY" in owner.request("GET", path_of(f"{V1}/revenue-lines", site.theirs, 1)).text


def test_a_session_changes_nothing_without_its_own_pages_token(site: Site) -> None:
    foreign_token = next(caller for caller in site.callers if caller.name == "viewer").headers["X-CSRF-Token"]
    admin = next(caller for caller in site.callers if caller.name == "admin")
    for method, rule in site.served():
        needed = EXPECTED[method, rule]
        if method == "GET" or needed == "signature":
            continue
        path = path_of(rule, site.ours, 0)
        forged = [
            admin.request(method, path, with_token=False),
            Caller("", admin.client, {"X-CSRF-Token": foreign_token}, "admin").request(method, path),
            Caller("", admin.client, admin.headers | {"Origin": "https://evil.example"}, "admin").request(method, path),
            Caller("", admin.client, admin.headers | {"Origin": "null"}, "admin").request(method, path),
            Caller("", admin.client, admin.headers | {"Sec-Fetch-Site": "cross-site"}, "admin").request(method, path),
        ]

        assert [answer.status_code for answer in forged] == [403] * len(forged), (method, rule)


def test_no_get_changes_anything_in_a_company(site: Site, engine: Engine) -> None:
    def state() -> list[object]:
        with engine.connect() as connection:
            return [
                connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
                for table in ("event", "stripe_connection", "account_owner", "api_key", "membership", "company")
            ]

    before = state()
    for method, rule in site.served():
        for caller in site.callers:
            if method == "GET":
                caller.request("GET", path_of(rule, site.ours, 0))
                caller.request("HEAD", path_of(rule, site.ours, 0))

    assert state() == before
