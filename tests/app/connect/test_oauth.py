"""Connecting an account on Stripe's page, and everything that can go wrong on the way there and back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import Engine

from app.wiring.tools import Tools
from events.connection.accounts import Account as Connected
from events.connection.accounts import authorize
from events.connection.lifecycle import note_deauthorized
from events.log.read import stream_events
from sandbox.stripe.account.platform import Access
from sandbox.stripe.faults.faults import Fault, FaultKind
from stripe_gateway.connect import StripeConnect, WrongGrantError
from tenants.companies import add_company
from tenants.people.sessions import end_sessions_of
from tenants.people.users import set_member
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with, record_events
from tests.support.payloads import event, new_invoice
from tests.support.web.people import Browser, add_member, signed_in
from tests.support.web.stripe_page import CALLBACK, ConnectSetup


@pytest.fixture
def ada(setup: ConnectSetup, engine: Engine, company_id: int) -> Browser:
    return signed_in(setup.app, engine, company_id)


def new_company(engine: Engine, name: str = "Acme Samples") -> int:
    with engine.begin() as connection:
        return add_company(connection, name).id


def with_parameters(callback: str, **parameters: str | None) -> str:
    query = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()} | parameters
    return f"{CALLBACK}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def test_somebody_who_agrees_comes_back_connected_with_the_first_sync_asked_for(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    answer = setup.connect(ada, company_id, setup.acme)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/integrations")
    assert setup.facts(company_id) == ["connection.authorized", "sync.requested"]
    state = setup.connection(company_id)
    assert (state.status, state.account_id, state.livemode) == ("connected", setup.acme.id, True)
    assert state.account_name == "Acme Samples"
    assert state.health == "syncing"
    page = ada.get("/settings/integrations").text
    assert setup.acme.id in page
    assert ">Acme Samples<" in page


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.RESET, path="/v1/account", times=None),
        Fault(kind=FaultKind.ERROR, path="/v1/account", status=403, times=None),
        Fault(kind=FaultKind.HTML, path="/v1/account", status=200, times=None),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_name_that_stripe_does_not_tell_keeps_nobody_from_connecting(
    setup: ConnectSetup, ada: Browser, company_id: int, fault: Fault
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    setup.server.faults.add(fault)

    assert ada.get(callback).status_code == 303

    state = setup.connection(company_id)
    assert (state.status, state.account_name) == ("connected", None)
    assert setup.acme.id in ada.get("/settings/integrations").text


def test_stripes_page_is_asked_for_with_our_address_and_a_state_of_256_bits(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    pages = [parse_qs(urlsplit(setup.stripe_page(ada, company_id)).query) for _ in range(2)]

    assert pages[0]["redirect_uri"] == ["https://localhost" + CALLBACK]
    assert pages[0]["scope"] == ["read_write"]
    assert all(len(page["state"][0]) >= 43 for page in pages)
    assert pages[0]["state"] != pages[1]["state"]


def test_what_was_parked_for_the_account_joins_when_it_connects(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    record_events(
        engine, event(new_invoice("in_1"), account=setup.acme.id), event(new_invoice("in_2"), account=setup.zed.id)
    )

    setup.connect(ada, company_id, setup.acme)

    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT entity FROM event WHERE source = 'stripe'").all()
    assert [row.entity for row in rows] == ["invoice:in_1"]


def test_o1_a_missing_or_unknown_state_asks_stripe_for_nothing(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)

    for state in (None, "", "of-nobody", "x" * 5_000, "\x00", "é"):
        assert ada.get(with_parameters(callback, state=state)).status_code == 400
    assert setup.exchanges() == 0


def test_o1_a_truncated_state_is_an_unknown_one(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    state = parse_qs(urlsplit(callback).query)["state"][0]

    assert ada.get(with_parameters(callback, state=state[:-1])).status_code == 400
    assert ada.get(f"{callback}&state=another").status_code == 400
    assert setup.exchanges() == 0


def test_o2_a_callback_taken_twice_exchanges_once(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)

    answers = [ada.get(callback) for _ in range(3)]

    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [
        (303, "/settings/integrations")
    ] * 3
    assert setup.exchanges() == 1
    assert setup.is_connected_at_stripe(setup.acme)


def test_of_fifty_callbacks_at_once_exactly_one_exchanges(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    browsers = [Browser(setup.app) for _ in range(50)]
    for browser in browsers:
        browser.set_cookie(ada.cookie() or "")

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda browser: browser.get(callback).status_code, browsers))

    assert set(statuses) <= {303, 503}
    assert setup.exchanges() == 1
    assert setup.is_connected_at_stripe(setup.acme)
    assert setup.facts(company_id) == ["connection.authorized", "sync.requested"]


def test_o3_another_persons_state_is_refused_and_stays_good_for_its_owner(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    eve = signed_in(setup.app, engine, new_company(engine, "Eve's"), email="eve@example.org")
    colleague = signed_in(setup.app, engine, company_id, email="bob@example.org")
    callback = setup.callback_path(ada, company_id, setup.acme)

    refusals = [eve.get(callback), colleague.get(callback)]

    assert [refused.status_code for refused in refusals] == [403, 403]
    assert setup.exchanges() == 0
    assert ada.get(callback).status_code == 303


def test_o3_a_state_belongs_to_the_session_that_set_out(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    elsewhere = Browser(setup.app)
    elsewhere.sign_in()

    assert elsewhere.get(callback).status_code == 403
    assert setup.exchanges() == 0


def test_o3_a_state_lasts_ten_minutes(setup: ConnectSetup, ada: Browser, company_id: int, clock: SetClock) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)

    clock.advance(timedelta(minutes=10))

    assert ada.get(callback).status_code == 400
    assert setup.exchanges() == 0


def test_o4_the_company_is_the_one_somebody_set_out_for(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    other = new_company(engine, "Another one")
    add_member(engine, other)
    callback = setup.callback_path(ada, company_id, setup.acme)
    ada.get(f"/settings/integrations?company={other}")

    ada.get(f"{callback}&company={other}")

    assert setup.connection(company_id).status == "connected"
    assert setup.connection(other).status == "pending_authorization"


@pytest.mark.parametrize("role", ["viewer", "editor", None])
def test_o4_the_user_who_returns_must_still_be_an_admin_there(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine, role: str | None
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    user_id = add_member(engine, company_id)
    with engine.begin() as connection:
        if role:
            set_member(connection, company_id, user_id, role, actor="tests", now=NOON)  # type: ignore[arg-type]
        else:
            connection.exec_driver_sql("DELETE FROM membership")

    assert ada.get(callback).status_code == (403 if role else 404)
    assert setup.exchanges() == 0


def test_o5_a_session_that_ended_meanwhile_leads_to_sign_in_and_to_a_new_start(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    with engine.begin() as connection:
        end_sessions_of(connection, add_member(engine, company_id))

    answer = ada.get(callback)

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?next=/connect/stripe%3Fcompany%3D{company_id}"
    assert "code" not in answer.headers["Location"]
    assert setup.exchanges() == 0
    again = ada.sign_in(next_path=f"/connect/stripe?company={company_id}")
    assert again.headers["Location"] == f"/connect/stripe?company={company_id}"
    assert setup.connect(ada, company_id, setup.acme).status_code == 303


def test_o6_somebody_who_refuses_is_told_calmly_that_nothing_changed_and_may_reload(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    callback = setup.callback_path(ada, company_id, None)

    answer = ada.get(with_parameters(callback, error_description="<script>alert(1)</script>"))

    settings = f"/settings/integrations?company={company_id}&notice=declined"
    assert (answer.status_code, answer.headers["Location"]) == (303, settings)
    for page in (ada.get(settings), ada.get(settings)):
        assert page.status_code == 200
        assert "You didn&#39;t connect Stripe. Nothing changed." in page.text
        assert "didn't work" not in page.text
        assert "alert(1)" not in page.text
    assert setup.exchanges() == 0
    assert setup.connection(company_id).status == "pending_authorization"
    with engine.connect() as connection:
        facts = connection.exec_driver_sql("SELECT actor FROM event WHERE type = 'access.connection_refused'").all()
    assert len(facts) == 1


def test_o6_a_code_beside_an_error_is_no_code(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)

    assert ada.get(with_parameters(callback, error="access_denied")).status_code == 400
    assert ada.get(with_parameters(callback, code=None)).status_code == 400
    assert setup.exchanges() == 0


def test_link_that_was_used_or_has_expired_says_so_and_leads_back_to_the_settings(
    setup: ConnectSetup, ada: Browser, company_id: int, clock: SetClock
) -> None:
    used, old = setup.callback_path(ada, company_id, None), setup.callback_path(ada, company_id, setup.acme)
    assert ada.get(used).status_code == 303
    clock.advance(timedelta(minutes=11))

    for page in (ada.get(used), ada.get(old), ada.get(CALLBACK)):
        assert page.status_code == 400
        assert "This link has expired. Start again from Settings." in page.text
        assert 'href="/settings/integrations"' in page.text
        assert "Bad Request" not in page.text


def test_o7_a_code_that_expired_connects_nothing_and_is_not_sent_again(
    setup: ConnectSetup, ada: Browser, company_id: int, clock: SetClock
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    clock.advance(timedelta(minutes=6))

    answers = [ada.get(callback).status_code for _ in range(2)]

    assert answers == [400, 400]
    assert setup.exchanges() == 1
    assert setup.connection(company_id).status == "pending_authorization"


def test_o7_a_made_up_code_connects_nothing(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)

    assert ada.get(with_parameters(callback, code="ac_made_up")).status_code == 400
    assert setup.connection(company_id).status == "pending_authorization"


def test_o7_a_code_of_the_other_mode_connects_nothing(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    code = setup.server.connect.issue_code(setup.acme.id, livemode=False)

    assert ada.get(with_parameters(callback, code=code)).status_code == 400
    assert setup.facts(company_id) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.RESET, method="POST", path="/oauth/token"),
        Fault(kind=FaultKind.ERROR, method="POST", path="/oauth/token", status=500),
        Fault(kind=FaultKind.HTML, method="POST", path="/oauth/token", status=502),
        Fault(kind=FaultKind.TRUNCATED_JSON, method="POST", path="/oauth/token", status=200),
    ],
    ids=lambda fault: fault.kind,
)
def test_o8_an_unknown_outcome_is_reported_as_such_and_a_new_attempt_settles_it(
    setup: ConnectSetup, ada: Browser, company_id: int, fault: Fault
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    setup.server.faults.add(fault)

    unknown = ada.get(callback)
    repeated = ada.get(callback)

    assert (unknown.status_code, repeated.status_code) == (502, 400)
    assert setup.exchanges() == 1
    assert setup.connection(company_id).status == "pending_authorization"
    assert setup.connect(ada, company_id, setup.acme).status_code == 303
    assert setup.connection(company_id).status == "connected"


def test_o9_an_account_of_another_company_is_refused_without_a_hint_whose_it_is(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    owner = company_with(engine, setup.acme.id)
    setup.server.stripe.connect(setup.acme.id, livemode=True)

    answer = setup.connect(ada, company_id, setup.acme)

    assert answer.status_code == 409
    assert f"Company of {setup.acme.id}" not in answer.text
    assert setup.connection(owner).status == "connected"
    assert setup.is_connected_at_stripe(setup.acme)
    with engine.connect() as connection:
        last = list(stream_events(connection, owner))[-1]
    assert (last.type, last.actor) == ("access.claim_refused", None)
    assert setup.connection(company_id).status == "pending_authorization"


def test_o9_an_account_that_was_given_up_may_be_connected_by_another_company(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    setup.connect(ada, company_id, setup.acme)
    eves = new_company(engine, "Eve's")
    eve = signed_in(setup.app, engine, eves, email="eve@example.org")

    ada.send(f"/v1/companies/{company_id}/connection", "DELETE")
    answer = setup.connect(eve, eves, setup.acme)

    assert answer.status_code == 303
    assert setup.connection(eves).account_id == setup.acme.id
    assert setup.connection(company_id).status == "disconnected"


def test_o10_the_same_account_connected_twice_is_one_connection(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    callbacks = [setup.callback_path(ada, company_id, setup.acme) for _ in range(4)]
    browsers = [Browser(setup.app) for _ in callbacks]
    for browser in browsers:
        browser.set_cookie(ada.cookie() or "")

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda one: one[0].get(one[1]).status_code, zip(browsers, callbacks, strict=True)))

    assert statuses == [303] * 4
    assert setup.facts(company_id) == ["connection.authorized", "sync.requested"]


def test_another_account_while_one_is_connected_is_refused_and_deauthorized(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    setup.connect(ada, company_id, setup.acme)

    answer = setup.connect(ada, company_id, setup.zed)

    assert answer.status_code == 409
    assert "Disconnect" in answer.text
    assert setup.connection(company_id).account_id == setup.acme.id
    assert setup.is_connected_at_stripe(setup.acme)
    assert not setup.is_connected_at_stripe(setup.zed)


def test_another_account_replaces_one_whose_access_has_ended_and_the_page_says_what_stays(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine, clock: SetClock
) -> None:
    setup.connect(ada, company_id, setup.acme)
    clock.advance(timedelta(minutes=1))
    with engine.begin() as connection:
        note_deauthorized(connection, company_id, reason="stripe_event", occurred_at=clock(), now=clock())
    others = new_company(engine, "Another one")
    other = signed_in(setup.app, engine, others, email="eve@example.org")

    answer = setup.connect(ada, company_id, setup.zed)

    assert answer.headers["Location"] == f"/settings/integrations?company={company_id}&notice=account_replaced"
    assert "lines of the previous one stay in the table" in ada.get(answer.headers["Location"]).text
    state = setup.connection(company_id)
    assert (state.status, state.account_id, state.last_success_at) == ("connected", setup.zed.id, None)
    assert [fact for fact in setup.facts(company_id) if fact.startswith("connection.")] == [
        "connection.authorized",
        "connection.deauthorized",
        "connection.disconnected",
        "connection.authorized",
    ]
    assert setup.connect(other, others, setup.acme).status_code == 303
    assert setup.connection(others).account_id == setup.acme.id


def test_account_of_another_company_does_not_replace_one_whose_access_has_ended(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine, clock: SetClock
) -> None:
    setup.connect(ada, company_id, setup.acme)
    company_with(engine, setup.zed.id)
    with engine.begin() as connection:
        note_deauthorized(connection, company_id, reason="stripe_event", occurred_at=clock(), now=clock())

    assert setup.connect(ada, company_id, setup.zed).status_code == 409
    state = setup.connection(company_id)
    assert (state.status, state.account_id) == ("reauthorization_required", setup.acme.id)


def test_o11_an_account_that_is_connected_again_goes_on_where_it_was(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    setup.connect(ada, company_id, setup.acme)
    record_events(engine, event(new_invoice("in_1"), account=setup.acme.id))
    ada.send(f"/v1/companies/{company_id}/connection", "DELETE")
    record_events(engine, event(new_invoice("in_2"), account=setup.acme.id))

    setup.connect(ada, company_id, setup.acme)

    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT entity FROM event WHERE source = 'stripe' ORDER BY position").all()
    assert [row.entity for row in rows] == ["invoice:in_1", "invoice:in_2"]
    assert [fact for fact in setup.facts(company_id) if fact.startswith("connection.")] == [
        "connection.authorized",
        "connection.disconnected",
        "connection.authorized",
    ]


def test_o12_a_test_mode_account_is_connected_as_such(
    web_tools: Tools, engine: Engine, clock: SetClock, company_id: int
) -> None:
    with ConnectSetup.running(web_tools, engine, clock, livemode=False) as setup:
        ada = signed_in(setup.app, engine, company_id)

        setup.connect(ada, company_id, setup.acme)

        assert setup.connection(company_id).livemode is False
        assert "(test mode)" in ada.get("/settings/integrations").text


def test_o12_a_grant_in_another_mode_than_ours_is_refused(setup: ConnectSetup) -> None:
    simulated = setup.server.stripe
    simulated.keys["sk_test_odd"] = Access(simulated.platform.id, livemode=True)
    client_id = simulated.client_id(livemode=True)
    connect = StripeConnect("sk_test_odd", client_id=client_id, bases=(setup.server.url,) * 2, scope="read_write")

    with pytest.raises(WrongGrantError):
        connect.exchange(setup.server.connect.issue_code(setup.acme.id, livemode=True))


def test_o13_more_than_was_asked_for_is_refused_and_given_back(
    web_tools: Tools, engine: Engine, clock: SetClock, company_id: int
) -> None:
    with ConnectSetup.running(web_tools, engine, clock, scope="read_only") as setup:
        ada = signed_in(setup.app, engine, company_id)
        callback = setup.callback_path(ada, company_id, setup.acme)
        wider = setup.server.connect.issue_code(setup.acme.id, livemode=True, scope="read_write")

        refused = ada.get(with_parameters(callback, code=wider))

        assert refused.status_code == 400
        assert not setup.is_connected_at_stripe(setup.acme)
        assert setup.connection(company_id).status == "pending_authorization"
        assert setup.connect(ada, company_id, setup.acme).status_code == 303


def test_o17_nothing_in_the_request_changes_where_people_are_sent(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    away = "https://evil.example/connect/stripe/callback"
    path = f"/connect/stripe?company={company_id}&redirect_uri={away}&next={away}"

    answer = ada.get(path, headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"})

    assert parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"] == ["https://localhost" + CALLBACK]
    back = ada.get(setup.decide(answer.headers["Location"], setup.acme) + "&next=//evil.example")
    assert back.headers["Location"] == "/settings/integrations"


def test_o18_neither_code_nor_state_is_logged_or_passed_on(
    setup: ConnectSetup, ada: Browser, company_id: int, caplog: pytest.LogCaptureFixture, engine: Engine
) -> None:
    caplog.set_level("DEBUG")
    callbacks = [setup.callback_path(ada, company_id, account) for account in (setup.zed, setup.acme, setup.acme)]
    secrets = {
        value for callback in callbacks for values in parse_qs(urlsplit(callback).query).values() for value in values
    }
    secrets = {secret for secret in secrets if len(secret) > 20}
    caplog.clear()  # the simulated Stripe and its page may log them
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, method="POST", path="/oauth/token", status=500))

    answers = [ada.get(callback) for callback in callbacks]

    logged = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name != "urllib3")
    assert len(secrets) == 6
    assert [answer.status_code for answer in answers] == [502, 303, 303]
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert not [secret for secret in secrets if secret in answer.text + str(answer.headers)]
    assert not [secret for secret in secrets if secret in logged]
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM connect_attempt").all()
    assert not [secret for secret in secrets if secret in repr(kept)]


def test_o19_a_state_of_another_way_to_connect_is_unknown_here(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    callback = setup.callback_path(ada, company_id, setup.acme)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connect_attempt SET method = 'app'")

    assert ada.get(callback).status_code == 400
    assert setup.exchanges() == 0


def test_an_invalid_company_id_is_refused(ada: Browser) -> None:
    for company in ("", "x", "-1", "1.0", "9" * 30, "²"):
        assert ada.get("/connect/stripe", query_string={"company": company}).status_code == 400


def test_only_admins_begin_to_connect(setup: ConnectSetup, engine: Engine, company_id: int) -> None:
    strangers = signed_in(setup.app, engine, new_company(engine, "Eve's"), email="eve@example.org")
    editor = signed_in(setup.app, engine, company_id, "editor", email="bob@example.org")
    path = f"/connect/stripe?company={company_id}"

    assert strangers.get(path).status_code == 404
    assert strangers.get("/connect/stripe?company=999999").status_code == 404
    assert editor.get(path).status_code == 403
    assert Browser(setup.app).get(path).headers["Location"].startswith("/sign-in?next=/connect/stripe")


def test_a_connection_made_by_the_operator_is_found_by_the_page(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    with engine.begin() as connection:
        authorize(connection, company_id, Connected(setup.acme.id, livemode=True), now=NOON, actor="operator")

    assert setup.connect(ada, company_id, setup.acme).status_code == 303
    assert setup.facts(company_id) == ["connection.authorized"]
