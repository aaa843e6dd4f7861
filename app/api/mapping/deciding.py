"""Decide at the desk of mapping, and read what was decided as of a moment, for the API and the pages alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from flask import abort
from sqlalchemy import Connection

from app.auth.access import principal
from app.wiring.tools import current_tools
from events.log.read import head_of
from mapping.overrides import UnknownBatchError
from mapping.previews import UnknownPreviewError
from mapping.recorded import Desk, decided
from mapping.streams import UnknownStreamError
from projections.reads.snapshots import PositionAheadError, position_at
from runtime.database import within_company

Decision = TypeVar("Decision")


def at_desk(company_id: int, decide: Callable[[Desk], Decision], *, key: str | None = None) -> Decision:
    """Return what the caller decides, in one transaction. Commits; abort with 404 if what it is about is unknown.

    :raises BusyError: others decided about the same, again and again
    """
    tools, actor = current_tools(), principal().actor

    def at(connection: Connection) -> Decision:
        return decide(Desk(connection, company_id, actor, tools.clock(), key))

    try:
        return decided(tools.engine, company_id, at)
    except (UnknownStreamError, UnknownBatchError, UnknownPreviewError):
        abort(404)


@contextmanager
def log_at(company_id: int, as_of: int | datetime | None = None) -> Iterator[tuple[Connection, int]]:
    """Open a transaction to read a company's log, with the position up to which to read it.

    :raises PositionAheadError: as of a position that the log has not reached
    """
    with within_company(current_tools().engine, company_id) as connection:
        head = head_of(connection, company_id)
        if isinstance(as_of, datetime):
            yield connection, position_at(connection, company_id, as_of)
        elif as_of is not None and as_of > head:
            raise PositionAheadError
        else:
            yield connection, head if as_of is None else as_of
