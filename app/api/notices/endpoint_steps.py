"""Create, change and look at webhook endpoints and their deliveries, for the API and the pages alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort
from sqlalchemy import Connection

from app.auth.access import principal
from app.wiring.tools import current_tools
from notices import deliveries, endpoints
from notices.endpoints import Endpoint, Wanted
from notices.outbound import usable_url
from runtime.database import within_company

_LARGEST_ID = 2**63 - 1


class EndpointDisabledError(Exception):
    """Nothing is sent to the endpoint, because it is disabled."""


def add_endpoint(company_id: int, wanted: Wanted) -> tuple[Endpoint, str]:
    """Create an endpoint; return it with its secret, which cannot be shown again. Commits.

    :raises UnusableUrlError: webhooks may not be sent there
    :raises TooManyEndpointsError: the company has as many as it may have
    """
    tools = current_tools()
    usable_url(wanted.url, tools.outbound)
    with within_company(tools.engine, company_id) as connection:
        return endpoints.create_endpoint(
            connection, tools.box, company_id, wanted, actor=principal().actor, now=tools.clock()
        )


def all_endpoints(company_id: int) -> list[Endpoint]:
    """Return the company's endpoints, oldest first."""
    with within_company(current_tools().engine, company_id) as connection:
        return endpoints.list_endpoints(connection, company_id)


def one_endpoint(company_id: int, endpoint_id: int) -> Endpoint:
    """Return one of the company's endpoints; abort with 404 for any other."""
    with within_company(current_tools().engine, company_id) as connection:
        return found_endpoint(connection, company_id, endpoint_id)


def alter_endpoint(company_id: int, endpoint_id: int, changes: Mapping[str, Any]) -> Endpoint:
    """Change an endpoint and return it; abort with 404 if there is none. Commits; safe to repeat.

    :raises UnusableUrlError: webhooks may not be sent there
    """
    tools = current_tools()
    if "url" in changes:
        usable_url(changes["url"], tools.outbound)
    with within_company(tools.engine, company_id) as connection:
        endpoint = found_endpoint(connection, company_id, endpoint_id)
        return endpoints.change_endpoint(
            connection, company_id, endpoint, changes, actor=principal().actor, now=tools.clock()
        )


def remove_endpoint(company_id: int, endpoint_id: int) -> None:
    """Delete an endpoint with its deliveries; abort with 404 if there is none. Commits."""
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        found_endpoint(connection, company_id, endpoint_id)
        endpoints.delete_endpoint(connection, company_id, endpoint_id, actor=principal().actor, now=tools.clock())


def replace_secret(company_id: int, endpoint_id: int) -> tuple[Endpoint, str]:
    """Replace an endpoint's secret; return it with the new one. Commits."""
    tools, actor = current_tools(), principal().actor
    with within_company(tools.engine, company_id) as connection:
        endpoint = found_endpoint(connection, company_id, endpoint_id)
        secret = endpoints.rotate_secret(connection, tools.box, company_id, endpoint_id, actor=actor, now=tools.clock())
        return endpoint, secret


def page_of_deliveries(
    company_id: int, endpoint_id: int, *, limit: int, before: int | None
) -> tuple[list[dict[str, object]], bool]:
    """Return an endpoint's deliveries with their attempts, newest first, and whether there are more."""
    with within_company(current_tools().engine, company_id) as connection:
        found_endpoint(connection, company_id, endpoint_id)
        rows = deliveries.list_deliveries(connection, company_id, endpoint_id, limit=limit + 1, before=before)
        return _with_attempts(connection, company_id, rows[:limit]), len(rows) > limit


def send_again(company_id: int, endpoint_id: int, delivery_id: int) -> dict[str, object]:
    """Send a delivery again and return it; abort with 404 if there is none. Commits; safe to repeat.

    :raises EndpointDisabledError: the endpoint is disabled
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        endpoint = found_endpoint(connection, company_id, endpoint_id)
        known = delivery_id <= _LARGEST_ID and deliveries.find_delivery(
            connection, company_id, endpoint_id, delivery_id
        )
        if not known:
            abort(404)
        if not endpoint.is_enabled:
            raise EndpointDisabledError
        deliveries.redeliver(connection, company_id, endpoint_id, delivery_id)
        row = deliveries.find_delivery(connection, company_id, endpoint_id, delivery_id)
        (delivery,) = _with_attempts(connection, company_id, [row])
    tools.wake_notice()
    return delivery


def found_endpoint(connection: Connection, company_id: int, endpoint_id: int) -> Endpoint:
    """Return one of the company's endpoints; abort with 404 for any other."""
    known = endpoint_id <= _LARGEST_ID and endpoints.find_endpoint(connection, company_id, endpoint_id)
    if not known:
        abort(404)
    return known


def _with_attempts(connection: Connection, company_id: int, rows: Sequence[Any]) -> list[dict[str, object]]:
    attempts: dict[int, list[object]] = {row.id: [] for row in rows}
    for attempt in deliveries.attempts_of(connection, company_id, list(attempts)):
        attempts[attempt.delivery_id].append(attempt)
    return [{**row._mapping, "attempts": attempts[row.id]} for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
