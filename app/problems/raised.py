"""Map errors that mean the same wherever they are raised to a problem and its detail."""

from typing import NamedTuple

from app.auth.csrf import ForgedRequestError
from app.auth.defences import ForeignHostError
from app.auth.provider_sign_in import UnknownIdentityError
from app.connect.grants import ConnectNotConfiguredError
from app.connect.oauth import IncompleteReturnError, NoCompanyNamedError, RefusedAtStripeError
from app.connect.restricted_key import NotARestrictedKeyError
from app.http.bodies import TooManyBodiesError
from app.http.client_socket import BodyTooSlowError
from app.http.event_stream import TooManyStreamsError
from app.webhooks.door import UnacceptableWebhookError
from app.wiring.cursors import InvalidCursorError
from app.wiring.identity_provider import ProviderAwayError, UnprovenIdentityError
from events.connection.accounts import AccountTakenError, AnotherAccountError
from events.connection.lifecycle import NotConnectedError
from events.intake.group_append import NotDurableError
from projections.reads.snapshots import NotFoldedYetError
from stripe_gateway.connect import ExchangeRefusedError, OutcomeUnknownError, StripeAwayError, WrongGrantError
from tenants.connect_attempts import ForeignStateError, UnknownStateError, UsedStateError
from tenants.connection_request_keys import IdempotencyKeyReusedError
from tenants.saved_views import MOST_VIEWS, NameTakenError, TooManyViewsError


class Raised(NamedTuple):
    """The problem for an error, and its detail. Some close the connection, because the body was not read."""

    code: str
    detail: str
    closes_connection: bool = False


RAISED: dict[type[Exception], Raised] = {
    ForgedRequestError: Raised("forged_request", "The request does not come from one of our pages. Reload the page."),
    ForeignHostError: Raised("misdirected_request", "This service has another address."),
    UnprovenIdentityError: Raised(
        "unproven_identity", "The identity provider's answer could not be verified. Start again."
    ),
    UnknownIdentityError: Raised("unknown_identity", "We know who you are, but you have no access yet. Ask an admin."),
    ProviderAwayError: Raised("provider_away", "The identity provider did not answer. Try again later."),
    NoCompanyNamedError: Raised("no_company_named", "The address names no company."),
    RefusedAtStripeError: Raised(
        "connection_refused", "The request was declined on Stripe's page. Nothing was connected."
    ),
    IncompleteReturnError: Raised("unknown_state", "Stripe's answer is incomplete. Start again."),
    UnknownStateError: Raised("unknown_state", "This link was not made here, or is too old. Start again."),
    UsedStateError: Raised("unknown_state", "This link has been used before. Start again."),
    ForeignStateError: Raised("foreign_state", "This link was made for another person or another session."),
    ExchangeRefusedError: Raised("code_refused", "Stripe no longer accepted its own code. Start again."),
    OutcomeUnknownError: Raised("outcome_unknown", "Stripe did not say whether it connected the account. Start again."),
    WrongGrantError: Raised(
        "wrong_grant", "Stripe granted another mode or more access than we asked for. Start again."
    ),
    StripeAwayError: Raised("stripe_away", "Stripe did not answer. Nothing was changed. Try again."),
    AnotherAccountError: Raised(
        "another_account", "The company has another account connected. Disconnect that one first."
    ),
    AccountTakenError: Raised("account_taken", "This account is already connected. Choose another one."),
    ConnectNotConfiguredError: Raised("connect_not_configured", "Connecting on Stripe's page is not set up here."),
    NotARestrictedKeyError: Raised(
        "key_refused", "A restricted key begins with rk_live_ or rk_test_. Copy the whole key."
    ),
    NotConnectedError: Raised(
        "not_connected", "No account is connected, the connection is paused, or the account has to be connected again."
    ),
    IdempotencyKeyReusedError: Raised("idempotency_key_reused", "This Idempotency-Key was used for another request."),
    TooManyStreamsError: Raised("unavailable", "Too many syncs are being followed. Try again, or poll the sync."),
    NameTakenError: Raised("name_taken", "There is a view of that name. Choose another one."),
    TooManyViewsError: Raised("too_many_views", f"There are {MOST_VIEWS} saved views already. Delete one first."),
    InvalidCursorError: Raised("invalid_cursor", "The cursor belongs to another list. Start again without it."),
    NotFoldedYetError: Raised(
        "not_folded_yet", "The table has not caught up yet, or its history is being rebuilt. Try again."
    ),
    UnacceptableWebhookError: Raised(
        "unacceptable_webhook", "The request is not an event signed with one of our endpoint secrets."
    ),
    NotDurableError: Raised("unavailable", "The event could not be stored. Send it again."),
    BodyTooSlowError: Raised("body_too_slow", "The body did not arrive in time.", closes_connection=True),
    TooManyBodiesError: Raised("unavailable", "Too much is being sent at once. Try again.", closes_connection=True),
}
