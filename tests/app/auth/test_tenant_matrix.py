"""Every route, method, caller and id: who is let in, and that nobody sees another company's data.

The matrix is built from the routes that are served. A route that is missing from `EXPECTED` fails here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from itertools import product
from typing import Literal
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, text, update
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from backlog.syncs.requests import request_sync
from mapping.previews import preview_draft
from mapping.recorded import LINES, RULES, STREAMS, Desk
from projections.mapping.decisions.payloads import LineKey, LinesOverridden, PlanCreated, RulesPublished, StreamCreated
from projections.reads.recognition.report_cells import REPORTS
from tenants.people.invitations import invite
from tenants.people.sessions import IDLE
from tenants.people.users import remove_member
from tenants.roles import ROLES, Role
from tenants.tables import api_key
from tenants.views.saved_views import NewView, add_view
from tests.support.clock import NOON, SetClock
from tests.support.company import catch_up, company_with, new_key_headers, record_events
from tests.support.payloads import event, new_invoice
from tests.support.promises import Trials
from tests.support.rules import to
from tests.support.web.lines import line_of, without_request_id
from tests.support.web.people import Browser, signed_in
from tests.support.web.stripe_page import ConnectSetup

Needed = Role | Literal["everybody", "signature", "session", "session form", "any caller"]

V1 = "/v1/companies/<int:company_id>"
PAGES = "/companies/<int:company_id>"
TABLE = f"{PAGES}/revenue-mapping"
RULE_PAGES = f"{PAGES}/rules"
WEBHOOKS = f"{PAGES}/settings/webhooks"
STREAMS_PAGE = f"{PAGES}/streams"
STEPS = ("change", "enable", "disable", "rotate-secret", "delete", "deliveries/<int:delivery_id>/redeliver")
# What each route needs. "any caller": tells whoever has a key or a session of themselves. "session": shows every user
# who is signed in something of their own. "session form": checks the browser's form token before anything else.
EXPECTED: dict[tuple[str, str], Needed] = {
    ("GET", "/"): "session",
    ("GET", "/docs"): "everybody",
    ("GET", "/openapi.json"): "everybody",
    ("GET", "/static/<path:name>"): "everybody",
    ("GET", "/favicon.ico"): "everybody",
    ("GET", "/healthz"): "everybody",
    ("GET", "/readyz"): "everybody",
    ("GET", "/metrics"): "everybody",
    ("POST", "/webhooks/stripe"): "signature",
    ("POST", "/webhooks/stripe/accounts/<account_id>"): "signature",
    ("GET", "/sign-in"): "everybody",
    ("POST", "/sign-in"): "session form",
    ("GET", "/sign-in/code"): "everybody",
    ("POST", "/sign-in/code"): "session form",
    ("GET", "/second-factor"): "session",
    ("POST", "/second-factor"): "session form",
    ("POST", "/second-factor/recovery-codes"): "session form",
    ("POST", "/second-factor/off"): "session form",
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
    ("GET", f"{PAGES}/notices"): "viewer",
    ("GET", f"{PAGES}/settings/notifications"): "viewer",
    ("POST", f"{PAGES}/settings/notifications"): "viewer",
    ("GET", WEBHOOKS): "admin",
    ("POST", WEBHOOKS): "admin",
    ("GET", f"{WEBHOOKS}/<int:endpoint_id>"): "admin",
    **{("POST", f"{WEBHOOKS}/<int:endpoint_id>/{step}"): "admin" for step in STEPS},
    ("GET", f"{PAGES}/settings/exports"): "editor",
    ("POST", f"{PAGES}/settings/exports"): "editor",
    **{
        ("POST", f"{PAGES}/settings/exports/<int:schedule_id>/{step}"): "editor"
        for step in ("pause", "resume", "delete")
    },
    ("GET", f"{TABLE}/by-hand"): "editor",
    ("POST", f"{TABLE}/by-hand"): "editor",
    ("POST", f"{TABLE}/by-hand/apply"): "editor",
    ("GET", f"{TABLE}/batches/<batch_id>"): "viewer",
    ("POST", f"{TABLE}/batches/<batch_id>/undo"): "editor",
    ("POST", f"{TABLE}/lines/<line_id>/mapping"): "editor",
    ("POST", f"{TABLE}/lines/<line_id>/mapping/release"): "editor",
    ("GET", RULE_PAGES): "viewer",
    ("POST", RULE_PAGES): "editor",
    ("GET", f"{RULE_PAGES}/new"): "editor",
    ("POST", f"{RULE_PAGES}/editor"): "editor",
    ("GET", f"{RULE_PAGES}/rule/<rule_id>"): "editor",
    ("POST", f"{RULE_PAGES}/rule/<rule_id>"): "editor",
    **{
        ("POST", f"{RULE_PAGES}/rule/<rule_id>/{step}"): "editor"
        for step in ("up", "down", "enable", "disable", "copy", "delete", "restore")
    },
    ("POST", f"{RULE_PAGES}/order"): "editor",
    ("POST", f"{RULE_PAGES}/discard"): "editor",
    ("POST", f"{RULE_PAGES}/previews"): "editor",
    ("GET", f"{RULE_PAGES}/previews/<int:preview_id>"): "viewer",
    ("GET", f"{RULE_PAGES}/previews/<int:preview_id>/progress"): "viewer",
    ("POST", f"{RULE_PAGES}/previews/<int:preview_id>/cancel"): "editor",
    ("POST", f"{RULE_PAGES}/previews/<int:preview_id>/publish"): "admin",
    ("GET", f"{RULE_PAGES}/versions"): "viewer",
    ("GET", f"{RULE_PAGES}/versions/<int:version>"): "viewer",
    ("POST", f"{RULE_PAGES}/versions/<int:version>/revert"): "admin",
    ("GET", "/connect/stripe"): "admin",
    ("GET", "/connect/stripe/callback"): "everybody",
    ("GET", TABLE): "viewer",
    ("GET", f"{TABLE}/rows"): "viewer",
    ("GET", f"{PAGES}/recognition"): "viewer",
    ("GET", f"{PAGES}/recognition/explanation"): "viewer",
    ("GET", f"{PAGES}/credit-notes"): "viewer",
    ("GET", f"{TABLE}/figures"): "viewer",
    ("GET", f"{TABLE}/freshness"): "viewer",
    ("GET", f"{TABLE}/quarantine"): "viewer",
    ("POST", f"{TABLE}/quarantine/<int:position>/fetch"): "editor",
    ("GET", f"{TABLE}/lines/<line_id>"): "viewer",
    ("GET", f"{TABLE}/events/<int:position>"): "editor",
    ("GET", f"{TABLE}/suggestions"): "viewer",
    ("POST", f"{TABLE}/preference"): "viewer",
    ("POST", f"{TABLE}/preference/widths"): "viewer",
    ("POST", f"{TABLE}/preference/reset"): "viewer",
    ("POST", f"{TABLE}/views"): "viewer",
    ("GET", f"{TABLE}/views/<int:view_id>"): "viewer",
    ("POST", f"{TABLE}/views/<int:view_id>"): "viewer",
    ("POST", f"{TABLE}/views/<int:view_id>/delete"): "viewer",
    ("GET", f"{V1}/revenue-lines"): "viewer",
    ("GET", f"{V1}/revenue-lines/<line_id>"): "viewer",
    ("GET", f"{V1}/revenue-lines.csv"): "viewer",
    ("GET", f"{V1}/revenue-lines.xlsx"): "viewer",
    ("GET", f"{V1}/revenue-lines/suggestions"): "viewer",
    ("GET", f"{V1}/views"): "viewer",
    ("POST", f"{V1}/views"): "viewer",
    ("GET", f"{V1}/views/<int:view_id>"): "viewer",
    ("PATCH", f"{V1}/views/<int:view_id>"): "viewer",
    ("DELETE", f"{V1}/views/<int:view_id>"): "viewer",
    ("GET", f"{V1}/quarantine"): "viewer",
    ("GET", f"{V1}/revenue-lines/<line_id>/history"): "viewer",
    ("GET", f"{V1}/revenue-by-month"): "viewer",
    ("GET", f"{V1}/changes"): "viewer",
    ("GET", f"{V1}/credit-notes"): "viewer",
    **{
        ("GET", f"{V1}/reports/{report}{ending}"): "viewer"
        for report, ending in product(REPORTS, ("", ".csv", ".xlsx"))
    },
    ("GET", f"{V1}/explanations"): "viewer",
    ("GET", f"{V1}/revenue-lines/<line_id>/recognition"): "viewer",
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
    ("GET", "/sign-up"): "everybody",
    ("POST", "/sign-up"): "session form",
    ("GET", "/invitations/<token>"): "everybody",
    ("POST", "/invitations/<token>"): "session form",
    ("GET", "/forgotten-password"): "everybody",
    ("POST", "/forgotten-password"): "session form",
    ("GET", "/new-password/<token>"): "everybody",
    ("POST", "/new-password/<token>"): "session form",
    ("GET", f"{PAGES}/account"): "viewer",
    ("POST", f"{PAGES}/account/name"): "viewer",
    ("POST", f"{PAGES}/account/password"): "viewer",
    ("POST", f"{PAGES}/account/sessions/<int:session_id>/end"): "viewer",
    ("POST", f"{PAGES}/account/sessions/end"): "viewer",
    ("GET", f"{PAGES}/people"): "viewer",
    ("POST", f"{PAGES}/people/invitations"): "admin",
    ("POST", f"{PAGES}/people/invitations/<int:invitation_id>/revoke"): "admin",
    ("POST", f"{PAGES}/people/<int:user_id>/role"): "admin",
    ("POST", f"{PAGES}/people/<int:user_id>/remove"): "admin",
    ("POST", f"{PAGES}/people/<int:user_id>/password-link"): "admin",
    ("GET", f"{PAGES}/api-keys"): "viewer",
    ("POST", f"{PAGES}/api-keys"): "admin",
    ("POST", f"{PAGES}/api-keys/<int:key_id>/revoke"): "admin",
    ("GET", f"{PAGES}/company"): "viewer",
    ("POST", f"{PAGES}/company"): "admin",
    ("GET", f"{PAGES}/audit"): "editor",
    ("GET", "/v1/me"): "any caller",
    ("GET", V1): "viewer",
    ("PATCH", V1): "admin",
    ("GET", f"{V1}/members"): "admin",
    ("PATCH", f"{V1}/members/<int:user_id>"): "admin",
    ("DELETE", f"{V1}/members/<int:user_id>"): "admin",
    ("POST", f"{V1}/members/<int:user_id>/password-link"): "admin",
    ("GET", f"{V1}/invitations"): "admin",
    ("POST", f"{V1}/invitations"): "admin",
    ("DELETE", f"{V1}/invitations/<int:invitation_id>"): "admin",
    ("GET", f"{V1}/api-keys"): "admin",
    ("POST", f"{V1}/api-keys"): "admin",
    ("DELETE", f"{V1}/api-keys/<int:key_id>"): "admin",
    ("GET", f"{V1}/audit"): "editor",
    ("GET", f"{V1}/webhook-endpoints"): "admin",
    ("POST", f"{V1}/webhook-endpoints"): "admin",
    ("GET", f"{V1}/webhook-endpoints/<int:endpoint_id>"): "admin",
    ("PATCH", f"{V1}/webhook-endpoints/<int:endpoint_id>"): "admin",
    ("DELETE", f"{V1}/webhook-endpoints/<int:endpoint_id>"): "admin",
    ("POST", f"{V1}/webhook-endpoints/<int:endpoint_id>/rotate-secret"): "admin",
    ("GET", f"{V1}/webhook-endpoints/<int:endpoint_id>/deliveries"): "admin",
    ("POST", f"{V1}/webhook-endpoints/<int:endpoint_id>/deliveries/<int:delivery_id>/redeliver"): "admin",
    ("GET", f"{V1}/notifications"): "viewer",
    ("PUT", f"{V1}/notifications"): "viewer",
    ("GET", f"{V1}/export-schedules"): "editor",
    ("POST", f"{V1}/export-schedules"): "editor",
    ("PATCH", f"{V1}/export-schedules/<int:schedule_id>"): "editor",
    ("DELETE", f"{V1}/export-schedules/<int:schedule_id>"): "editor",
    ("GET", f"{V1}/streams"): "viewer",
    ("POST", f"{V1}/streams"): "editor",
    ("PATCH", f"{V1}/streams/<stream_id>"): "editor",
    ("POST", f"{V1}/streams/<stream_id>/plans"): "editor",
    ("PATCH", f"{V1}/streams/<stream_id>/plans/<plan_id>"): "editor",
    ("GET", f"{V1}/rule-draft"): "viewer",
    ("PUT", f"{V1}/rule-draft"): "editor",
    ("DELETE", f"{V1}/rule-draft"): "editor",
    ("GET", f"{V1}/rule-sets"): "viewer",
    ("GET", f"{V1}/rule-sets/<int:version>"): "viewer",
    ("POST", f"{V1}/rule-sets/<int:version>/revert"): "admin",
    ("POST", f"{V1}/rule-draft/previews"): "editor",
    ("GET", f"{V1}/rule-previews/<int:preview_id>"): "viewer",
    ("POST", f"{V1}/rule-previews/<int:preview_id>/cancel"): "editor",
    ("POST", f"{V1}/rule-previews/<int:preview_id>/publish"): "admin",
    ("PUT", f"{V1}/revenue-lines/<line_id>/mapping"): "editor",
    ("DELETE", f"{V1}/revenue-lines/<line_id>/mapping"): "editor",
    ("PUT", f"{V1}/subscriptions/<subscription_id>/mapping"): "editor",
    ("DELETE", f"{V1}/subscriptions/<subscription_id>/mapping"): "editor",
    ("POST", f"{V1}/mapping-overrides"): "editor",
    ("DELETE", f"{V1}/mapping-overrides/<batch_id>"): "editor",
    ("GET", f"{V1}/unmapped"): "viewer",
    ("GET", f"{PAGES}/unmapped"): "viewer",
    ("POST", f"{PAGES}/unmapped"): "editor",
    ("GET", STREAMS_PAGE): "viewer",
    ("POST", STREAMS_PAGE): "editor",
    **{("POST", f"{STREAMS_PAGE}/<stream_id>/{step}"): "editor" for step in ("change", "archive", "restore", "plans")},
    **{
        ("POST", f"{STREAMS_PAGE}/<stream_id>/plans/<plan_id>/{step}"): "editor"
        for step in ("rename", "archive", "restore")
    },
    ("GET", f"{PAGES}/settings/accounting-policy"): "admin",
    ("POST", f"{PAGES}/settings/accounting-policy"): "admin",
    ("GET", f"{V1}/accounting-policy"): "admin",
    ("PUT", f"{V1}/accounting-policy"): "admin",
}
# Of what these change, some is the company's and for editors alone, and some is somebody else's and not there at all.
OWNED = {
    ("POST", f"{TABLE}/views/<int:view_id>"),
    ("POST", f"{TABLE}/views/<int:view_id>/delete"),
    ("PATCH", f"{V1}/views/<int:view_id>"),
    ("DELETE", f"{V1}/views/<int:view_id>"),
}
# Where what is another company's and what does not exist are told apart by nothing.
STRICTLY = (
    "<line_id>",
    "endpoint_id",
    "schedule_id",
    "stream_id",
    "batch_id",
    "subscription_id",
    "<int:version>",
    "preview_id",
)
# Ids below a company: one of ours, one of theirs, one that does not exist.
IDS = {
    "line_id": ("il_mine", "il_CANARY", "il_none"),
    "name": ("docs.css", "docs.css", "none"),
    "account_id": ("acct_ours", "acct_CANARY", "acct_none"),
    "run_id": ("1", "2", "3000"),
    "position": ("3", "3", "3000"),
    "view_id": ("1", "2", "3000"),
    "token": ("none", "CANARY-token", "nothing"),
    "session_id": ("3000", "3", "3001"),
    # The last admin of ours, whom nobody removes, and theirs.
    "user_id": ("6", "3", "3000"),
    "invitation_id": ("1", "2", "3000"),
    # Ours was revoked before.
    "key_id": ("1", "2", "3000"),
    "endpoint_id": ("1", "2", "3000"),
    "delivery_id": ("1", "2", "3000"),
    "schedule_id": ("1", "2", "3000"),
    "stream_id": ("str_mine", "str_CANARY", "str_none"),
    "plan_id": ("pln_mine", "pln_CANARY", "pln_none"),
    "batch_id": ("ovr_mine", "ovr_CANARY", "ovr_none"),
    "subscription_id": ("sub_1", "sub_CANARY", "sub_none"),
    "version": ("1", "2", "3000"),
    "preview_id": ("1", "2", "3000"),
    "rule_id": ("rule_mine", "rule_CANARY", "rule_none"),
}
_ENDPOINT = """
    INSERT INTO webhook_endpoint (id, company_id, url, types, created_at) OVERRIDING SYSTEM VALUE
    VALUES (:id, :company_id, 'https://' || :name || '.test', '{sync.failed}', '2026-03-01') ON CONFLICT DO NOTHING
