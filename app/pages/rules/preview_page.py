"""The page of a preview: how far it is, what the rules would change in money, and publishing them."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, make_response, render_template, request
from flask.wrappers import Response

from app.api.mapping.deciding import at_desk
from app.api.mapping.previews import shown_preview
from app.api.revenue_lines import mode_of
from app.pages.forms import back_to, limit_forms, typed
from app.pages.frame import for_member, framed
from app.pages.mapped.actors import names_of
from app.pages.mapped.share_words import Streams
from app.pages.rules.list_page import HERE
from app.pages.rules.preview_figures import currencies_of, figures_of, month_words
from app.pages.rules.rule_words import shown_shares
from app.wiring.tools import current_tools
from mapping import previews
from mapping.previews import Preview, PreviewNotReadyError, PreviewStaleError
from mapping.recorded import Desk
from mapping.streams import streams_at
from projections.mapping.writing_rules import Json
from projections.reads.snapshots import snapshot_on
from projections.reads.table.totals import list_currencies

_INVALID = 422
_LONGEST_NOTE = 500
_UNDER_WAY = ("queued", "running", "publishing")
_CHANGES = {
    "newly_mapped": "Newly mapped",
    "moved": "Moved",
    "unmapped": "Unmapped",
    "resplit": "Split otherwise",
    "retreated": "Earned otherwise",
}
_STATUSES = {
    "queued": ("calm", "Waiting"),
    "running": ("calm", "Running"),
    "ready": ("calm", "Not published"),
    "publishing": ("calm", "Publishing"),
    "published": ("good", "Published"),
    "failed": ("bad", "Failed"),
    "stale": ("warn", "Out of date"),
    "canceled": ("calm", "Canceled"),
}

blueprint = Blueprint("rule preview pages", __name__, url_prefix="/companies/<int:company_id>/rules")
limit_forms(blueprint)
blueprint.add_app_template_filter(month_words)
_ONE = "/previews/<int:preview_id>"


@blueprint.post("/previews")
@for_member("editor")
def ask_for_preview(company_id: int) -> Response:
    """Ask what the draft would change, and show the answer as it comes."""

    def decide(desk: Desk) -> int:
        return previews.preview_draft(desk, livemode=mode_of(desk.connection, company_id, None))

    return _followed(company_id, at_desk(company_id, decide))


@blueprint.get(_ONE)
@for_member("viewer")
def show_preview(company_id: int, preview_id: int) -> Response:
    """Show a preview: its progress, or what the rules would change."""
    return _page(company_id, preview_id)


@blueprint.get(f"{_ONE}/progress")
@for_member("viewer")
def show_progress(company_id: int, preview_id: int) -> Response:
    """Return the progress of a preview as a part of its page; once it is over, have the page load the result."""
    preview = at_desk(company_id, lambda desk: previews.find_preview(desk.connection, company_id, preview_id))
    part = make_response(render_template("rules/preview_progress.html", preview=preview))
    if preview.status not in _UNDER_WAY:
        part.headers["HX-Trigger"] = "finished"
    return part


@blueprint.post(f"{_ONE}/cancel")
@for_member("editor")
def cancel_preview(company_id: int, preview_id: int) -> Response:
    """Cancel a preview that is under way."""
    at_desk(company_id, lambda desk: previews.cancel_preview(desk, preview_id))
    return back_to(f"/companies/{company_id}/rules")


@blueprint.post(f"{_ONE}/publish")
@for_member("admin")
def publish(company_id: int, preview_id: int) -> Response:
    """Have the rules of a preview published, with a note for those who read the versions."""
    note = typed("note").strip()
    if len(note) > _LONGEST_NOTE:
        return _page(company_id, preview_id, mistake=f"Use up to {_LONGEST_NOTE} characters.")
    try:
        at_desk(company_id, lambda desk: previews.ask_to_publish(desk, preview_id, note or None))
    except (PreviewNotReadyError, PreviewStaleError):
        # The page says why.
        return _page(company_id, preview_id, status=409)
    return _followed(company_id, preview_id)


@blueprint.post("/versions/<int:version>/revert")
@for_member("admin")
def revert(company_id: int, version: int) -> Response:
    """Ask what it would change to bring a version back."""

    def decide(desk: Desk) -> int:
        livemode = mode_of(desk.connection, company_id, None)
        return previews.preview_revert(desk, version, livemode=livemode)

    return _followed(company_id, at_desk(company_id, decide))


def _followed(company_id: int, preview_id: int) -> Response:
    current_tools().wake_preview()
    return back_to(f"/companies/{company_id}/rules/previews/{preview_id}")


def _page(company_id: int, preview_id: int, *, mistake: str | None = None, status: int = 200) -> Response:
    def read(desk: Desk) -> tuple[Preview, Streams, list[str]]:
        found = previews.find_preview(desk.connection, company_id, preview_id)
        held = list_currencies(snapshot_on(desk.connection, company_id), livemode=found.livemode)
        return found, streams_at(desk.connection, company_id), held

    preview, streams, held = at_desk(company_id, read)
    shown: dict[str, Any] = shown_preview(preview)
    asked = request.args.get("currency", "")
    currencies = currencies_of(shown["cells"], held)
    currency = asked if asked in currencies else next(iter(currencies), "")
    has_all, since = "all" in request.args, _since(shown, streams)
    return framed(
        "rules/preview.html",
        here=HERE,
        status=_INVALID if mistake else status,
        preview=preview,
        shown=shown,
        badge_of=_STATUSES[preview.status],
        is_under_way=preview.status in _UNDER_WAY,
        names=names_of([preview.requested_by, preview.publish_requested_by]),
        currencies=currencies,
        figures=figures_of(shown["cells"], currency, streams, has_all=has_all),
        has_all=has_all,
        since=since,
        changes=[(words, shown["lines"].get(name, 0)) for name, words in _CHANGES.items()],
        top_lines=[_line(line, streams) for line in shown["top_lines"]],
        rules=_rules(preview, shown["rules"]),
        is_closed_moved=any(cell["closed"] and cell["before"] != cell["after"] for cell in shown["cells"]),
        mistake=mistake,
        note=typed("note"),
    )


def _since(shown: Mapping[str, Any], streams: Streams) -> list[Any]:
    cells = (shown["published"] or {}).get("since", [])
    found = (figures_of(cells, currency, streams, has_all=True) for currency in currencies_of(cells))
    return [figures for figures in found if figures]


def _line(line: Mapping[str, Any], streams: Streams) -> dict[str, Any]:
    before, after = (shown_shares(line[side], streams) for side in ("before", "after"))
    return {**line, "change": _CHANGES[line["change"]], "before": before, "after": after}


def _rules(preview: Preview, effects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_id: dict[str, Json] = {rule["id"]: rule for rule in preview.rules}
    places = {rule_id: place for place, rule_id in enumerate(by_id, start=1)}
    return [
        {
            **effect,
            "name": by_id[effect["rule_id"]]["name"] or effect["rule_id"],
            "place": places[effect["rule_id"]],
            "is_enabled": by_id[effect["rule_id"]]["enabled"],
            "shadowed_by": _name(by_id, effect["shadowed_by"]),
        }
        for effect in effects
    ]


def _name(rules: Mapping[str, Json], rule_id: str | None) -> str | None:
    return rule_id and (rules[rule_id]["name"] or rule_id)
