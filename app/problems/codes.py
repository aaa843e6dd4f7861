"""What every problem is called, which status it has, and what it tells whom."""

from app.auth.csrf import ForgedRequestError
from app.auth.defences import ForeignHostError
from app.auth.provider_sign_in import UnknownIdentityError
from app.connect.grants import ConnectNotConfiguredError
from app.connect.restricted_key import NotARestrictedKeyError
from app.http.event_stream import TooManyStreamsError
from app.wiring.identity_provider import ProviderAwayError, UnprovenIdentityError
from events.connection.accounts import AccountTakenError, AnotherAccountError
from events.connection.lifecycle import NotConnectedError
from stripe_gateway.connect import ExchangeRefusedError, OutcomeUnknownError, StripeAwayError, WrongGrantError
from tenants.connect_attempts import ForeignStateError, UnknownStateError, UsedStateError
from tenants.connection_request_keys import IdempotencyKeyReusedError

# The codes a program may meet, each with its status and with what to do.
CODES: dict[str, tuple[int, str]] = {
    "unauthenticated": (401, "Send a valid API key as 'Authorization: Bearer KEY', or sign in."),
    "forbidden": (403, "Use a key, or ask for a membership, with a higher role."),
    "forged_request": (403, "Load the page again and repeat what you did there; send its token as X-CSRF-Token."),
    "misdirected_request": (421, "Use the address that this service is known by."),
    "too_many_attempts": (429, "Wait for the seconds of Retry-After."),
    "unknown_state": (400, "Start again with Connect: the way to Stripe is good once and for ten minutes."),
    "no_company_named": (400, "Open /connect/stripe?company=ID."),
    "connection_refused": (400, "Start again with Connect, and agree on Stripe's page."),
    "code_refused": (400, "Start again with Connect: Stripe takes a code once and for five minutes."),
    "wrong_grant": (400, "Start again with Connect, in the mode and with the access that were asked for."),
    "key_refused": (422, "Give the key the permissions that 'errors' names, or paste another one."),
    "idempotency_key_reused": (422, "Send another Idempotency-Key with another request."),
    "unproven_identity": (403, "Start again at /sign-in: the identity provider's answer proves nothing."),
    "unknown_identity": (403, "Ask an admin to let you in: flask users create EMAIL."),
    "provider_away": (503, "Ask again after the seconds of Retry-After: the identity provider did not answer."),
    "foreign_state": (403, "Start again with Connect, in this browser and as this person."),
    "account_taken": (409, "Disconnect the account where it is connected, or choose another one."),
    "another_account": (409, "Disconnect the company's account first, or choose that one on Stripe's page."),
    "not_connected": (409, "Connect an account first, resume the connection, or connect it anew."),
    "outcome_unknown": (502, "Start again with Connect: Stripe did not say whether it connected the account."),
    "stripe_away": (503, "Ask again after the seconds of Retry-After: Stripe did not answer."),
    "connect_not_configured": (501, "Set STRIPE_CLIENT_ID; until then the operator connects accounts."),
    "not_found": (404, "Check the address; keys and people see their own companies only."),
    "invalid_request": (422, "Correct what 'errors' points at."),
    "invalid_cursor": (400, "Start the list again without the cursor: it belongs to another list."),
    "not_folded_yet": (503, "Ask again after the seconds of Retry-After: the table is about to say so."),
    "unavailable": (503, "Ask again after the seconds of Retry-After."),
    "unacceptable_webhook": (400, "Sign the event with one of the endpoint's secrets, and check the sender's clock."),
    "body_too_large": (413, "Send less."),
    "body_too_slow": (408, "Send the body without pauses."),
    "bad_request": (400, "Send the request whole and well-formed."),
    "unsupported_encoding": (415, "Send the body uncompressed."),
    "not_json": (400, "Send the body as application/json."),
    "method_not_allowed": (405, "Use a method that the Allow header names."),
    "address_too_long": (414, "Ask with a shorter address: 8,190 bytes at most, its query included."),
    "headers_too_large": (431, "Send fewer and shorter headers: 100 of 8,190 bytes each at most."),
    "expectation_failed": (417, "Expect nothing but 100-continue."),
    "unsupported_transfer_coding": (501, "Send the body in chunks or with its length, in no other coding."),
    "unexpected": (500, "The fault is ours. Quote the request_id."),
}

# Errors that mean one thing wherever they are raised, with what people are told.
TOLD: dict[type[Exception], tuple[str, str]] = {
    ForgedRequestError: ("forged_request", "The request does not come from a page of ours. Load the page again."),
    ForeignHostError: ("misdirected_request", "This service answers under another address."),
    UnknownIdentityError: ("unknown_identity", "We know who you are, and nobody has let you in. Ask an admin."),
    StripeAwayError: ("stripe_away", "Stripe did not answer. Nothing was changed; ask again."),
    UnprovenIdentityError: ("unproven_identity", "The identity provider's answer proves nothing. Start again."),
    ProviderAwayError: ("provider_away", "The identity provider did not answer. Try again later."),
    UnknownStateError: ("unknown_state", "Nobody set out for Stripe with this address, or too long ago. Start again."),
    UsedStateError: ("unknown_state", "This way back from Stripe was taken before. Start again."),
    ForeignStateError: ("foreign_state", "Somebody else, or another session, set out for Stripe with this address."),
    ExchangeRefusedError: ("code_refused", "Stripe did not accept its own code any more. Start again."),
    OutcomeUnknownError: ("outcome_unknown", "Stripe did not say whether it connected the account. Start again."),
    WrongGrantError: ("wrong_grant", "Stripe granted another mode or more access than we asked for. Start again."),
    AnotherAccountError: ("another_account", "The company has another account connected. Disconnect that one first."),
    AccountTakenError: ("account_taken", "This account is connected already. Choose another one."),
    ConnectNotConfiguredError: ("connect_not_configured", "Connecting by Stripe's page is not set up here."),
    NotARestrictedKeyError: ("key_refused", "A restricted key begins with rk_live_ or rk_test_. Copy the whole of it."),
    IdempotencyKeyReusedError: ("idempotency_key_reused", "This Idempotency-Key was used for another request."),
    TooManyStreamsError: (
        "unavailable",
        "Too many follow syncs at the moment. Come again, or ask for the sync itself.",
    ),
    NotConnectedError: (
        "not_connected",
        "No account is connected, the connection is paused, or it has to be connected anew.",
    ),
}
WAYS: dict[str, str] = {
    "connection_refused": "You refused on Stripe's page, or Stripe did. Nothing was connected.",
    "unknown_state": "Stripe's answer lacks what belongs to it. Start again.",
    "no_company_named": "The address names no company.",
}
# What goes wrong between people and Stripe is told where they can go on: on the settings of their company.
TOLD_ON_THE_SETTINGS = frozenset(
    {
        "account_taken",
        "another_account",
        "code_refused",
        "connect_not_configured",
        "connection_refused",
        "key_refused",
        "not_connected",
        "outcome_unknown",
        "stripe_away",
        "wrong_grant",
    }
)
