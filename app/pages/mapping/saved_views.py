"""Routes for saved views: open, save, rename and delete them. Forms lead back to the table."""

from flask import Blueprint, redirect, request
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.api.views.keeping import changeable_view, found_view, save_view
from app.api.views.saved_views import COMPANY, PRIVATE, NewView, ViewChanges
from app.auth.csrf import FIELD
from app.pages.forms import LONGEST_FORM_BYTES
from app.pages.frame import for_member
from app.pages.mapping.query import address_of, parameters_of, view_of
from app.pages.mapping.table import Saving, table_page
from app.wiring.tools import current_tools
from runtime.database import within_company
from tenants.views.saved_views import MOST_VIEWS, NameTakenError, TooManyViewsError, change_view, remove_view

blueprint = Blueprint("saved view pages", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping/views")

_OWN_FIELDS = frozenset({FIELD, "view_name", "scope"})


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.get("/<int:view_id>")
@for_member("viewer")
def open_view(company_id: int, view_id: int) -> Response:
    """Redirect to the table as the view has it."""
    return redirect(address_of(company_id, found_view(company_id, view_id).parameters), 303)


@blueprint.post("")
@for_member("viewer")
def save_this_view(company_id: int) -> Response:
    """Save the view that the form's hidden fields describe, and show it, with what is wrong with its name."""
    view = view_of(company_id, MultiDict(pair for pair in request.form.items(multi=True) if pair[0] not in _OWN_FIELDS))
    name, scope = request.form.get("view_name", "").strip(), request.form.get("scope", PRIVATE)
    if view.mistakes:
        return table_page(view)
    try:
        asked = NewView().load({"name": name, "scope": scope, "parameters": parameters_of(view)})
        save_view(company_id, asked["name"], asked["parameters"], is_companys=scope == COMPANY)
    except ValidationError:
        return table_page(view, Saving(name, scope, "Enter a name of 1 to 100 characters."))
    except NameTakenError:
        return table_page(view, Saving(name, scope, "There is a view of that name. Choose another one."))
    except TooManyViewsError:
        return table_page(view, Saving(name, scope, f"There are {MOST_VIEWS} saved views. Delete one first."))
    return redirect(view.link(), 303)


@blueprint.post("/<int:view_id>")
@for_member("viewer")
def rename_view(company_id: int, view_id: int) -> Response:
    """Rename a view, and show it; show what is wrong with the name, if anything."""
    name = request.form.get("view_name", "").strip()
    view = found_view(company_id, view_id)
    address = address_of(company_id, view.parameters)
    try:
        changes = ViewChanges().load({"name": name})
        with within_company(current_tools().engine, company_id) as connection:
            change_view(
                connection, changeable_view(connection, company_id, view_id), changes, now=current_tools().clock()
            )
    except ValidationError:
        return _not_renamed(company_id, view.parameters, name, "Enter a name of 1 to 100 characters.")
    except NameTakenError:
        return _not_renamed(company_id, view.parameters, name, "There is a view of that name. Choose another one.")
    return redirect(address, 303)


@blueprint.post("/<int:view_id>/delete")
@for_member("viewer")
def delete_view(company_id: int, view_id: int) -> Response:
    """Delete a view, and show the table as it had it."""
    with within_company(current_tools().engine, company_id) as connection:
        view = changeable_view(connection, company_id, view_id)
        remove_view(connection, view)
    return redirect(address_of(company_id, view.parameters), 303)


def _not_renamed(company_id: int, parameters: dict[str, str | list[str]], name: str, mistake: str) -> Response:
    return table_page(view_of(company_id, MultiDict(parameters)), Saving(name, "", mistake))
