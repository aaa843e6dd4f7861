"""Store a book as the facts that it follows from, and read it again. Pure."""

from functools import lru_cache

import msgspec
from msgspec import Raw, Struct

from projections.mapping.decisions.book import EMPTY, Book, book_after
from projections.mapping.decisions.facts import RULES_PUBLISHED, MappingFact, read_fact, type_of_fact
from projections.mapping.decisions.payloads import LinesOverridden, LinesReleased

_MOST_READ = 64


class _StoredFact(Struct, frozen=True, array_like=True):
    type: str
    said_at: int
    payload: Raw


_DECODER = msgspec.json.Decoder(tuple[_StoredFact, ...])
_ENCODER = msgspec.json.Encoder()


def stored_after(stored: bytes, fact: MappingFact, said_at: int) -> bytes:
    """Return a stored book after a fact of `said_at`, in Unix seconds; empty bytes are the book before all facts.

    Rules that were published take the place of those before them. Facts about lines are kept elsewhere.
    """
    if isinstance(fact, LinesOverridden | LinesReleased):
        return stored
    fact_type = type_of_fact(fact)
    facts = _DECODER.decode(stored) if stored else ()
    kept = [one for one in facts if one.type != fact_type or fact_type != RULES_PUBLISHED]
    return _ENCODER.encode([*kept, _StoredFact(fact_type, said_at, Raw(_ENCODER.encode(fact)))])


@lru_cache(_MOST_READ)
def book_of(stored: bytes) -> Book:
    """Return a stored book. The same bytes give the same object, whose rules remember what they matched."""
    book = EMPTY
    for fact_type, said_at, payload in map(_fields, _DECODER.decode(stored) if stored else ()):
        book = book_after(book, read_fact(fact_type, payload), said_at)
    return book


def _fields(fact: _StoredFact) -> tuple[str, int, bytes]:
    return fact.type, fact.said_at, bytes(fact.payload)
