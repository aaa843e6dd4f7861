"""Say in words what the figures of recognized revenue leave out."""

from collections.abc import Collection, Iterator

from projections.reads.missing import MOST_COUNTED
from projections.reads.recognition.completeness import Lacking

# What revmap does not read, whatever the company.
_ALWAYS = (
    "Refunds and disputes: only credit notes, void and uncollectible invoices reduce revenue.",
    "Exchange rates: each currency is reported by itself.",
)


# Lists of Stripe that a connection may not be permitted to read, and revenue is wrong without.
_FORBIDDEN = {"credit_notes": "Credit notes: the connection may not read them. Allow it to, then sync."}


def left_out_of(lacking: Lacking, unread: Collection[str]) -> list[str]:
    """Return a sentence for each kind of thing that is not in the figures; `unread` are lists of Stripe."""
    forbidden = [_FORBIDDEN[name] for name in _FORBIDDEN if name in unread]
    return [*_ALWAYS, *forbidden, *_lacking(lacking)]


def _lacking(lacking: Lacking) -> Iterator[str]:
    if lacking.invoices:
        yield f"{_count(lacking.invoices, 'invoice')} still being fetched from Stripe."
    if lacking.credit_notes:
        yield f"{_count(lacking.credit_notes, 'credit note')} waiting for an invoice or for lines."
    if lacking.unread:
        yield f"{_count(lacking.unread, 'invoice or credit note', 'invoices or credit notes')} that couldn't be read."


def _count(number: int, one: str, several: str | None = None) -> str:
    if number == 1:
        return f"1 {one}"
    several = several or f"{one}s"
    return f"{MOST_COUNTED} or more {several}" if number >= MOST_COUNTED else f"{number} {several}"
