"""Load and write what maps lines. Commits nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from projections.mapping.decisions.payloads import LinesOverridden, LinesReleased
from projections.mapping.decisions.stored_book import book_of
from projections.mapping.reading_outcomes import read_outcome
from projections.recognition.outcome import Shares
from projections.revenue.build_state import BuildState
from projections.revenue.state import Key
from projections.revenue.store.bulk import AT_PLACES, PLACE, places_of
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_BOOKS = f"""
    SELECT b.company_id, b.book, b.has_line_overrides
    FROM {rows_of("company_id bigint, build integer")}
    JOIN revenue_book b ON b.company_id = k.company_id AND b.build = k.build
"""  # noqa: S608 - our own words
_KEEP_BOOK = """
    INSERT INTO revenue_book AS b (company_id, build, book, has_line_overrides, position)
    VALUES (%(company_id)s, %(build)s, %(book)s, %(has_line_overrides)s, %(position)s)
    ON CONFLICT (company_id, build) DO UPDATE SET book = excluded.book, position = excluded.position,
        has_line_overrides = b.has_line_overrides OR excluded.has_line_overrides
"""
_OVERRIDES = f"""
    SELECT o.company_id, o.livemode, o.invoice_id, o.invoice_line_item_id, o.outcome
    FROM {AT_PLACES} JOIN revenue_line_override o ON o.company_id = k.company_id AND o.build = k.build
        AND o.livemode = k.livemode AND o.invoice_id = k.id
"""  # noqa: S608 - our own words
_LINE = ("company_id", "build", "livemode", "invoice_id", "invoice_line_item_id")
_LINE_TYPES = "company_id bigint, build integer, livemode boolean, invoice_id text, invoice_line_item_id text"
_RELEASE = f"""
    DELETE FROM revenue_line_override o USING {rows_of(_LINE_TYPES)}
    WHERE {" AND ".join(f"o.{name} = k.{name}" for name in _LINE)}
"""  # noqa: S608 - our own words
_OVERRIDE = f"""
    INSERT INTO revenue_line_override ({", ".join(_LINE)}, batch_id, outcome, position)
    SELECT DISTINCT ON (company_id, build, livemode, invoice_id, invoice_line_item_id) *
    FROM {rows_of(f"{_LINE_TYPES}, batch_id text, outcome text, position bigint")}
    ON CONFLICT ({", ".join(_LINE)}) DO UPDATE
    SET batch_id = excluded.batch_id, outcome = excluded.outcome, position = excluded.position
"""  # noqa: S608 - our own words

# What a statement answers, maybe later.
Rows = Iterable[tuple[Any, ...]]
# The outcomes that people chose for lines, by invoice and line.
LinesOfInvoices = dict[Key, dict[str, Shares]]


class StoredBook(msgspec.Struct, frozen=True):
    """A book as it is stored."""

    book: bytes = b""
    has_line_overrides: bool = False


NO_BOOK = StoredBook()


def find_books(driver: Driver, builds: Sequence[BuildState]) -> Rows:
    """Look for the books of builds; nothing if there are no tables yet to look in."""
    begun = [(build.company_id, build.build) for build in builds if build.is_begun]
    return driver.execute(_BOOKS, as_rows(("company_id", "build"), begun)) if begun else ()


def load_books(found: Rows, builds: Sequence[BuildState]) -> dict[int, StoredBook]:
    """Give each state its book, and return all of them as they are stored, by company."""
    stored = {company_id: StoredBook(book, has_overrides) for company_id, book, has_overrides in found}
    for build in builds:
        if build.company_id in stored:
            build.revenue.book = book_of(stored[build.company_id].book)
    return stored


def keep_book(driver: Driver, at: BuildState, stored: StoredBook, position: int) -> None:
    """Write a build's book after a fact at this position."""
    of_build = {"company_id": at.company_id, "build": at.build, "position": position}
    driver.execute(_KEEP_BOOK, of_build | msgspec.structs.asdict(stored))


def load_line_overrides(driver: Driver, builds: Iterable[BuildState]) -> None:
    """Load the outcomes that people chose for lines of each state's invoices."""
    wanted = [(build, build.revenue.invoices) for build in builds]
    found: dict[int, LinesOfInvoices] = defaultdict(dict)
    rows = places_of(wanted)
    for company_id, livemode, invoice_id, line_id, outcome in (
        driver.execute(_OVERRIDES, as_rows(PLACE, rows)) if rows else ()
    ):
        shares = read_outcome(msgspec.json.decode(outcome))
        found[company_id].setdefault((livemode, invoice_id), {})[line_id] = shares
    for build, _ in wanted:
        build.revenue.line_overrides = found.get(build.company_id, {})


def write_line_overrides(driver: Driver, at: BuildState, fact: LinesOverridden | LinesReleased, position: int) -> None:
    """Write what a fact at this position says of lines."""
    lines = [
        (at.company_id, at.build, line.livemode, line.invoice_id, line.invoice_line_item_id) for line in fact.lines
    ]
    if isinstance(fact, LinesReleased):
        driver.execute(_RELEASE, as_rows(_LINE, lines))
        return
    chosen = (fact.batch_id, msgspec.json.encode(fact.outcome).decode(), position)
    names = (*_LINE, "batch_id", "outcome", "position")
    driver.execute(_OVERRIDE, as_rows(names, ((*line, *chosen) for line in lines)))
