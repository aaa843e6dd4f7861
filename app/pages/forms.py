"""What all forms of the pages share: their size limit, their fields, and the redirects after them."""

from flask import Blueprint, make_response, redirect, request
from flask.wrappers import Response
from marshmallow import ValidationError

from app.auth.sessions import keep_visitor
from app.http.fields import LONGEST_NAME, Name
from app.http.native_threads import in_native_thread
from app.wiring.tools import current_tools
from tenants.people.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, GuessablePasswordError, UnusablePasswordError
from tenants.people.users import UnusableEmailError, normal_email
from tenants.roles import ROLES, Role

LONGEST_FORM_BYTES = 10_000

_LONGEST_EMAIL = 254


class MistakeError(Exception):
    """A field of a form cannot be used. `says` is for the person who filled it in."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(field)
        self.field = field
        self.says = says


def limit_forms(blueprint: Blueprint) -> None:
    """Limit the size of request bodies of a blueprint's routes."""

    @blueprint.before_request
    def refuse_long_forms() -> None:
        request.max_content_length = LONGEST_FORM_BYTES


def to_settings(company_id: int, *, notice: str | None = None) -> Response:
    """Redirect to the settings of a company, where the notice of this name is shown."""
    address = f"/settings/integrations?company={company_id}"
    return make_response(redirect(f"{address}&notice={notice}" if notice else address, 303))


def back_to(page: str, done: str | None = None) -> Response:
    """Redirect to a page, which then says what was done."""
    return make_response(redirect(f"{page}?done={done}" if done else page, 303))


def for_visitors(page: str, status: int = 200) -> Response:
    """Return a page with a form for people who may not be signed in."""
    response = make_response(page, status)
    keep_visitor(response)
    return response


def typed(field: str) -> str:
    """Return what was typed into a field, for the form to show again."""
    return request.form.get(field, "")


def name_in(field: str, what: str) -> str:
    """Return the name in a field.

    :raises MistakeError: it is empty, too long or not on one line
    """
    try:
        return str(Name().deserialize(typed(field)))
    except ValidationError as error:
        raise MistakeError(field, f"Enter {what}, up to {LONGEST_NAME} characters.") from error


def email_in(field: str) -> str:
    """Return the address in a field, as it is stored.

    :raises MistakeError: it does not look like one
    """
    try:
        return normal_email(typed(field)[: _LONGEST_EMAIL + 1])
    except UnusableEmailError as error:
        raise MistakeError(field, "Enter an email address, such as name@example.org.") from error


def role_in(field: str = "role") -> Role:
    """Return the role that was chosen.

    :raises MistakeError: it is none
    """
    chosen = next((role for role in ROLES if role == typed(field)), None)
    if chosen is None:
        raise MistakeError(field, "Choose a role.")
    return chosen


def password_hash_in(field: str) -> str:
    """Return the hash of the new password in a field.

    :raises MistakeError: it is too short, too long or easily guessed
    """
    try:
        return in_native_thread(current_tools().passwords.hashed, typed(field))
    except GuessablePasswordError as error:
        says = "This password is easily guessed. Take a sentence of your own, or let a password manager make one."
        raise MistakeError(field, says) from error
    except UnusablePasswordError as error:
        says = f"Choose a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise MistakeError(field, says) from error
