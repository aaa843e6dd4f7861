"""Routes that remember columns, their widths and density for a person. Forms lead back to the table."""

from flask import Blueprint, abort, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.api.views.keeping import person_id
from app.auth.csrf import FIELD
from app.pages.forms import LONGEST_FORM_BYTES
from app.pages.frame import for_member
from app.pages.mapping.columns import BY_NAME, DEFAULT_NAMES
from app.pages.mapping.query import View, as_preferred, view_of
from app.pages.mapping.table import table_page
from app.wiring.tools import current_tools
from runtime.database import within_company
from tenants.views.preferences import Preference, prefer, preference_of

blueprint = Blueprint(
    "table preferences", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping/preference"
)

_LOOKS = ("columns", "density")
# As in app/static/widths.js.
_WIDTHS = range(48, 1201)
_WIDTH_DIGITS = 4


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.post("")
@for_member("viewer")
def remember_looks(company_id: int) -> Response:
    """Remember the columns and the density of the form, each if it was sent; show the view of its hidden fields so."""
    view = _view_of_form(company_id)
    if view.mistakes:
        return table_page(view)
    columns = view.words.get("columns", view.preferred.columns)
    is_default = columns == ",".join(DEFAULT_NAMES)
    density = view.words.get("density", view.preferred.density)
    return _remembered(view, view.preferred._replace(columns=None if is_default else columns, density=density))


@blueprint.post("/widths")
@for_member("viewer")
def remember_widths(company_id: int) -> Response:
    """Remember the widths of columns, in pixels by column; those that are not named have their usual ones."""
    widths = {name: _width(text) for name, text in request.form.items() if name in BY_NAME}
    user_id = person_id()
    if user_id is not None:
        with within_company(current_tools().engine, company_id) as connection:
            preferred = preference_of(connection, company_id, user_id)
            prefer(connection, company_id, user_id, preferred._replace(widths=widths or None))
    return Response(status=204)


def _width(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _WIDTH_DIGITS and int(text) in _WIDTHS):
        abort(422)
    return int(text)


@blueprint.post("/reset")
@for_member("viewer")
def reset_looks(company_id: int) -> Response:
    """Forget the columns and their widths, and show the view of the form's hidden fields with the seven."""
    view = _view_of_form(company_id)
    return _remembered(view, view.preferred._replace(columns=None, widths=None))


def _view_of_form(company_id: int) -> View:
    view = view_of(company_id, MultiDict(pair for pair in request.form.items(multi=True) if pair[0] != FIELD))
    with within_company(current_tools().engine, company_id) as connection:
        return as_preferred(connection, view)


def _remembered(view: View, preference: Preference) -> Response:
    user_id = person_id()
    if user_id is not None:
        with within_company(current_tools().engine, view.company_id) as connection:
            prefer(connection, view.company_id, user_id, preference)
    return redirect(view.link("", *_LOOKS), 303)
