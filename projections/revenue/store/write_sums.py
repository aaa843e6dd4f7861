"""Add the sums of row changes to the totals by month, the checksums and the first days. Commits nothing."""

from collections.abc import Sequence

from projections.revenue.row_text import CHECKSUM_BYTES, added
from projections.revenue.store.find_builds import LastChecksums
from projections.revenue.sums import MonthKey, MonthSum, RowSums
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

# A company, its build, and the sums of its row changes.
Entry = tuple[int, int, RowSums]

_STRETCH = ("company_id", "build", *MonthKey._fields, *MonthSum._fields, "stretch")
_MONTH_KEY = "company_id, build, livemode, month, currency, invoice_status, type, cadence"
_STRETCH_TYPES = """company_id bigint, build integer, livemode boolean, month date, currency text, invoice_status text,
    type text, cadence text, line_count bigint, amount numeric, net_amount numeric, stretch bigint"""
_ADDED = ", ".join(f"{name} = m.{name} + excluded.{name}" for name in ("count", "amount", "net_amount"))
_ADD_MONTHS = f"""
    WITH added AS (
        SELECT * FROM {rows_of(_STRETCH_TYPES)}
    ), by_stretch AS (
        INSERT INTO revenue_month_stretch AS m ({_MONTH_KEY}, count, amount, net_amount, stretch) SELECT * FROM added
        ON CONFLICT ({_MONTH_KEY}, stretch) DO UPDATE SET {_ADDED}
    )
    INSERT INTO revenue_by_month AS m ({_MONTH_KEY}, count, amount, net_amount)
    SELECT {_MONTH_KEY}, sum(line_count), sum(amount), sum(net_amount) FROM added GROUP BY {_MONTH_KEY}
    ON CONFLICT ({_MONTH_KEY}) DO UPDATE SET {_ADDED}
"""  # noqa: S608 - our own words
_CHECKSUM = ("company_id", "build", "stretch", "position", "row_count", "checksum")
_CHECKSUM_TYPES = "company_id bigint, build integer, stretch bigint, position bigint, row_count bigint, checksum bytea"
_SET_CHECKSUMS = f"""
    INSERT INTO revenue_checksum AS c ({", ".join(_CHECKSUM)}) SELECT * FROM {rows_of(_CHECKSUM_TYPES)}
    ON CONFLICT (company_id, build, stretch) DO UPDATE
    SET position = excluded.position, row_count = excluded.row_count, checksum = excluded.checksum
"""  # noqa: S608 - our own words
_DAY = ("company_id", "build", "livemode", "date", "first_position")
_FIRST_OF_DAYS = f"""
    INSERT INTO revenue_day AS d ({", ".join(_DAY)})
    SELECT * FROM {rows_of("company_id bigint, build integer, livemode boolean, date date, first_position bigint")}
    ON CONFLICT (company_id, build, livemode, date) DO UPDATE SET first_position = excluded.first_position
    WHERE excluded.first_position < d.first_position
"""  # noqa: S608 - our own words


def write_sums(driver: Driver, entries: Sequence[Entry], last_checksums: LastChecksums) -> None:
    """Add sums of row changes to checksums, first days and month totals, for many companies. Commits nothing."""
    _add_to_checksums(driver, entries, last_checksums)
    _add_to_days(driver, entries)
    _add_to_months(driver, entries)


def _add_to_months(driver: Driver, entries: Sequence[Entry]) -> None:
    rows = [(*at, *key, *total, stretch) for *at, sums in entries for stretch, key, total in sums.months_by_stretch()]
    if rows:
        driver.execute(_ADD_MONTHS, as_rows(_STRETCH, rows))


def _add_to_checksums(driver: Driver, entries: Sequence[Entry], last: LastChecksums) -> None:
    rows: list[tuple[object, ...]] = []
    for company_id, build, sums in entries:
        row_count, checksum = last.get(company_id, (0, bytes(CHECKSUM_BYTES)))
        for stretch, total in sums.stretches():
            row_count, checksum = row_count + total.row_count, added(checksum, total.hashes)
            rows.append((company_id, build, stretch, total.position, row_count, checksum))
    if rows:
        driver.execute(_SET_CHECKSUMS, as_rows(_CHECKSUM, rows))


def _add_to_days(driver: Driver, entries: Sequence[Entry]) -> None:
    rows = [(*at, *day, position) for *at, sums in entries for day, position in sorted(sums.days.items())]
    if rows:
        driver.execute(_FIRST_OF_DAYS, as_rows(_DAY, rows))
