"""Add the sums of row changes to the totals by month, the checksums and the first days. Commits nothing."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from projections.revenue.row_text import CHECKSUM_BYTES, added
from projections.revenue.sums import MonthKey, MonthSum, RowSums

# A company, its build, and the sums of its row changes.
Entry = tuple[int, int, RowSums]

_MONTH_COLUMNS = """
    unnest(CAST(:company_id AS bigint[]), CAST(:build AS integer[]), CAST(:livemode AS boolean[]),
           CAST(:month AS date[]), CAST(:currency AS text[]), CAST(:invoice_status AS text[]), CAST(:type AS text[]),
           CAST(:cadence AS text[]), CAST(:line_count AS bigint[]), CAST(:amount AS numeric[]),
           CAST(:net_amount AS numeric[])
"""
_ADD_MONTHS = text(f"""
    INSERT INTO revenue_by_month AS m (company_id, build, livemode, month, currency, invoice_status, type, cadence,
                                       count, amount, net_amount)
    SELECT * FROM {_MONTH_COLUMNS})
    ON CONFLICT (company_id, build, livemode, month, currency, invoice_status, type, cadence) DO UPDATE
    SET count = m.count + excluded.count, amount = m.amount + excluded.amount,
        net_amount = m.net_amount + excluded.net_amount
""")  # noqa: S608 - our own words
_ADD_STRETCHES = text(f"""
    INSERT INTO revenue_month_stretch AS m (company_id, build, livemode, month, currency, invoice_status, type, cadence,
                                            count, amount, net_amount, stretch)
    SELECT * FROM {_MONTH_COLUMNS}, CAST(:stretch AS bigint[]))
    ON CONFLICT (company_id, build, livemode, month, currency, invoice_status, type, cadence, stretch) DO UPDATE
    SET count = m.count + excluded.count, amount = m.amount + excluded.amount,
        net_amount = m.net_amount + excluded.net_amount
""")  # noqa: S608 - our own words
_LAST_CHECKSUMS = text("""
    SELECT k.company_id, c.row_count, c.checksum
    FROM unnest(CAST(:company_id AS bigint[]), CAST(:build AS integer[])) AS k (company_id, build)
    CROSS JOIN LATERAL (
        SELECT row_count, checksum FROM revenue_checksum c
        WHERE c.company_id = k.company_id AND c.build = k.build ORDER BY c.stretch DESC LIMIT 1
    ) c
""")
_SET_CHECKSUMS = text("""
    INSERT INTO revenue_checksum AS c (company_id, build, stretch, position, row_count, checksum)
    SELECT * FROM unnest(CAST(:company_id AS bigint[]), CAST(:build AS integer[]), CAST(:stretch AS bigint[]),
                         CAST(:position AS bigint[]), CAST(:row_count AS bigint[]), CAST(:checksum AS bytea[]))
    ON CONFLICT (company_id, build, stretch) DO UPDATE
    SET position = excluded.position, row_count = excluded.row_count, checksum = excluded.checksum
""")
_FIRST_OF_DAYS = text("""
    INSERT INTO revenue_day AS d (company_id, build, livemode, date, first_position)
    SELECT * FROM unnest(CAST(:company_id AS bigint[]), CAST(:build AS integer[]), CAST(:livemode AS boolean[]),
                         CAST(:date AS date[]), CAST(:first_position AS bigint[]))
    ON CONFLICT (company_id, build, livemode, date) DO UPDATE SET first_position = excluded.first_position
    WHERE excluded.first_position < d.first_position
""")


def write_sums(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add sums of row changes to checksums, first days and month totals, for many companies at once."""
    _add_to_checksums(connection, entries)
    _add_to_days(connection, entries)
    _add_to_months(connection, entries)


def _add_to_months(connection: Connection, entries: Sequence[Entry]) -> None:
    by_stretch = [
        (at, key, total, (stretch,)) for *at, sums in entries for stretch, key, total in sums.months_by_stretch()
    ]
    if by_stretch:
        in_all = [(at, key, total, ()) for *at, sums in entries for key, total in sums.months()]
        connection.execute(_ADD_STRETCHES, _columns(by_stretch, ("stretch",)))
        connection.execute(_ADD_MONTHS, _columns(in_all, ()))


def _add_to_checksums(connection: Connection, entries: Sequence[Entry]) -> None:
    changed = [(company_id, build, done) for company_id, build, sums in entries if (done := list(sums.stretches()))]
    if not changed:
        return
    columns = {"company_id": [entry[0] for entry in changed], "build": [entry[1] for entry in changed]}
    held = {row.company_id: (row.row_count, row.checksum) for row in connection.execute(_LAST_CHECKSUMS, columns)}
    rows: list[tuple[object, ...]] = []
    for company_id, build, done in changed:
        row_count, checksum = held.get(company_id, (0, bytes(CHECKSUM_BYTES)))
        for stretch, total in done:
            row_count, checksum = row_count + total.row_count, added(checksum, total.hashes)
            rows.append((company_id, build, stretch, total.position, row_count, checksum))
    names = ("company_id", "build", "stretch", "position", "row_count", "checksum")
    connection.execute(_SET_CHECKSUMS, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _add_to_days(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [(*at, *day, position) for *at, sums in entries for day, position in sorted(sums.days.items())]
    if rows:
        names = ("company_id", "build", "livemode", "date", "first_position")
        connection.execute(_FIRST_OF_DAYS, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _columns(
    rows: Sequence[tuple[Sequence[int], MonthKey, MonthSum, tuple[int, ...]]], more: tuple[str, ...]
) -> dict[str, object]:
    names = ("company_id", "build", *MonthKey._fields, *MonthSum._fields, *more)
    columns = zip(*((*at, *key, *total, *rest) for at, key, total, rest in rows), strict=True)
    return dict(zip(names, map(list, columns), strict=True))
