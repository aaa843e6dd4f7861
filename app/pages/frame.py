"""The frame of every page of a company: access check, signed-in user, company switcher and navigation."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from flask import abort, g, make_response, render_template
from flask.wrappers import Response

from app.auth.access import admitted_person, principal
from app.auth.sessions import form_token, own_memberships_in, session
from app.pages import navigation
from app.pages.open_notices import notices_for_reader
from app.pages.to_map import groups_to_map
from app.wiring.tools import current_tools
from runtime.database import across_companies, wall_in
from tenants.people.sessions import note_company
from tenants.roles import Role

Answer = TypeVar("Answer")


def for_member(needed: Role) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Restrict a page of a company to members with this role or a higher one. Put it below the route.

    The page then raises NotSignedInError (redirects to sign-in), 404 for any other company, RoleTooLowError (403),
    and ForgedRequestError (403) for a form without its token.
    """

    def guard(page: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(page)
        def guarded(*, company_id: int, **path: object) -> Answer:
            g.principal = admitted_person(company_id, needed)
            return page(company_id=company_id, **path)

        return guarded

    return guard


def framed(template: str, *, here: str, status: int = 200, **content: object) -> Response:
    """Return a page of the current company as a response; `here` names the current item of the navigation."""
    return make_response(framed_text(template, here=here, **content), status)


def framed_text(template: str, *, here: str, **content: object) -> str:
    """Return the HTML of a page of the current company."""
    who = session()
    if who is None:
        abort(404)
    company_id = principal().company_id
    with across_companies(current_tools().engine) as connection:
        memberships = own_memberships_in(connection)
        if who.company_id != company_id:
            note_company(connection, who, company_id)
        wall_in(connection, company_id)
        notice_count = len(notices_for_reader(connection))
        to_map = groups_to_map(connection, company_id)
    return render_template(
        template,
        here=here,
        who=who,
        company=next(one for one in memberships if one.company_id == company_id),
        memberships=memberships,
        may=principal().reaches,
        navigation=navigation,
        places_for=navigation.places_for,
        token=form_token(),
        notice_count=notice_count,
        to_map=to_map,
        **content,
    )
