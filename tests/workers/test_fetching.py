"""What the table lacks is requested once, fetched under a lease, and postponed if Stripe does not answer properly."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from backlog import fetch_requests
from backlog.fetch_requests import request_fetches, request_gaps
from backlog.fetches import claim_due, note_failure
from backlog.jobs import FETCH, PROJECTION
from events.connection.accounts import DISCONNECTED
from events.connection.lifecycle import disconnect
from events.log.append import append
from events.log.read import read_events
from events.stripe.words import observations_of
from projections.reads.snapshots import snapshot_of
from projections.reads.table.lines import list_quarantined
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import Tally
from stripe_gateway.objects import fetch
from stripe_gateway.refusals import ObjectMissingError
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, record_events
from tests.support.databases import arranging
from tests.support.payloads import CREATED, credit_note, customer, event, new_invoice, new_line, price
from tests.support.syncs.gateway_hooks import on_request, with_hook
from workers.clock_process import sweep
from workers.jobs import catch_up_with, fetch_with
from workers.wiring.tools import Tools


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    return simulated.create_account("Sample Studio")


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


def requests_in(engine: Engine) -> list[tuple[str, str, int, bool]]:
    """Return (kind, id, attempts, is answered) of all fetch requests."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT kind, object_id, attempts, answered_at IS NOT NULL FROM fetch_request ORDER BY 1, 2")
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


def make_due(engine: Engine) -> None:
    with arranging(engine) as connection:
        connection.execute(text("UPDATE fetch_request SET due_at = clock_timestamp() WHERE answered_at IS NULL"))


def invoice_of(simulated: SimulatedStripe, account: Account, *, lines: int) -> tuple[str, bytes]:
    """Create a paid invoice with this many lines of one monthly price, and return its id and webhook body."""
    endpoint = simulated.add_endpoint("", ["whsec_x"], types=("invoice.paid",))
    buyer = account.live.create_customer("Zed Inc")
    priced = account.live.create_price(account.live.create_product("Team").id, 100, every=(1, "month"))
    specs = [LineSpec(amount=100 + number, price=priced.id) for number in range(lines)]
    invoice = account.live.create_paid_invoice(buyer.id, specs)
    (delivery,) = simulated.signed_deliveries(endpoint)
    return invoice.id, delivery.body


@pytest.mark.parametrize("count", [11, 101, 251])
def test_an_invoice_with_more_lines_than_a_webhook_holds_is_completed(
    count: int, tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    _, body = invoice_of(simulated, account, lines=count)
    record_events(tools.engine, body)

    while catch_up_with(tools) + fetch_with(tools):
        pass

    with snapshot_of(tools.engine, company_id) as snapshot:
        found = snapshot.connection.execute(
            text("SELECT count(*), sum(amount), bool_and(invoice_complete), min(cadence) FROM revenue_line")
        ).one()
    assert tuple(found) == (count, sum(100 + number for number in range(count)), True, "monthly")


def test_a_price_is_fetched_once_however_many_lines_lack_it(
    tools: Tools, simulated: SimulatedStripe, account: Account, stripe_server: StripeServer, company_id: int
) -> None:
    _, body = invoice_of(simulated, account, lines=9)
    record_events(tools.engine, body)

    while catch_up_with(tools) + fetch_with(tools):
        pass

    assert company_id
    assert stripe_server.requests.counts()["GET /v1/prices/:id"] == 1


def test_a_fetched_body_is_kept_as_it_came_and_dated_by_stripes_answer(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    _, body = invoice_of(simulated, account, lines=1)
    record_events(tools.engine, body)
    catch_up_with(tools)
    fetch_with(tools)

    with tools.engine.connect() as connection:
        fetched = read_events(connection, company_id, after=2, limit=10)[0]

    assert (fetched.type, fetched.source, fetched.occurred_at) == ("price.fetched", "stripe.api", NOON)
    assert json.loads(fetched.payload)["object"] == "price"
    assert fetched.api_version == simulated.api_version
    assert observations_of(fetched.type, fetched.entity, fetched.payload)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.ERROR, status=503, times=9),
        Fault(kind=FaultKind.HTML, times=9),
        Fault(kind=FaultKind.TRUNCATED_JSON, times=9),
        Fault(kind=FaultKind.CUT_BODY, times=9),
        Fault(kind=FaultKind.RATE_LIMITED, times=9),
    ],
    ids=lambda fault: fault.kind.name.lower(),
)
def test_an_unusable_answer_is_not_kept_and_requested_again_later(
    fault: Fault,
    tools: Tools,
    simulated: SimulatedStripe,
    account: Account,
    stripe_server: StripeServer,
    company_id: int,
) -> None:
    _, body = invoice_of(simulated, account, lines=1)
    record_events(tools.engine, body)
    stripe_server.faults.add(fault)
    catch_up_with(tools)
    fetched_at_first = fetch_with(tools)
    with tools.engine.connect() as connection:
        kept = len(read_events(connection, company_id, after=2, limit=10))
    stripe_server.faults.clear()
    tools.redis.flushall()  # as if the time that Stripe asked for had passed
    make_due(tools.engine)

    fetched_later = fetch_with(tools)

    assert (fetched_at_first, kept, fetched_later) == (0, 0, 2)  # the price and its product


