"""A company's draft of rules: the one rule set that people work on. It changes nothing until it is published."""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Insert, Update, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from mapping.recorded import Desk
from mapping.rule_sets import versions_of
from mapping.streams import streams_at
from mapping.tables import rule_draft
from projections.mapping.decisions.references import check_references
from projections.mapping.reading_rules import read_rules
from projections.mapping.writing_rules import Json, document_of


class DraftChangedError(Exception):
    """Somebody else has saved the draft since it was read."""


class Draft(NamedTuple):
    """The draft, or else the published rules that one would begin with: then nobody has saved it.

    `based_on` is the version that it was made from, 0 if there was none. `tag` is another one after every save.
    """

    based_on: int
    rules: Sequence[Json]
    tag: str
    updated_at: datetime | None = None
    updated_by: str | None = None


def draft_of(connection: Connection, company_id: int) -> Draft:
    """Return a company's draft."""
    columns = [rule_draft.c[name] for name in Draft._fields]
    row = connection.execute(select(*columns).where(rule_draft.c.company_id == company_id)).one_or_none()
    return Draft(*row) if row else _published(connection, company_id)


def save_draft(desk: Desk, rules: object, *, seen: Draft, pointer: str) -> Draft:
    """Save rules in place of the draft that the caller has `seen`, and return it. Commits nothing.

    :raises InvalidRulesError: they cannot be used; `pointer` says where they stand
    :raises DraftChangedError: another draft is there by now
    """
    read = read_rules(rules, lambda: f"rule_{token_hex(6)}", pointer=pointer)
    check_references(read, streams_at(desk.connection, desk.company_id), pointer=pointer)
    saved = Draft(seen.based_on, document_of(read), token_hex(8), desk.now, desk.actor)
    saving = _saving(desk.company_id, saved, seen).returning(rule_draft.c.tag)
    if desk.connection.execute(saving).one_or_none() is None:
        raise DraftChangedError
    return saved


def discard_draft(desk: Desk, *, seen: Draft) -> None:
    """Delete the draft that the caller has `seen`, so that the published rules stand in its place. Commits nothing.

    :raises DraftChangedError: another draft is there by now
    """
    if (
        seen.updated_at is not None
        and desk.connection.execute(delete(rule_draft).where(_is(desk.company_id, seen))).rowcount != 1
    ):
        raise DraftChangedError


def _saving(company_id: int, draft: Draft, seen: Draft) -> Insert | Update:
    if seen.updated_at is None:
        return insert(rule_draft).values(company_id=company_id, **draft._asdict()).on_conflict_do_nothing()
    return update(rule_draft).where(_is(company_id, seen)).values(draft._asdict())


def _published(connection: Connection, company_id: int) -> Draft:
    published = versions_of(connection, company_id)
    if not published:
        return Draft(0, [], "published-0")
    newest = published[-1]
    return Draft(newest.version, newest.document(), f"published-{newest.version}")


def _is(company_id: int, seen: Draft) -> ColumnElement[bool]:
    return (rule_draft.c.company_id == company_id) & (rule_draft.c.tag == seen.tag)
