"""Every read names its company by itself: with the second wall down, another company's rows still change no answer.

Row-level security would hide that a statement lacks its company, from tests as from everybody. So it is turned off,
and two companies have the same ids at Stripe, in another order and with other contents.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from backlog.syncs.requests import request_sync
from mapping.drafts import draft_of, save_draft
from mapping.policy import set_policy
from mapping.previews import preview_draft
from mapping.recorded import LINES, RULES, STREAMS, Desk
from projections.mapping.decisions.payloads import LineKey, LinesOverridden, PlanCreated, RulesPublished, StreamCreated
from tenants.people.invitations import invite
from tenants.views.saved_views import NewView, add_view
from tests.support.clock import SetClock
from tests.support.company import catch_up, company_with, new_key_headers, record_events
from tests.support.payloads import credit_note, credit_note_line, event, new_invoice, price, product
from tests.support.rows import rows_of
from tests.support.rules import to
from tests.support.web.lines import line_of
from tests.support.web.people import signed_in
from tests.support.web.stripe_page import ConnectSetup

# Ids that both companies have; numbers of rows are one company's alone, so that the first few are all tried.
IDS = {
    "line_id": "il_1",
    "stream_id": "str_1",
    "plan_id": "pln_1",
    "batch_id": "ovr_1",
    "rule_id": "rule_1",
    "subscription_id": "sub_1",
}
NUMBERS = range(1, 7)
# What a read needs in order to read anything.
QUERIES = {
    "/v1/companies/<int:company_id>/explanations": ("report=recognition&month=2026-01&currency=usd&stream_id=str_1",),
    "/v1/companies/<int:company_id>/revenue-lines/suggestions": tuple(
        f"field={field}&q={written}"
        for field, written in (("customer", "zed"), ("product", "plan"), ("price", "price"), ("subscription", "sub"))
    ),
    "/companies/<int:company_id>/revenue-mapping/suggestions": ("field=customer&q=zed",),
    "/companies/<int:company_id>/recognition/explanation": ("report=recognition&month=2026-01&currency=usd",),
}
# Tells people of themselves, and keys nothing.
PERSONAL = "/v1/companies/<int:company_id>/notifications"
_ROWS = (
    """
    INSERT INTO webhook_endpoint (company_id, url, types, created_at)
    VALUES (:company_id, 'https://' || :name || '.test', '{sync.failed}', '2026-03-01')
    """,
    """
    INSERT INTO webhook_delivery (company_id, endpoint_id, type, occurred_at, body)
    SELECT company_id, id, 'sync.failed', '2026-03-01', :name FROM webhook_endpoint WHERE company_id = :company_id
    """,
    """
    INSERT INTO export_schedule (company_id, format, view, recurs, hour, time_zone, emails, created_by, created_at)
    VALUES (:company_id, 'csv', '{}', 'daily', 6, 'UTC', '{}', :name, '2026-03-01')
    """,
    """
    INSERT INTO fetch_request (company_id, livemode, kind, object_id, error)
    SELECT :company_id, true, 'invoice', 'in_unread', :name WHERE :name <> 'ours'
    """,
)


class Read(NamedTuple):
    """A path, and the rule that it is of."""

    rule: str
    path: str


class Answer(NamedTuple):
    """What is compared of a response."""

    status: int
    tag: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Reader:
    """An admin of a company in a browser, and an admin's key."""

    company_id: int
    client: FlaskClient
    token: str
    key: dict[str, str]
    api: FlaskClient

    def read(self, path: str) -> TestResponse:
        return self.request("GET", path)

    def request(self, method: str, path: str) -> TestResponse:
        if path.startswith("/v1/"):
            body: dict[str, object] | None = None if method in ("GET", "DELETE") else {}
            return self.api.open(path, method=method, headers=self.key, json=body, buffered=True)
        return self.client.open(path, method=method, headers={"X-CSRF-Token": self.token}, buffered=True)


