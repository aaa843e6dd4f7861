"""Suggestions for the fields of the filter form, as a part of the page."""

from flask import Blueprint, abort, make_response, render_template, request
from marshmallow import RAISE, ValidationError
from werkzeug.wrappers import Response

from app.api.revenue_lines import mode_of
from app.api.suggestions import SuggestionsQuery, suggestions_of
from app.pages.frame import for_member
from app.wiring.tools import current_tools
from projections.reads.snapshots import snapshot_of

# Who types waits for the count, and need not know it any closer.
_MOST_SHOWN = 1000

blueprint = Blueprint("filter suggestions", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping")


@blueprint.get("/suggestions")
@for_member("viewer")
def show_suggestions(company_id: int) -> Response:
    """Return the options of a `<datalist>`: the ids to filter by, each with what is known of it."""
    try:
        query = SuggestionsQuery().load({name: said for name, said in request.args.items() if said}, unknown=RAISE)
    except ValidationError:
        abort(422)
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        found = suggestions_of(snapshot, query, livemode=livemode, most_counted=_MOST_SHOWN + 1)
    return make_response(render_template("mapping/suggestions.html", found=found, most_shown=_MOST_SHOWN))
