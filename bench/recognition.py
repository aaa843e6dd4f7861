"""Measure reports of recognized revenue on a large table, and their explanations."""

from collections.abc import Callable

from sqlalchemy import Engine, text

from bench.queries import large_table, timed
from bench.stage import servers
from projections.reads.recognition.explained_cells import CellOf, Explained, explain_cell
from projections.reads.recognition.month_rows import Books
from projections.reads.recognition.report_cells import REPORTS, ReportName, ReportOf, read_cells
from projections.reads.snapshots import snapshot_of

_MOMENTS = (0.1, 0.5, 0.9)
_PAGE = 50
_LARGEST_CELL = text("""
    SELECT month, currency, min(booked_month) AS booked_month FROM recognition_by_month
    WHERE company_id = :company_id AND livemode AND kind = 'revenue' AND stream_id = ''
    GROUP BY month, currency ORDER BY sum(earned) DESC LIMIT 1
""")
_SIZES = text("""
    SELECT (SELECT count(*) FROM revenue_part WHERE company_id = :company_id) AS parts,
           (SELECT count(*) FROM recognition_by_month WHERE company_id = :company_id) AS month_rows
""")


def run(*, lines: int, repeats: int) -> dict[str, object]:
    """Create a company with this many lines, and return the results."""
    with servers() as environment, large_table(environment, lines) as (engine, company_id):
        return {
            "benchmark": "recognition",
            "lines": lines,
            **_sizes(engine, company_id),
            **_reads(engine, company_id, repeats),
        }


def _sizes(engine: Engine, company_id: int) -> dict[str, int]:
    with engine.connect() as connection:
        return dict(connection.execute(_SIZES, {"company_id": company_id}).mappings().one())


def _reads(engine: Engine, company_id: int, repeats: int) -> dict[str, object]:
    with snapshot_of(engine, company_id) as snapshot:
        head = snapshot.position
        largest = snapshot.connection.execute(_LARGEST_CELL, {"company_id": company_id}).one()
    month, currency, booked_month = largest
    current = month + 1

    def report(name: ReportName, as_of: int | None) -> Callable[[], object]:
        def read() -> object:
            with snapshot_of(engine, company_id, as_of) as snapshot:
                return read_cells(
                    snapshot, Books(livemode=True, currencies=()), ReportOf(name, "stream", None, None, current)
                )

        return read

    def explanation(name: ReportName, as_of: int | None) -> Callable[[], Explained]:
        cell = CellOf(
            name,
            livemode=True,
            month=month,
            currency=currency,
            booked_month=booked_month if name == "waterfall" else None,
        )

        def read() -> Explained:
            with snapshot_of(engine, company_id, as_of) as snapshot:
                return explain_cell(snapshot, cell, limit=_PAGE, after=None)

        return read

    moments = [round(head * share) for share in _MOMENTS]
    return {
        "reports": {name: timed([report(name, None)], repeats) for name in REPORTS},
        "reports_as_of": {name: timed([report(name, at) for at in moments], repeats) for name in REPORTS},
        "leaves_of_the_largest_cell": {name: explanation(name, None)().leaf_count for name in REPORTS},
        "explanations": {name: timed([explanation(name, None)], repeats) for name in REPORTS},
        "explanations_as_of": {name: timed([explanation(name, at) for at in moments], repeats) for name in REPORTS},
    }
