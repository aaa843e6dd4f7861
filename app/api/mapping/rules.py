"""Serve the draft of rules, and the rule sets that were published, as JSON."""

from typing import Any

from flask import Response, abort, request
from sqlalchemy import Connection

from app.api.base import ApiBlueprint, StrictParser, without_parameters
from app.api.mapping.deciding import at_desk, log_at
from app.api.mapping.schemas import AsOfQuery, NewRuleDraft, RuleDraft, RuleSet, RuleSetList, RuleSetsQuery, SeenDraft
from app.api.mapping.sentences import advice_about
from app.auth.access import for_role
from app.http.bodies import refuse_body
from app.http.entity_tags import not_modified
from app.wiring.tools import current_tools
from mapping.drafts import Draft, DraftChangedError, discard_draft, draft_of, save_draft
from mapping.recorded import Desk
from mapping.rule_sets import RuleSetVersion, versions_of
from runtime.database import within_company

_MOST_BYTES_OF_RULES = 4 * 1024 * 1024


class UnseenDraftError(Exception):
    """The request does not say which draft it is about: it has no If-Match."""


class _RulesParser(StrictParser):
    """A parser of bodies that may hold tables of thousands of entries."""

    MOST_BYTES = _MOST_BYTES_OF_RULES


class _RulesBlueprint(ApiBlueprint):
    ARGUMENTS_PARSER = _RulesParser()


blueprint = _RulesBlueprint(
    "rules", __name__, url_prefix="/v1/companies/<int:company_id>", description="What maps lines to streams."
)
Answer = tuple[dict[str, object], dict[str, str]]


@blueprint.get("/rule-draft")
@for_role("viewer")
@without_parameters
@blueprint.response(200, RuleDraft)
def get_rule_draft(company_id: int) -> Response | Answer:
    """Retrieve the draft of rules; as long as there is none, the published rules."""
    with within_company(current_tools().engine, company_id) as connection:
        draft = draft_of(connection, company_id)
    return not_modified(draft.tag) or _answer(draft)


@blueprint.put("/rule-draft")
@for_role("editor")
@without_parameters
@blueprint.arguments(SeenDraft, location="headers")
@blueprint.arguments(NewRuleDraft)
@blueprint.response(200, RuleDraft)
def save_rule_draft(_headers: dict[str, Any], body: dict[str, Any], company_id: int) -> Answer:
    """Save the draft of rules: all of them, in order. It changes no line."""

    def decide(desk: Desk) -> Draft:
        seen = _seen(desk.connection, company_id)
        return save_draft(desk, body["rules"], seen=seen, pointer="/json/rules")

    return _answer(at_desk(company_id, decide))


@blueprint.delete("/rule-draft")
@for_role("editor")
@without_parameters
@blueprint.arguments(SeenDraft, location="headers")
@blueprint.response(204)
def discard_rule_draft(_headers: dict[str, Any], company_id: int) -> None:
    """Discard the draft of rules, so that the published ones stand in its place."""
    refuse_body(request)
    at_desk(company_id, lambda desk: discard_draft(desk, seen=_seen(desk.connection, company_id)))


@blueprint.get("/rule-sets")
@for_role("viewer")
@blueprint.arguments(RuleSetsQuery, location="query")
@blueprint.response(200, RuleSetList)
def list_rule_sets(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """List the rule sets that were published, newest first, one page at a time."""
    cursors, limit = current_tools().cursors, query["limit"]
    before = cursors.read_item("rule sets", company_id, query["cursor"]) if "cursor" in query else None
    with log_at(company_id, query.get("as_of")) as (connection, position):
        published = versions_of(connection, company_id, position)
    left = [one for one in reversed(published) if before is None or one.version < before]
    page, has_more = left[:limit], len(left) > limit
    next_cursor = cursors.write_item("rule sets", company_id, page[-1].version) if has_more else None
    return {"data": list(map(_shown, page)), "has_more": has_more, "next_cursor": next_cursor, "position": position}


@blueprint.get("/rule-sets/<int:version>")
@for_role("viewer")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.response(200, RuleSet)
def get_rule_set(query: dict[str, Any], company_id: int, version: int) -> dict[str, object]:
    """Retrieve a rule set that was published."""
    with log_at(company_id, query.get("as_of")) as (connection, position):
        published = versions_of(connection, company_id, position)
    return next((_shown(one) for one in published if one.version == version), None) or abort(404)


def _seen(connection: Connection, company_id: int) -> Draft:
    """Return the draft, if it is the one that the request says it has seen."""
    if "If-Match" not in request.headers:
        raise UnseenDraftError
    draft = draft_of(connection, company_id)
    if not request.if_match.contains(draft.tag):
        raise DraftChangedError
    return draft


def _answer(draft: Draft) -> Answer:
    return {**draft._asdict(), "advice": advice_about(draft.rules)}, {"ETag": f'"{draft.tag}"'}


def _shown(published: RuleSetVersion) -> dict[str, object]:
    return {**published._asdict(), "rules": published.document()}
