"""Serve a company: its name, the time zone in which its days begin, and whether its people need a second factor."""

from typing import Any

from flask import abort
from sqlalchemy import Connection

from app.api.base import ApiBlueprint, without_parameters
from app.api.people import schemas
from app.auth.access import for_role, principal
from app.wiring.tools import current_tools
from mapping.policy import set_policy
from mapping.recorded import Desk, decided
from runtime.database import within_company
from tenants.companies import Company, find_company, rename_company, require_second_factor

blueprint = ApiBlueprint("companies", __name__, url_prefix="/v1/companies/<int:company_id>", description="Companies.")


@blueprint.get("")
@for_role("viewer")
@without_parameters
@blueprint.doc(operationId="getCompany")
@blueprint.response(200, schemas.Company)
def show_company(company_id: int) -> Company:
    """Retrieve the company."""
    with within_company(current_tools().engine, company_id) as connection:
        return find_company(connection, company_id) or abort(404)


@blueprint.patch("")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="changeCompany")
@blueprint.arguments(schemas.CompanyChange)
@blueprint.response(200, schemas.Company)
def change_company(body: dict[str, Any], company_id: int) -> Company:
    """Change the company's name, its time zone, or whether its people need a second factor."""
    return alter_company(company_id, **body)


def alter_company(
    company_id: int,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    requires_second_factor: bool | None = None,
) -> Company:
    """Change what is given of a company, and return it. Commits; safe to repeat.

    :raises UnknownTimeZoneError: the time zone is none
    """
    tools, actor = current_tools(), principal().actor

    def alter(connection: Connection) -> Company:
        if name is not None:
            rename_company(connection, company_id, name, actor=actor, now=tools.clock())
        if time_zone is not None:
            set_policy(Desk(connection, company_id, actor, tools.clock()), {"time_zone": time_zone})
        if requires_second_factor is not None:
            is_required = requires_second_factor
            require_second_factor(connection, company_id, is_required=is_required, actor=actor, now=tools.clock())
        return find_company(connection, company_id) or abort(404)

    return decided(tools.engine, company_id, alter)
