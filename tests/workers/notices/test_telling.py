"""What happens is announced in its own transaction; people are told once when it begins, and once when it is over."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, text

from events.connection.accounts import Account, authorize
from notices.causes import open_notices
from notices.connections import lose_access, tell_failure, tell_success
from notices.preferences import choose_types, recipients_of
from notices.vocabulary import QUARANTINE_OPENED, REVENUE_LINES_CHANGED, SYNC_FAILED
from projections.engine.catch_up import advance
from projections.revenue.store import moved_invoices
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway
from stripe_gateway.rate_limit import RateLimit
from tests.support.clock import NOON, SetClock
from tests.support.company import catch_up, company_with, record_events
from tests.support.endpoints import BOX, deliveries, new_endpoint
from tests.support.mail_server import Inbox, mail_server
from tests.support.payloads import CREATED, credit_note, customer, event, new_invoice, new_line
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import reset_rate_limits, sync
from tests.support.web.people import add_member
from workers.clock_process import sweep
from workers.notices.desk import Desk
from workers.notices.jobs import send_with
from workers.notices.mailing import Postman
from workers.notices.posting import Poster
from workers.notices.sending import Sender
from workers.notices.settling import settle_notices
from workers.wiring.tools import Tools

URL = "https://zed.test/hooks"
SYNC = {"sync_id": 7, "status": "failed", "error": {"title": "It broke.", "what_you_can_do": "Mend it."}}


def paid(number: int, *, created: int = CREATED) -> dict[str, object]:
    invoice = new_invoice(f"in_{number}", new_line(f"il_{number}"))
    return event(invoice, account="acct_zed", created=created)


def unreadable(number: int) -> dict[str, object]:
    """Return an event about an invoice with two lines of the same id."""
    return event(new_invoice(f"in_{number}", new_line("il_1"), new_line("il_1")), account="acct_zed")


def told(engine: Engine) -> list[tuple[str, object]]:
    """Return type and data of all deliveries; positions if they are about changed lines."""
    return [(row.type, row.data or (row.position_from, row.position_to)) for row in deliveries(engine)]


def shown(engine: Engine, company_id: int) -> list[str]:
    with engine.connect() as connection:
        return [one.type for one in open_notices(connection, company_id)]


def test_changed_lines_are_announced_by_the_folds_own_transaction_and_together(engine: Engine, company_id: int) -> None:
    new_endpoint(engine, company_id, URL, REVENUE_LINES_CHANGED)
    new_endpoint(engine, company_id, URL, SYNC_FAILED)
    catch_up(engine)
    assert told(engine) == []  # facts of our own change no line

    record_events(engine, paid(1))
    catch_up(engine)
    first = told(engine)
    record_events(engine, paid(2), paid(3))
    catch_up(engine)

    assert first == [("revenue_lines.changed", (3, 4))]
    assert told(engine) == [("revenue_lines.changed", (3, 6))]
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_delivery SET body = 'sent'"))
    record_events(engine, paid(4))
    catch_up(engine)
    assert told(engine)[1:] == [("revenue_lines.changed", (6, 7))]


def test_stored_lines_that_a_renamed_customer_changes_are_announced_to_every_company(
    engine: Engine, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved_invoices, "_INVOICES_AT_ONCE", 1)
    other = company_with(engine, "acct_other")
    for one in (company_id, other):
        new_endpoint(engine, one, URL, REVENUE_LINES_CHANGED)
    for subject, event_type in ((new_invoice(), "invoice.paid"), (customer("Zeta Ltd"), "customer.updated")):
        with engine.begin() as connection:
            connection.execute(text("UPDATE webhook_delivery SET body = 'sent'"))
        accounts = ("acct_zed", "acct_other")
        record_events(engine, *(event(subject, event_type, account=one, created=CREATED + 9) for one in accounts))
        catch_up(engine)

    assert told(engine)[2:] == [("revenue_lines.changed", (3, 4))] * 2


def test_a_fold_that_fails_announces_nothing(engine: Engine, company_id: int) -> None:
    new_endpoint(engine, company_id, URL, REVENUE_LINES_CHANGED)
    catch_up(engine)
    record_events(engine, paid(1))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE revenue_line ADD CONSTRAINT no_more CHECK (false) NOT VALID"))
    advance(engine)
    assert told(engine) == []


def test_a_table_nobody_listens_to_is_announced_to_nobody(engine: Engine, company_id: int) -> None:
    endpoint_id, _ = new_endpoint(engine, company_id, URL)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE webhook_endpoint SET disabled_at = now(), disabled_because = 'by_hand' WHERE id = :id"),
            {"id": endpoint_id},
        )
    other = company_with(engine, "acct_other")
    new_endpoint(engine, other, URL)
    record_events(engine, paid(1))
    catch_up(engine)

    assert told(engine) == []


def test_what_cannot_be_read_is_told_once_for_each_reason_until_it_was_read(
    engine: Engine, company_id: int, clock: SetClock
) -> None:
    new_endpoint(engine, company_id, URL, QUARANTINE_OPENED)
    record_events(engine, unreadable(1), unreadable(2))
    catch_up(engine)
    record_events(engine, unreadable(3))
    catch_up(engine)

    reason = "two lines of the invoice share one id"
    assert told(engine) == [("quarantine.opened", {"reason": reason, "position": 3, "facts": 2})]
    for number in (1, 2):
        record_events(engine, paid(number, created=CREATED + 1))
    catch_up(engine)
    settle_notices(engine, clock, is_long=True)
    assert shown(engine, company_id) == ["quarantine.opened"]
    record_events(engine, paid(3, created=CREATED + 1))
    catch_up(engine)
    settle_notices(engine, clock, is_long=True)
    assert shown(engine, company_id) == []
    record_events(engine, unreadable(4))
    catch_up(engine)
    assert len(told(engine)) == 2


def test_a_credit_note_that_could_not_be_read_is_over_when_it_was_read(
    engine: Engine, company_id: int, clock: SetClock
) -> None:
    note = credit_note("cn_1")
    record_events(engine, paid(1), event(note | {"status": "odd"}, "credit_note.created", account="acct_zed"))
    catch_up(engine)
    settle_notices(engine, clock, is_long=True)
    assert shown(engine, company_id) == ["quarantine.opened"]
    record_events(engine, event(note, "credit_note.updated", account="acct_zed", created=CREATED + 1))
    catch_up(engine)
    settle_notices(engine, clock, is_long=True)
    assert shown(engine, company_id) == []


def test_a_lost_connection_is_told_where_it_is_lost_and_is_over_when_it_is_made_again(
    engine: Engine, company_id: int, clock: SetClock
) -> None:
    new_endpoint(engine, company_id, URL)
    for expected in (True, False):
        with engine.begin() as connection:
            is_new = lose_access(connection, company_id, reason="stripe_event", occurred_at=NOON, now=NOON)
            assert is_new is expected

    data = {"account_id": "acct_zed", "livemode": True, "reason": "stripe_event"}
    assert told(engine) == [("connection.action_required", data)]
    assert shown(engine, company_id) == ["connection.action_required"]
    with engine.begin() as connection:
        authorize(connection, company_id, Account("acct_zed", livemode=True), now=NOON, actor="tests")
    assert shown(engine, company_id) == []  # at once, though it is closed later
    settle_notices(engine, clock, is_long=False)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT closed_at FROM notice")).scalar() == NOON


def test_a_sync_is_announced_with_its_end(
    engine: Engine, tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=3, seed=3, until=YESTERDAY)
    company_id = company_with(engine, account.id)
    new_endpoint(engine, company_id, URL, "sync.succeeded", SYNC_FAILED)
    limit = RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis))
    refused = StripeGateway(
        PlatformKeyring("sk_live_rolled"), api_base=stripe_server.url, rate_limit=limit, pause=tools.pause
    )

    runs = [sync(tools, company_id), *(sync(replace(tools, stripe=refused), company_id) for _ in range(3))]
    notices = shown(engine, company_id)
    runs.append(sync(tools, company_id))

    assert [(row.type, row.data["sync_id"], row.data["status"]) for row in deliveries(engine)] == [
        (f"sync.{run.status}", run.id, run.status) for run in runs
    ]
    assert deliveries(engine)[1].data["error"]["code"] == "stripe_key_refused"
    assert deliveries(engine)[0].data["data_through"] is not None
    assert notices == ["sync.failed"]  # the third cannot mend itself
    assert shown(engine, company_id) == []


@pytest.mark.parametrize(
    ("hours", "failures", "needs_somebody", "is_told"),
    [(0, 1, True, False), (2.9, 6, False, False), (3, 6, False, True), (0.1, 3, True, True), (0.1, 2, True, False)],
)
def test_people_are_told_of_failing_syncs_after_hours_or_if_they_must_act(
    engine: Engine, company_id: int, hours: float, failures: int, *, needs_somebody: bool, is_told: bool
) -> None:
    with engine.begin() as connection:
        since = NOON - timedelta(hours=hours)
        failing = (since, failures)
        tell_failure(connection, company_id, SYNC, failing=failing, needs_somebody=needs_somebody, now=NOON)

    assert shown(engine, company_id) == (["sync.failed"] if is_told else [])


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def mailing(engine: Engine, redis: Redis, clock: SetClock, inbox: Inbox) -> Iterator[Desk]:
    with mail_server(inbox) as server:
        postman = Postman(engine, BOX, clock, server)
        desk = Desk(redis, Sender(engine, BOX, clock, Poster()), postman, "https://revmap.test", Event())
        yield desk
        desk.close()


def work(desk: Desk) -> None:
    send_with(desk)
    desk.drain()


def test_one_email_is_sent_when_syncs_fail_for_hours_and_one_when_it_is_over(
    engine: Engine, company_id: int, mailing: Desk, inbox: Inbox
) -> None:
    add_member(engine, company_id, "editor", email="ada@zed.test")
    add_member(engine, company_id, "viewer", email="vi@zed.test")
    for hours in range(8):
        with engine.begin() as connection:
            now = NOON + timedelta(hours=hours)
            tell_failure(connection, company_id, SYNC, failing=(NOON, hours + 1), needs_somebody=False, now=now)
        work(mailing)
    assert len(inbox.messages) == 1
    with engine.begin() as connection:
        tell_success(connection, company_id, SYNC, now=NOON)
    work(mailing)
    work(mailing)

    (to, subject, body), (_, over, _) = inbox.texts()
    assert (to, subject) == ("ada@zed.test", "Syncs with Stripe keep failing (Company of acct_zed)")
    assert over == "Syncs with Stripe no longer fail (Company of acct_zed)"
    assert "No sync has succeeded since 2026-03-01 12:00 UTC. It broke." in body
    assert f"Mend it.\nSync history: https://revmap.test/companies/{company_id}/syncs\n" in body
    assert f"To change that: https://revmap.test/companies/{company_id}/settings/notifications" in body


def test_what_is_over_before_anybody_was_written_to_is_not_written_about(
    engine: Engine, company_id: int, mailing: Desk, inbox: Inbox
) -> None:
    add_member(engine, company_id, "admin")
    with engine.begin() as connection:
        lose_access(connection, company_id, reason="stripe_event", occurred_at=NOON, now=NOON)
        authorize(connection, company_id, Account("acct_zed", livemode=True), now=NOON, actor="tests")
    settle_notices(engine, lambda: NOON, is_long=False)
    work(mailing)

    assert inbox.messages == []


def test_each_person_gets_what_they_chose_and_else_what_their_role_suggests(engine: Engine, company_id: int) -> None:
    people = {role: add_member(engine, company_id, role, email=f"{role}@zed.test") for role in _ROLES}
    other = company_with(engine, "acct_other")
    add_member(engine, other, "admin", email="other@zed.test")

    def who(what: str) -> list[str]:
        with engine.connect() as connection:
            return [one.email.split("@")[0] for one in recipients_of(connection, company_id, what)]

    assert who(SYNC_FAILED) == ["admin", "editor"]
    assert who("webhook_endpoint.disabled") == ["admin"]
    with engine.begin() as connection:
        choose_types(connection, company_id, people["admin"], [])
        choose_types(connection, company_id, people["viewer"], [SYNC_FAILED])
    assert who(SYNC_FAILED) == ["editor", "viewer"]
    assert who("webhook_endpoint.disabled") == []


_ROLES: tuple[Any, ...] = ("admin", "editor", "viewer")


def test_the_clock_wakes_the_sender_for_what_waits(engine: Engine, tools: Tools, company_id: int) -> None:
    queue = "revmap:rung:notice"
    sweep(tools, is_long=True)
    assert not tools.redis.exists(queue)
    with engine.begin() as connection:
        lose_access(connection, company_id, reason="stripe_event", occurred_at=NOON, now=NOON)
    sweep(tools, is_long=False)
    assert not tools.redis.exists(queue)  # there is no mail server, and no endpoint
    sweep(replace(tools, sends_mail=True), is_long=False)
    assert tools.redis.exists(queue)

    tools.redis.delete(queue)
    new_endpoint(engine, company_id, URL)
    with engine.begin() as connection:
        lose_again(connection, company_id)
    sweep(tools, is_long=False)
    assert tools.redis.exists(queue)


def lose_again(connection: Any, company_id: int) -> None:
    """Announce something: the connection is made again and lost."""
    authorize(connection, company_id, Account("acct_zed", livemode=True), now=NOON, actor="tests")
    lose_access(connection, company_id, reason="stripe_event", occurred_at=NOON, now=NOON)
