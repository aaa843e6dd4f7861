"""Connecting by a restricted key: it is tried before it is stored, stored encrypted, and deleted on disconnect."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine

from app.webhooks import refusals
from events.connection.lifecycle import note_deauthorized
from sandbox.postgres import PostgresServer
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.records.specs import LineSpec
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tenants.companies import add_company
from tenants.secrets import SecretBox
from tests.support.signing import SECRET, signed
from tests.support.web.people import Browser, signed_in
from tests.support.web.stripe_page import ConnectSetup
from tests.support.web.tools import SCRAPER, app_with

ALL = (*NEEDED_PERMISSIONS, "rak_webhook_write")


@pytest.fixture
def ada(setup: ConnectSetup, engine: Engine, company_id: int) -> Browser:
    return signed_in(setup.app, engine, company_id)


def key_of_acme(setup: ConnectSetup, *permissions: str, livemode: bool = True) -> str:
    return setup.server.stripe.restricted_key(setup.acme.id, livemode=livemode, permissions=permissions or ALL)


def paste(browser: Browser, company_id: int, key: str, *, idempotency_key: str | None = None) -> Any:
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return browser.send(f"/v1/companies/{company_id}/connection", json={"restricted_key": key}, headers=headers)


def own_endpoints(setup: ConnectSetup) -> list[Any]:
    return [endpoint for endpoint in setup.server.stripe.endpoints if not endpoint.connect]


def deliver(setup: ConnectSetup) -> list[int]:
    """Deliver the pending webhooks of the account's newest own endpoint, and return the response statuses."""
    client, answers = setup.app.test_client(), []
    for delivery in setup.server.stripe.signed_deliveries(own_endpoints(setup)[-1]):
        path = delivery.url.removeprefix("https://localhost")
        answers.append(client.post(path, data=delivery.body, headers=delivery.headers).status_code)
    return answers


def create_open_invoice(setup: ConnectSetup) -> str:
    ledger = setup.acme.live
    customer = ledger.create_customer("Zed Samples")
    invoice = ledger.create_invoice(customer.id, [LineSpec(amount=4_200)])
    ledger.finalize_invoice(invoice.id)
    return str(invoice.id)


