"""Write row changes to the table and to the table of past rows, for many companies at once. Commits nothing."""

from collections.abc import Iterator, Sequence
from itertools import product

from projections.revenue.build_state import BuildState
from projections.revenue.row import Row
from projections.revenue.row_changes import RowChanges, RowVersion
from projections.revenue.row_parts import FixedPart
from projections.revenue.row_text import text_of
from projections.revenue.store.bulk import insert_lines
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_PAST = (*Row._fields, "until", "is_removed", "is_displaced", "first_position")
_CURRENT_COLUMNS = ("company_id", "build", *Row._fields, "first_position")
_PAST_COLUMNS = ("company_id", "build", *_PAST)
_KEY = ("company_id", "build", "livemode", "invoice_id", "line_id")
_KEY_TYPES = "company_id bigint, build integer, livemode boolean, invoice_id text, line_id text"
_ENDING = (*_KEY, "until", "is_removed", "is_displaced", "n")
_END = f"""
    WITH ended AS (
        DELETE FROM revenue_line r
        USING {rows_of(f"{_KEY_TYPES}, until bigint, is_removed boolean, is_displaced boolean, n bigint")}
        WHERE r.company_id = k.company_id AND r.build = k.build AND r.livemode = k.livemode
          AND r.invoice_id = k.invoice_id AND r.invoice_line_item_id = k.line_id
        RETURNING r.*, k.until, k.is_removed, k.is_displaced, k.n
    ), kept AS (
        INSERT INTO revenue_line_past (company_id, build, {", ".join(_PAST)})
        SELECT company_id, build, {", ".join(_PAST)} FROM ended
    )
    SELECT n, first_position FROM ended WHERE NOT is_removed
"""  # noqa: S608 - our own columns
_DISPLACE = f"""
    UPDATE revenue_line_past p SET is_displaced = true FROM {rows_of(_KEY_TYPES)}
    WHERE p.company_id = k.company_id AND p.build = k.build AND p.invoice_line_item_id = k.line_id
      AND p.livemode = k.livemode AND p.invoice_id = k.invoice_id AND NOT p.is_displaced
"""  # noqa: S608 - our own columns
_ENDS = {one: text_of(one) for one in product((False, True), repeat=2)}

# A company's build, and the changes of its rows.
ChangedRows = tuple[BuildState, RowChanges]


def write_rows(driver: Driver, changed: Sequence[ChangedRows]) -> None:
    """Move ended rows into the past; insert the current rows, and those that came and went in the same batch."""
    displaced = [(at, fixed) for at, changes in changed if at.is_begun for fixed in changes.displaced]
    if displaced:
        driver.execute(_DISPLACE, as_rows(_KEY, (_key(at, fixed) for at, fixed in displaced)))
    ended = [(at, row) for at, changes in changed for row in changes.ended if row.is_stored]
    if ended:
        for number, first_position in driver.execute(_END, as_rows(_ENDING, _endings(ended))):
            ended[number][1].life.first_position = first_position
    insert_lines(driver, "revenue_line_past", _PAST_COLUMNS, list(_past_lines(changed)))
    insert_lines(driver, "revenue_line", _CURRENT_COLUMNS, list(_current_lines(changed)))


def _past_lines(changed: Sequence[ChangedRows]) -> Iterator[bytes]:
    for at, changes in changed:
        for row in changes.ended:
            if not row.is_stored:
                end = _ENDS[row.is_removed, row.is_displaced]
                yield b"%d\t%d\t%b\t%d\t%b\t%a\n" % (
                    at.company_id,
                    at.build,
                    row.text,
                    row.until,
                    end,
                    row.life.first_position,
                )


def _current_lines(changed: Sequence[ChangedRows]) -> Iterator[bytes]:
    # If the first position of a life is still unknown, PostgreSQL refuses the word None.
    for at, changes in changed:
        for row in changes.current:
            yield b"%d\t%d\t%b\t%a\n" % (at.company_id, at.build, row.text, row.life.first_position)


def _endings(ended: Sequence[tuple[BuildState, RowVersion]]) -> Iterator[tuple[object, ...]]:
    for number, (at, row) in enumerate(ended):
        yield *_key(at, row.fixed), row.until, row.is_removed, row.is_displaced, number


def _key(at: BuildState, fixed: FixedPart) -> tuple[object, ...]:
    return at.company_id, at.build, fixed.livemode, fixed.invoice_id, fixed.line_id
