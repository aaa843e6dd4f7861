"""Serve saved views of the table as JSON: list, save, change and delete them."""

from typing import Any

from flask import url_for
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.base import ApiBlueprint, without_parameters
from app.api.views.keeping import changeable_view, found_view, person_id, save_view, seen_views
from app.api.views.parameters import AddressParameters
from app.auth.access import for_role
from app.http.fields import Instant
from app.wiring.tools import current_tools
from runtime.database import within_company
from tenants.views.saved_views import SavedView, change_view, remove_view

blueprint = ApiBlueprint(
    "saved views", __name__, url_prefix="/v1/companies/<int:company_id>", description="Saved views of the table."
)

PRIVATE, COMPANY = SCOPES = ("private", "company")
_PARAMETERS = {
    "type": "object",
    "description": "Parameters of the table's address, checked as those of GET …/revenue-lines; also columns, density"
    " and chart. A text each, or a list of texts for those that may be given several times.",
}


class ViewName(fields.String):
    """The name of a view, without spaces around it."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        visible = validate.Regexp(r"[^\x00-\x1f]{1,100}\Z", error="Not 1 to 100 visible characters.")
        super().__init__(validate=visible, metadata={"minLength": 1, "maxLength": 100}, **kwargs)

    def _deserialize(self, *args: Any, **options: Any) -> str:  # noqa: ANN401
        return str(super()._deserialize(*args, **options)).strip()


class NewView(Schema):
    """A view to save. Company-wide ones are for editors; an API key has no private ones."""

    name = ViewName(required=True)
    scope = fields.String(load_default=PRIVATE, validate=validate.OneOf(SCOPES))
    parameters = AddressParameters(required=True, metadata=_PARAMETERS)

    @validates_schema
    def _has_an_owner(self, data: dict[str, Any], **_options: object) -> None:
        if data["scope"] == PRIVATE and person_id() is None:
            raise ValidationError("An API key has no views of its own: save it for the company.", "scope")


class ViewChanges(Schema):
    """What to change of a view."""

    name = ViewName()
    parameters = AddressParameters(metadata=_PARAMETERS)

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_options: object) -> None:
        if not data:
            raise ValidationError("Give a name or parameters.", "name")


class SavedViewShown(Schema):
    """A saved view of the table."""

    object = fields.Constant("saved_view")
    id = fields.Integer()
    name = fields.String()
    scope = fields.String(validate=validate.OneOf(SCOPES), metadata={"description": "Whether everybody sees it."})
    parameters = fields.Dict(metadata=_PARAMETERS)
    created_by = fields.String()
    created_at = Instant()
    updated_at = Instant()


class SavedViewList(Schema):
    """The views of the company, and one's own, by name."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(SavedViewShown))


@blueprint.get("/views")
@for_role("viewer")
@without_parameters
@blueprint.response(200, SavedViewList)
def list_saved_views(company_id: int) -> dict[str, object]:
    """List saved views: those of the company, and one's own."""
    with within_company(current_tools().engine, company_id) as connection:
        return {"data": [shown(view) for view in seen_views(connection, company_id)]}


@blueprint.post("/views")
@for_role("viewer")
@without_parameters
@blueprint.arguments(NewView, location="json")
@blueprint.response(201, SavedViewShown)
def create_saved_view(view: dict[str, Any], company_id: int) -> tuple[dict[str, object], int, dict[str, str]]:
    """Save a view of the table under a name."""
    saved = save_view(company_id, view["name"], view["parameters"], is_companys=view["scope"] == COMPANY)
    location = url_for(".get_saved_view", company_id=company_id, view_id=saved.id)
    return shown(saved), 201, {"Location": location}


@blueprint.get("/views/<int:view_id>")
@for_role("viewer")
@without_parameters
@blueprint.response(200, SavedViewShown)
def get_saved_view(company_id: int, view_id: int) -> dict[str, object]:
    """Retrieve a saved view."""
    return shown(found_view(company_id, view_id))


@blueprint.patch("/views/<int:view_id>")
@for_role("viewer")
@without_parameters
@blueprint.arguments(ViewChanges, location="json")
@blueprint.response(200, SavedViewShown)
def change_saved_view(changes: dict[str, Any], company_id: int, view_id: int) -> dict[str, object]:
    """Change the name or the parameters of a saved view."""
    with within_company(current_tools().engine, company_id) as connection:
        view = changeable_view(connection, company_id, view_id)
        return shown(change_view(connection, view, changes, now=current_tools().clock()))


@blueprint.delete("/views/<int:view_id>")
@for_role("viewer")
@without_parameters
@blueprint.response(204)
def delete_saved_view(company_id: int, view_id: int) -> None:
    """Delete a saved view."""
    with within_company(current_tools().engine, company_id) as connection:
        remove_view(connection, changeable_view(connection, company_id, view_id))


def shown(view: SavedView) -> dict[str, object]:
    """Return a view as the `SavedViewShown` schema reads it."""
    return {**view._asdict(), "scope": COMPANY if view.owner_id is None else PRIVATE}