def test_a_good_key_connects_its_account_and_makes_its_own_endpoint(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    answer = paste(ada, company_id, key_of_acme(setup)).get_json()

    assert (answer["status"], answer["account_id"], answer["method"]) == ("connected", setup.acme.id, "restricted_key")
    assert (answer["sends_events"], answer["account_name"]) == (True, "Acme Samples")
    assert setup.facts(company_id) == ["connection.authorized", "sync.requested"]
    (endpoint,) = own_endpoints(setup)
    assert endpoint.url == f"https://localhost/webhooks/stripe/accounts/{setup.acme.id}"
    assert "invoice.created" not in endpoint.types
    assert "invoice.finalized" in endpoint.types


def test_key_of_another_account_replaces_one_whose_access_has_ended_with_all_its_secrets(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    paste(ada, company_id, key_of_acme(setup))
    with engine.begin() as connection:
        note_deauthorized(connection, company_id, reason="stripe_refusal", occurred_at=setup.clock(), now=setup.clock())
    key = setup.server.stripe.restricted_key(setup.zed.id, livemode=True, permissions=NEEDED_PERMISSIONS)

    led = ada.send(f"/companies/{company_id}/connection/key", data={"restricted_key": key})

    assert led.headers["Location"].endswith("&notice=account_replaced")
    assert setup.connection(company_id).account_id == setup.zed.id
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT name FROM secret").scalars().all()
    assert kept == ["restricted_key"]


def test_webhooks_to_the_accounts_own_endpoint_join_the_companys_log_once(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    paste(ada, company_id, key_of_acme(setup))
    create_open_invoice(setup)

    answers = deliver(setup) + deliver(setup)

    assert answers
    assert set(answers) == {200}
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT company_id, account_id FROM event WHERE source = 'stripe'").all()
    assert len(rows) == len(answers) // 2
    assert {tuple(row) for row in rows} == {(company_id, setup.acme.id)}


def test_what_a_lost_data_key_sealed_loses_no_webhook_and_is_replaced_by_the_key_pasted_again(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def lost_secrets() -> float:
        told = after.app.test_client().get("/metrics", headers=SCRAPER).text
        return float(re.findall(r"^revmap_secrets_lost (.+)$", told, flags=re.MULTILINE)[0])

    paste(ada, company_id, key_of_acme(setup))
    create_open_invoice(setup)
    tools = setup.app.extensions["revmap"]
    after = replace(setup, app=app_with(replace(tools, box=SecretBox([b"n" * 32]))))
    refusals._next_line_at.clear()

    assert (set(deliver(after)), lost_secrets()) == ({503}, 3)
    lines = [record for record in caplog.records if record.name == refusals.__name__]
    assert [(line.levelname, vars(line)["reason"]) for line in lines] == [("ERROR", "secret_lost")]
    forged = after.app.test_client().post(
        f"/webhooks/stripe/accounts/{setup.zed.id}", headers=signed(b"{}"), data=b"{}"
    )
    assert forged.status_code == 400

    again = signed_in(after.app, engine, company_id)
    assert paste(again, company_id, key_of_acme(setup)).get_json()["sends_events"] is True
    create_open_invoice(setup)

    assert (set(deliver(after)), lost_secrets()) == ({200}, 0)
    assert paste(ada, company_id, key_of_acme(setup)).status_code == 200
    assert again.send(f"/v1/companies/{company_id}/connection", method="DELETE").status_code == 200
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM secret").scalar_one() == 0


def test_a_webhook_with_another_secret_or_for_another_account_is_refused(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    paste(ada, company_id, key_of_acme(setup))
    create_open_invoice(setup)
    client = setup.app.test_client()
    (delivery, *_) = setup.server.stripe.signed_deliveries(own_endpoints(setup)[0])
    elsewhere = setup.server.stripe.add_endpoint("", [SECRET])
    setup.server.stripe.connect(setup.acme.id, livemode=True)
    create_open_invoice(setup)
    (of_the_platform, *_) = setup.server.stripe.signed_deliveries(elsewhere)
    path = f"/webhooks/stripe/accounts/{setup.acme.id}"

    refused = [
        client.post(f"/webhooks/stripe/accounts/{setup.zed.id}", data=delivery.body, headers=delivery.headers),
        client.post("/webhooks/stripe", data=delivery.body, headers=delivery.headers),
        client.post(path, data=of_the_platform.body, headers=of_the_platform.headers),
        client.post(path, data=delivery.body),
        client.post("/webhooks/stripe/accounts/%00", data=delivery.body, headers=delivery.headers),
    ]

    assert [answer.status_code for answer in refused] == [400] * 5


def test_the_secret_of_one_mode_proves_no_webhook_of_the_other(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    with engine.begin() as connection:
        other_id = add_company(connection, "Acme Trials").id
    paste(ada, company_id, key_of_acme(setup))
    paste(signed_in(setup.app, engine, other_id), other_id, key_of_acme(setup, livemode=False))
    create_open_invoice(setup)
    live, test = own_endpoints(setup)
    (delivery, *_) = setup.server.stripe.signed_deliveries(live)
    body = delivery.body.replace(b'"livemode": true', b'"livemode": false').replace(
        b'"livemode":true', b'"livemode":false'
    )
    client, path = setup.app.test_client(), f"/webhooks/stripe/accounts/{setup.acme.id}"

    answers = [
        client.post(path, data=body, headers=signed(body, secret=secret)).status_code
        for endpoint in (live, test)
        for secret in endpoint.secrets
    ]

    assert body != delivery.body
    assert answers == [400, 200]
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT company_id, livemode FROM event WHERE source = 'stripe'").all()
    assert [tuple(row) for row in kept] == [(other_id, False)]


def test_a_key_that_lacks_a_permission_is_refused_by_its_name(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    for lacking in sorted(NEEDED_PERMISSIONS):
        key = key_of_acme(setup, *(name for name in ALL if name != lacking))

        answer = paste(ada, company_id, key)

        assert (answer.status_code, answer.get_json()["code"]) == (422, "key_refused")
        assert [error["detail"] for error in answer.get_json()["errors"]] == [f"Lacks the permission {lacking}."]
        assert setup.connection(company_id).status == "pending_authorization"


def test_a_key_that_nobody_has_is_refused_without_being_repeated(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    for key in ("rk_live_" + "x" * 24, "sk_live_" + "x" * 24, "rk_live_short", "x" * 5_000, "rk_live_\x00aaaaaaaaaaa"):
        answer = paste(ada, company_id, key)

        assert answer.status_code == 422
        assert key not in answer.text


def test_without_the_webhook_permission_it_connects_and_says_that_nothing_is_sent(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    answer = paste(ada, company_id, key_of_acme(setup, *NEEDED_PERMISSIONS)).get_json()

    assert (answer["status"], answer["sends_events"]) == ("connected", False)
    assert own_endpoints(setup) == []


def test_a_newer_key_takes_the_older_ones_place_with_one_endpoint(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    paste(ada, company_id, key_of_acme(setup))

    assert paste(ada, company_id, key_of_acme(setup)).status_code == 200

    assert len(own_endpoints(setup)) == 1
    assert setup.facts(company_id) == ["connection.authorized", "sync.requested"]
    create_open_invoice(setup)
    assert set(deliver(setup)) == {200}


def test_a_request_that_is_repeated_under_its_key_connects_nothing_again(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    key = key_of_acme(setup)
    first = paste(ada, company_id, key, idempotency_key="monday").get_json()
    ada.send(f"/v1/companies/{company_id}/connection", "DELETE")

    again = paste(ada, company_id, key, idempotency_key="monday").get_json()

    assert (first["status"], again["status"]) == ("connected", "disconnected")
    assert first["sends_events"] == again["sends_events"]
    assert own_endpoints(setup) == []
    assert paste(ada, company_id, key, idempotency_key="tuesday").get_json()["status"] == "connected"


def test_a_request_that_failed_may_be_repeated_under_its_key(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    key = key_of_acme(setup)
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, path="/v1/account", times=2))

    answers = [paste(ada, company_id, key, idempotency_key="monday").status_code for _ in range(2)]

    assert answers == [503, 200]


def test_an_idempotency_key_stays_with_its_request(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    paste(ada, company_id, key_of_acme(setup), idempotency_key="monday")

    other = paste(ada, company_id, key_of_acme(setup, livemode=False), idempotency_key="monday")

    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    assert paste(ada, company_id, key_of_acme(setup), idempotency_key="two words").status_code == 422


def test_disconnecting_removes_the_endpoint_and_forgets_the_key(
    setup: ConnectSetup, ada: Browser, company_id: int, engine: Engine
) -> None:
    paste(ada, company_id, key_of_acme(setup))
    path = f"/v1/companies/{company_id}/connection"
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, method="DELETE", path="/v1/webhook_endpoints/*", times=2))

    away = ada.send(path, "DELETE")
    gone = ada.send(path, "DELETE")

    assert (away.status_code, gone.get_json()["status"]) == (503, "disconnected")
    assert own_endpoints(setup) == []
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM secret").scalar_one() == 0


def test_while_stripe_is_away_a_key_is_neither_good_nor_bad(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, path="/v1/account", times=None))

    assert paste(ada, company_id, key_of_acme(setup)).status_code == 503
    assert setup.connection(company_id).status == "pending_authorization"


def test_an_account_that_is_connected_on_stripes_page_is_not_taken_over_by_a_key(
    setup: ConnectSetup, ada: Browser, company_id: int
) -> None:
    setup.connect(ada, company_id, setup.acme)

    assert paste(ada, company_id, key_of_acme(setup)).status_code == 409
    assert setup.connection(company_id).method == "connect"


def test_a_test_key_connects_in_test_mode(setup: ConnectSetup, ada: Browser, company_id: int) -> None:
    paste(ada, company_id, key_of_acme(setup, livemode=False))

    assert setup.connection(company_id).livemode is False


def test_a_planted_secret_is_found_nowhere(
    setup: ConnectSetup,
    ada: Browser,
    company_id: int,
    postgres: PostgresServer,
    redis: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    key = key_of_acme(setup)
    paste(ada, company_id, key)
    secret = own_endpoints(setup)[0].secrets[0]
    create_open_invoice(setup)
    deliver(setup)
    session = ada.cookie() or "none"
    answers = [ada.get(path).text for path in (f"/v1/companies/{company_id}/connection", "/settings/integrations")]

    with setup.engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200")
        dump = "".join(
            str(connection.exec_driver_sql(f'SELECT * FROM "{table}"').all())  # noqa: S608
            for table in tables.scalars().all()
        )
    redis_contents = b"".join(redis.dump(one) or b"" for one in redis.scan_iter("*"))
    own_logs = (record for record in caplog.records if record.name != "urllib3.connectionpool")
    logged = json.dumps([[record.getMessage(), repr(vars(record))] for record in own_logs])
    server_log = "".join(
        log.read_text(errors="replace") for log in Path(postgres.directory).glob("*log*") if log.is_file()
    )
    for planted in (key, secret, session, setup.server.stripe.platform_key(livemode=True)):
        assert planted not in dump
        assert planted.encode() not in redis_contents
        assert planted not in logged
        assert planted not in server_log
        assert planted not in "".join(answers)
