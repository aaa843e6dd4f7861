"""Serve the notifications of a person as JSON: which notices come by e-mail, each for oneself."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.base import ApiBlueprint, without_parameters
from app.auth.access import for_role, principal
from app.auth.sessions import session
from app.wiring.tools import current_tools
from notices.preferences import choose_types, mailed_types
from notices.vocabulary import NOTICE_TYPES
from runtime.database import within_company

blueprint = ApiBlueprint(
    "notifications", __name__, url_prefix="/v1/companies/<int:company_id>", description="What people are told."
)


class NotAPersonError(Exception):
    """The caller is a key: it has no e-mail address."""


class ChosenNotifications(Schema):
    """The types of notices to get by e-mail."""

    by_email = fields.List(
        fields.String(validate=validate.OneOf(NOTICE_TYPES)),
        required=True,
        validate=validate.Length(0, len(NOTICE_TYPES)),
        metadata={"description": "; ".join(f"`{name}`: {meaning}" for name, meaning in NOTICE_TYPES.items())},
    )


class Notifications(Schema):
    """Which notices a person gets by e-mail."""

    object = fields.Constant("notifications")
    email = fields.String()
    by_email = fields.List(fields.String())
    types = fields.List(fields.String(), metadata={"description": "All types of notices there are."})
    is_email_sent = fields.Boolean(metadata={"description": "Whether this installation sends e-mail at all."})


@blueprint.get("/notifications")
@for_role("viewer")
@without_parameters
@blueprint.response(200, Notifications)
def show_notifications(company_id: int) -> dict[str, object]:
    """Retrieve which notices come to you by e-mail. For people: a key gets none."""
    return notifications_of(company_id)


@blueprint.put("/notifications")
@for_role("viewer")
@without_parameters
@blueprint.arguments(ChosenNotifications)
@blueprint.response(200, Notifications)
def choose_notifications(body: dict[str, Any], company_id: int) -> dict[str, object]:
    """Choose which notices come to you by e-mail."""
    choose_notifications_of(company_id, body["by_email"])
    return notifications_of(company_id)


def notifications_of(company_id: int) -> dict[str, object]:
    """Return which notices the caller gets by e-mail.

    :raises NotAPersonError: the caller is a key
    """
    user_id, email = _person()
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        by_email = mailed_types(connection, company_id, user_id, principal().role)
    return {
        "email": email,
        "by_email": by_email,
        "types": list(NOTICE_TYPES),
        "is_email_sent": tools.queue_mail is not None,
    }


def choose_notifications_of(company_id: int, types: list[str]) -> None:
    """Set which notices the caller gets by e-mail. Commits; safe to repeat.

    :raises NotAPersonError: the caller is a key
    """
    user_id, _ = _person()
    with within_company(current_tools().engine, company_id) as connection:
        choose_types(connection, company_id, user_id, types)


def _person() -> tuple[int, str]:
    who = session() if principal().actor.startswith("user:") else None
    if who is None:
        raise NotAPersonError
    return who.user_id, who.email
