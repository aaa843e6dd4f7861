"""Who may see and change a saved view: everybody the company's, editors may change those, and one's own nobody else."""

from collections.abc import Sequence

from flask import abort
from sqlalchemy import Connection

from app.auth.access import RoleTooLowError, principal
from app.wiring.tools import current_tools
from runtime.database import within_company
from tenants.views.saved_views import NewView, Parameters, SavedView, add_view, find_view, list_views

_USER = "user:"


def person_id() -> int | None:
    """Return the id of the signed-in person; None for a key."""
    actor = principal().actor
    return int(actor.removeprefix(_USER)) if actor.startswith(_USER) else None


def seen_views(connection: Connection, company_id: int) -> Sequence[SavedView]:
    """Return the views that the caller may see, by name."""
    return list_views(connection, company_id, person_id())


def found_view(company_id: int, view_id: int) -> SavedView:
    """Return a view; abort with 404 if the caller may not see it."""
    with within_company(current_tools().engine, company_id) as connection:
        return _found(connection, company_id, view_id)


def changeable_view(connection: Connection, company_id: int, view_id: int) -> SavedView:
    """Return a view for the caller to change; abort with 404 if the caller may not see it.

    :raises RoleTooLowError: it is the company's, and the caller is no editor
    """
    view = _found(connection, company_id, view_id)
    if view.owner_id is None:
        _need_editor()
    return view


def save_view(company_id: int, name: str, parameters: Parameters, *, is_companys: bool) -> SavedView:
    """Save a view for the company, or else for the signed-in person alone. Commits.

    :raises RoleTooLowError: it is for the company, and the caller is no editor
    :raises NameTakenError: the company, or the person, has one of that name
    :raises TooManyViewsError: the company, or the person, has as many as one may have
    """
    if is_companys:
        _need_editor()
    caller, tools = principal(), current_tools()
    view = NewView(None if is_companys else person_id(), name, parameters)
    with within_company(tools.engine, company_id) as connection:
        return add_view(connection, company_id, view, actor=caller.actor, now=tools.clock())


def _found(connection: Connection, company_id: int, view_id: int) -> SavedView:
    return find_view(connection, company_id, view_id, person_id()) or abort(404)


def _need_editor() -> None:
    if not principal().reaches("editor"):
        raise RoleTooLowError("editor")
