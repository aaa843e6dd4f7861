"""Compute what an account must recognize by month from the records, with an algorithm that knows no steps.

What a line has earned before a day is its amount as it stood when that day began, times the part of its days that was
over, rounded half to even. A month is the difference of two such figures, whatever happened in between. Days are UTC.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.truth import net_of, takes_of
from sandbox.stripe.records.records import CreditNote, Invoice, Line

# By currency and month, such as ("usd", "2026-01"): minor units.
Recognized = dict[tuple[str, str], int]


def recognized_by_month(account: Account, *, livemode: bool) -> Recognized:
    """Return what is recognized of all lines, without months in which nothing is."""
    ledger = account.ledger(livemode=livemode)
    sums: Counter[tuple[str, str]] = Counter()
    with ledger.lock:
        notes: dict[str, list[CreditNote]] = {}
        for note in ledger.credit_notes:
            notes.setdefault(note.invoice.id, []).append(note)
        for invoice in ledger.invoices:
            for line in invoice.lines if invoice.status != "draft" else ():
                for month, amount in _months(invoice, line, notes.get(invoice.id, [])):
                    sums[invoice.currency, month] += amount
    return {key: amount for key, amount in sorted(sums.items()) if amount}


def _months(invoice: Invoice, line: Line, notes: Iterable[CreditNote]) -> Iterator[tuple[str, int]]:
    booked = _day(invoice.finalized_at)
    if line.period_end > line.period_start:
        start, end = _day(line.period_start), _day(line.period_end + 1)
        end = max(end, start + timedelta(days=1))
    else:
        start, end = booked, booked + timedelta(days=1)
    taken = [(note, takes_of(note, invoice).get(line.id, 0)) for note in notes]
    dates = [start, end, booked, *(_day(at) for at in _happenings(invoice, taken))]
    month, before = min(dates).replace(day=1), 0
    while month <= max(dates):
        following = (month + timedelta(days=31)).replace(day=1)
        over = Fraction(min(max((following - start).days, 0), (end - start).days), (end - start).days)
        until_here = round(_amount_on(following, invoice, line, taken) * over)
        yield f"{month:%Y-%m}", until_here - before
        month, before = following, until_here


def _amount_on(day: date, invoice: Invoice, line: Line, taken: Iterable[tuple[CreditNote, int]]) -> int:
    """Return a line's amount when a day begins."""
    if invoice.status == "void" and _is_before(invoice.voided_at, day):
        return 0
    is_recovered = invoice.status == "paid" and _is_before(invoice.paid_at, day)
    if _is_before(invoice.uncollectible_at, day) and not is_recovered:
        return 0
    net = net_of(line.amount, line.discounts, line.taxes)
    for note, amount in taken:
        stands = _is_before(note.effective_at, day) and not (note.status == "void" and _is_before(note.voided_at, day))
        if stands and amount * net > 0:
            low, high = sorted((0, net))
            net = min(max(net - amount, low), high)
    return net


def _happenings(invoice: Invoice, taken: Iterable[tuple[CreditNote, int]]) -> Iterator[int]:
    for note, _ in taken:
        yield note.effective_at
        yield note.voided_at or note.effective_at
    yield from (at for at in (invoice.voided_at, invoice.uncollectible_at, invoice.paid_at) if at is not None)


def _is_before(at: int | None, day: date) -> bool:
    return at is not None and _day(at) < day


def _day(unix_seconds: int | None) -> date:
    return datetime.fromtimestamp(unix_seconds or 0, UTC).date()
