"""Map the identities of an identity provider to users."""

from sqlalchemy import Connection, delete, func, select, update

from tenants.people.factor_tables import second_factor
from tenants.people.sessions import end_sessions_of
from tenants.tables import user_account


def user_of_identity(connection: Connection, issuer: str, subject: str, *, verified_email: str | None) -> int | None:
    """Return the id of the user that a provider names, or None if nobody has added them. Commits nothing.

    At first sign-in, the user with the verified address is bound to the subject: an address may pass to somebody else,
    a subject does not. If nobody had proven that address before, the password, the second factor and the sessions of
    the account end: somebody else may have made it.
    """
    user = user_account.c
    known = connection.execute(
        select(user.id).where(user.oidc_issuer == issuer, user.oidc_subject == subject)
    ).scalar_one_or_none()
    if known is not None or verified_email is None or "\x00" in verified_email:
        return known
    bound = connection.execute(
        update(user_account)
        .where(user.email == verified_email.strip().lower(), user.oidc_subject.is_(None))
        .values(oidc_issuer=issuer, oidc_subject=subject)
        .returning(user.id, user.address_proven_at)
    ).one_or_none()
    if bound is None:
        return None
    if bound.address_proven_at is None:
        end_sessions_of(connection, bound.id)
        connection.execute(delete(second_factor).where(second_factor.c.user_id == bound.id))
        connection.execute(
            update(user_account)
            .where(user.id == bound.id)
            .values(password_hash=None, address_proven_at=func.statement_timestamp())
        )
    return int(bound.id)
