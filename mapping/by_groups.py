"""Evaluate rules on groups of lines that they map alike. Only lines that are recognized otherwise are loaded."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mapping.comparison import Comparison
from mapping.figures import MOST_TOP_LINES, CellKey, Figures, LineChange, change_of, is_moved_whole
from mapping.group_subjects import GroupSubjects, columns_of
from mapping.lines_at import INVOICES_AT_ONCE, invoices_at
from projections.mapping.decisions.book import Book, mapping_of
from projections.mapping.mapped import NO_OVERRIDES, Mapped
from projections.mapping.rule_set import Subject
from projections.reads.mapping.line_groups import Group, LineGroups, Numbered
from projections.reads.snapshots import Snapshot
from projections.recognition.outcome import Shares

# Their values go to the database and back: of more groups, lines one by one are as fast.
MOST_CHANGED = 100_000

# Told how many lines have been looked at.
Progress = Callable[[int], None]


class Books(NamedTuple):
    """What maps lines before and after."""

    before: Book
    after: Book

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that either tests."""
        rules = (book.rules for book in self if book.rules)
        return tuple(dict.fromkeys(field for of_book in rules for field in of_book.fields))


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


def are_mapped_by_groups(books: Books) -> bool:
    """Return whether groups of lines tell how all of them are mapped.

    They do not if rules test what only invoices say, or if it depends on seconds whether a line is booked in time.
    """
    has_columns = columns_of(books.fields, books.before.policy.time_zone) is not None
    return has_columns and not (books.before.leads_to_archived or books.after.leads_to_archived)


def add_groups(snapshot: Snapshot, books: Books, figures: Figures, *, livemode: bool, progress: Progress) -> bool:
    """Add what changes between two books to figures; False, and nothing added, if too many groups change."""
    has_overrides = bool(books.before.subscriptions)
    subjects = GroupSubjects(snapshot, books.fields, books.before.policy.time_zone, livemode=livemode)
    lines = LineGroups(snapshot, subjects.columns, livemode=livemode, has_overrides=has_overrides)
    groups = lines.all()
    progress(0)
    subjects.load(groups)
    asked = [(group, subjects.of(group.values)) for group in groups]
    changed = _changed(books, asked)
    if sum(len(one.groups) for one in changed) > MOST_CHANGED:
        return False
    for group, subject in asked:
        figures.count(books.after.values_of(subject), group.lines)
    for one in changed:
        if one.is_moved_whole:
            figures.note(one.before, one.after, lines=one.lines)
    progress(0)
    _show_largest(lines, changed, figures)
    _add_moved(lines, changed, figures, has_expenses=books.before.policy.uncollectible == "expense")
    done = sum(group.lines for group in groups) - sum(one.lines for one in changed if not one.is_moved_whole)
    progress(done)
    otherwise = lines.invoices(_numbered(changed, is_moved_whole=False))
    comparison = Comparison(*books, figures)
    for first in range(0, len(otherwise), INVOICES_AT_ONCE):
        revenue = invoices_at(snapshot, otherwise[first : first + INVOICES_AT_ONCE], livemode=livemode)
        done += comparison.add_recognized_otherwise(revenue)
        progress(done)
    return True


def _changed(books: Books, asked: Iterable[tuple[Group, Subject]]) -> list[_Changed]:
    changed: dict[tuple[Shares, Shares, LineChange], _Changed] = {}
    for group, subject in asked:
        if group.is_overridden:
            continue
        # No stream is archived that lines are led to, so it matters not when they were booked.
        before, after = (mapping_of(book, book.values_of(subject), 0, NO_OVERRIDES) for book in books)
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
