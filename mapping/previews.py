"""Previews as people see them: requested, followed, canceled, and asked to be published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from mapping.drafts import draft_of
from mapping.recorded import Desk
from mapping.rule_sets import newest_version, versions_of
from mapping.tables import mapping_preview
from projections.mapping.writing_rules import Json
from tenants.connection_request_keys import IdempotencyKeyReusedError

UNDER_WAY = ("queued", "running")
# As many are kept, besides those that were published.
MOST_KEPT = 20

_LARGEST_ID = 2**63 - 1
_preview = mapping_preview.c


class UnknownPreviewError(LookupError):
    """The company has no such preview, or no such version of its rules."""


class PreviewNotReadyError(Exception):
    """The preview is not ready to be published: it is under way, failed, or was canceled."""


class PreviewStaleError(Exception):
    """Rules were published since the preview was asked for, so that it compares with what is over."""


class Preview(NamedTuple):
    """A preview. What it is not or does not have yet is None; instants are aware UTC."""

    id: int
    company_id: int
    livemode: bool
    based_on: int
    reverts_to: int | None
    rules: list[Json]
    status: str
    requested_at: datetime
    requested_by: str
    lines_done: int
    lines_total: int | None
    position: int | None
    checksum: str | None
    result: dict[str, Any] | None
    failure: str | None
    finished_at: datetime | None
    note: str | None
    publish_requested_at: datetime | None
    publish_requested_by: str | None
    version: int | None
    published_position: int | None
    since: list[dict[str, Any]] | None


_COLUMNS = [_preview[name] for name in Preview._fields]


def preview_draft(desk: Desk, *, livemode: bool) -> int:
    """Ask for a preview of the draft, or of the published rules if there is none, and return its id. Commits nothing.

    Those that are under way are canceled. Under one key only one is asked for.

    :raises IdempotencyKeyReusedError: an earlier request under the same key was for another rule set
    """
    return _ask(desk, draft_of(desk.connection, desk.company_id).rules, None, livemode=livemode)


def preview_revert(desk: Desk, version: int, *, livemode: bool) -> int:
    """Ask for a preview of rules that were published before, as `preview_draft`. Commits nothing.

    :raises UnknownPreviewError: there is no such version
    """
    for published in versions_of(desk.connection, desk.company_id):
        if published.version == version:
            return _ask(desk, published.document(), version, livemode=livemode)
    raise UnknownPreviewError


def find_preview(connection: Connection, company_id: int, preview_id: int) -> Preview:
    """Return a preview. One that is ready is stale as soon as other rules are published.

    :raises UnknownPreviewError: the company has no such preview
    """
    found = select(*_COLUMNS).where(_is(company_id, preview_id))
    row = connection.execute(found).one_or_none() if preview_id <= _LARGEST_ID else None
    if row is None:
        raise UnknownPreviewError
    preview = Preview._make(row)
    if preview.status == "ready" and newest_version(connection, company_id) != preview.based_on:
        return preview._replace(status="stale")
    return preview


def newest_previews(connection: Connection, company_id: int) -> tuple[Preview | None, Preview | None]:
    """Return the newest preview that was not canceled, and the newest one with a result; each None if there is none."""
    of_company = select(*_COLUMNS).where(_preview.company_id == company_id).order_by(_preview.id.desc()).limit(1)
    newest = connection.execute(of_company.where(_preview.status != "canceled")).one_or_none()
    worked_out = connection.execute(of_company.where(_preview.checksum.is_not(None))).one_or_none()
    return (
        None if newest is None else Preview._make(newest),
        None if worked_out is None else Preview._make(worked_out),
    )


def cancel_preview(desk: Desk, preview_id: int) -> None:
    """Cancel a preview that is under way; any other stays as it is. Commits nothing; may be repeated.

    :raises UnknownPreviewError: the company has no such preview
    """
    find_preview(desk.connection, desk.company_id, preview_id)
    _cancel(desk, _is(desk.company_id, preview_id))


def ask_to_publish(desk: Desk, preview_id: int, note: str | None) -> None:
    """Have a preview published by a worker. Commits nothing; one that is being published, or was, stays as it is.

    :raises UnknownPreviewError: the company has no such preview
    :raises PreviewStaleError: other rules were published since
    :raises PreviewNotReadyError: it is not ready
    """
    preview = find_preview(desk.connection, desk.company_id, preview_id)
    if preview.status in {"publishing", "published"}:
        return
    if preview.status == "stale":
        raise PreviewStaleError
    asked: dict[str, object] = {"status": "publishing", "note": note, "attempts": 0, "leased_until": None}
    asked |= {"publish_requested_at": desk.now, "publish_requested_by": desk.actor}
    ready = update(mapping_preview).where(_is(desk.company_id, preview_id), _preview.status == "ready")
    if desk.connection.execute(ready.values(asked)).rowcount != 1:
        raise PreviewNotReadyError


def _ask(desk: Desk, rules: Sequence[Json], reverts_to: int | None, *, livemode: bool) -> int:
    if desk.key is not None and (before := _asked_before(desk)):
        if (before.rules, before.reverts_to) != (rules, reverts_to):
            raise IdempotencyKeyReusedError
        return before.id
    _cancel(desk, _preview.company_id == desk.company_id)
    _forget_old(desk)
    asked = insert(mapping_preview).values(
        company_id=desk.company_id,
        livemode=livemode,
        based_on=newest_version(desk.connection, desk.company_id),
        reverts_to=reverts_to,
        rules=rules,
        status="queued",
        requested_at=desk.now,
        requested_by=desk.actor,
        idempotency_key=desk.key,
    )
    return int(desk.connection.execute(asked.returning(_preview.id)).scalar_one())


def _asked_before(desk: Desk) -> Preview | None:
    found = select(*_COLUMNS).where(_preview.company_id == desk.company_id, _preview.idempotency_key == desk.key)
    row = desk.connection.execute(found).one_or_none()
    return Preview._make(row) if row else None


def _cancel(desk: Desk, which: ColumnElement[bool]) -> None:
    canceled = update(mapping_preview).where(which, _preview.status.in_(UNDER_WAY))
    desk.connection.execute(canceled.values(status="canceled", finished_at=desk.now, leased_until=None))


def _forget_old(desk: Desk) -> None:
    of_company = (_preview.company_id == desk.company_id, _preview.status.not_in(("publishing", "published")))
    kept = select(_preview.id).where(*of_company).order_by(_preview.id.desc()).limit(MOST_KEPT)
    desk.connection.execute(delete(mapping_preview).where(*of_company, _preview.id.not_in(kept)))


def _is(company_id: int, preview_id: int) -> ColumnElement[bool]:
    return (_preview.company_id == company_id) & (_preview.id == preview_id)