def test_invoice_that_is_fetched_again_is_resolved_even_if_the_table_showed_the_same_before(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    invoice_id, body = invoice_of(simulated, account, lines=1)
    record_events(tools.engine, body)
    spoilt = json.loads(body)
    spoilt |= {"id": "evt_spoilt", "created": spoilt["created"] + 1}
    spoilt["data"]["object"]["status"] = "pondering"
    record_events(tools.engine, spoilt)
    while catch_up_with(tools) + fetch_with(tools):
        pass
    tools.clock.advance(timedelta(seconds=2))  # type: ignore[attr-defined]  # the tests' own clock
    with arranging(tools.engine) as connection:
        request_fetches(connection, company_id, "invoice", [invoice_id], livemode=True)

    while fetch_with(tools) + catch_up_with(tools):
        pass

    with snapshot_of(tools.engine, company_id) as snapshot:
        (fact,) = list_quarantined(snapshot, limit=10, before=None)
        head = snapshot.position
    assert fact.is_resolved
    with arranging(tools.engine) as connection:
        request_fetches(connection, company_id, "invoice", [invoice_id], livemode=True)
    while fetch_with(tools) + catch_up_with(tools):
        pass
    with snapshot_of(tools.engine, company_id) as snapshot:
        assert snapshot.position == head


def test_price_and_customer_that_are_read_since_are_resolved_too(tools: Tools, company_id: int) -> None:
    with tools.engine.connect() as connection:
        account = connection.execute(text("SELECT account_id FROM account_owner")).scalar_one()
    for kind, subject in (("price", price()), ("customer", customer())):
        spoilt = subject | ({"recurring": 5} if kind == "price" else {"name": 5})
        record_events(tools.engine, event(spoilt, f"{kind}.updated", account=account, created=CREATED))
        record_events(tools.engine, event(subject, f"{kind}.updated", account=account, created=CREATED - 5))
        catch_up(tools.engine)
        with snapshot_of(tools.engine, company_id) as snapshot:
            assert not list_quarantined(snapshot, limit=1, before=None)[0].is_resolved
        record_events(tools.engine, event(subject, f"{kind}.updated", account=account, created=CREATED + 5))
        catch_up(tools.engine)
        with snapshot_of(tools.engine, company_id) as snapshot:
            assert list_quarantined(snapshot, limit=1, before=None)[0].is_resolved


def test_an_answer_that_comes_after_the_company_disconnected_is_not_kept(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    def give_up() -> None:
        with arranging(tools.engine) as connection:
            disconnect(connection, company_id, actor="tests", now=tools.clock())

    _, body = invoice_of(simulated, account, lines=1)
    record_events(tools.engine, body)
    catch_up_with(tools)

    fetched = fetch_with(with_hook(tools, on_request(1, give_up)))

    with tools.engine.connect() as connection:
        assert connection.scalars(text("SELECT type FROM event ORDER BY position")).all()[-1] == DISCONNECTED
    assert fetched == 0


def test_what_waits_under_a_lease_is_not_taken_twice(tools: Tools, company_id: int) -> None:
    record_events(tools.engine, unknown_price_event(account_of(tools.engine, company_id), 1))
    catch_up(tools.engine)
    request_gaps(tools.engine)

    assert len(claim_due(tools.engine)) == 1
    assert claim_due(tools.engine) == []


def test_every_failure_doubles_the_wait(tools: Tools, company_id: int) -> None:
    record_events(tools.engine, unknown_price_event(account_of(tools.engine, company_id), 1))
    catch_up(tools.engine)
    request_gaps(tools.engine)
    waits = []

    for _ in range(4):
        make_due(tools.engine)
        (request,) = claim_due(tools.engine)
        note_failure(tools.engine, request, "away")
        with tools.engine.connect() as connection:
            waits.append(
                connection.execute(
                    text("SELECT extract(epoch FROM due_at - clock_timestamp())::float FROM fetch_request")
                ).scalar_one()
            )

    # 2^attempts seconds, times 0.5 to 1 by chance; of what was measured a moment has passed.
    assert all(0 < wait <= 2**attempts for attempts, wait in enumerate(waits, 1))
    assert all(wait > 0.5 * 2**attempts - 1 for attempts, wait in enumerate(waits, 1))


def test_an_answer_that_the_table_has_not_taken_in_yet_is_not_asked_for_again(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    _, body = invoice_of(simulated, account, lines=11)
    record_events(tools.engine, body)
    catch_up_with(tools)
    fetch_with(tools)

    requested_again = request_gaps(tools.engine, company_ids=[company_id])

    assert requested_again == 0
    assert all(is_answered for *_, is_answered in requests_in(tools.engine))


def test_an_answer_that_settles_nothing_is_not_asked_for_again_at_once(
    tools: Tools, account: Account, company_id: int
) -> None:
    gone = account.live.create_customer("Zed Inc")
    account.live.delete_customer(gone.id)
    for name in ("Alpha", "Beta"):
        record_events(
            tools.engine, event(customer(name, gone.id), "customer.updated", account=account.id, created=CREATED)
        )

    rounds = 0
    while catch_up_with(tools) + fetch_with(tools):
        rounds += 1

    assert rounds <= 3
    assert requests_in(tools.engine) == [("customer", gone.id, 1, True)]
    with tools.engine.begin() as connection:
        connection.execute(text("UPDATE fetch_request SET attempts = 2000"))
    assert request_gaps(tools.engine, company_ids=[company_id]) == 0  # however often it was asked for
    assert requests_in(tools.engine) == [("customer", gone.id, 2000, False)]


def test_facts_that_contradict_each_other_anew_are_asked_about_at_once(
    tools: Tools, account: Account, company_id: int
) -> None:
    buyer = account.live.create_customer("Zed Inc")

    for _ in range(2):
        tools.clock.advance(timedelta(seconds=2))  # type: ignore[attr-defined]  # the tests' own clock
        now = int(tools.clock().timestamp())
        for name in ("Alpha", "Beta"):
            renamed = customer(name, buyer.id)
            record_events(tools.engine, event(renamed, "customer.updated", account=account.id, created=now))
        while catch_up_with(tools) + fetch_with(tools):
            pass

    assert company_id
    assert requests_in(tools.engine) == [("customer", buyer.id, 1, True)]
    with tools.engine.connect() as connection:
        assert not connection.scalar(text("SELECT bool_or(is_contested) FROM revenue_customer"))


def test_a_credit_note_is_asked_for_while_two_facts_of_a_second_disagree_about_it(
    tools: Tools, account: Account, company_id: int
) -> None:
    record_events(tools.engine, event(new_invoice(), account=account.id))
    asked = []
    # The row is that of number B throughout: of two values the greater one wins.
    for number, created in (("B", 0), ("A", 0), ("B", 1)):
        note = credit_note(number=number)
        record_events(tools.engine, event(note, "credit_note.updated", account=account.id, created=CREATED + created))
        catch_up(tools.engine)
        request_gaps(tools.engine, company_ids=[company_id])
        asked.append([object_id for kind, object_id, *_ in requests_in(tools.engine) if kind == "credit_note"])
        with arranging(tools.engine) as connection:
            connection.execute(text("DELETE FROM fetch_request"))

    assert asked == [[], ["cn_1"], []]


def test_a_sweep_wakes_workers_for_work_that_nobody_woke_them_for(
    tools: Tools, account: Account, company_id: int
) -> None:
    record_events(tools.engine, event(new_invoice(), account=account.id))
    sweep(tools, is_long=True)
    behind = tools.redis.llen(f"rq:queue:{PROJECTION}")
    catch_up(tools.engine)

    sweep(tools, is_long=True)

    assert company_id
    assert behind == 1
    assert tools.redis.llen(f"rq:queue:{FETCH}") == 1


def test_a_sweep_lets_parked_events_join_once_their_account_is_connected(tools: Tools, account: Account) -> None:
    record_events(tools.engine, event(new_invoice(), account=account.id))
    company_id = company_with(tools.engine, account.id)

    sweep(tools, is_long=True)

    with tools.engine.connect() as connection:
        joined = read_events(connection, company_id, after=1, limit=10)
    assert [one.type for one in joined if one.source == "stripe"] == ["invoice.paid"]


def test_a_log_that_refuses_keeps_no_other_company_from_its_parked_events_or_its_sync(
    tools: Tools, account: Account
) -> None:
    record_events(tools.engine, event(new_invoice(), account="acct_sick"), event(new_invoice(), account=account.id))
    sick, well = company_with(tools.engine, "acct_sick"), company_with(tools.engine, account.id)
    with arranging(tools.engine) as connection:
        connection.execute(text("UPDATE company_head SET position = 0 WHERE company_id = :id"), {"id": sick})

    sweep(tools, is_long=True)

    with tools.engine.connect() as connection:
        joined = [read_events(connection, one, after=1, limit=10) for one in (sick, well)]
    assert [[one.type for one in events] for events in joined] == [[], ["invoice.paid", "sync.requested"]]


def test_a_log_that_refuses_an_answer_keeps_no_other_company_waiting(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    other = simulated.create_account("Sick")
    sick = company_with(tools.engine, other.id)
    for one in (account, other):
        _, body = invoice_of(simulated, one, lines=30)
        record_events(tools.engine, body)
    catch_up_with(tools)
    with arranging(tools.engine) as connection:
        connection.execute(text("UPDATE company_head SET position = 1 WHERE company_id = :id"), {"id": sick})

    while fetch_with(tools) + catch_up_with(tools):
        pass

    assert is_complete(tools.engine, company_id)
    assert not is_complete(tools.engine, sick)


def unknown_price_event(account_id: str, number: int) -> dict[str, object]:
    """Return an event about an invoice whose price is unknown, even to Stripe."""
    line = new_line(pricing={"price_details": {"price": f"price_gone_{number}"}})
    return event(new_invoice(f"in_{number}", line), account=account_id)


def test_a_price_that_no_fact_has_told_of_is_requested_with_the_first_line_that_has_it(
    tools: Tools, account: Account, company_id: int
) -> None:
    record_events(tools.engine, unknown_price_event(account.id, 1))

    catch_up_with(tools)

    assert company_id
    assert requests_in(tools.engine) == [("price", "price_gone_1", 0, False)]


def test_a_thousand_and_more_gaps_that_stripe_cannot_fill_keep_no_other_company_incomplete(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int
) -> None:
    greedy = simulated.create_account("Greedy")
    greedy_id = company_with(tools.engine, greedy.id)
    record_events(tools.engine, *(unknown_price_event(greedy.id, number) for number in range(1500)))
    catch_up(tools.engine)
    request_gaps(tools.engine)
    _, body = invoice_of(simulated, account, lines=30)
    record_events(tools.engine, body)
    catch_up(tools.engine)

    request_gaps(tools.engine)
    fetch_count = fetches_until_complete(tools, company_id)

    assert greedy_id
    assert fetch_count < 100, "of two companies each has about every second turn"


def fetches_until_complete(tools: Tools, company_id: int) -> int:
    """Fetch one object after another until the company's invoice is complete, and return how many were fetched."""
    fetch_count = 0
    while not is_complete(tools.engine, company_id):
        (request,) = claim_due(tools.engine)
        assert request.account is not None
        with suppress(ObjectMissingError):
            facts = fetch(tools.stripe, request.account, request.kind, request.object_id, Tally())
            with arranging(tools.engine) as connection:
                append(connection, request.company_id, facts)
            catch_up(tools.engine)
        fetch_count += 1
    return fetch_count


def is_complete(engine: Engine, company_id: int) -> bool:
    with snapshot_of(engine, company_id) as snapshot:
        found = snapshot.connection.execute(
            text("SELECT count(*) = 30 AND bool_and(invoice_complete) FROM revenue_line")
        )
        return bool(found.scalar())


def test_what_is_asked_for_already_leaves_room_for_what_is_not(
    tools: Tools, account: Account, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_events(tools.engine, *(unknown_price_event(account.id, number) for number in range(5)))
    catch_up(tools.engine)
    monkeypatch.setattr(fetch_requests, "_MOST_AT_ONCE", 2)

    counts = []
    for _ in range(3):
        request_gaps(tools.engine)
        counts.append(len(requests_in(tools.engine)))

    assert company_id
    assert counts == [2, 4, 5]


def account_of(engine: Engine, company_id: int) -> str:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT account_id FROM account_owner WHERE company_id = :id"), {"id": company_id}
        ).scalar_one()
    return str(found)


def test_after_a_batch_the_worker_waits_for_more_the_longer_the_more_there_was(tools: Tools, company_id: int) -> None:
    account, pauses = account_of(tools.engine, company_id), list[float]()
    patient = replace(tools, pause=pauses.append)
    catch_up(tools.engine)
    for count in (1, 3, 60):
        record_events(
            tools.engine,
            *(event(customer(f"Name {number}"), "customer.updated", account=account) for number in range(count)),
        )
        catch_up_with(patient)

    assert pauses[0] < pauses[1] < pauses[2] <= 0.05
