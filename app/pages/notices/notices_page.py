"""Route for the list of what needs somebody in a company."""

from flask import Blueprint
from flask.wrappers import Response

from app.pages.frame import for_member, framed
from app.pages.notices.words import shown_notice
from app.pages.open_notices import notices_for_reader
from app.wiring.tools import current_tools
from runtime.database import within_company

blueprint = Blueprint("notices", __name__, url_prefix="/companies/<int:company_id>")


@blueprint.get("/notices")
@for_member("viewer")
def show_notices(company_id: int) -> Response:
    """List what needs somebody now, newest first."""
    with within_company(current_tools().engine, company_id) as connection:
        notices = [shown_notice(row, company_id) for row in notices_for_reader(connection)]
    return framed("notices/notices.html", here="notices", notices=notices)
