"""Map lines anew in groups when rules are published: most lines are only led to another stream, by one statement."""

from typing import NamedTuple

from projections.mapping.mapped import is_moved_whole
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.parts.recognition_sums import RecognitionSums
from projections.revenue.state import Key
from projections.revenue.store.mapping.line_groups import LineGroups
from projections.revenue.store.mapping.mapped_groups import MOST_CHANGED, Books, MappedGroup, groups_of
from projections.revenue.store.mapping.move_parts import move_parts
from runtime.database import Driver


class _OfMode(NamedTuple):
    """The groups of a mode that rules map otherwise."""

    lines: LineGroups
    changed: list[MappedGroup]


def remap_groups(
    driver: Driver, at: BuildState, books: Books, position: int, sums: RecognitionSums
) -> list[Key] | None:
    """Move lines that recognize the same in another stream, and return the invoices of which others change.

    Return None, and move nothing, if too many groups change. What moves in sums is added to `sums`. Commits nothing.
    """
    of_modes = [_changed(driver, at, books, livemode=livemode) for livemode in (False, True)]
    if any(len(one.changed) > MOST_CHANGED for one in of_modes):
        return None
    left: list[Key] = []
    for lines, changed in of_modes:
        invoice_ids = lines.invoices([(one.group.values, 0) for one in changed if not _is_moved(one)])
        move_parts(lines, [one for one in changed if _is_moved(one)], position, sums, but_of=invoice_ids)
        left += [(lines.livemode, invoice_id) for invoice_id in invoice_ids]
    return left


def _changed(driver: Driver, at: BuildState, books: Books, *, livemode: bool) -> _OfMode:
    lines, mapped = groups_of(driver, at._replace(revenue=RevenueState()), books, livemode=livemode)
    # A part has what mapped its line, but no version.
    return _OfMode(lines, [one for one in mapped if one.before[:3] != one.after[:3]])


def _is_moved(one: MappedGroup) -> bool:
    return is_moved_whole(one.before, one.after)
