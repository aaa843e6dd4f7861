"""Routes for one's own notifications in the settings."""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from app.api.notices.notifications import choose_notifications_of, notifications_of
from app.pages.forms import LONGEST_FORM_BYTES
from app.pages.frame import for_member, framed
from app.pages.notices.words import NOTIFICATIONS

blueprint = Blueprint("notifications page", __name__, url_prefix="/companies/<int:company_id>/settings/notifications")


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.get("")
@for_member("viewer")
def show_notifications(company_id: int) -> Response:
    """Show which notices come to the person by e-mail."""
    is_saved = "saved" in request.args
    chosen = notifications_of(company_id)
    return framed(
        "notices/notifications.html", here="notifications", chosen=chosen, all_types=NOTIFICATIONS, is_saved=is_saved
    )


@blueprint.post("")
@for_member("viewer")
def choose_notifications(company_id: int) -> Response:
    """Save what the person chose; names that are none are left out."""
    chosen = set(request.form.getlist("types"))
    choose_notifications_of(company_id, [name for name in NOTIFICATIONS if name in chosen])
    return redirect(f"/companies/{company_id}/settings/notifications?saved=1", 303)
