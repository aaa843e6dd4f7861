"""Change the draft of rules as forms of the pages ask: each says which draft it has seen."""

from collections.abc import Callable, Sequence

from app.api.mapping.deciding import at_desk
from app.pages.forms import typed
from mapping.drafts import Draft, DraftChangedError, discard_draft, draft_of, save_draft
from mapping.recorded import Desk
from projections.mapping.writing_rules import Json

Change = Callable[[list[Json]], Sequence[Json]]

POINTER = "/rules"


def save_changed(company_id: int, change: Change) -> Draft:
    """Save what `change` makes of the rules that the form has seen, and return the draft. Commits.

    :raises DraftChangedError: somebody else saved the draft since
    :raises InvalidRulesError: the rules cannot be used
    """

    def decide(desk: Desk) -> Draft:
        seen = _seen(desk)
        return save_draft(desk, list(change(list(seen.rules))), seen=seen, pointer=POINTER)

    return at_desk(company_id, decide)


def discard(company_id: int) -> None:
    """Discard the draft that the form has seen. Commits.

    :raises DraftChangedError: somebody else saved the draft since
    """
    at_desk(company_id, lambda desk: discard_draft(desk, seen=_seen(desk)))


def place_of(rules: Sequence[Json], rule_id: str) -> int | None:
    """Return the place of a rule in a list, or None if it is not there any more."""
    return next((place for place, rule in enumerate(rules) if rule["id"] == rule_id), None)


def moved(rules: list[Json], place: int, by: int) -> list[Json]:
    """Return rules with one of them moved by places, as far as there are any."""
    target = min(max(place + by, 0), len(rules) - 1)
    rules.insert(target, rules.pop(place))
    return rules


def copied(rules: list[Json], place: int) -> list[Json]:
    """Return rules with a copy of one behind it, under a name of its own."""
    copy = {**rules[place], "id": None, "name": f"{rules[place]['name'][:190]} (copy)".strip()}
    return [*rules[: place + 1], copy, *rules[place + 1 :]]


def ordered(rules: list[Json], rule_ids: Sequence[str]) -> list[Json]:
    """Return rules in the order of these ids; those that it does not name stay behind."""
    wanted = {rule_id: place for place, rule_id in enumerate(rule_ids)}
    return sorted(rules, key=lambda rule: wanted.get(rule["id"], len(wanted)))


def _seen(desk: Desk) -> Draft:
    seen = draft_of(desk.connection, desk.company_id)
    if seen.tag != typed("tag"):
        raise DraftChangedError
    return seen
