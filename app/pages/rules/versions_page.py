"""The pages of published rules: all versions, and the rules of one."""

from flask import Blueprint, abort
from flask.wrappers import Response

from app.api.mapping.deciding import log_at
from app.pages.frame import for_member, framed
from app.pages.mapped.actors import names_of
from app.pages.rules.list_page import HERE
from app.pages.rules.rule_words import shown_rule
from mapping.rule_sets import versions_of
from mapping.streams import streams_at

blueprint = Blueprint("rule version pages", __name__, url_prefix="/companies/<int:company_id>/rules/versions")


@blueprint.get("")
@for_member("viewer")
def show_versions(company_id: int) -> Response:
    """List the published versions, newest first."""
    with log_at(company_id) as (connection, _):
        published = versions_of(connection, company_id)
    names = names_of(one.published_by for one in published)
    return framed("rules/versions.html", here=HERE, versions=published[::-1], names=names)


@blueprint.get("/<int:version>")
@for_member("viewer")
def show_version(company_id: int, version: int) -> Response:
    """Show the rules of a published version."""
    with log_at(company_id) as (connection, _):
        published, streams = versions_of(connection, company_id), streams_at(connection, company_id)
    found = next((one for one in published if one.version == version), None) or abort(404)
    return framed(
        "rules/version.html",
        here=HERE,
        found=found,
        is_newest=found is published[-1],
        published_by=names_of([found.published_by])[found.published_by],
        rules=[shown_rule(rule, streams) for rule in found.document()],
    )
