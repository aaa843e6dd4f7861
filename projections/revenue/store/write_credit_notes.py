"""Write the rows of credit notes and their past versions, for many companies at once. Commits nothing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Table

from projections.revenue.build_state import BuildState
from projections.revenue.credit_notes import CreditNoteVersion, versions_of
from projections.revenue.store.bulk import Record, insert
from projections.revenue.store.credit_note_tables import revenue_credit_note, revenue_credit_note_past
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_KEY = ("company_id", "build", "livemode", "credit_note_id", "invoice_id")
_KEY_TYPES = "company_id bigint, build integer, livemode boolean, credit_note_id text, invoice_id text"
_IS_KEY = " AND ".join(f"r.{name} = k.{name}" for name in _KEY)
_PAST = ", ".join(column.name for column in revenue_credit_note_past.c if column.name != "until")
_END = f"""
    WITH ended AS (
        DELETE FROM revenue_credit_note r USING {rows_of(f"{_KEY_TYPES}, until bigint")} WHERE {_IS_KEY}
        RETURNING r.*, k.until
    )
    INSERT INTO revenue_credit_note_past ({_PAST}, until) SELECT {_PAST}, until FROM ended
"""  # noqa: S608 - our own columns
_SEE = f"""
    UPDATE revenue_credit_note r SET seen_at = k.seen_at, is_gap = k.is_gap
    FROM {rows_of(f"{_KEY_TYPES}, seen_at bigint, is_gap boolean")} WHERE {_IS_KEY}
"""  # noqa: S608 - our own columns


class _Written(NamedTuple):
    """A version with its build. `seen_at` and `is_gap` are those of the credit note now."""

    at: BuildState
    version: CreditNoteVersion
    seen_at: int
    is_gap: bool

    def key(self) -> Record:
        row = self.version.row
        return (self.at.company_id, self.at.build, row.livemode, row.credit_note_id, row.invoice_id)


def write_credit_notes(driver: Driver, builds: Sequence[BuildState]) -> None:
    """Move ended rows into the past, insert the new ones, and note what was seen again unchanged."""
    written = [one for build in builds for one in _written(build)]
    ended = [one for one in written if one.version.change is None and one.version.until is not None]
    seen = [one for one in written if one.version.change is None and one.version.until is None]
    if ended:
        driver.execute(_END, as_rows((*_KEY, "until"), ((*one.key(), one.version.until) for one in ended)))
    if seen:
        rows = ((*one.key(), one.seen_at, one.is_gap) for one in seen)
        driver.execute(_SEE, as_rows((*_KEY, "seen_at", "is_gap"), rows))
    insert(driver, revenue_credit_note_past, _records(written, revenue_credit_note_past, is_past=True))
    insert(driver, revenue_credit_note, _records(written, revenue_credit_note, is_past=False))


def _written(build: BuildState) -> Iterator[_Written]:
    for key, held in build.revenue.invoices.items():
        notes = held.invoice.credit_notes
        if not notes:
            continue
        touched = build.revenue.touched_notes.get(key, ())
        for version in versions_of(key, build.revenue.invoice_states.get(key) or [held]):
            note_id, is_stored = version.row.credit_note_id, version.change is None and version.until is None
            if note_id in touched or not is_stored:
                note = notes[note_id]
                yield _Written(build, version, note.header.stamp[0] if note.header else 0, note.is_gap)


def _records(written: Sequence[_Written], table: Table, *, is_past: bool) -> Iterator[Record]:
    names = [column.name for column in table.c]
    for at, version, seen_at, is_gap in written:
        row, change, until = version
        if change is not None and (until is not None) is is_past:
            values = {**row._asdict(), "company_id": at.company_id, "build": at.build, "until": until}
            values |= {"position": change.position, "updated_at": change.recorded_at}
            values |= {"seen_at": seen_at, "is_gap": is_gap}
            yield [values[name] for name in names]