"""
_DELIVERY = """
    INSERT INTO webhook_delivery (id, company_id, endpoint_id, type, occurred_at, body) OVERRIDING SYSTEM VALUE
    VALUES (:id, :company_id, :id, 'sync.failed', '2026-03-01', :name) ON CONFLICT DO NOTHING
"""
_SCHEDULE = """
    INSERT INTO export_schedule (id, company_id, format, view, recurs, hour, time_zone, emails, created_by, created_at)
    OVERRIDING SYSTEM VALUE
    VALUES (:id, :company_id, 'csv', '{}', 'daily', 6, 'UTC', '{}', :name, '2026-03-01') ON CONFLICT DO NOTHING
"""
SIGN_OUT = ("/sign-out", "/sessions/end")
# There is a time zone of the islands.
CANARY = re.compile("(?<!Atlantic/)CANARY", re.IGNORECASE)


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
    engine: Engine

    def put_back(self) -> None:
        """Put back what a caller may have deleted."""
        with self.engine.begin() as connection:
            for number, company_id, name in ((1, self.ours, "mine"), (2, self.theirs, "CANARY")):
                connection.execute(text(_ENDPOINT), {"id": number, "company_id": company_id, "name": name})
                connection.execute(text(_DELIVERY), {"id": number, "company_id": company_id, "name": name})
                connection.execute(text(_SCHEDULE), {"id": number, "company_id": company_id, "name": name})

    def served(self) -> list[tuple[str, str]]:
        # What signs a caller out comes last.
        rules = sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.rule.endswith(SIGN_OUT))
        return [
            (method, rule.rule) for rule in rules for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]

    def asked_for(self, trials: Trials) -> Iterator[tuple[str, str, list[Caller]]]:
        """Yield what is served with the callers to ask for it: in each trial a third of them, in turn."""
        parts = {seed % 3 for seed in trials.seeds()}
        for place, (method, rule) in enumerate(self.served()):
            yield method, rule, [one for number, one in enumerate(self.callers, start=place) if number % 3 in parts]


@pytest.fixture
def site(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[Site]:
    # With this pause a stream ends after its first events.
    with ConnectSetup.running(replace(web_tools, pause=lambda _seconds: True), engine, clock) as setup:
        ours, theirs = company_with(engine, "acct_ours"), company_with(engine, "acct_CANARY")
        mine = new_invoice("in_mine", line_of("il_mine"), customer_name="Zed Inc")
        secret = new_invoice("in_CANARY", line_of("il_CANARY", description="CANARY"), customer_name="CANARY Inc")
        unread = new_invoice("in_unread", status="pondering")
        record_events(engine, event(mine, account="acct_ours"), event(secret, account="acct_CANARY"))
        record_events(engine, event(unread, account="acct_ours"))
        catch_up(engine)
        for company_id, actor in ((ours, "tests"), (theirs, "CANARY")):
            with engine.begin() as connection:
                request_sync(connection, company_id, trigger="manual", actor=actor, now=clock())
                invite(connection, company_id, email=f"{actor}@example.org", role="viewer", actor=actor, now=clock())
                add_view(connection, company_id, NewView(None, actor, {"q": actor}), actor=actor, now=clock())
        for company_id, name in ((ours, "mine"), (theirs, "CANARY")):
            with engine.begin() as connection:
                map_something(Desk(connection, company_id, name, clock()), name)
        found = Site(setup.app, ours, theirs, callers_of(setup.app, engine, clock, ours, theirs), engine)
        found.put_back()
        yield found


def map_something(desk: Desk, name: str) -> None:
    """Record a stream with a plan, an override and a rule set, all of this name, and ask for a preview."""
    preview_draft(desk, livemode=True)
    stream_id, line = f"str_{name}", LineKey(True, f"in_{name}", f"il_{name}")  # noqa: FBT003 - livemode
    desk.record(STREAMS, [StreamCreated(stream_id, name), PlanCreated(f"pln_{name}", stream_id, name)])
    desk.record(LINES, [LinesOverridden(f"ovr_{name}", (line,), to(stream_id), name)])
    desk.record(RULES, [RulesPublished(1, [{"id": f"rule_{name}", "outcome": to(stream_id)}], note=name)])


def callers_of(app: Flask, engine: Engine, clock: SetClock, ours: int, theirs: int) -> list[Caller]:
    def person(name: str, company_id: int, role: Role) -> Browser:
        return signed_in(app, engine, company_id, role, email=f"{name}@example.org")

    def browser_caller(name: str, browser: Browser, role: Role | None, *, is_known: bool = True) -> Caller:
        return Caller(name, browser.client, {"X-CSRF-Token": browser.token()} if is_known else {}, role, is_known)

    def key_caller(name: str, headers: dict[str, str], role: Role | None, *, is_known: bool = True) -> Caller:
        return Caller(name, app.test_client(), headers, role, is_known)

    expired = person("expired", ours, "editor")
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


@pytest.mark.promise("Companies: every route, role and id is refused as if it did not exist")
def test_everybody_is_let_in_as_far_as_their_role_reaches_and_no_further(site: Site) -> None:
    wrong = []
    # What is owned comes last, but for what signs a caller out.
    for method, rule in sorted(site.served(), key=lambda one: (one[1].endswith(SIGN_OUT), one in OWNED)):
        needed = EXPECTED[method, rule]
        if needed not in ROLES:
            continue
        for caller in site.callers:
            if "endpoint_id" in rule or "schedule_id" in rule:
                site.put_back()
            status = caller.request(method, path_of(rule, site.ours, 0)).status_code
            if (method, rule) in OWNED and caller.role and status in (403, 404):
                continue
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


@pytest.mark.promise("Companies: every route, role and id is refused as if it did not exist", trials=(1, 3))
def test_another_companys_resource_and_a_missing_one_get_the_same_response(site: Site, trials: Trials) -> None:
    wrong = []
    for method, rule, callers in site.asked_for(trials):
        if EXPECTED[method, rule] not in ROLES:
            continue
        for caller in callers:
            missing = [path_of(rule, site.ours, 2), path_of(rule, 999_999, 0)]
            foreign = [path_of(rule, site.ours, 1), path_of(rule, site.theirs, 1)]
            if caller.name.startswith("another company's"):
                foreign.pop()  # belongs to this caller
            for absent, theirs in zip(missing, foreign, strict=False):
                if "999999" in absent or any(name in rule for name in STRICTLY):
                    answers = [caller.request(method, path) for path in (absent, theirs)]
                    if comparable(answers[0]) != comparable(answers[1]):
                        wrong.append((caller.name, method, absent, theirs, [one.status_code for one in answers]))
    assert wrong == []


def comparable(answer: TestResponse) -> tuple[object, ...]:
    """Return a response without its request id and without what its own address names, to compare responses."""
    if answer.mimetype == "application/problem+json":
        return without_request_id(answer)
    seen = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "…", without_next_path(text_of(answer)))
    return answer.status_code, re.sub(r"company(=|%3D|%253D)\d+", "company=…", seen)


def text_of(answer: TestResponse) -> str:
    """Return the text of a response; of a workbook, the texts of all its parts."""
    if not answer.data.startswith(b"PK"):
        return answer.text
    with ZipFile(BytesIO(answer.data)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def without_next_path(seen: str) -> str:
    """Return a text without the address to return to after signing in."""
    return re.sub(r"next=[\w%.-]+", "next=…", seen)


@pytest.mark.promise("Companies: every route, role and id is refused as if it did not exist", trials=(1, 3))
def test_a_canary_of_one_company_is_seen_by_nobody_else(
    site: Site, trials: Trials, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "app")
    leaks = []
    for method, rule, callers in site.asked_for(trials):
        paths = {path_of(rule, company_id, place) for company_id in (site.ours, site.theirs) for place in (0, 1)}
        for caller in callers:
            if caller.name.startswith("another company's"):
                continue
            for path in sorted(paths):
                answer = caller.request(method, path)
                # A form may name its own address, and its id.
                named = re.compile("|".join(re.escape(part) for part in path.split("/") if "CANARY" in part) or "$^")
                seen = named.sub("…", without_next_path(f"{answer.headers} {text_of(answer)}"))
                if CANARY.search(seen):
                    leaks.append((caller.name, method, path))
    stored = b"".join(redis.dump(key) or b"" for key in redis.scan_iter("*"))

    assert leaks == []
    assert not CANARY.search("".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records))
    assert b"CANARY" not in stored


def test_its_owner_sees_the_canary(site: Site) -> None:
    owner = next(caller for caller in site.callers if caller.name == "another company's key")

    for below in ("", ".csv", ".xlsx"):
        assert "CANARY" in text_of(owner.request("GET", path_of(f"{V1}/revenue-lines{below}", site.theirs, 1)))


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

    # Of everybody else it is the same code that lets them in or refuses them.
    callers = [
        one for one in site.callers if one.name in ("anonymous", "another company's admin", "admin", "admin key")
    ]
    assert len(callers) == 4
    before = state()
    for method, rule in site.served():
        for caller in callers:
            if method == "GET":
                caller.request("GET", path_of(rule, site.ours, 0))
                caller.request("HEAD", path_of(rule, site.ours, 0))

    assert state() == before
