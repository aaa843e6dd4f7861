"""The editor of one rule: its page, its parts while it is filled in, and saving it to the draft."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, request
from flask.wrappers import Response

from app.pages.forms import back_to, typed
from app.pages.frame import for_member, framed
from app.pages.mapped.actors import names_of
from app.pages.rules import draft_steps as steps
from app.pages.rules.editor_choices import choices
from app.pages.rules.form_size import limit_large_forms
from app.pages.rules.list_page import HERE
from app.pages.rules.listed_rules import RulesInForce, rules_in_force
from app.pages.rules.mistakes import mistakes_in
from app.pages.rules.rule_form import RuleForm, rule_in_form, with_suiting_operators
from app.pages.rules.table_form import MOST_ROWS, table_as_lines
from mapping.drafts import DraftChangedError
from projections.mapping.problems import InvalidRulesError
from projections.mapping.writing_rules import Json

_NO_MISTAKES: Mapping[str, str] = {}
_CONFLICT, _INVALID = 412, 422
_WHOLE = 10_000

blueprint = Blueprint("rule editor", __name__, url_prefix="/companies/<int:company_id>/rules")
limit_large_forms(blueprint)


@blueprint.get("/new")
@for_member("editor")
def show_new_rule(company_id: int) -> Response:
    """Show the editor with a new rule: with conditions, or with a table."""
    rule: Json = {"id": None, "name": "", "enabled": True}
    if "table" in request.args:
        rule |= {"lookup": {"field": "product_id", "table": {}}}
    else:
        rule |= {"match": "all", "conditions": [], "outcome": {"shares": [{"bp": _WHOLE}]}}
    return _page(rules_in_force(company_id), RuleForm(rule, {}))


@blueprint.get("/rule/<rule_id>")
@for_member("editor")
def show_rule(company_id: int, rule_id: str) -> Response:
    """Show the editor with a rule of the draft."""
    found = rules_in_force(company_id)
    place = steps.place_of(found.draft.rules, rule_id)
    return _page(found, RuleForm(found.draft.rules[place], {})) if place is not None else abort(404)


@blueprint.post("/editor")
@for_member("editor")
def fill_in(company_id: int) -> Response:
    """Show the editor as it is filled in, with another condition, share or line, or without one. Saves nothing."""
    found = rules_in_force(company_id)
    form = rule_in_form(typed("rule_id") or None, dict(found.streams))
    what, _, number = request.args.get("step", "").partition("-")
    rule = with_suiting_operators(form.rule)
    listed = {"condition": rule.get("conditions"), "share": rule.get("outcome", {}).get("shares")}.get(what)
    if listed is not None and number.isdecimal():
        del listed[int(number) : int(number) + 1]
    return _page(found, form._replace(mistakes={}), tag=typed("tag"), adds=what if not number else None)


@blueprint.post("")
@for_member("editor")
def add_rule(company_id: int) -> Response:
    """Add a rule to the draft, as the first or the last one."""
    return _saved(company_id, None)


@blueprint.post("/rule/<rule_id>")
@for_member("editor")
def save_rule(company_id: int, rule_id: str) -> Response:
    """Save a rule to the draft, in its place."""
    return _saved(company_id, rule_id)


def _saved(company_id: int, rule_id: str | None) -> Response:
    found = rules_in_force(company_id)
    form = rule_in_form(rule_id, dict(found.streams))
    if form.mistakes:
        return _page(found, form, status=_INVALID, tag=typed("tag"))
    place = 0

    def change(rules: list[Json]) -> list[Json]:
        nonlocal place
        known = steps.place_of(rules, rule_id) if rule_id else None
        if known is not None:
            place, rules[known] = known, form.rule
            return rules
        place = 0 if typed("place") == "first" else len(rules)
        return [*rules[:place], form.rule, *rules[place:]]

    try:
        draft = steps.save_changed(company_id, change)
    except InvalidRulesError as error:
        wrong = form._replace(mistakes=mistakes_in(error, f"{steps.POINTER}/{place}"))
        return _page(found, wrong, status=_INVALID, tag=typed("tag"))
    except DraftChangedError:
        # With the tag of the draft as it is now: who saves again has been told.
        return _page(rules_in_force(company_id), form, status=_CONFLICT)
    done = "saved" if rule_id else "added"
    return back_to(f"/companies/{company_id}/rules", f"{done}#{draft.rules[place]['id']}")


def _page(
    found: RulesInForce, form: RuleForm, *, status: int = 200, tag: str | None = None, adds: str | None = None
) -> Response:
    rule, draft = form.rule, found.draft
    lookup = rule.get("lookup")
    is_long = lookup is not None and len(lookup["table"]) > MOST_ROWS
    return framed(
        "rules/editor.html",
        here=HERE,
        status=status,
        rule=rule,
        is_new=rule["id"] is None or steps.place_of(draft.rules, rule["id"]) is None,
        mistakes=form.mistakes or _NO_MISTAKES,
        conditions=_with_one_more(rule.get("conditions", []), {"field": "", "op": "is"}, is_more=adds == "condition"),
        shares=_with_one_more(rule.get("outcome", {}).get("shares", []), {"bp": ""}, is_more=adds == "share"),
        rows=[] if not lookup or is_long else list(lookup["table"].items()),
        more="\n".join(filter(None, [table_as_lines(lookup["table"], found.streams) if is_long else "", form.more]))
        if lookup
        else "",
        streams=found.streams,
        is_conflict=status == _CONFLICT,
        saved_by=names_of([draft.updated_by]).get(draft.updated_by),
        draft=draft,
        tag=tag or draft.tag,
        typed=typed,
        **choices(found.streams),
    )


def _with_one_more(rows: list[Any], empty: Json, *, is_more: bool) -> list[Any]:
    return [*rows, empty] if is_more or not rows else rows
