"""Add the sums of row changes to the totals by month, the checksums and the first days. Commits nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from projections.revenue.build_state import BuildState
from projections.revenue.row_text import CHECKSUM_BYTES, added
from projections.revenue.sums import MonthKey, MonthSum, RowSums
from runtime.database import Driver

# A company, its build, and the sums of its row changes.
Entry = tuple[int, int, RowSums]
# A company, its number of rows and its checksum.
LastChecksums = psycopg.Cursor[tuple[Any, ...]] | None

_MONTH_COLUMNS = """
    unnest(%(company_id)s::bigint[], %(build)s::integer[], %(livemode)s::boolean[],
           %(month)s::date[], %(currency)s::text[], %(invoice_status)s::text[], %(type)s::text[],
           %(cadence)s::text[], %(line_count)s::bigint[], %(amount)s::numeric[],
           %(net_amount)s::numeric[]
"""
_ADD_MONTHS = f"""
    INSERT INTO revenue_by_month AS m (company_id, build, livemode, month, currency, invoice_status, type, cadence,
                                       count, amount, net_amount)
    SELECT * FROM {_MONTH_COLUMNS})
    ON CONFLICT (company_id, build, livemode, month, currency, invoice_status, type, cadence) DO UPDATE
    SET count = m.count + excluded.count, amount = m.amount + excluded.amount,
        net_amount = m.net_amount + excluded.net_amount
"""  # noqa: S608 - our own words
_ADD_STRETCHES = f"""
    INSERT INTO revenue_month_stretch AS m (company_id, build, livemode, month, currency, invoice_status, type, cadence,
                                            count, amount, net_amount, stretch)
    SELECT * FROM {_MONTH_COLUMNS}, %(stretch)s::bigint[])
    ON CONFLICT (company_id, build, livemode, month, currency, invoice_status, type, cadence, stretch) DO UPDATE
    SET count = m.count + excluded.count, amount = m.amount + excluded.amount,
        net_amount = m.net_amount + excluded.net_amount
"""  # noqa: S608 - our own words
_LAST_CHECKSUMS = """
    SELECT k.company_id, c.row_count, c.checksum
    FROM unnest(%(company_id)s::bigint[], %(build)s::integer[]) AS k (company_id, build)
    CROSS JOIN LATERAL (
        SELECT row_count, checksum FROM revenue_checksum c
        WHERE c.company_id = k.company_id AND c.build = k.build ORDER BY c.stretch DESC LIMIT 1
    ) c
"""
_SET_CHECKSUMS = """
    INSERT INTO revenue_checksum AS c (company_id, build, stretch, position, row_count, checksum)
    SELECT * FROM unnest(%(company_id)s::bigint[], %(build)s::integer[], %(stretch)s::bigint[],
                         %(position)s::bigint[], %(row_count)s::bigint[], %(checksum)s::bytea[])
    ON CONFLICT (company_id, build, stretch) DO UPDATE
    SET position = excluded.position, row_count = excluded.row_count, checksum = excluded.checksum
"""
_FIRST_OF_DAYS = """
    INSERT INTO revenue_day AS d (company_id, build, livemode, date, first_position)
    SELECT * FROM unnest(%(company_id)s::bigint[], %(build)s::integer[], %(livemode)s::boolean[],
                         %(date)s::date[], %(first_position)s::bigint[])
    ON CONFLICT (company_id, build, livemode, date) DO UPDATE SET first_position = excluded.first_position
    WHERE excluded.first_position < d.first_position
"""


def find_last_checksums(driver: Driver, builds: Sequence[BuildState]) -> LastChecksums:
    """Look for the number of rows and the checksum that each company's build has so far."""
    begun = [build for build in builds if build.is_begun]
    columns = {"company_id": [build.company_id for build in begun], "build": [build.build for build in begun]}
    return driver.execute(_LAST_CHECKSUMS, columns) if begun else None


def write_sums(driver: Driver, entries: Sequence[Entry], last_checksums: LastChecksums) -> None:
    """Add sums of row changes to checksums, first days and month totals, for many companies. Commits nothing."""
    _add_to_checksums(driver, entries, {row[0]: (row[1], row[2]) for row in last_checksums or ()})
    _add_to_days(driver, entries)
    _add_to_months(driver, entries)


def _add_to_months(driver: Driver, entries: Sequence[Entry]) -> None:
    by_stretch = [
        (at, key, total, (stretch,)) for *at, sums in entries for stretch, key, total in sums.months_by_stretch()
    ]
    if by_stretch:
        in_all = [(at, key, total, ()) for *at, sums in entries for key, total in sums.months()]
        driver.execute(_ADD_STRETCHES, _columns(by_stretch, ("stretch",)))
        driver.execute(_ADD_MONTHS, _columns(in_all, ()))


def _add_to_checksums(driver: Driver, entries: Sequence[Entry], last: Mapping[int, tuple[int, bytes]]) -> None:
    rows: list[tuple[object, ...]] = []
    for company_id, build, sums in entries:
        row_count, checksum = last.get(company_id, (0, bytes(CHECKSUM_BYTES)))
        for stretch, total in sums.stretches():
            row_count, checksum = row_count + total.row_count, added(checksum, total.hashes)
            rows.append((company_id, build, stretch, total.position, row_count, checksum))
    if rows:
        names = ("company_id", "build", "stretch", "position", "row_count", "checksum")
        driver.execute(_SET_CHECKSUMS, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _add_to_days(driver: Driver, entries: Sequence[Entry]) -> None:
    rows = [(*at, *day, position) for *at, sums in entries for day, position in sorted(sums.days.items())]
    if rows:
        names = ("company_id", "build", "livemode", "date", "first_position")
        driver.execute(_FIRST_OF_DAYS, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _columns(
    rows: Sequence[tuple[Sequence[int], MonthKey, MonthSum, tuple[int, ...]]], more: tuple[str, ...]
) -> dict[str, object]:
    names = ("company_id", "build", *MonthKey._fields, *MonthSum._fields, *more)
    columns = zip(*((*at, *key, *total, *rest) for at, key, total, rest in rows), strict=True)
    return dict(zip(names, map(list, columns), strict=True))
