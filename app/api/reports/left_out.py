"""Say in words what the figures of recognized revenue leave out."""

from collections.abc import Iterator

from projections.reads.missing import MOST_COUNTED
from projections.reads.recognition.completeness import Lacking

# What revmap does not read, whatever the company.
_ALWAYS = (
    "Refunds and disputes: only credit notes, void and uncollectible invoices reduce revenue.",
    "Exchange rates: each currency is reported by itself.",
)


def left_out_of(lacking: Lacking) -> list[str]:
    """Return a sentence for each kind of thing that is not in the figures."""
    return [*_ALWAYS, *_lacking(lacking)]


def _lacking(lacking: Lacking) -> Iterator[str]:
    if lacking.invoices:
        yield f"{_count(lacking.invoices, 'invoice')} whose lines are still being fetched from Stripe."
    if lacking.credit_notes:
        yield f"{_count(lacking.credit_notes, 'credit note')} waiting for an invoice or for lines."
    if lacking.unread:
        yield f"{_count(lacking.unread, 'invoice or credit note', 'invoices or credit notes')} that couldn't be read."


def _count(number: int, one: str, several: str | None = None) -> str:
    if number == 1:
        return f"1 {one}"
    several = several or f"{one}s"
    return f"{MOST_COUNTED} or more {several}" if number >= MOST_COUNTED else f"{number} {several}"
