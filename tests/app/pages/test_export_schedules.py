"""Editors schedule exports of what the table shows, see what was due, and pause, resume and delete them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from tests.support.clock import SetClock
from tests.support.endpoints import BOX
from tests.support.web.lines import line_of
from tests.support.web.mapping_page import Visitor, text_of
from tests.support.web.people import add_member
from workers.exports.due import tell_due_exports
from workers.exports.telling import Messenger

FORM = {"format": "xlsx", "recurs": "monthly", "day": "1", "hour": "6", "time_zone": "Europe/Zurich"}


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Visitor:
    visitor = Visitor.of_new_company(app, engine, "editor")
    visitor.reader.add_lines(line_of("il_1"))
    return visitor


def path(editor: Visitor, below: str = "") -> str:
    return f"/companies/{editor.reader.company_id}/settings/exports{below}"


def send(editor: Visitor, below: str = "", /, **form: object) -> TestResponse:
    data = {"csrf_token": editor.browser.token()} | form
    answer: TestResponse = editor.browser.client.post(path(editor, below), data=data)
    return answer


def test_what_the_table_shows_is_scheduled_from_its_export_menu(editor: Visitor, engine: Engine) -> None:
    add_member(engine, editor.reader.company_id, "viewer", email="vi@zed.test")
    table = editor.page(currency="usd", invoice_status=["paid", "open"], sort="amount", columns="date,amount")
    link = re.search(r'href="(/companies/\d+/settings/exports[^"]*)"', table)
    assert link
    page = editor.follow(link[1])
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    hidden: dict[str, object] = {name: unescape(value) for name, value in fields}
    assert "Lines Status: Paid · Status: Open · Currency: USD · Order: Amount, smallest first" in text_of(page)

    several = {"invoice_status": ["paid", "open"], "emails": ["vi@zed.test"]}
    answer = send(editor, "", **hidden | FORM | several)

    assert answer.status_code == 303
    shown = text_of(editor.follow(answer.headers["Location"]))
    assert "Scheduled." in shown
    assert "Excel, every month on day 1 Active" in shown
    assert "At 06:00 Europe/Zurich Next" in shown
    assert "E-mail to vi@zed.test" in shown
    with engine.connect() as connection:
        view = connection.execute(text("SELECT view FROM export_schedule")).scalar_one()
    assert view["columns"] == "date,amount,currency"
    assert (view["invoice_status"], view["sort"]) == (["open", "paid"], "amount")


def test_what_was_due_is_downloaded_or_looked_at_as_of_then(editor: Visitor, engine: Engine, clock: SetClock) -> None:
    send(editor, **FORM | {"format": "csv", "recurs": "daily"}, currency="usd")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE event SET recorded_at = :now"), {"now": clock()})
    clock.advance(timedelta(hours=18))
    assert editor.browser.sign_in().status_code == 303
    assert tell_due_exports(engine, Messenger(BOX, "", sends_mail=False), now=clock()) == 1
    editor.reader.add_lines(line_of("il_2"), invoice_id="in_2")

    page = editor.follow(path(editor))

    assert "CSV, every day Active" in text_of(page)
    assert "2 Mar 2026, 05:00 UTC Download Show the lines" in text_of(page)
    file, table = (
        unescape(link) for link in re.findall(r'<li class="flow">.*?href="([^"]+)".*?href="([^"]+)"', page)[0]
    )
    assert len(editor.browser.get(file).text.splitlines()) == 2
    assert editor.follow(table).count('aria-rowindex="') == 2


def test_a_schedule_is_paused_resumed_and_deleted_also_after_its_reader_left(editor: Visitor, engine: Engine) -> None:
    add_member(engine, editor.reader.company_id, "viewer", email="vi@zed.test")
    send(editor, **FORM, emails=["vi@zed.test"])
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM membership WHERE role = 'viewer'"))
        schedule_id = connection.execute(text("SELECT id FROM export_schedule")).scalar_one()
    below = f"/{schedule_id}"

    paused, resumed, deleted = (
        text_of(editor.follow(send(editor, f"{below}/{step}").headers["Location"]))
        for step in ("pause", "resume", "delete")
    )

    assert "Paused. Every day" in paused
    assert "None while paused" in paused
    assert "Resumed." in resumed
    assert "on day 1 Active" in resumed
    assert "on day 1" not in deleted
    assert send(editor, f"{below}/pause").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"day": "32"}, "Enter a day from 1 to 31."),
        ({"day": ""}, "Enter a day from 1 to 31."),
        ({"hour": "24"}, "Choose an hour."),
        ({"time_zone": "Mars"}, "Choose a time zone from the list"),
        ({"recurs": "yearly"}, "Choose every day or every month."),
        ({"format": "pdf"}, "Choose CSV or Excel."),
        ({"emails": "stranger@zed.test"}, "Choose from the members of the company."),
        ({"cadence": "never"}, "These lines can't be scheduled."),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_lost(
    editor: Visitor, wrong: dict[str, str], says: str
) -> None:
    answer = send(editor, **FORM | {"q": "Zed & <i>"} | wrong)

    assert answer.status_code == 422
    assert says in text_of(answer.text)
    assert 'role="alert"' in answer.text
    assert 'name="q" value="Zed &amp; &lt;i&gt;"' in answer.text
    if "hour" not in wrong:
        assert '<option value="6" selected>' in answer.text


def test_viewers_are_not_offered_what_they_may_not_do(app: Flask, engine: Engine) -> None:
    viewer = Visitor.of_new_company(app, engine, "viewer")
    viewer.reader.add_lines(line_of("il_1"))

    assert "settings/exports" not in viewer.page()
    assert viewer.browser.get(path(viewer)).status_code == 403
