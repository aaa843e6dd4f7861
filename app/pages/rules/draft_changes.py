"""What a draft changes of the published rules. Pure."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from projections.mapping.writing_rules import Json


class DraftChanges(NamedTuple):
    """By rule, in a word, what the draft changes; and the published rules that it leaves out."""

    of_rule: dict[str, str]
    removed: list[Json]

    @property
    def total(self) -> int:
        """Return how many changes they are."""
        return len(self.of_rule) + len(self.removed)


def draft_changes(published: Sequence[Json], draft: Sequence[Json]) -> DraftChanges:
    """Return what a draft changes of the published rules."""
    before, after = ({rule["id"]: rule for rule in rules} for rules in (published, draft))
    was = [rule_id for rule_id in before if rule_id in after]
    moved = set(was)
    matched = SequenceMatcher(None, was, [one for one in after if one in before], autojunk=False)
    for block in matched.get_matching_blocks():
        moved.difference_update(was[block.a : block.a + block.size])
    of_rule = {}
    for rule_id, rule in after.items():
        if rule_id not in before:
            of_rule[rule_id] = "New"
        elif rule != before[rule_id]:
            of_rule[rule_id] = "Changed"
        elif rule_id in moved:
            of_rule[rule_id] = "Moved"
    return DraftChanges(of_rule, [rule for rule_id, rule in before.items() if rule_id not in after])
