"""Serve what a caller may ask about itself: here a key, too, finds its company."""

from flask import abort

from app.api.base import ApiBlueprint, without_parameters
from app.api.people.schemas import Principal
from app.auth.access import for_any_caller
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants import roles
from tenants.companies import find_company
from tenants.people.sessions import Session
from tenants.people.users import Membership, memberships_of

blueprint = ApiBlueprint("me", __name__, url_prefix="/v1", description="The caller.")


@blueprint.get("/me")
@for_any_caller
@without_parameters
@blueprint.doc(operationId="getPrincipal")
@blueprint.response(200, Principal)
def show_caller(caller: roles.Principal | Session) -> dict[str, object]:
    """Retrieve who the caller is, and its companies with its role in each."""
    with across_companies(current_tools().engine) as connection:
        if not isinstance(caller, roles.Principal):
            return {"kind": "user", "companies": memberships_of(connection, caller.user_id)}
        company = find_company(connection, caller.company_id) or abort(404)
    return {"kind": "api_key", "companies": [Membership(company.id, company.name, caller.role)]}
