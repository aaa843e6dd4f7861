"""The page of rules: the draft, or else the published ones, in their order, and the forms that change the list."""

from flask import Blueprint, abort, request
from flask.wrappers import Response

from app.api.mapping.deciding import log_at
from app.pages.forms import back_to, typed
from app.pages.frame import for_member, framed
from app.pages.mapped.actors import names_of
from app.pages.rules import draft_steps as steps
from app.pages.rules.draft_changes import draft_changes
from app.pages.rules.form_size import limit_large_forms
from app.pages.rules.listed_rules import counted_at, listed, preview_of_draft, rules_in_force
from app.pages.rules.rule_words import shown_rule
from mapping.drafts import DraftChangedError
from mapping.rule_sets import versions_of
from projections.mapping.writing_rules import Json

HERE = "rules"
_CONFLICT, _INVALID = 412, 422
_DONE = {
    "saved": "Saved to the draft.",
    "added": "Added to the draft.",
    "deleted": "Deleted from the draft.",
    "discarded": "The draft was discarded.",
    "order": "The new order is saved to the draft.",
}

blueprint = Blueprint("rule pages", __name__, url_prefix="/companies/<int:company_id>/rules")
limit_large_forms(blueprint)


@blueprint.get("")
@for_member("viewer")
def show_rules(company_id: int) -> Response:
    """List the rules of the draft; as long as there is none, the published ones."""
    return list_page(company_id)


@for_member("editor")
def change_rule(company_id: int, rule_id: str, step: str) -> Response:
    """Move, enable, disable, copy, delete or restore a rule in the draft."""
    page = f"/companies/{company_id}/rules"
    try:
        draft = steps.save_changed(company_id, lambda rules: _changed(company_id, rules, rule_id, step))
    except DraftChangedError:
        return list_page(company_id, is_conflict=True)
    if step == "copy":
        copy = draft.rules[(steps.place_of(draft.rules, rule_id) or 0) + 1]
        return back_to(f"{page}/rule/{copy['id']}")
    if step == "delete":
        return back_to(page, "deleted")
    return back_to(f"{page}?at={rule_id}&by={step}#{rule_id}")


for _step in ("up", "down", "enable", "disable", "copy", "delete", "restore"):
    blueprint.add_url_rule(
        f"/rule/<rule_id>/{_step}", f"{_step}_rule", change_rule, methods=["POST"], defaults={"step": _step}
    )


@blueprint.post("/order")
@for_member("editor")
def order_rules(company_id: int) -> Response:
    """Put the rules of the draft into the order that was dragged together."""
    wanted = typed("order").split()
    try:
        steps.save_changed(company_id, lambda rules: steps.ordered(rules, wanted))
    except DraftChangedError:
        return list_page(company_id, is_conflict=True)
    return back_to(f"/companies/{company_id}/rules", "order")


@blueprint.post("/discard")
@for_member("editor")
def discard_draft(company_id: int) -> Response:
    """Discard the draft: the published rules stand in its place."""
    try:
        steps.discard(company_id)
    except DraftChangedError:
        return list_page(company_id, is_conflict=True)
    return back_to(f"/companies/{company_id}/rules", "discarded")


def list_page(company_id: int, *, is_conflict: bool = False) -> Response:
    """Return the page of the list; with `is_conflict`, as it is now that somebody else has saved it."""
    found = rules_in_force(company_id)
    changes = draft_changes(found.published.document() if found.published else [], found.draft.rules)
    has_draft = found.draft.updated_at is not None
    return framed(
        "rules/list.html",
        here=HERE,
        status=_CONFLICT if is_conflict else 200,
        rules=listed(found, changes),
        draft=found.draft,
        has_draft=has_draft,
        saved_by=names_of([found.draft.updated_by]).get(found.draft.updated_by),
        published=found.published,
        published_by=names_of([found.published.published_by] if found.published else []),
        removed=[shown_rule(rule, found.streams) for rule in changes.removed],
        change_count=changes.total,
        preview=preview_of_draft(found),
        counted_at=counted_at(found),
        streams=found.streams,
        is_conflict=is_conflict,
        done=_DONE.get(request.args.get("done", "")),
        moved=(request.args.get("at"), request.args.get("by")),
    )


def _changed(company_id: int, rules: list[Json], rule_id: str, step: str) -> list[Json]:
    place = steps.place_of(rules, rule_id)
    if step == "restore" and place is None:
        return [*rules, *(rule for rule in _published_rules(company_id) if rule["id"] == rule_id)]
    if place is None:
        abort(404)
    match step:
        case "up" | "down":
            return steps.moved(rules, place, -1 if step == "up" else 1)
        case "copy":
            return steps.copied(rules, place)
        case "delete":
            return [*rules[:place], *rules[place + 1 :]]
        case "enable" | "disable":
            rules[place] = {**rules[place], "enabled": step == "enable"}
            return rules
        case _:
            # Restored already.
            return rules


def _published_rules(company_id: int) -> list[Json]:
    with log_at(company_id) as (connection, _):
        published = versions_of(connection, company_id)
    return published[-1].document() if published else []
