"""Write part changes to the table and to the table of past parts, for many companies at once. Commits nothing."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

import msgspec

from projections.mapping.writing_rules import treatment_document
from projections.recognition.outcome import Share
from projections.revenue.build_state import BuildState
from projections.revenue.parts.part_changes import PartChanges, PartVersion
from projections.revenue.row_text import texts_of
from projections.revenue.store.bulk import insert_lines
from projections.revenue.store.parts.part_tables import revenue_part, revenue_part_past
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_KEY = ("company_id", "build", "livemode", "invoice_id", "invoice_line_item_id", "share", "step")
_COLUMNS = tuple(column.name for column in revenue_part.c if column.name not in {*_KEY, "position"})
_CURRENT = (*_KEY, *_COLUMNS, "position")
PAST_COLUMNS = (*_KEY, *_COLUMNS, "position", "until")
_TYPES = """company_id bigint, build integer, livemode boolean, invoice_id text, invoice_line_item_id text,
    share smallint, step smallint, until bigint"""
_END = f"""
    WITH ended AS (
        DELETE FROM revenue_part p USING {rows_of(_TYPES)}
        WHERE {" AND ".join(f"p.{name} = k.{name}" for name in _KEY)}
        RETURNING p.*, k.until
    )
    INSERT INTO revenue_part_past ({", ".join(PAST_COLUMNS)}) SELECT {", ".join(PAST_COLUMNS)} FROM ended
"""  # noqa: S608 - our own columns
_ENCODER = msgspec.json.Encoder()

# A company's build, and the changes of its parts.
ChangedParts = tuple[BuildState, PartChanges]


def write_parts(driver: Driver, changed: Sequence[ChangedParts]) -> None:
    """Move ended parts into the past; insert the current ones, and those that came and went in the same batch."""
    ended = [
        (at.company_id, at.build, *_place(version), version.until)
        for at, changes in changed
        for version in changes.ended
        if version.is_stored
    ]
    if ended:
        driver.execute(_END, as_rows((*_KEY, "until"), ended))
    insert_lines(driver, str(revenue_part_past.name), PAST_COLUMNS, list(_past_lines(changed)))
    insert_lines(driver, str(revenue_part.name), _CURRENT, list(_current_lines(changed)))


def _past_lines(changed: Sequence[ChangedParts]) -> Iterator[bytes]:
    for at, changes in changed:
        for version in changes.ended:
            if not version.is_stored:
                yield f"{at.company_id}\t{at.build}\t{_text(version)}\t{version.until}\n".encode()


def _current_lines(changed: Sequence[ChangedParts]) -> Iterator[bytes]:
    for at, changes in changed:
        for version in changes.current:
            yield f"{at.company_id}\t{at.build}\t{_text(version)}\n".encode()


def _place(version: PartVersion) -> tuple[object, ...]:
    return *version.key, *version.line_part.place


def _text(version: PartVersion) -> str:
    livemode, invoice_id = version.key
    line, part = version.line_part, version.line_part.part
    months = ",".join(map(str, part.months))
    return (
        f"{'t' if livemode else 'f'}\t{texts_of(invoice_id, line.line_id)}\t{part.share_number}\t{part.step_number}\t"
        f"{texts_of(part.cause, part.credit_id)}\t{_mapped_text(line.layer, line.rule_id, line.share)}\t"
        f"{line.currency}\t{_day_text(line.day)}\t{_day_text(part.booked)}\t"
        f"{'t' if part.is_booked_estimated else 'f'}\t{_day_text(part.start)}\t{_day_text(part.end)}\t{part.amount}\t"
        f"{part.first_month}\t{part.first_month + len(part.months) - 1}\t{{{months}}}\t{part.contra}\t{part.expense}\t"
        f"{version.position}"
    )


@lru_cache(4096)
def _mapped_text(layer: str, rule_id: str | None, share: Share) -> str:
    mapped = texts_of(layer, rule_id, share.stream_id or "", share.plan_id or "", share.kind)
    given = None if share.treatment is None else _ENCODER.encode(treatment_document(share.treatment)).decode()
    return f"{mapped}\t{share.basis_points}\t{texts_of(given)}"


@lru_cache(1 << 16)
def _day_text(day: int) -> str:
    return date.fromordinal(day).isoformat()