@dataclass(frozen=True, slots=True)
class Site:
    """An app without the second wall."""

    app: Flask
    engine: Engine
    clock: SetClock

    def open_company(self, name: str, *, is_reversed: bool) -> Reader:
        """Create a company in which something of everything is named so, told forwards or in reverse."""
        company_id = company_with(self.engine, f"acct_{name}")
        facts = [
            event(one, kind, account=f"acct_{name}", id=f"evt_{number}")
            for number, (kind, one) in enumerate(facts_of(name))
        ]
        record_events(self.engine, *(reversed(facts) if is_reversed else facts))
        catch_up(self.engine)
        now = self.clock()
        with self.engine.begin() as connection:
            request_sync(connection, company_id, trigger="manual", actor=name, now=now)
            invite(connection, company_id, email=f"{name}@example.org", role="viewer", actor=name, now=now)
            add_view(connection, company_id, NewView(None, name, {"q": name}), actor=name, now=now)
            for statement in _ROWS:
                connection.execute(text(statement), {"company_id": company_id, "name": name})
        with self.engine.begin() as connection:
            map_something(Desk(connection, company_id, name, now), name)
        browser = signed_in(self.app, self.engine, company_id, "admin", email=f"admin@{name}.example.org")
        key = new_key_headers(self.engine, company_id, "admin")
        catch_up(self.engine)
        return Reader(company_id, browser.client, browser.token(), key, self.app.test_client())

    def reads(self, company_id: int) -> Iterator[tuple[str, str]]:
        """Yield the rule and the path of every read below a company, with every id."""
        for rule, path in self.below(company_id, "GET"):
            for numbered in sorted({re.sub(r"<int:\w+>", str(number), path) for number in NUMBERS}):
                yield rule, numbered
                yield from ((rule, f"{numbered}?{query}") for query in QUERIES.get(rule, ()))

    def below(self, company_id: int, method: str) -> Iterator[tuple[str, str]]:
        """Yield the rules below a company that take this method, and their paths but for numbers."""
        for rule in sorted(one.rule for one in self.app.url_map.iter_rules() if method in (one.methods or ())):
            if "<int:company_id>" in rule:
                path = re.sub("<int:company_id>", str(company_id), rule)
                yield rule, re.sub(r"<(\w+)>", lambda found: IDS[found[1]], path)


def facts_of(name: str) -> list[tuple[str, dict[str, object]]]:
    """Return the same objects for every name, with other contents."""
    amount = 100 * len(name)
    line = line_of("il_1", amount, description=f"plan of {name}")
    invoice = new_invoice("in_1", line, customer_name=f"Zed {name}")
    other = new_invoice(
        "in_2", line_of("il_2", 2 * amount, description=f"other of {name}"), customer_name=f"Zed {name}"
    )
    return [
        ("invoice.paid", invoice),
        ("price.created", price("price_q", "month", len(name))),
        ("product.created", product(f"Plan of {name}")),
        ("invoice.paid", other),
        ("credit_note.created", credit_note("cn_1", credit_note_line(amount=10 * len(name)))),
        ("invoice.paid", new_invoice("in_unread", status=f"pondering {name}")),
        ("invoice.updated", invoice),
    ]


def map_something(desk: Desk, name: str) -> None:
    """Record streams, overrides, rules, a draft and a policy: what is other than a plan stays unmapped."""
    line, time_zone = LineKey(True, "in_1", "il_1"), "Asia/Tokyo" if name == "ours" else "Asia/Seoul"  # noqa: FBT003 - livemode
    plans = [{"field": "description", "op": "contains", "value": "plan"}]
    rules: list[object] = [{"id": "rule_1", "conditions": plans, "outcome": to("str_1"), "name": name}]
    preview_draft(desk, livemode=True)
    desk.record(STREAMS, [StreamCreated("str_1", name), PlanCreated("pln_1", "str_1", name)])
    desk.record(LINES, [LinesOverridden("ovr_1", (line,), to("str_1"), name)])
    desk.record(RULES, [RulesPublished(1, rules, note=name)])
    set_policy(desk, {"time_zone": time_zone})
    save_draft(desk, rules, seen=draft_of(desk.connection, desk.company_id), pointer="")


