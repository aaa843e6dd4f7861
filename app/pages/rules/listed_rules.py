"""What the list of rules is made from: the draft, what is published, and what the last preview said. Reads only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.api.mapping.deciding import log_at
from app.api.mapping.sentences import advice_about
from app.pages.mapped.share_words import Streams
from app.pages.rules.draft_changes import DraftChanges
from app.pages.rules.field_words import FIELDS
from app.pages.rules.rule_words import ShownRule, shown_rule
from mapping.drafts import Draft, draft_of
from mapping.previews import Preview, newest_previews
from mapping.rule_sets import RuleSetVersion, versions_of
from mapping.streams import streams_at


class Listed(NamedTuple):
    """A rule as the list has it: in words, with what the draft changes of it and what the last preview says."""

    rule: ShownRule
    change: str | None
    effect: Mapping[str, Any] | None
    advice: list[str]


class RulesInForce(NamedTuple):
    """What the list is made from, read in one transaction."""

    draft: Draft
    published: RuleSetVersion | None
    streams: Streams
    newest: Preview | None
    worked_out: Preview | None


def rules_in_force(company_id: int) -> RulesInForce:
    """Read the draft, the published rules, the streams and the newest previews."""
    with log_at(company_id) as (connection, _):
        published = versions_of(connection, company_id)
        return RulesInForce(
            draft_of(connection, company_id),
            published[-1] if published else None,
            streams_at(connection, company_id),
            *newest_previews(connection, company_id),
        )


def listed(found: RulesInForce, changes: DraftChanges) -> list[Listed]:
    """Return the rules of the draft, or else the published ones, in their order."""
    effects = _effects(found)
    advice: dict[str, list[str]] = {}
    for one in advice_about(found.draft.rules):
        advice.setdefault(one["rule_id"], []).append(_in_words(one["detail"]))
    return [
        Listed(
            shown_rule(rule, found.streams),
            changes.of_rule.get(rule["id"]),
            effects.get(rule["id"]),
            advice.get(rule["id"], []),
        )
        for rule in found.draft.rules
    ]


def _effects(found: RulesInForce) -> dict[str, Mapping[str, Any]]:
    """Return what the last preview says of the rules that are as they were for it."""
    if found.worked_out is None or found.worked_out.result is None:
        return {}
    then = {rule["id"]: rule for rule in found.worked_out.rules}
    same = {rule["id"] for rule in found.draft.rules if then.get(rule["id"]) == rule}
    names = {rule["id"]: rule["name"] or rule["id"] for rule in found.worked_out.rules}
    return {
        effect["rule_id"]: {**effect, "shadowed_by": names.get(effect["shadowed_by"], effect["shadowed_by"])}
        for effect in found.worked_out.result["rules"]
        if effect["rule_id"] in same
    }


def preview_of_draft(found: RulesInForce) -> Preview | None:
    """Return the newest preview, if it is of the draft as it is now and not over."""
    newest = found.newest
    version = found.published.version if found.published else 0
    if newest is None or newest.rules != found.draft.rules or newest.based_on != version:
        return None
    return newest if newest.status in ("queued", "running", "ready", "publishing") else None


def counted_at(found: RulesInForce) -> datetime | None:
    """Return when the lines that rules match were counted last."""
    return found.worked_out.finished_at or found.worked_out.requested_at if found.worked_out else None


def _in_words(advice: str) -> str:
    for name, words in FIELDS.items():
        if advice.endswith(f"instead of {name}."):
            return f"{words} may be renamed in Stripe, and then its lines move. Test the id instead."
    return advice
