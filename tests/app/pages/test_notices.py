"""People see what needs them, choose what comes by e-mail, and admins look after webhook endpoints."""

import re

import pytest
from flask import Flask
from sqlalchemy import Engine

from notices.announcements import announce
from notices.attempts import Attempt, note_attempt
from notices.causes import open_notice
from notices.claims import claim_deliveries
from notices.connections import lose_access
from notices.vocabulary import ENDPOINT_DISABLED, QUARANTINE_OPENED, SYNC_FAILED
from tests.support.clock import NOON
from tests.support.endpoints import deliveries
from tests.support.web.people import signed_in
from tests.support.web.settings_page import Reader, text_of

URL = "https://hooks.zed.test/revmap"


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Reader:
    return Reader.of_new_company(app, engine)


def send(reader: Reader, below: str, **form: object) -> tuple[int, str]:
    """Send a form with the page's token; return the status, and the page it leads to."""
    data = {"csrf_token": reader.browser.token()} | form
    answer = reader.browser.client.post(reader.path(below), data=data)
    if answer.status_code == 303:
        return 303, reader.page(answer.headers["Location"])
    return answer.status_code, answer.text


def test_what_needs_somebody_is_listed_and_counted_on_every_page(admin: Reader, engine: Engine, app: Flask) -> None:
    assert "Nothing needs you" in admin.page(admin.path("/notices"))
    with engine.begin() as connection:
        lose_access(connection, admin.company_id, reason="stripe_event", occurred_at=NOON, now=NOON)
        details = {"reason": "the invoice's status '<b>odd' is not one we know"}
        open_notice(connection, admin.company_id, QUARANTINE_OPENED, "x", details, now=NOON)
        failed = {"error": {"title": "It broke.", "what_you_can_do": "Mend it."}, "failing_since": NOON.isoformat()}
        open_notice(connection, admin.company_id, SYNC_FAILED, "stripe", failed, now=NOON)
        open_notice(connection, admin.company_id, ENDPOINT_DISABLED, "7", {"endpoint_id": 7, "url": URL}, now=NOON)
    viewer = Reader(signed_in(app, engine, admin.company_id, "viewer", email="vi@zed.test"), admin.company_id)

    page = admin.page(admin.path("/notices"))

    shown = text_of(page)
    assert "Stripe has to be connected again" in shown
    assert "in a form we can't read: we don't know the status “<b>odd”." in shown
    assert URL in shown
    assert "<b>odd" not in page
    # The connection is lost, so that syncs fail needs nobody.
    assert "Syncs with Stripe keep failing" not in shown
    assert re.search(r'badge bad">3<', admin.settings())
    assert re.search(r'badge bad">2<', viewer.settings())
    assert URL not in viewer.page(viewer.path("/notices"))
    for link in re.findall(r'<a class="btn" href="([^"]+)"', page):
        assert admin.browser.get(link).status_code == 200


def test_a_person_chooses_what_comes_by_email(admin: Reader) -> None:
    below = "/settings/notifications"
    page = admin.page(admin.path(below))
    assert page.count(" checked") == 5
    assert "your operator needs to set SMTP_URL" in text_of(page)

    status, saved = send(admin, below, types=[SYNC_FAILED, "nonsense"])

    assert status == 303
    assert "Saved." in text_of(saved)
    assert re.findall(r'value="([\w.]+)" checked', saved) == ["sync.failed"]


def test_an_endpoint_is_added_and_its_secret_shown_once(admin: Reader) -> None:
    status, page = send(admin, "/settings/webhooks", url=URL, types=[SYNC_FAILED], description="Ours & theirs")
    secret = re.search(r"whsec_[\w+/=]+", page)

    assert status == 200
    assert secret is not None
    listed = admin.page(admin.path("/settings/webhooks"))
    assert "https://hooks.zed.test/revmap Ours & theirs sync.failed Enabled" in text_of(listed)
    (link,) = re.findall(r'href="(/companies/\d+/settings/webhooks/\d+)"', listed)
    assert secret[0] not in admin.page(link)


@pytest.mark.parametrize(
    ("form", "mistake"),
    [
        ({"url": "http://hooks.zed.test", "types": [SYNC_FAILED]}, "Enter a URL that begins with https://."),
        ({"url": "https://10.0.0.1/", "types": [SYNC_FAILED]}, "Enter an address that can be reached from"),
        ({"url": URL}, "Choose at least one type of webhook."),
    ],
)
def test_a_mistake_is_said_beside_the_field_and_nothing_that_was_typed_is_lost(
    admin: Reader, form: dict[str, object], mistake: str
) -> None:
    status, page = send(admin, "/settings/webhooks", description="Kept", **form)

    assert (status, 'aria-describedby="mistake"' in page) == (422, True)
    assert mistake in text_of(page)
    assert f'value="{form["url"]}"' in page
    assert 'value="Kept"' in page


def test_an_endpoint_shows_what_was_sent_and_is_looked_after(admin: Reader, engine: Engine) -> None:
    _, page = send(admin, "/settings/webhooks", url=URL, types=[SYNC_FAILED])
    (endpoint,) = set(re.findall(rf"{admin.path('')}(/settings/webhooks/\d+)/disable", page))
    with engine.begin() as connection:
        announce(connection, admin.company_id, SYNC_FAILED, {"sync_id": 7}, now=NOON)
    (leased,) = claim_deliveries(engine, {"new": 1})
    note_attempt(engine, leased, Attempt(NOON, 1234, 500, "<i>no</i>", None), now=NOON)

    shown = admin.page(admin.path(endpoint))
    assert "sync.failed Waiting 1 attempt" in text_of(shown)
    assert "500 <i>no</i> 1,234 ms" in text_of(shown)
    assert "<i>no" not in shown
    assert "Failing" in text_of(shown)
    assert send(admin, f"{endpoint}/deliveries/{leased.id}/redeliver")[0] == 303
    assert deliveries(engine)[0].status == "waiting"
    assert "Disabled" in text_of(send(admin, f"{endpoint}/disable")[1])
    assert send(admin, f"{endpoint}/deliveries/{leased.id}/redeliver")[0] == 409
    assert "Enabled" in text_of(send(admin, f"{endpoint}/enable")[1])
    assert "whsec_" in send(admin, f"{endpoint}/rotate-secret")[1]
    changed = send(admin, f"{endpoint}/change", url="https://new.zed.test/", types=["sync.succeeded"])[1]
    assert "https://new.zed.test/" in text_of(changed)
    assert send(admin, f"{endpoint}/change", url="https://localhost/", types=["sync.succeeded"])[0] == 422
    assert send(admin, f"{endpoint}/delete")[0] == 303
    assert admin.browser.get(admin.path(endpoint)).status_code == 404


def test_older_deliveries_are_a_click_away(admin: Reader, engine: Engine) -> None:
    _, page = send(admin, "/settings/webhooks", url=URL, types=[SYNC_FAILED])
    (endpoint,) = set(re.findall(rf"{admin.path('')}(/settings/webhooks/\d+)/disable", page))
    with engine.begin() as connection:
        for number in range(30):
            announce(connection, admin.company_id, SYNC_FAILED, {"sync_id": number}, now=NOON)

    first = admin.page(admin.path(endpoint))
    (older,) = re.findall(r'href="([^"]+\?before=\d+)"', first)

    assert (first.count("<details>"), admin.page(older).count("/redeliver")) == (26, 5)
