"""A company's accounting policy: the time zone of its days, and what becomes of write-offs and late invoices."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from events.log.read import head_of
from mapping.recorded import Desk, book_of, said_about
from projections.mapping.decisions.book import Book
from projections.mapping.decisions.payloads import PolicySet
from projections.recognition.billing import Policy
from projections.recognition.days import TZDATA_VERSION, zone_of
from tenants.companies import keep_time_zone


def policy_at(connection: Connection, company_id: int, upto: int | None = None) -> tuple[Policy, int]:
    """Return a company's policy and its version, as of a position or now; version 0 if it was never set."""
    book = _book(connection, company_id, upto)
    return book.policy, book.policy_version


def set_policy(desk: Desk, changes: Mapping[str, Any]) -> None:
    """Record what `changes` (`time_zone, uncollectible, catch_up`) make different, if anything. Commits nothing.

    Call it last.

    :raises UnknownTimeZoneError: it is not an IANA name
    """
    head = head_of(desk.connection, desk.company_id)
    before = _book(desk.connection, desk.company_id, head)
    policy = before.policy._replace(**changes)
    if policy == before.policy:
        return
    zone_of(policy.time_zone)
    keep_time_zone(desk.connection, desk.company_id, policy.time_zone)
    said = PolicySet(before.policy_version + 1, policy.time_zone, TZDATA_VERSION, policy.catch_up, policy.uncollectible)
    desk.record(_entity(desk.company_id), [said], after=head)


def _book(connection: Connection, company_id: int, upto: int | None) -> Book:
    return book_of(said_about(connection, company_id, _entity(company_id), upto=upto))


def _entity(company_id: int) -> str:
    # Time zones were set about the company before there was more to a policy.
    return f"company:{company_id}"
