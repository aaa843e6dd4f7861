"""A company's webhook endpoints: created, changed, disabled and deleted, each as a fact of its log. Commit nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal_column, select, update

from notices.causes import close_notice
from notices.endpoint_secrets import new_secret
from notices.tables import webhook_endpoint
from notices.vocabulary import ENDPOINT_DISABLED
from tenants.access_facts import (
    ENDPOINT_CHANGED,
    ENDPOINT_CREATED,
    ENDPOINT_DELETED,
    ENDPOINT_SECRET_ROTATED,
    note_access,
)
from tenants.secrets import SecretBox

MOST_ENDPOINTS = 16


class TooManyEndpointsError(Exception):
    """The company has as many endpoints as it may have."""


class Endpoint(NamedTuple):
    """An endpoint without its secret. `failing_since`: since when every attempt has failed."""

    id: int
    url: str
    description: str | None
    types: list[str]
    created_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None
    failing_since: datetime | None

    @property
    def is_enabled(self) -> bool:
        """Return whether webhooks are sent to it."""
        return self.disabled_at is None


class Wanted(NamedTuple):
    """What a new endpoint is to be."""

    url: str
    types: Sequence[str]
    description: str | None = None


_COLUMNS = [webhook_endpoint.c[name] for name in Endpoint._fields]


def create_endpoint(
    connection: Connection, box: SecretBox, company_id: int, wanted: Wanted, *, actor: str, now: datetime
) -> tuple[Endpoint, str]:
    """Create an endpoint; return it with its secret, which cannot be shown again. Call it last.

    :raises TooManyEndpointsError: the company has 16 already
    """
    existing = select(func.count()).select_from(webhook_endpoint).where(webhook_endpoint.c.company_id == company_id)
    if connection.execute(existing).scalar_one() >= MOST_ENDPOINTS:
        raise TooManyEndpointsError
    values = {**wanted._asdict(), "types": list(wanted.types), "company_id": company_id, "created_at": now}
    created = Endpoint(*connection.execute(insert(webhook_endpoint).values(values).returning(*_COLUMNS)).one())
    secret = new_secret(connection, box, company_id, created.id, now=now)
    _note(connection, company_id, ENDPOINT_CREATED, created.id, actor, now, url=wanted.url, types=list(wanted.types))
    return created, secret


def list_endpoints(connection: Connection, company_id: int) -> list[Endpoint]:
    """Return a company's endpoints, oldest first."""
    of_company = select(*_COLUMNS).where(webhook_endpoint.c.company_id == company_id).order_by(webhook_endpoint.c.id)
    return [Endpoint(*row) for row in connection.execute(of_company)]


def find_endpoint(connection: Connection, company_id: int, endpoint_id: int) -> Endpoint | None:
    """Return one of a company's endpoints; None if there is no such endpoint."""
    row = connection.execute(select(*_COLUMNS).where(_is(company_id, endpoint_id))).one_or_none()
    return Endpoint(*row) if row else None


def change_endpoint(
    connection: Connection,
    company_id: int,
    endpoint: Endpoint,
    changes: Mapping[str, object],
    *,
    actor: str,
    now: datetime,
) -> Endpoint:
    """Change `url`, `types`, `description` or `is_enabled`, and return the endpoint. Safe to repeat; call it last.

    One that is enabled again begins without its failures, and is asked at once.
    """
    changed_fields = {name: value for name, value in changes.items() if getattr(endpoint, name) != value}
    if not changed_fields:
        return endpoint
    values = {name: value for name, value in changed_fields.items() if name != "is_enabled"}
    if "url" in values:
        values["standing"] = "new"
    if changed_fields.get("is_enabled"):
        values |= {"disabled_at": None, "disabled_because": None, "failing_since": None, "failures": 0}
        values["rests_until"] = literal_column("'-infinity'::timestamptz")
        close_notice(connection, company_id, ENDPOINT_DISABLED, str(endpoint.id), now=now)
    elif "is_enabled" in changed_fields:
        values |= {"disabled_at": now, "disabled_because": "by_hand"}
    changed = connection.execute(
        update(webhook_endpoint).where(_is(company_id, endpoint.id)).values(values).returning(*_COLUMNS)
    ).one_or_none()
    if changed is None:
        return endpoint  # somebody deleted it at this moment
    _note(connection, company_id, ENDPOINT_CHANGED, endpoint.id, actor, now, **changed_fields)
    return Endpoint(*changed)


def delete_endpoint(connection: Connection, company_id: int, endpoint_id: int, *, actor: str, now: datetime) -> bool:
    """Delete an endpoint with its secrets and deliveries; return whether this call did so. Call it last."""
    deleted = connection.execute(
        delete(webhook_endpoint).where(_is(company_id, endpoint_id)).returning(webhook_endpoint.c.url)
    ).one_or_none()
    if deleted is None:
        return False
    close_notice(connection, company_id, ENDPOINT_DISABLED, str(endpoint_id), now=now)
    _note(connection, company_id, ENDPOINT_DELETED, endpoint_id, actor, now, url=deleted.url)
    return True


def rotate_secret(
    connection: Connection, box: SecretBox, company_id: int, endpoint_id: int, *, actor: str, now: datetime
) -> str:
    """Replace an endpoint's secret and return the new one; the old one signs for another day. Call it last."""
    secret = new_secret(connection, box, company_id, endpoint_id, now=now)
    _note(connection, company_id, ENDPOINT_SECRET_ROTATED, endpoint_id, actor, now)
    return secret


def _is(company_id: int, endpoint_id: int) -> ColumnElement[bool]:
    return (webhook_endpoint.c.company_id == company_id) & (webhook_endpoint.c.id == endpoint_id)


def _note(
    connection: Connection, company_id: int, fact: str, endpoint_id: int, actor: str, now: datetime, **details: object
) -> None:
    note_access(connection, company_id, fact, about=f"webhook_endpoint:{endpoint_id}", actor=actor, now=now, **details)
