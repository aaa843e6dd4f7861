"""Map lines by two books in groups: those that have the same in all that either book's rules test are mapped alike."""

from collections.abc import Iterable
from typing import NamedTuple

from projections.mapping.decisions.book import Book, mapping_of
from projections.mapping.mapped import NO_OVERRIDES, Mapped
from projections.mapping.rule_set import Subject
from projections.revenue.build_state import BuildState
from projections.revenue.store.mapping.group_subjects import GroupSubjects, columns_of
from projections.revenue.store.mapping.line_groups import Group, LineGroups
from runtime.database import Driver

# Their values go to the database and back: of more groups, lines one by one are as fast.
MOST_CHANGED = 100_000


class Books(NamedTuple):
    """What maps lines before and after. Both have the same policy and overrides."""

    before: Book
    after: Book

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that either tests."""
        rules = (book.rules for book in self if book.rules)
        return tuple(dict.fromkeys(field for of_book in rules for field in of_book.fields))

    @property
    def map_by_groups(self) -> bool:
        """Return whether groups of lines tell how all of them are mapped.

        They do not if rules test what only invoices say, or if seconds decide whether a line is booked in time.
        """
        has_columns = columns_of(self.fields, self.before.policy.time_zone) is not None
        return has_columns and not (self.before.leads_to_archived or self.after.leads_to_archived)


class MappedGroup(NamedTuple):
    """A group, what rules may test of it, and what it is mapped to. An override maps its lines the same both times."""

    group: Group
    subject: Subject
    before: Mapped
    after: Mapped


def groups_of(driver: Driver, at: BuildState, books: Books, *, livemode: bool) -> tuple[LineGroups, list[MappedGroup]]:
    """Return the lines of a build in groups, and what each is mapped to by the books, which have to `map_by_groups`.

    It is called in `of_whole_tables`.
    """
    time_zone, has_overrides = books.before.policy.time_zone, bool(books.before.subscriptions)
    subjects = GroupSubjects(driver, at, books.fields, time_zone, livemode=livemode)
    lines = LineGroups(driver, at, subjects.columns, livemode=livemode, has_overrides=has_overrides)
    groups = lines.all()
    subjects.load(groups)
    return lines, list(_mapped(books, subjects, groups))


def _mapped(books: Books, subjects: GroupSubjects, groups: Iterable[Group]) -> Iterable[MappedGroup]:
    for group in groups:
        subject = subjects.of(group.values)
        # No stream is archived that lines are led to, so it matters not when they were booked.
        before, after = (mapping_of(book, book.values_of(subject), 0, NO_OVERRIDES) for book in books)
        yield MappedGroup(group, subject, before, before if group.is_overridden else after)
