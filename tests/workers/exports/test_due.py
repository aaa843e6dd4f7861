"""Exports that are due: told once, as of the moment at which they were due, with a link to the ordinary export."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from backlog.exports.recurrence import Recurrence
from backlog.exports.schedules import Plan, add_schedule, change_schedule, list_schedules, runs_of
from notices.mail import claim_letters
from tenants.secrets import SecretBox
from tests.support.clock import NOON, SetClock
from tests.support.web.lines import Reader, line_of
from tests.support.web.people import add_member
from workers.clock_process import sweep
from workers.exports.due import tell_due_exports
from workers.exports.telling import Messenger
from workers.wiring.tools import Tools

MONTHLY = Recurrence("monthly", 1, 0, "UTC")
DUE = datetime(2026, 4, 1, tzinfo=UTC)
BOX = SecretBox([b"k" * 32])
MESSENGER = Messenger(BOX, "https://books.example.org", sends_mail=True)


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def scheduled(reader: Reader, view: Mapping[str, str], *emails: str, recurrence: Recurrence = MONTHLY) -> int:
    plan = Plan("csv", view, recurrence, emails)
    with reader.engine.begin() as connection:
        return add_schedule(connection, reader.company_id, plan, actor="tests", key=None, now=NOON)


def record_as_of(reader: Reader, **positions: datetime) -> None:
    """Let the log have recorded events at these times."""
    with reader.engine.begin() as connection:
        connection.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        for position, moment in positions.items():
            connection.execute(
                text("UPDATE event SET recorded_at = :at WHERE position = :position"),
                {"at": moment, "position": int(position.removeprefix("at"))},
            )


def letters(engine: Engine, now: datetime) -> dict[str, str]:
    return {letter.recipient: "\n".join(letter.open(BOX)) for letter in claim_letters(engine, now=now)}


def runs(reader: Reader, schedule_id: int) -> list[Any]:
    with reader.engine.connect() as connection:
        return runs_of(connection, reader.company_id, [schedule_id]).get(schedule_id, [])


def test_members_are_sent_a_link_to_the_lines_as_of_the_due_moment(reader: Reader, engine: Engine) -> None:
    add_member(engine, reader.company_id, email="ada@example.org")
    schedule = scheduled(
        reader, {"sort": "date", "q": "il_", "columns": "invoice_line_item_id"}, "ada@example.org", "left@example.org"
    )
    reader.add_lines(line_of("il_before"))
    reader.add_lines(line_of("il_after"), invoice_id="in_2")
    record_as_of(reader, at1=NOON, at2=NOON, at3=DUE, at4=DUE + timedelta(seconds=1))
    now = DUE + timedelta(seconds=2)

    assert tell_due_exports(engine, MESSENGER, now=now) == 1

    sent = letters(engine, now)
    assert list(sent) == ["ada@example.org"]
    assert "Revenue lines as of 2026-04-01 00:00 UTC (Company of acct_tests)" in sent["ada@example.org"]
    download, page = re.findall(r"https://books\.example\.org(/\S+)", sent["ada@example.org"])
    answer = reader.ask(download)
    assert answer.text == "invoice_line_item_id\r\nil_before\r\n"
    assert reader.ask(download, headers={}).status_code == 401
    assert urlsplit(page).path == f"/companies/{reader.company_id}/revenue-mapping"
    assert dict(parse_qsl(urlsplit(page).query)) == {"sort": "date", "q": "il_", "as_of": "3"}
    assert [(run.due_at, run.position, run.told_at) for run in runs(reader, schedule)] == [(DUE, 3, now)]


def test_programs_are_told_by_webhook_where_the_export_is(reader: Reader, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO webhook_endpoint (company_id, url, types, created_at) VALUES (:id, :url, :types, :now)"),
            {"id": reader.company_id, "url": "https://programs.test", "types": ["export.ready"], "now": NOON},
        )
    schedule = scheduled(reader, {"q": "il_"})
    reader.add_lines(line_of("il_1"))
    record_as_of(reader, at1=NOON, at2=NOON)

    tell_due_exports(engine, MESSENGER, now=DUE)

    with engine.connect() as connection:
        (told,) = connection.execute(text("SELECT data FROM webhook_delivery")).scalars()
    assert (told["schedule_id"], told["due_at"], told["position"]) == (schedule, "2026-04-01T00:00:00Z", 2)
    assert reader.ask(told["url"].removeprefix(MESSENGER.public_url)).status_code == 200


def test_several_clocks_tell_once_and_after_an_outage_the_last_moment_alone(reader: Reader, engine: Engine) -> None:
    schedule = scheduled(reader, {}, recurrence=Recurrence("daily", None, 6, "UTC"))
    now = NOON + timedelta(days=3)

    with ThreadPoolExecutor(4) as clocks:
        told = sum(clocks.map(lambda _: tell_due_exports(engine, MESSENGER, now=now), range(4)))

    assert told == 1
    assert [run.due_at for run in runs(reader, schedule)] == [datetime(2026, 3, 4, 6, tzinfo=UTC)]
    assert tell_due_exports(engine, MESSENGER, now=now + timedelta(hours=17)) == 0
    assert tell_due_exports(engine, MESSENGER, now=now + timedelta(hours=18)) == 1


def test_nobody_is_told_of_what_is_paused_or_without_a_mail_server(reader: Reader, engine: Engine) -> None:
    add_member(engine, reader.company_id, email="ada@example.org")
    paused, other = scheduled(reader, {}, "ada@example.org"), scheduled(reader, {}, "ada@example.org")
    with engine.begin() as connection:
        (row,) = list_schedules(connection, reader.company_id, paused)
        plan = Plan(row.format, row.view, MONTHLY, row.emails)
        change_schedule(connection, reader.company_id, paused, plan, is_paused=True, now=NOON)

    assert tell_due_exports(engine, MESSENGER._replace(sends_mail=False), now=DUE) == 1

    assert runs(reader, paused) == []
    assert [run.position for run in runs(reader, other)] != []
    assert letters(engine, DUE) == {}


def test_the_clock_tells_of_what_is_due(reader: Reader, tools: Tools, clock: SetClock) -> None:
    schedule = scheduled(reader, {})
    clock.now = DUE - timedelta(seconds=1)
    sweep(tools, is_long=False)
    assert runs(reader, schedule) == []

    clock.now = DUE
    sweep(tools, is_long=False)

    assert [run.told_at for run in runs(reader, schedule)] == [DUE]


def test_who_is_due_is_found_by_an_index_of_those_who_are_not_paused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(
            text("EXPLAIN SELECT id FROM export_schedule WHERE due_at <= now() ORDER BY due_at LIMIT 100")
        ).scalars()

        assert any("export_schedule_due" in line for line in plan)
