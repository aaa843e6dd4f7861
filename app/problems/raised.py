"""Map errors that mean the same wherever they are raised to a problem and its detail."""

from typing import NamedTuple

from app.api.mapping.rules import UnseenDraftError
from app.api.notices.endpoint_steps import EndpointDisabledError
from app.api.notices.notifications import NotAPersonError
from app.auth.csrf import ForgedRequestError
from app.auth.defences import ForeignHostError
from app.auth.provider_sign_in import UnknownIdentityError
from app.connect.grants import ConnectNotConfiguredError
from app.connect.oauth import IncompleteReturnError, NoCompanyNamedError
from app.connect.restricted_key import NotARestrictedKeyError
from app.http.bodies import TooManyBodiesError
from app.http.client_socket import BodyTooSlowError
from app.http.event_stream import TooManyStreamsError
from app.webhooks.door import UnacceptableWebhookError
from app.wiring.cursors import InvalidCursorError, LogRestoredError
from app.wiring.identity_provider import ProviderAwayError, UnprovenIdentityError
from backlog.exports.schedules import TooManySchedulesError
from events.connection.accounts import AccountTakenError, AnotherAccountError
from events.connection.lifecycle import NotConnectedError
from events.intake.group_append import NotDurableError
from mapping.drafts import DraftChangedError
from mapping.policy_preview import MOST_LINES, TooManyLinesError
from mapping.previews import PreviewNotReadyError, PreviewStaleError
from mapping.recorded import BusyError
from mapping.streams import NameTakenError as StreamNameTakenError
from mapping.streams import TooManyStreamsError as TooManyRevenueStreamsError
from notices.endpoints import TooManyEndpointsError
from projections.reads.snapshots import NotFoldedYetError
from stripe_gateway.connect import ExchangeRefusedError, OutcomeUnknownError, StripeAwayError, WrongGrantError
from tenants.connect_attempts import ForeignStateError, UnknownStateError, UsedStateError
from tenants.connection_request_keys import IdempotencyKeyReusedError
from tenants.people.invitations import AlreadyMemberError, InvitationAcceptedError
from tenants.people.joining import ForeignInvitationError
from tenants.people.link_tokens import LinkOverError
from tenants.people.members import LastAdminError
from tenants.people.password_links import MemberElsewhereError
from tenants.views.saved_views import MOST_VIEWS, NameTakenError, TooManyViewsError


class Raised(NamedTuple):
    """The problem for an error, and its detail. Some close the connection, because the body was not read."""

    code: str
    detail: str
    closes_connection: bool = False


