"""Handle a page or object that could not be read: retry, request it differently, or end the run."""

from functools import partial
from random import uniform

from sqlalchemy import Connection, Engine

from backlog.fetches import FetchRequest, note_answered, note_failure, put_back
from backlog.sync_vocabulary import OPTIONAL
from stripe_gateway.pages import PageDoesNotFitError
from stripe_gateway.refusals import (
    AccountRefusedError,
    ObjectMissingError,
    PermissionMissingError,
    RateLimitedError,
    SecretLostError,
    StripeAnswerError,
    TooMuchAtOnceError,
)
from workers.syncs.leases import Lease
from workers.syncs.segments import Segment, forbid, note_rest

_MOST_FAILURES = 5
_LONGEST_REST_SECONDS = 30
# After two contradictory pages, such as empty ones that are not the end, the cursor may be the cause.
_FAILURES_THAT_COST_THE_CURSOR = 2


class RunFailedError(Exception):
    """The run cannot continue. `code` is one of `report.ERRORS`; the message contains no secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def refuse_what_is_final(error: StripeAnswerError, resource: str) -> None:
    """Raise an error if no other request of this run can succeed; ignore failures that may pass.

    :raises RunFailedError: no other request of this run can succeed
    """
    match error:
        case AccountRefusedError():
            raise RunFailedError("stripe_key_refused" if error.is_key else "account_access_lost", str(error)) from error
        case SecretLostError():
            raise RunFailedError("secret_lost", str(error)) from error
        case PermissionMissingError() if resource == "invoices":
            raise RunFailedError("permission_missing", str(error)) from error
        case _:
            pass


def note_page_failure(connection: Connection, lease: Lease, segment: Segment, error: StripeAnswerError) -> bool:
    """Let the segment rest and change its next request; return whether it has failed too often. Commits nothing."""
    note = partial(note_rest, connection, lease, segment)
    match error:
        case PermissionMissingError():
            forbid(connection, lease, segment)
            return False
        case RateLimitedError():
            failures = note(rest_seconds=error.seconds, is_failure=False)
        case ObjectMissingError(parameter="starting_after"):
            failures = note(rest_seconds=0, keeps_cursor=False)
        case TooMuchAtOnceError():
            failures = note(rest_seconds=0, is_failure=segment.address.limit == 1, halves_page=True)
        case _:
            is_contradiction = isinstance(error, PageDoesNotFitError)
            keeps_cursor = not is_contradiction or segment.failures + 1 < _FAILURES_THAT_COST_THE_CURSOR
            failures = note(rest_seconds=_rest_seconds(segment.failures), keeps_cursor=keeps_cursor)
    return failures >= _MOST_FAILURES


def note_fetch_failure(engine: Engine, request: FetchRequest, error: StripeAnswerError) -> None:
    """Postpone the request, or mark it answered if Stripe has no such object or need not show it. Commits."""
    match error:
        case RateLimitedError():
            put_back(engine, request, str(error), seconds=error.seconds)
        case ObjectMissingError() | PermissionMissingError() if not _is_needed(request, error):
            with engine.begin() as connection:
                note_answered(connection, request, error=str(error))
        case _:
            note_failure(engine, request, str(error))


def _is_needed(request: FetchRequest, error: StripeAnswerError) -> bool:
    return isinstance(error, PermissionMissingError) and f"{request.kind}s" not in OPTIONAL


def _rest_seconds(failures: int) -> float:
    return float(min(_LONGEST_REST_SECONDS, 2**failures)) * uniform(0.5, 1)  # noqa: S311 - jitter