@pytest.fixture
def site(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[Site]:
    with engine.begin() as connection:
        connection.exec_driver_sql("""
            DO $$ DECLARE t regclass; BEGIN
                FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP
                    EXECUTE format('ALTER TABLE %%s DISABLE ROW LEVEL SECURITY', t);
                END LOOP;
            END $$
        """)
    with ConnectSetup.running(replace(web_tools, pause=lambda _seconds: True), engine, clock) as setup:
        yield Site(setup.app, engine, clock)


def positions(site: Site) -> list[int]:
    with site.engine.connect() as connection:
        return list(connection.scalars(text("SELECT position FROM company_head ORDER BY company_id")))


def read_all(site: Site, reader: Reader) -> dict[Read, Answer]:
    """Return the answer to every read; they are named as if the company were the first one."""
    first = {path: rule for rule, path in site.reads(1)}
    paths = (path for _, path in site.reads(reader.company_id))
    return {
        Read(rule, named): answer_of(reader.read(path))
        for (named, rule), path in zip(first.items(), paths, strict=True)
    }


def answer_of(response: TestResponse) -> Answer:
    """Return a response without what is new in every one: ids of requests and forms."""
    seen = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=name=\"once\" value=\")[0-9a-f]+", "…", text_of(response))
    return Answer(response.status_code, response.headers.get("ETag"), seen)


def text_of(response: TestResponse) -> str:
    """Return the text of a response; of a workbook, the texts of all its parts."""
    if not response.data.startswith(b"PK"):
        return response.text
    with ZipFile(BytesIO(response.data)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.promise("Companies: nothing read or written reaches another one, with either wall alone")
def test_what_a_company_reads_is_the_same_alone_and_beside_another_one_with_the_same_ids(site: Site) -> None:
    ours = site.open_company("ours", is_reversed=False)
    for _, path in list(site.reads(ours.company_id))[::40]:
        ours.read(path)  # what notes the use of a key or a session has noted it
    alone = read_all(site, ours)
    theirs = site.open_company("others", is_reversed=True)
    beside, others = read_all(site, ours), read_all(site, theirs)

    assert {one.path for one, answer in beside.items() if answer != alone[one]} == set()
    # Otherwise the same answers would prove nothing.
    shown = [one for one, answer in alone.items() if answer.status < 400]
    assert {one.rule for one in alone} - {one.rule for one in shown} == {PERSONAL}
    assert {one.path for one in shown if alone[one].text == others[one].text} == set()
    # The same address never has the same tag for other contents, in builds and at positions that are the same.
    assert len(positions(site)) == 2
    assert len(set(positions(site))) == 1
    assert {one.path for one in shown if alone[one].tag and alone[one].tag == others[one].tag} == set()


@pytest.mark.promise("Companies: nothing read or written reaches another one, with either wall alone")
def test_what_a_company_writes_changes_nothing_of_another_one_whatever_numbers_it_names(site: Site) -> None:
    ours = site.open_company("ours", is_reversed=False)
    theirs = site.open_company("others", is_reversed=True)
    before = rows_of(site.engine, theirs.company_id)
    # What signs others out comes last, in case it signs out whoever asks.
    writes = sorted(
        ((method, path) for method in ("PUT", "PATCH", "POST", "DELETE") for _, path in site.below(1, method)),
        key=lambda one: one[1].endswith("/sessions/end"),
    )
    assert ours.company_id == 1  # so that most of what has the number 2 is theirs

    answers = [ours.request(method, re.sub(r"<int:\w+>", "2", path)) for method, path in writes]
    assert not any(answer.headers.get("Location", "").startswith("/sign-in") for answer in answers[:-1])
    after = rows_of(site.engine, theirs.company_id)
    assert {table for table in before if before[table] != after[table]} == set()
