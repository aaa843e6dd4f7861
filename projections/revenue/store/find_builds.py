"""Find what builds have so far, beside the states of objects, in one statement. Reads only."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from projections.revenue.build_state import BuildState
from projections.revenue.store.mapping.mapping_store import Rows
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_FIND = f"""
    SELECT k.company_id, c.row_count, c.checksum, b.book, b.has_line_overrides
    FROM {rows_of("company_id bigint, build integer")}
    LEFT JOIN LATERAL (
        SELECT row_count, checksum FROM revenue_checksum c
        WHERE c.company_id = k.company_id AND c.build = k.build ORDER BY c.stretch DESC LIMIT 1
    ) c ON true
    LEFT JOIN revenue_book b ON b.company_id = k.company_id AND b.build = k.build
"""  # noqa: S608 - our own words

# The number of rows and the checksum of each company's build.
LastChecksums = Mapping[int, tuple[int, bytes]]


class FoundBuilds(NamedTuple):
    """The last checksums of builds, and their books as rows for `load_books`."""

    last_checksums: LastChecksums
    books: Rows


def find_builds(driver: Driver, builds: Sequence[BuildState]) -> Rows:
    """Look for what builds have so far; nothing if there are no tables yet to look in."""
    begun = [(build.company_id, build.build) for build in builds if build.is_begun]
    return driver.execute(_FIND, as_rows(("company_id", "build"), begun)) if begun else ()


def builds_of(found: Rows) -> FoundBuilds:
    """Return what was found, once it is there."""
    rows = list(found)
    checksums = {row[0]: (row[1], row[2]) for row in rows if row[2] is not None}
    return FoundBuilds(checksums, [(row[0], *row[3:]) for row in rows if row[3] is not None])
