"""Add the sums of part changes to what is recognized by month, for many companies at once. Commits nothing."""

from collections.abc import Sequence

from projections.revenue.parts.recognition_sums import RecognitionKey, RecognitionSums
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_STRETCH = ("company_id", "build", *RecognitionKey._fields, "earned", "contra", "stretch")
_TYPES = """company_id bigint, build integer, livemode boolean, currency text, stream_id text, plan_id text, kind text,
    cause text, booked_month integer, month integer, earned numeric, contra numeric, stretch bigint"""
_KEY = ", ".join(("company_id", "build", *RecognitionKey._fields))
_ADDED = "earned = m.earned + excluded.earned, contra = m.contra + excluded.contra"
_ADD = f"""
    WITH added AS (
        SELECT * FROM {rows_of(_TYPES)}
    ), by_stretch AS (
        INSERT INTO recognition_month_stretch AS m ({_KEY}, earned, contra, stretch) SELECT * FROM added
        ON CONFLICT ({_KEY}, stretch) DO UPDATE SET {_ADDED}
    )
    INSERT INTO recognition_by_month AS m ({_KEY}, earned, contra)
    SELECT {_KEY}, sum(earned), sum(contra) FROM added GROUP BY {_KEY}
    ON CONFLICT ({_KEY}) DO UPDATE SET {_ADDED}
"""  # noqa: S608 - our own words


def write_recognition(driver: Driver, entries: Sequence[tuple[int, int, RecognitionSums]]) -> None:
    """Add the sums of each company's build."""
    rows = [
        (*at, *key, earned, contra, stretch)
        for *at, sums in entries
        for stretch, key, earned, contra in sums.by_stretch()
    ]
    if rows:
        driver.execute(_ADD, as_rows(_STRETCH, rows))
