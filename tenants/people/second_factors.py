"""Second factors: an authenticator app, whose secret is sealed here, and recovery codes for when it is lost."""

import re
import secrets
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from tenants import access_facts
from tenants.access_facts import note_in_companies_of
from tenants.people.factor_sealing import seal, unseal
from tenants.people.factor_tables import second_factor
from tenants.people.recovery_codes import recovery_codes_left, replace_recovery_codes, spend_recovery_code
from tenants.people.sessions import end_sessions_of
from tenants.people.totp import DIGITS, WrongCodeError, step_of
from tenants.secrets import SecretBox
from tenants.tables import company, membership, user_account

# RFC 4226 §4: the length of SHA-1's output.
_SECRET_BYTES = 20
_OF_AN_APP = re.compile(rf"[0-9]{{{DIGITS}}}")


class SecondFactorOnError(Exception):
    """The person has a second factor already."""


class SecondFactor(NamedTuple):
    """A person's second factor as they see it."""

    turned_on_at: datetime
    recovery_codes_left: int


def new_secret() -> bytes:
    """Return a random secret for an app. It counts for nothing before `turn_on`."""
    return secrets.token_bytes(_SECRET_BYTES)


def find_second_factor(connection: Connection, user_id: int) -> SecondFactor | None:
    """Return a person's second factor, or None if it is not turned on."""
    turned_on_at = connection.execute(
        select(second_factor.c.turned_on_at).where(second_factor.c.user_id == user_id)
    ).scalar_one_or_none()
    return SecondFactor(turned_on_at, recovery_codes_left(connection, user_id)) if turned_on_at else None


def companies_that_require_it(connection: Connection, user_id: int) -> set[int]:
    """Return the ids of those of a person's companies that require a second factor."""
    return set(
        connection.scalars(
            select(company.c.id)
            .join(membership, membership.c.company_id == company.c.id)
            .where(membership.c.user_id == user_id, company.c.requires_second_factor)
        )
    )


def turn_on(  # noqa: PLR0913 - whose it is, and what proves it
    connection: Connection, box: SecretBox, user_id: int, secret: bytes, code: str, *, now: datetime, keeps: int
) -> list[str]:
    """Turn a second factor on by a code of its app, end all sessions but the one kept, and return the recovery codes.

    Commits nothing; call it last.

    :raises WrongCodeError: the app has another secret, or its clock is wrong
    :raises SecondFactorOnError: it is on
    """
    step = step_of(secret, _without_spaces(code), now=now)
    # Whoever signs in with the password meanwhile is either ended here, or asked for a code.
    connection.execute(select(user_account.c.id).where(user_account.c.id == user_id).with_for_update())
    added = connection.scalar(
        insert(second_factor)
        .values(
            user_id=user_id,
            key_id=box.newest,
            sealed=seal(box, user_id, secret),
            last_step=step,
            turned_on_at=now,
        )
        .on_conflict_do_nothing(index_elements=[second_factor.c.user_id])
        .returning(second_factor.c.user_id)
    )
    if added is None:
        raise SecondFactorOnError
    codes = replace_recovery_codes(connection, user_id)
    end_sessions_of(connection, user_id, but=keeps)
    _note(connection, user_id, access_facts.SECOND_FACTOR_TURNED_ON, now)
    return codes


def spend_code(connection: Connection, box: SecretBox, user_id: int, code: str, *, now: datetime) -> None:
    """Accept a code of the person's app, or a recovery code, this once. Commits nothing; call it last.

    Of several calls with one code at once, one succeeds.

    :raises WrongCodeError: it is neither, was used before, or the person has no second factor
    :raises UnknownDataKeyError, DamagedSecretError: the secret cannot be opened
    """
    row = connection.execute(
        select(second_factor).where(second_factor.c.user_id == user_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise WrongCodeError
    given = _without_spaces(code)
    if not _OF_AN_APP.fullmatch(given):
        spend_recovery_code(connection, user_id, given)
        _note(connection, user_id, access_facts.RECOVERY_CODE_USED, now)
        return
    secret = unseal(box, user_id, row.sealed, row.key_id)
    step = step_of(secret, given, now=now, after=row.last_step)
    connection.execute(update(second_factor).where(second_factor.c.user_id == user_id).values(last_step=step))


def renew_recovery_codes(connection: Connection, user_id: int, *, now: datetime) -> list[str]:
    """Replace a person's recovery codes by ten new ones, and return them. Commits nothing; call it last."""
    codes = replace_recovery_codes(connection, user_id)
    _note(connection, user_id, access_facts.RECOVERY_CODES_RENEWED, now)
    return codes


def turn_off(connection: Connection, user_id: int, *, actor: str | None = None, now: datetime) -> bool:
    """Turn a second factor off, with its recovery codes; return whether it was on. Commits nothing; call it last.

    Without `actor`, the person did it.
    """
    gone = connection.execute(delete(second_factor).where(second_factor.c.user_id == user_id)).rowcount
    if gone:
        _note(connection, user_id, access_facts.SECOND_FACTOR_TURNED_OFF, now, actor)
    return bool(gone)


def _note(connection: Connection, user_id: int, fact: str, now: datetime, actor: str | None = None) -> None:
    note_in_companies_of(connection, user_id, fact, actor=actor or f"user:{user_id}", now=now)


def _without_spaces(code: str) -> str:
    return "".join(code.split())
