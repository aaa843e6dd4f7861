"""Fill logs of realistic size: invoice events of 6 KB in both shapes, for companies of very unequal size."""

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
# Placeholders in a pattern for the values that differ between invoices.
_NUMBER, _CREATED, _EVENT_CREATED = 7_777_777_777, 1_888_888_888, 1_999_999_999
# The events that Stripe sends for a subscription's invoice that is created and paid at once.
_LIFE = (
    ("invoice.created", "draft"),
    ("invoice.finalized", "open"),
    ("invoice.paid", "paid"),
    ("invoice.payment_succeeded", "paid"),
)


def fill_logs(engine: Engine, *, events: int, companies: int) -> dict[int, int]:
    """Append a log for each company, the n-th with a share of 1/n; return the number of events of each. Commits."""
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
    # Writing indented JSON takes longer than everything done with it afterwards, so each pattern is written once.
    whole = json.loads(invoice_event(_NUMBER, account_id=account_id, created=_CREATED, is_new_shape=is_new_shape))
    event_type, status = _LIFE[step]
    whole |= {"id": f"{whole['id']}_{step}", "type": event_type, "created": _EVENT_CREATED}
    whole["data"]["object"]["status"] = status
    return json.dumps(whole, indent=2).encode()


def _filled_in(pattern: bytes, number: int, created: int, step: int) -> bytes:
    for text in ("cus_bench%d", "Customer %d"):
        pattern = pattern.replace((text % (_NUMBER % CUSTOMERS)).encode(), (text % (number % CUSTOMERS)).encode())
    # Amounts as unevenly spread as real ones, the same in all events of an invoice.
    pattern = pattern.replace(_LINE_AMOUNT, b'"amount": %d,' % (99 + number * number % 9_973 * 10))
    for placeholder, value in (
        (_NUMBER, number),
        (_EVENT_CREATED, created + step),
        (_CREATED, created),
        (_CREATED + PERIOD_SECONDS, created + PERIOD_SECONDS),
    ):
        pattern = pattern.replace(b"%d" % placeholder, b"%d" % value)
    return pattern