RAISED: dict[type[Exception], Raised] = {
    ForgedRequestError: Raised("forged_request", "Reload the page and try again."),
    ForeignHostError: Raised("misdirected_request", "This service has another address."),
    UnprovenIdentityError: Raised(
        "unproven_identity", "We couldn't verify the answer of your sign-in provider. Try again."
    ),
    UnknownIdentityError: Raised("unknown_identity", "You don't have access yet. Ask an admin of your company."),
    ProviderAwayError: Raised("provider_away", "Your sign-in provider didn't respond. Try again later."),
    NoCompanyNamedError: Raised(
        "no_company_named", "This link doesn't say which company to connect. Start again from Settings."
    ),
    IncompleteReturnError: Raised("unknown_state", "This link has expired. Start again from Settings."),
    UnknownStateError: Raised("unknown_state", "This link has expired. Start again from Settings."),
    UsedStateError: Raised("unknown_state", "This link has expired. Start again from Settings."),
    ForeignStateError: Raised("foreign_state", "Sign in as the person who started, or start again from Settings."),
    ExchangeRefusedError: Raised("code_refused", "Stripe's code has expired. Connect again."),
    OutcomeUnknownError: Raised(
        "outcome_unknown", "We couldn't tell whether Stripe connected the account. Connect again."
    ),
    WrongGrantError: Raised(
        "wrong_grant", "Stripe granted a different mode or more access than we asked for. Connect again."
    ),
    StripeAwayError: Raised("stripe_away", "Stripe didn't respond. Nothing was changed. Try again."),
    AnotherAccountError: Raised("another_account", "Another Stripe account is connected. Disconnect it first."),
    AccountTakenError: Raised("account_taken", "This account is already connected. Choose another one."),
    ConnectNotConfiguredError: Raised(
        "connect_not_configured",
        "Connecting through Stripe isn't set up here. Use a restricted key, or ask your operator.",
    ),
    NotARestrictedKeyError: Raised(
        "key_refused", "A restricted key begins with rk_live_ or rk_test_. Copy the whole key."
    ),
    NotConnectedError: Raised(
        "not_connected", "No account is connected, or the connection is paused or needs to be reconnected."
    ),
    TooManyEndpointsError: Raised(
        "too_many_endpoints", "The company has 16 webhook endpoints. Delete one that is no longer used."
    ),
    EndpointDisabledError: Raised("endpoint_disabled", "The endpoint is disabled. Enable it first."),
    NotAPersonError: Raised("not_a_person", "Keys have no notifications. Sign in to choose your own."),
    IdempotencyKeyReusedError: Raised("idempotency_key_reused", "This Idempotency-Key was used for another request."),
    LinkOverError: Raised("link_over", "This link was used or withdrawn, or is too old. Ask for a new one."),
    ForeignInvitationError: Raised("foreign_invitation", "This invitation is for another e-mail address."),
    LastAdminError: Raised("last_admin", "Somebody has to be an admin. Make another member an admin first."),
    AlreadyMemberError: Raised("already_member", "This person is a member already. Change their role instead."),
    InvitationAcceptedError: Raised("invitation_accepted", "The invitation was accepted. Remove the member instead."),
    MemberElsewhereError: Raised(
        "member_elsewhere",
        "This person belongs to another company, too, which the link would open. Ask the operator of revmap instead.",
    ),
    TooManySchedulesError: Raised("too_many_schedules", "The company has 50 schedules of exports. Delete one first."),
    TooManyStreamsError: Raised("unavailable", "Too many syncs are being followed. Try again, or poll the sync."),
    UnseenDraftError: Raised("precondition_required", "Send the ETag of the draft that you have read as If-Match."),
    DraftChangedError: Raised("draft_changed", "Somebody else has saved the draft since you read it. Read it again."),
    StreamNameTakenError: Raised("name_taken", "There is a stream or plan of that name. Choose another one."),
    TooManyRevenueStreamsError: Raised(
        "too_many_streams", "There are as many streams or plans as there may be. Rename one that is no longer used."
    ),
    PreviewNotReadyError: Raised(
        "preview_not_ready", "The preview is under way, failed, or was canceled. Wait for it, or ask for another one."
    ),
    PreviewStaleError: Raised(
        "preview_stale", "Other rules were published since. Ask for another preview, and look at it first."
    ),
    TooManyLinesError: Raised(
        "too_many_lines_to_try", f"A policy is tried on at most {MOST_LINES:,} lines. Set it without trying it."
    ),
    BusyError: Raised("busy", "Others are changing the same just now. Try again."),
    NameTakenError: Raised("name_taken", "There is a view of that name. Choose another one."),
    TooManyViewsError: Raised("too_many_views", f"There are {MOST_VIEWS} saved views already. Delete one first."),
    InvalidCursorError: Raised("invalid_cursor", "The cursor belongs to another list. Start again without it."),
    LogRestoredError: Raised(
        "log_restored", "A backup was restored since. Throw away what you read, and begin again without the cursor."
    ),
    NotFoldedYetError: Raised("not_folded_yet", "The table is still catching up. Try again in a few seconds."),
    UnacceptableWebhookError: Raised(
        "unacceptable_webhook", "The request is not an event signed with one of our endpoint secrets."
    ),
    NotDurableError: Raised("unavailable", "The event could not be stored. Send it again."),
    BodyTooSlowError: Raised("body_too_slow", "The body did not arrive in time.", closes_connection=True),
    TooManyBodiesError: Raised("unavailable", "Too much is being sent at once. Try again.", closes_connection=True),
}
