"""Routes for one's own second factor. They belong to no company, because one may have to pass here to reach any."""

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, abort, make_response, redirect
from flask.wrappers import Response
from sqlalchemy import Connection

from app.auth.attempts import count_code, forget_codes
from app.auth.sessions import refuse_forged_form
from app.http.rate_limits import TooManyAttemptsError
from app.pages.account.current_password import check_current_password
from app.pages.account.second_factor_page import codes_page, offered_to, page_of, signed_in, way_back
from app.pages.forms import MistakeError, limit_forms, typed
from app.wiring.tools import current_tools
from notices.second_factors import Change, mail_about_second_factor
from runtime.database import across_companies
from tenants.people.second_factors import SecondFactorOnError, renew_recovery_codes, spend_code, turn_off, turn_on
from tenants.people.sessions import Session
from tenants.people.totp import WrongCodeError
from tenants.people.users import user_with_id

blueprint = Blueprint("second factor", __name__, url_prefix="/second-factor")
limit_forms(blueprint)

Result = TypeVar("Result")

_WRONG = "This code is wrong or was used before. Enter the one that your app shows now."


@blueprint.get("")
def show_second_factor() -> Response:
    """Show one's second factor, or how to turn it on."""
    return page_of(signed_in())


@blueprint.post("")
def receive_turning_on() -> Response:
    """Turn it on with a password and a first code, end all other sessions, and show the recovery codes."""
    refuse_forged_form()
    who, tools = signed_in(), current_tools()
    try:
        check_current_password(who)
        with across_companies(tools.engine) as connection:
            proof = offered_to(who), typed("code")
            codes = turn_on(connection, tools.box, who.user_id, *proof, now=tools.clock(), keeps=who.id)
            _mail(connection, who, "on")
    except MistakeError as mistake:
        return page_of(who, mistake)
    except WrongCodeError:
        says = "Your app shows another code. Check that it has this key, and that your phone's clock is right."
        return page_of(who, MistakeError("code", says))
    except SecondFactorOnError:
        return make_response(redirect("/second-factor", 303))
    return codes_page(codes)


@blueprint.post("/recovery-codes")
def receive_renewal() -> Response:
    """Make new recovery codes in place of the old ones, and show them."""
    refuse_forged_form()
    who, tools = signed_in(), current_tools()
    try:
        codes = _proven(who, lambda proof: renew_recovery_codes(proof, who.user_id, now=tools.clock()))
    except MistakeError as mistake:
        return page_of(who, mistake)
    return codes_page(codes, are_renewed=True)


@blueprint.post("/off")
def receive_turning_off() -> Response:
    """Turn it off with a password and a code."""
    refuse_forged_form()
    who = signed_in()
    try:
        _proven(who, lambda proof: _turn_off(proof, who))
    except MistakeError as mistake:
        return page_of(who, mistake)
    return make_response(redirect(way_back(), 303))


def _turn_off(connection: Connection, who: Session) -> None:
    turn_off(connection, who.user_id, now=current_tools().clock())
    _mail(connection, who, "off")


def _mail(connection: Connection, who: Session, change: Change) -> None:
    tools = current_tools()
    if tools.queue_mail is not None:
        mail_about_second_factor(connection, tools.box, who.user_id, change, now=tools.clock())


def _proven(who: Session, act: Callable[[Connection], Result]) -> Result:
    """Do what takes a password and a code, in the transaction that spends the code.

    :raises MistakeError: either is wrong
    """
    tools = current_tools()
    check_current_password(who)
    with across_companies(tools.engine) as connection:
        user = user_with_id(connection, who.user_id) or abort(404)
    try:
        count_code(user)
        with across_companies(tools.engine) as connection:
            spend_code(connection, tools.box, who.user_id, typed("code"), now=tools.clock())
            done = act(connection)
    except TooManyAttemptsError as error:
        raise MistakeError("code", "Too many attempts. Try again later.") from error
    except WrongCodeError as error:
        raise MistakeError("code", _WRONG) from error
    forget_codes(user)
    return done
