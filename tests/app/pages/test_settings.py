"""Integrations settings: the state of the connection, the actions offered to each role, and how failures are shown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app.wiring.tools import Tools
from events.connection.accounts import Account, authorize
from events.connection.lifecycle import disconnect, note_deauthorized, pause
from sandbox.stripe.faults.faults import Fault, FaultKind
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tenants.companies import add_company
from tests.support.clock import NOON, SetClock
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import event, new_invoice
from tests.support.syncs.run_states import (
    FAILED,
    PARTIALLY_SUCCEEDED,
    SUCCEEDED,
    finish_run,
    record_progress,
    request_run,
    start_run,
)
from tests.support.web.people import signed_in
from tests.support.web.settings_page import Reader, text_of
from tests.support.web.stripe_page import ConnectSetup
from tests.support.web.tools import app_with


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Reader:
    return Reader.of_new_company(app, engine)


@pytest.fixture
def setup(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[ConnectSetup]:
    with ConnectSetup.running(web_tools, engine, clock) as running:
        yield running


@pytest.fixture
def newcomer(setup: ConnectSetup, engine: Engine) -> Reader:
    """Return an admin of a company without an account, with a simulated Stripe to connect to."""
    with engine.begin() as connection:
        company_id = add_company(connection, "Acme & <b>Sons</b>").id
    return Reader(signed_in(setup.app, engine, company_id), company_id)


def test_who_is_not_connected_is_told_what_will_be_read(newcomer: Reader) -> None:
    told = text_of(newcomer.settings())

    assert "Revenue Stripe Not connected" in told
    assert "We read every finalized invoice, its customers and prices." in told


def test_who_may_connect_is_led_to_stripes_page_or_pastes_a_key_and_nobody_else(
    newcomer: Reader, setup: ConnectSetup, engine: Engine
) -> None:
    page = newcomer.settings()
    viewer = Reader(signed_in(setup.app, engine, newcomer.company_id, "viewer", email="bo@x.org"), newcomer.company_id)

    assert newcomer.offers(page) == {"/connect/stripe", "/connection/key"}
    assert viewer.offers(viewer.settings()) == set()
    assert "Ask an admin of Acme & <b>Sons</b> to connect the account." in text_of(viewer.settings())


def test_without_a_client_id_the_page_says_what_the_operator_does_and_takes_a_key(
    web_tools: Tools, engine: Engine
) -> None:
    with engine.begin() as connection:
        company_id = add_company(connection, "Acme").id
    admin = Reader(signed_in(app_with(replace(web_tools, connect=None)), engine, company_id), company_id)

    page = admin.settings()

    assert "your operator needs to set STRIPE_CLIENT_ID" in text_of(page)
    assert admin.offers(page) == {"/connection/key"}
    assert '<details class="card key" id="key" open>' in page


def test_names_of_others_stay_text(newcomer: Reader) -> None:
    page = newcomer.settings()

    assert "Acme &amp; &lt;b&gt;Sons&lt;/b&gt;" in page
    assert "<b>Sons" not in page


def test_somebody_comes_back_from_stripe_to_the_first_sync_and_the_way_to_its_rows(
    newcomer: Reader, setup: ConnectSetup
) -> None:
    back = setup.connect(newcomer.browser, newcomer.company_id, setup.acme)
    page = newcomer.page(back.headers["Location"])

    assert "Syncing" in text_of(page)
    assert "The first sync is running. Rows are already in the table" in text_of(page)
    assert f'<a href="/companies/{newcomer.company_id}/revenue-mapping">View rows</a>' in page
    assert f"{setup.acme.id} (live)" in text_of(page)


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("viewer", set()),
        ("editor", {"/syncs"}),
        ("admin", {"/syncs", "/connection/pause", "/connection/disconnect", "/connect/stripe"}),
    ],
)
def test_everybody_is_offered_what_their_role_may_do(
    setup: ConnectSetup, engine: Engine, role: str, offered: set[str]
) -> None:
    reader = Reader.of_new_company(setup.app, engine, role)  # type: ignore[arg-type]  # one of the three

    page = reader.settings()

    assert reader.offers(page) == offered
    assert ("Initiate Sync" in page) == (role != "viewer")
    assert "Sync history" in page


def test_a_proven_table_is_told_with_how_far_it_is_complete_and_when_it_is_proven_next(
    admin: Reader, engine: Engine, clock: SetClock
) -> None:
    lease = start_run(engine, admin.company_id)
    with engine.begin() as connection:
        connection.execute(text("UPDATE sync_run SET coverage_to = :noon"), {"noon": NOON})
    finish_run(engine, lease, SUCCEEDED)
    clock.advance(timedelta(hours=2))

    told = text_of(admin.settings())

    assert "The table matched Stripe's books 2 hours ago." in told
    assert "Last successful sync 2 hours ago" in told
    assert "Complete through 2 hours ago 1 Mar 2026, 12:00 UTC" in told
    assert "2 Mar 2026, 12:00 UTC Complete" in told
    assert "Last event from Stripe None recently" in told


def test_what_failed_says_whose_turn_it_is(admin: Reader, engine: Engine) -> None:
    finish_run(engine, start_run(engine, admin.company_id), FAILED)

    page = admin.settings()

    assert '<p class="verdict warn">' in page
    assert "We'll try again" in text_of(page)


def test_differences_are_counted_with_the_way_to_them(admin: Reader, engine: Engine) -> None:
    lease = start_run(engine, admin.company_id)
    finish_run(engine, lease, PARTIALLY_SUCCEEDED)

    page = admin.settings()

    assert f'<a href="{admin.path(f"/syncs/{lease.run_id}")}">3 differences</a>' in page


def test_what_was_revoked_at_stripe_is_red_and_offers_to_reconnect(setup: ConnectSetup, engine: Engine) -> None:
    admin = Reader.of_new_company(setup.app, engine)
    with engine.begin() as connection:
        note_deauthorized(connection, admin.company_id, reason="stripe_event", occurred_at=NOON, now=NOON)

    page = admin.settings()

    viewer = Reader(signed_in(setup.app, engine, admin.company_id, "viewer", email="bo@x.org"), admin.company_id)

    assert '<span class="badge bad">Reconnect needed</span>' in page
    assert "can do this." in text_of(viewer.settings())
    assert "can do this." not in text_of(page)
    assert ">Reconnect Stripe</a>" in page
    assert "/syncs" not in admin.offers(page)


def test_pausing_and_resuming_lead_back_and_offer_the_other(admin: Reader) -> None:
    led = admin.browser.send(admin.path("/connection/pause"))
    paused = admin.settings()
    admin.browser.send(admin.path("/connection/resume"))

    assert (led.status_code, led.headers["Location"]) == (303, f"/settings/integrations?company={admin.company_id}")
    assert "Paused" in text_of(paused)
    assert "/connection/resume" in admin.offers(paused)
    assert "/connection/pause" in admin.offers(admin.settings())


def test_disconnecting_is_told_beforehand_and_what_follows(newcomer: Reader, setup: ConnectSetup) -> None:
    setup.connect(newcomer.browser, newcomer.company_id, setup.acme)
    dialog = newcomer.settings().partition("<dialog")[2]

    assert "The revenue mapping table and its history are kept." in text_of(dialog)
    assert newcomer.browser.send(newcomer.path("/connection/disconnect")).status_code == 303
    assert "Disconnected" in text_of(newcomer.settings())
    assert not setup.is_connected_at_stripe(setup.acme)


def test_initiating_a_sync_leads_to_the_settings_that_show_it(admin: Reader, engine: Engine) -> None:
    finish_run(engine, start_run(engine, admin.company_id), SUCCEEDED)

    led = admin.browser.send(admin.path("/syncs"))
    page = admin.page(led.headers["Location"])

    assert led.status_code == 303
    assert "Waiting for its turn" in text_of(page)
    with engine.connect() as connection:
        run_id = connection.execute(text("SELECT max(id) FROM sync_run")).scalar_one()
    assert f'data-follows="/v1/companies/{admin.company_id}/syncs/{run_id}/events"' in page


def test_card_is_not_green_while_the_table_lacks_something(admin: Reader, engine: Engine) -> None:
    finish_run(engine, start_run(engine, admin.company_id), SUCCEEDED)
    assert "No action needed." in text_of(admin.settings())
    record_events(engine, event(new_invoice("in_1", status="pondering"), account="acct_page"))
    catch_up(engine)

    page = admin.settings()

    assert '<span class="badge warn">Incomplete</span>' in page
    assert "1 update from Stripe couldn't be read, so the table is incomplete. Review what's missing." in text_of(page)
    assert f'<a href="{admin.path("/revenue-mapping/quarantine")}">View</a>' in page
    assert "No action needed" not in page


def test_account_that_the_operator_connected_is_said_to_be_so(admin: Reader, engine: Engine) -> None:
    assert "Through Stripe Connect" in text_of(admin.settings())
    with engine.begin() as connection:
        disconnect(connection, admin.company_id, actor="tests", now=NOON)
        authorize(connection, admin.company_id, Account("acct_page", livemode=True), now=NOON, actor="operator")

    assert "Connected By your operator" in text_of(admin.settings())


def test_who_may_not_do_something_is_told_who_may(admin: Reader, app: Flask, engine: Engine) -> None:
    viewer = Reader(signed_in(app, engine, admin.company_id, "viewer", email="bo@x.org"), admin.company_id)

    for path, told in (("/connection/pause", "Only admins can do this."), ("/syncs", "Only editors and admins can")):
        refused = viewer.browser.send(viewer.path(path))

        assert refused.status_code == 403
        assert told in text_of(refused.text)
        assert "Ask an admin of your company." in text_of(refused.text)


def test_an_account_of_somebody_else_comes_back_as_a_message_on_the_page(
    newcomer: Reader, setup: ConnectSetup, engine: Engine
) -> None:
    company_with(engine, setup.acme.id)
    setup.server.stripe.connect(setup.acme.id, livemode=True)

    answer = setup.connect(newcomer.browser, newcomer.company_id, setup.acme)

    assert answer.status_code == 409
    assert "That didn't work. This account is already connected. Choose another one." in text_of(answer.text)
    assert "<h1>Integrations</h1>" in answer.text


def test_while_stripe_is_away_nothing_is_disconnected_and_the_page_says_so(
    newcomer: Reader, setup: ConnectSetup
) -> None:
    setup.connect(newcomer.browser, newcomer.company_id, setup.acme)
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, method="POST", path="/oauth/deauthorize", status=500))

    answer = newcomer.browser.send(newcomer.path("/connection/disconnect"))

    assert answer.status_code == 503
    assert "Stripe didn't respond. Nothing was changed. Try again." in text_of(answer.text)
    assert "/connection/disconnect" in newcomer.offers(answer.text)


def test_a_sync_of_what_is_paused_is_refused_on_the_page(admin: Reader, engine: Engine) -> None:
    with engine.begin() as connection:
        pause(connection, admin.company_id, actor="tests", now=NOON)

    answer = admin.browser.send(admin.path("/syncs"))

    assert answer.status_code == 409
    assert "<h1>Integrations</h1>" in answer.text


def test_a_key_that_lacks_permissions_is_refused_in_the_dashboards_words_and_never_shown(
    newcomer: Reader, setup: ConnectSetup
) -> None:
    key = setup.server.stripe.restricted_key(setup.acme.id, livemode=True, permissions=("rak_invoice_read",))

    answer = newcomer.browser.send(newcomer.path("/connection/key"), data={"restricted_key": key})

    assert answer.status_code == 422
    assert "give the key Prices: read, Customers: read" in text_of(answer.text)
    assert key not in answer.text


@pytest.mark.parametrize("pasted", ["", "sk_live_aaaaaaaaaaaaaaaa", "rk_live_\x00", "rk_live_short", "x" * 5_000])
def test_what_is_no_key_is_told_so_and_not_repeated(newcomer: Reader, pasted: str) -> None:
    answer = newcomer.browser.send(newcomer.path("/connection/key"), data={"restricted_key": pasted})

    assert answer.status_code == 422
    assert "A restricted key begins with rk_live_ or rk_test_." in text_of(answer.text)
    assert not pasted or pasted not in answer.text


def test_a_good_key_connects_and_can_be_replaced(newcomer: Reader, setup: ConnectSetup) -> None:
    permissions = (*NEEDED_PERMISSIONS, "rak_webhook_write")
    key = setup.server.stripe.restricted_key(setup.acme.id, livemode=False, permissions=permissions)

    led = newcomer.browser.send(newcomer.path("/connection/key"), data={"restricted_key": f" {key}\n"})
    page = newcomer.page(led.headers["Location"])

    assert '<span class="badge warn">Test mode</span>' in page
    assert "With a restricted key" in text_of(page)
    assert "Replace restricted key" in text_of(page)
    assert key not in page


def test_a_form_longer_than_any_is_refused(admin: Reader) -> None:
    long = admin.browser.send(admin.path("/connection/key"), data={"restricted_key": "x" * 20_000})

    assert long.status_code == 413


def test_a_running_sync_is_shown_with_its_counts_and_how_far_back_it_has_read(admin: Reader, engine: Engine) -> None:
    record_progress(engine, start_run(engine, admin.company_id), 1200, back_to_unix_seconds=1_735_689_600)

    told = text_of(admin.settings())

    assert "Reading invoices from Stripe Invoices read 1,200 Lines read 3,600" in told
    assert "Read back to January 2025" in told
    assert "%" not in told


def test_a_company_that_was_never_synced_is_told_when_it_will_be(admin: Reader) -> None:
    assert "Connected, but not synced yet. The next sync starts in a moment." in text_of(admin.settings())


def test_only_one_stream_is_followed_on_a_page(admin: Reader, engine: Engine) -> None:
    request_run(engine, admin.company_id)

    assert admin.settings().count("data-follows") == 1
