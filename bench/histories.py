"""Logs of real size: what Stripe tells of invoices, 6 KB an event in both shapes, of companies of very unequal size."""

import json
from collections.abc import Iterator

from sqlalchemy import Engine

from bench.payloads import CUSTOMERS, PERIOD_SECONDS, invoice_event
from events.connection.accounts import Account, authorize
from events.intake.envelope import event_from_stripe
from events.log.append import NewEvent, append
from runtime.clock import utc_now
from tenants.companies import add_company

_STARTED = 1_700_000_000
_SECONDS_BETWEEN_INVOICES = 60
_AT_ONCE = 500
_LINE_AMOUNT = b'"amount": 2000,'
# What stands in a pattern for what differs from invoice to invoice.
_NUMBER, _CREATED, _TOLD = 7_777_777_777, 1_888_888_888, 1_999_999_999
# What Stripe sends while a subscription's invoice is made and paid at once.
_LIFE = (
    ("invoice.created", "draft"),
    ("invoice.finalized", "open"),
    ("invoice.paid", "paid"),
    ("invoice.payment_succeeded", "paid"),
)


def fill_logs(engine: Engine, *, events: int, companies: int) -> dict[int, int]:
    """Give each of the companies a log, the n-th a share of 1/n; return how many events each got. Commits."""
    weights = [1 / (number + 1) for number in range(companies)]
    sizes: dict[int, int] = {}
    for number, weight in enumerate(weights):
        account_id = f"acct_history{number}"
        with engine.begin() as connection:
            company_id = add_company(connection, f"Company {number}").id
            authorize(connection, company_id, Account(account_id, livemode=True), now=utc_now(), actor="bench")
        count = max(1, round(events * weight / sum(weights)))
        _fill(engine, company_id, _events(account_id, number, count))
        sizes[company_id] = count + 1
    return sizes


def _fill(engine: Engine, company_id: int, events: Iterator[NewEvent]) -> None:
    batch: list[NewEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) == _AT_ONCE:
            with engine.begin() as connection:
                append(connection, company_id, batch)
            batch = []
    with engine.begin() as connection:
        append(connection, company_id, batch)


def _events(account_id: str, company: int, count: int) -> Iterator[NewEvent]:
    patterns = [
        [_pattern(account_id, step, is_new_shape=is_new) for step in range(len(_LIFE))] for is_new in (False, True)
    ]
    for number in range(count):
        invoice, step = divmod(number, len(_LIFE))
        created = _STARTED + invoice * _SECONDS_BETWEEN_INVOICES
        yield event_from_stripe(_filled_in(patterns[invoice % 2][step], company * 10_000_000 + invoice, created, step))


def _pattern(account_id: str, step: int, *, is_new_shape: bool) -> bytes:
    # Writing JSON with indents takes longer than all that is done with it afterwards: a body is written once.
    whole = json.loads(invoice_event(_NUMBER, account_id=account_id, created=_CREATED, is_new_shape=is_new_shape))
    event_type, status = _LIFE[step]
    whole |= {"id": f"{whole['id']}_{step}", "type": event_type, "created": _TOLD}
    whole["data"]["object"]["status"] = status
    return json.dumps(whole, indent=2).encode()


def _filled_in(pattern: bytes, number: int, created: int, step: int) -> bytes:
    for words in ("cus_bench%d", "Customer %d"):
        pattern = pattern.replace((words % (_NUMBER % CUSTOMERS)).encode(), (words % (number % CUSTOMERS)).encode())
    # Amounts as unevenly spread as real ones, the same for all that is told of an invoice.
    pattern = pattern.replace(_LINE_AMOUNT, b'"amount": %d,' % (99 + number * number % 9_973 * 10))
    for placeholder, value in (
        (_NUMBER, number),
        (_TOLD, created + step),
        (_CREATED, created),
        (_CREATED + PERIOD_SECONDS, created + PERIOD_SECONDS),
    ):
        pattern = pattern.replace(b"%d" % placeholder, b"%d" % value)
    return pattern
