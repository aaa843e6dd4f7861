"""Evaluate rules on all lines of a company, as they are stored: what would they change? Writes nothing."""

import msgspec

from mapping.by_groups import Progress, add_groups
from mapping.comparison import Comparison
from mapping.figures import Figures, Json
from mapping.lines_at import in_bites, recognized
from projections.engine.folding import without_garbage_collection
from projections.mapping.decisions.book import Book
from projections.mapping.rule_set import RuleSet
from projections.mapping.rules import Rules
from projections.reads.snapshots import Snapshot
from projections.revenue.store.mapping.mapped_groups import Books


def evaluated(snapshot: Snapshot, before: Book, rules: Rules, *, livemode: bool, progress: Progress) -> Json:
    """Return what rules in place of those of `before`, the snapshot's book, would change in lines of a mode."""
    books = _books(before, rules)
    with without_garbage_collection():
        if books.map_by_groups:
            figures = _figures(snapshot, books, livemode=livemode)
            if add_groups(snapshot, books, figures, livemode=livemode, progress=progress):
                return figures.result()
    return evaluated_line_by_line(snapshot, before, rules, livemode=livemode, progress=progress)


def evaluated_line_by_line(
    snapshot: Snapshot, before: Book, rules: Rules, *, livemode: bool, progress: Progress
) -> Json:
    """Return the same as `evaluated`, in a time that grows with the lines: for rules that test what no column has."""
    books = _books(before, rules)
    figures = _figures(snapshot, books, livemode=livemode)
    comparison, done = Comparison(*books, figures), 0
    with without_garbage_collection():
        for revenue in in_bites(snapshot, livemode=livemode):
            done += comparison.add(revenue)
            progress(done)
    return figures.result()


def _books(before: Book, rules: Rules) -> Books:
    after = msgspec.structs.replace(before, rules=RuleSet(rules), rules_version=before.rules_version + 1)
    return Books(before, after)


def _figures(snapshot: Snapshot, books: Books, *, livemode: bool) -> Figures:
    return Figures(books.after.rules or RuleSet(()), recognized(snapshot, livemode=livemode))
