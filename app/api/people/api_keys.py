"""Serve the API keys of a company."""

from typing import Any

from flask import request

from app.api.base import ApiBlueprint, without_parameters
from app.api.people import schemas
from app.api.people.granting import give_api_key, take_api_key
from app.api.people.paging import PageQuery, list_of, page_of
from app.auth.access import for_role
from app.http.bodies import refuse_body
from app.wiring.tools import current_tools
from runtime.database import within_company
from tenants.api_keys import ApiKey, find_api_key, newest_api_keys

blueprint = ApiBlueprint("api keys", __name__, url_prefix="/v1/companies/<int:company_id>", description="API keys.")
_ApiKeyList = list_of(schemas.ApiKey, "API keys, newest first. Revoked ones are listed, too.")


@blueprint.get("/api-keys")
@for_role("admin")
@blueprint.doc(operationId="listApiKeys")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _ApiKeyList)
def list_api_keys(query: dict[str, Any], company_id: int) -> dict[str, Any]:
    """List API keys, newest first, one page at a time. Keys themselves are not shown again."""

    def read(limit: int, before: int | None) -> list[ApiKey]:
        with within_company(current_tools().engine, company_id) as connection:
            return newest_api_keys(connection, company_id, limit=limit, before=before)

    return page_of("api-keys", company_id, query, read, lambda key: key.id)


@blueprint.post("/api-keys")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="createApiKey")
@blueprint.arguments(schemas.NewApiKey)
@blueprint.response(201, schemas.ApiKey)
def create_api_key(body: dict[str, Any], company_id: int) -> dict[str, object]:
    """Create an API key. `key` is in this answer alone."""
    created = give_api_key(company_id, body["name"], body["role"])
    with within_company(current_tools().engine, company_id) as connection:
        return find_api_key(connection, company_id, created.id)._asdict() | {"key": created.key}


@blueprint.delete("/api-keys/<int:key_id>")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="revokeApiKey")
@blueprint.response(204)
def revoke_api_key(company_id: int, key_id: int) -> None:
    """Revoke an API key, from the next request on."""
    refuse_body(request)
    take_api_key(company_id, key_id)
