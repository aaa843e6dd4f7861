"""All known problems: the `code` for programs, the HTTP status, and what to do about each."""

from typing import NamedTuple


class Problem(NamedTuple):
    """A problem. `remedy` says what to do; `heading` is what a page shows above it.

    Problems between people and Stripe are shown where people can continue: in the settings of their company, or with a
    link to them.
    """

    code: str
    status: int
    remedy: str
    heading: str | None = None
    is_shown_in_settings: bool = False
    leads_to_settings: bool = False


_RETRY = "Retry after the number of seconds in Retry-After"
_CONNECT = "Start again with Connect"

_OF_PEOPLE = (
    Problem("unauthenticated", 401, "Send a valid API key as 'Authorization: Bearer KEY', or sign in."),
    Problem(
        "forbidden",
        403,
        "Use a key, or ask for a membership, with a higher role.",
        heading="You don't have access to this",
    ),
    Problem(
        "forged_request",
        403,
        "Reload the page and repeat what you did there; send its token as X-CSRF-Token.",
        heading="This form has expired",
    ),
    Problem("misdirected_request", 421, "Use the address under which this service is known."),
    Problem("too_many_attempts", 429, f"{_RETRY}.", heading="Too many attempts"),
    Problem(
        "unproven_identity",
        403,
        "Start again at /sign-in: the identity provider's answer could not be verified.",
        heading="We couldn't sign you in",
    ),
    Problem(
        "unknown_identity",
        403,
        "Ask an admin to let you in: flask users create EMAIL.",
        heading="You don't have access yet",
    ),
    Problem(
        "provider_away",
        503,
        f"{_RETRY}: the identity provider did not answer.",
        heading="Sign-in isn't available right now",
    ),
)
_OF_ACCESS = (
    Problem(
        "link_over",
        410,
        "Ask for a new link: each works once, an invitation for seven days, one for a new password for an hour.",
        heading="This link no longer works",
    ),
    Problem(
        "foreign_invitation",
        403,
        "Sign in as the person whom the invitation is for.",
        heading="This invitation is for somebody else",
    ),
    Problem(
        "second_factor_needed",
        403,
        "Turn on a second factor at /second-factor: the company requires one of its people.",
        heading="This company requires a second factor",
    ),
    Problem("last_admin", 409, "Make another member an admin first.", heading="Somebody has to be an admin"),
    Problem("already_member", 409, "Change the member's role instead.", heading="Already a member"),
    Problem("invitation_accepted", 409, "Remove the member instead.", heading="Already accepted"),
    Problem(
        "member_elsewhere",
        409,
        "Configure mail, or have the operator set the password: flask users set-password EMAIL.",
        heading="This needs your operator",
    ),
)
_OF_CONNECTING = (
    Problem(
        "unknown_state",
        400,
        f"{_CONNECT}: the link to Stripe works once and for ten minutes.",
        heading="This link has expired",
        leads_to_settings=True,
    ),
    Problem(
        "no_company_named",
        400,
        "Open /connect/stripe?company=ID.",
        heading="This link doesn't work",
        leads_to_settings=True,
    ),
    Problem(
        "foreign_state",
        403,
        f"{_CONNECT}, in this browser and as this person.",
        heading="This link belongs to another session",
        leads_to_settings=True,
    ),
    Problem(
        "code_refused",
        400,
        f"{_CONNECT}: Stripe accepts a code once and for five minutes.",
        is_shown_in_settings=True,
    ),
    Problem(
        "wrong_grant",
        400,
        f"{_CONNECT}, in the mode and with the access that were asked for.",
        is_shown_in_settings=True,
    ),
    Problem(
        "key_refused",
        422,
        "Give the key the permissions listed in 'errors', or paste another one.",
        is_shown_in_settings=True,
    ),
    Problem("idempotency_key_reused", 422, "Send another Idempotency-Key with another request."),
    Problem(
        "account_taken",
        409,
        "Disconnect the account where it is connected, or choose another one.",
        is_shown_in_settings=True,
    ),
    Problem(
        "another_account",
        409,
        "Disconnect the company's account first, or choose that account on Stripe's page.",
        is_shown_in_settings=True,
    ),
    Problem(
        "not_connected",
        409,
        "Connect an account first, resume the connection, or connect it again.",
        is_shown_in_settings=True,
    ),
    Problem(
        "outcome_unknown",
        502,
        f"{_CONNECT}: Stripe did not say whether it connected the account.",
        is_shown_in_settings=True,
    ),
    Problem("stripe_away", 503, f"{_RETRY}: Stripe did not answer.", is_shown_in_settings=True),
    Problem(
        "connect_not_configured",
        501,
        "Set STRIPE_CLIENT_ID; until then the operator connects accounts.",
        is_shown_in_settings=True,
    ),
)
_OF_NOTICES = (
    Problem(
        "too_many_endpoints",
        409,
        "Delete an endpoint that is no longer used: a company has at most 16.",
        heading="There are too many endpoints",
    ),
    Problem(
        "endpoint_disabled",
        409,
        "Enable the endpoint, and send the webhook again.",
        heading="This endpoint is disabled",
    ),
    Problem("not_a_person", 409, "Sign in: a key has no e-mail address, and no notifications of its own."),
)
_OF_MAPPING = (
    Problem("precondition_required", 428, "Read the draft first, and send its ETag as If-Match."),
    Problem("draft_changed", 412, "Read the draft again: somebody else has saved it meanwhile."),
    Problem("too_many_streams", 409, "Rename a stream or plan that is no longer used, instead of adding one."),
    Problem("preview_not_ready", 409, "Wait until the preview is ready, or ask for another one."),
    Problem("preview_stale", 409, "Ask for another preview: other rules were published since."),
    Problem("too_many_lines_to_try", 409, "Set the policy without trying it: the company has too many lines."),
    Problem("later_overrides", 409, "Undo the later batches first: what was chosen since is about the same lines."),
    Problem("busy", 503, f"{_RETRY}: others are changing the same."),
)
_OF_READING = (
    Problem(
        "not_found",
        404,
        "Check the address. Keys and people see only their own companies.",
        heading="Page not found",
    ),
    Problem("invalid_request", 422, "Correct what 'errors' points at.", heading="This link doesn't work"),
    Problem(
        "invalid_cursor",
        400,
        "Start the list again without the cursor: it belongs to another list.",
        heading="This link no longer works",
    ),
    Problem(
        "log_restored",
        410,
        "A backup was restored since. Throw away what you have read, and begin again without the cursor.",
        heading="This link no longer works",
    ),
    Problem("too_many_schedules", 409, "Delete a schedule of exports before adding another one."),
    Problem("name_taken", 409, "Choose another name.", heading="This name is taken"),
    Problem("too_many_views", 409, "Delete a saved view first.", heading="Too many saved views"),
    Problem("not_folded_yet", 503, f"{_RETRY}: the table is being updated.", heading="Not ready yet"),
    Problem("unavailable", 503, f"{_RETRY}.", heading="Temporarily unavailable"),
    Problem("unexpected", 500, "The fault is ours. Quote the request_id.", heading="Something went wrong"),
)
_OF_HTTP = (
    Problem(
        "unacceptable_webhook", 400, "Sign the event with one of the endpoint's secrets, and check the sender's clock."
    ),
    Problem("body_too_large", 413, "Send a smaller body."),
    Problem("body_too_slow", 408, "Send the body without pauses."),
    Problem("bad_request", 400, "Send a complete, well-formed request.", heading="This link doesn't work"),
    Problem("unsupported_encoding", 415, "Send the body uncompressed."),
    Problem("not_json", 400, "Send the body as application/json."),
    Problem("method_not_allowed", 405, "Use a method listed in the Allow header."),
    Problem("address_too_long", 414, "Use a shorter address: at most 8,190 bytes, including the query."),
    Problem("headers_too_large", 431, "Send fewer and shorter headers: at most 100, of 8,190 bytes each."),
    Problem("expectation_failed", 417, "Expect nothing but 100-continue."),
    Problem("unsupported_transfer_coding", 501, "Send the body in chunks or with its length, in no other coding."),
)
PROBLEMS = {
    one.code: one
    for one in (*_OF_PEOPLE, *_OF_ACCESS, *_OF_CONNECTING, *_OF_NOTICES, *_OF_MAPPING, *_OF_READING, *_OF_HTTP)
}
