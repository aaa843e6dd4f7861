"""Map a company's lines anew when a fact changes the mapping or the policy: in bites, since they may be many."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from projections.facts.facts import Fact
from projections.mapping.decisions.book import Book
from projections.mapping.decisions.facts import MappingFact
from projections.mapping.decisions.payloads import (
    LinesOverridden,
    LinesReleased,
    RulesPublished,
    SubscriptionOverridden,
    SubscriptionReleased,
)
from projections.mapping.decisions.stored_book import book_of, stored_after
from projections.recognition.outcome import Shares
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.parts.invoice_parts import InvoiceParts
from projections.revenue.parts.part_changes import PartChanges
from projections.revenue.row_versions import parts_at
from projections.revenue.state import Key
from projections.revenue.store.batch_sums import BatchSums
from projections.revenue.store.load_state import load_invoices
from projections.revenue.store.mapping.mapped_groups import Books
from projections.revenue.store.mapping.mapping_store import (
    StoredBook,
    keep_book,
    load_line_overrides,
    write_line_overrides,
)
from projections.revenue.store.mapping.remap_groups import remap_groups
from projections.revenue.store.mapping.whole_tables import of_whole_tables
from projections.revenue.store.parts.write_parts import write_parts
from runtime.database import Driver

_INVOICES_AT_ONCE = 1000
_ALL = """
    SELECT livemode, id FROM revenue_invoice
    WHERE company_id = %(company_id)s AND build = %(build)s AND (livemode, id) > (%(livemode)s, %(id)s)
    ORDER BY livemode, id LIMIT %(most)s
"""
_OF_SUBSCRIPTION = """
    SELECT DISTINCT livemode, invoice_id FROM revenue_line
    WHERE company_id = %(company_id)s AND build = %(build)s AND subscription_id = %(subscription_id)s
      AND livemode = %(livemode)s
"""


class _Mapping(NamedTuple):
    """What maps the lines of invoices."""

    book: Book
    lines: Mapping[Key, Mapping[str, Shares]]


def remap(driver: Driver, at: BuildState, stored: StoredBook, fact: Fact, sums: BatchSums) -> StoredBook:
    """Apply a fact about the mapping or the policy to a build, and return its book as it is stored then.

    The parts that it changes are written; what they change in sums is added to `sums`. Commits nothing.
    """
    said, position = fact.said, fact.position
    if said is None:
        return stored
    said_at = int(fact.sighting.change.recorded_at.timestamp())
    is_about_lines = isinstance(said, LinesOverridden | LinesReleased)
    after = StoredBook(stored_after(stored.book, said, said_at), stored.has_line_overrides or is_about_lines)
    books = Books(book_of(stored.book), book_of(after.book))
    recognition, left = sums.recognition(at.company_id), None
    if isinstance(said, RulesPublished) and books.map_by_groups:
        with of_whole_tables(driver):
            left = remap_groups(driver, at, books, position, recognition)
    keys = iter(left) if left is not None else _concerned(driver, at, said, books)
    while bite := list(islice(keys, _INVOICES_AT_ONCE)):
        beside = at._replace(revenue=RevenueState())
        beside.revenue.book = books[1]
        load_invoices(driver, [(beside, bite)])
        if after.has_line_overrides:
            load_line_overrides(driver, [beside])
        lines = beside.revenue.line_overrides
        changes = _changes(beside, _Mapping(books[0], lines), _Mapping(books[1], _lines_after(lines, said)), position)
        recognition.add(changes)
        write_parts(driver, [(beside, changes)])
    if isinstance(said, LinesOverridden | LinesReleased):
        write_line_overrides(driver, at, said, position)
    keep_book(driver, at, after, position)
    return after


def _changes(beside: BuildState, before: _Mapping, after: _Mapping, position: int) -> PartChanges:
    changes, revenue = PartChanges(), beside.revenue
    for key, held in revenue.invoices.items():
        earlier = InvoiceParts(key, before.book, before.lines.get(key, {}))
        later = InvoiceParts(key, after.book, after.lines.get(key, {}))
        parts = parts_at(later, held, position, revenue)
        changes.follow(key, parts_at(earlier, held, position, revenue), [(position, parts)])
    return changes


def _concerned(driver: Driver, at: BuildState, said: MappingFact, books: Books) -> Iterator[Key]:
    """Yield the invoices whose parts the fact may change."""
    match said:
        case LinesOverridden() | LinesReleased():
            yield from sorted({(line.livemode, line.invoice_id) for line in said.lines})
        case SubscriptionOverridden() | SubscriptionReleased():
            of_subscription = {"subscription_id": said.subscription_id, "livemode": said.livemode}
            scope = {"company_id": at.company_id, "build": at.build}
            yield from driver.execute(_OF_SUBSCRIPTION, scope | of_subscription).fetchall()
        case _ if _maps_alike(*books):
            return
        case _:
            yield from _all_invoices(driver, at)


def _all_invoices(driver: Driver, at: BuildState) -> Iterator[Key]:
    last: Key = (False, "")
    scope = {"company_id": at.company_id, "build": at.build, "most": _INVOICES_AT_ONCE}
    while rows := driver.execute(_ALL, scope | {"livemode": last[0], "id": last[1]}).fetchall():
        yield from rows
        last = rows[-1]


def _maps_alike(before: Book, after: Book) -> bool:
    """Return whether both books map every line alike: names and versions map nothing."""
    return _what_maps(before) == _what_maps(after)


def _what_maps(book: Book) -> tuple[object, ...]:
    streams = {
        stream_id: (
            stream.default_treatment,
            stream.archived_at,
            {plan_id: plan.archived_at for plan_id, plan in stream.plans.items()},
        )
        for stream_id, stream in book.streams.items()
        if stream.default_treatment or stream.archived_at or any(plan.archived_at for plan in stream.plans.values())
    }
    return streams, book.rules_version, book.policy


def _lines_after(lines: Mapping[Key, Mapping[str, Shares]], said: MappingFact) -> Mapping[Key, Mapping[str, Shares]]:
    if not isinstance(said, LinesOverridden | LinesReleased):
        return lines
    shares = said.shares() if isinstance(said, LinesOverridden) else None
    after = {key: dict(of_invoice) for key, of_invoice in lines.items()}
    for line in said.lines:
        of_invoice = after.setdefault((line.livemode, line.invoice_id), {})
        of_invoice.pop(line.invoice_line_item_id, None)
        if shares is not None:
            of_invoice[line.invoice_line_item_id] = shares
    return after
