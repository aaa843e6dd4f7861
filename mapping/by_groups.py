"""Evaluate rules on groups of lines that they map alike. Only lines that are recognized otherwise are loaded."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mapping.comparison import Comparison
from mapping.figures import MOST_TOP_LINES, CellKey, Figures, LineChange, change_of
from mapping.lines_at import INVOICES_AT_ONCE, build_at, invoices_at
from projections.mapping.mapped import Mapped, is_moved_whole
from projections.reads.snapshots import Snapshot
from projections.recognition.outcome import Shares
from projections.revenue.store.mapping.line_groups import Group, LineGroups, Numbered
from projections.revenue.store.mapping.mapped_groups import MOST_CHANGED, Books, MappedGroup, groups_of
from projections.revenue.store.mapping.whole_tables import of_whole_tables
from runtime.database import raw_driver

# Told how many lines have been looked at.
Progress = Callable[[int], None]


class _Changed(NamedTuple):
    """A way in which groups are mapped otherwise, and which."""

    before: Mapped
    after: Mapped
    groups: list[Group]

    @property
    def is_moved_whole(self) -> bool:
        """Return whether the lines recognize the same in the same months."""
        return is_moved_whole(self.before, self.after)

    @property
    def lines(self) -> int:
        """Return how many lines there are."""
        return sum(group.lines for group in self.groups)


def add_groups(snapshot: Snapshot, books: Books, figures: Figures, *, livemode: bool, progress: Progress) -> bool:
    """Add what changes between two books to figures; False, and nothing added, if too many groups change."""
    with raw_driver(snapshot.connection) as driver, of_whole_tables(driver):
        lines, mapped = groups_of(driver, build_at(snapshot), books, livemode=livemode)
        progress(0)
        changed = _changed(mapped)
        if sum(len(one.groups) for one in changed) > MOST_CHANGED:
            return False
        for group, subject, _, _ in mapped:
            figures.count(books.after.values_of(subject), group.lines)
        for one in changed:
            if one.is_moved_whole:
                figures.note(one.before, one.after, lines=one.lines)
        progress(0)
        _show_largest(lines, changed, figures)
        _add_moved(lines, changed, figures, has_expenses=books.before.policy.uncollectible == "expense")
        done = sum(one.group.lines for one in mapped) - sum(one.lines for one in changed if not one.is_moved_whole)
        progress(done)
        otherwise = lines.invoices(_numbered(changed, is_moved_whole=False))
        comparison = Comparison(*books, figures)
        for first in range(0, len(otherwise), INVOICES_AT_ONCE):
            revenue = invoices_at(snapshot, otherwise[first : first + INVOICES_AT_ONCE], livemode=livemode)
            done += comparison.add_recognized_otherwise(revenue)
            progress(done)
        return True


def _changed(mapped: Iterable[MappedGroup]) -> list[_Changed]:
    changed: dict[tuple[Shares, Shares, LineChange], _Changed] = {}
    for group, _, before, after in mapped:
        if before.shares != after.shares:
            alike = before.shares, after.shares, change_of(before, after)
            changed.setdefault(alike, _Changed(before, after, [])).groups.append(group)
    return list(changed.values())


def _numbered(changed: Sequence[_Changed], *, is_moved_whole: bool) -> Numbered:
    return [
        (group.values, number)
        for number, one in enumerate(changed)
        if one.is_moved_whole == is_moved_whole
        for group in one.groups
    ]


def _show_largest(lines: LineGroups, changed: Sequence[_Changed], figures: Figures) -> None:
    # Of the others, each is shown as it is recognized otherwise.
    for line in lines.largest(_numbered(changed, is_moved_whole=True), MOST_TOP_LINES):
        figures.show(line[:4], *changed[line.number][:2])


def _add_moved(lines: LineGroups, changed: Sequence[_Changed], figures: Figures, *, has_expenses: bool) -> None:
    for number, currency, month, net in lines.recognized(_numbered(changed, is_moved_whole=True), has_expenses):
        before, after = (mapped.shares[0].stream_id for mapped in changed[number][:2])
        figures.move(CellKey(month, before, currency), after, net)
