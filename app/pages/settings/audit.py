"""Route for the audit log: who did what, in words."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.wrappers import Response

from app.api.people.audit import audit_page
from app.pages.frame import for_member, framed
from app.wiring.tools import current_tools
from projections.reads.recognition.stream_names import stream_names
from projections.reads.snapshots import snapshot_of

blueprint = Blueprint("audit pages", __name__, url_prefix="/companies/<int:company_id>/audit")

_AT_ONCE = 50
_WORDS = {
    "access.member_added": "Member added",
    "access.member_role_changed": "Role changed",
    "access.member_removed": "Member removed",
    "access.invitation_created": "Invitation sent",
    "access.invitation_accepted": "Invitation accepted",
    "access.invitation_revoked": "Invitation withdrawn",
    "access.api_key_created": "API key created",
    "access.api_key_revoked": "API key revoked",
    "access.password_link_created": "Password link sent",
    "access.password_changed": "Password changed",
    "access.second_factor_turned_on": "Second factor turned on",
    "access.second_factor_turned_off": "Second factor turned off",
    "access.second_factor_required": "Second factor required of everybody",
    "access.second_factor_made_optional": "Second factor no longer required",
    "access.recovery_code_used": "Recovery code used",
    "access.recovery_codes_renewed": "New recovery codes made",
    "access.company_created": "Company created",
    "access.company_renamed": "Company renamed",
    "access.connection_refused": "Connecting an account refused",
    "access.claim_refused": "Another company tried to connect this account",
    "accounting.time_zone_set": "Time zone changed",
    "accounting.policy_set": "Accounting policy changed",
    "mapping.stream_created": "Revenue stream added",
    "mapping.stream_changed": "Revenue stream changed",
    "mapping.stream_archived": "Revenue stream archived",
    "mapping.stream_restored": "Revenue stream restored",
    "mapping.plan_created": "Plan added",
    "mapping.plan_changed": "Plan renamed",
    "mapping.plan_archived": "Plan archived",
    "mapping.plan_restored": "Plan restored",
    "mapping.rules_published": "Mapping rules published",
    "mapping.lines_overridden": "Lines mapped by hand",
    "mapping.lines_released": "Lines left to the rules again",
    "mapping.subscription_overridden": "Subscription mapped by hand",
    "mapping.subscription_released": "Subscription left to the rules again",
}


@blueprint.get("")
@for_member("editor")
def show_audit(company_id: int) -> Response:
    """Show who did what, newest first."""
    cursor = {"cursor": request.args["cursor"]} if "cursor" in request.args else {}
    page = audit_page(company_id, {"limit": _AT_ONCE, **cursor})
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        streams = stream_names(snapshot)
    said = {one["position"]: told(one["details"], streams) for one in page["data"]}
    return framed("settings/audit.html", here="audit", entries=page, did=did, said=said, is_continued=bool(cursor))


def told(details: Mapping[str, Any] | None, streams: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a fact of ours, with names in place of the ids of streams, given those of `streams`."""
    said = {name: value for name, value in (details or {}).items() if isinstance(value, str)}
    if "name" in said:
        said.pop("id", None)
    if said.get("stream_id") in streams:
        said = {"stream": streams[said.pop("stream_id")], **said}
    return said


def did(fact: str) -> str:
    """Return what a fact of ours says, in words: its own, if nobody has written better ones."""
    family, _, deed = fact.partition(".")
    return _WORDS.get(fact) or f"{family} {deed}".replace("_", " ").capitalize()
