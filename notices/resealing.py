"""Reseal endpoints' secrets and waiting e-mails when data keys are rotated, and find those that were lost with one."""

from collections.abc import Iterator

from sqlalchemy import Connection, delete, select, union, update

from notices.endpoint_secrets import bound_to as bound_to_endpoint
from notices.mail import bound_to as bound_to_recipient
from notices.tables import mail, webhook_secret
from tenants.lost_secrets import Unopened
from tenants.secrets import SecretBox

_RESEALED_AT_ONCE = 100
_READ_AT_ONCE = 500


def sealed_under(connection: Connection) -> list[str]:
    """Return the ids of the keys that secrets of endpoints and waiting e-mails are sealed under."""
    both = union(select(webhook_secret.c.key_id), select(mail.c.key_id).where(mail.c.key_id.is_not(None))).subquery()
    return list(connection.scalars(select(both.c.key_id).order_by(both.c.key_id)))


def reseal_some(connection: Connection, box: SecretBox) -> int:
    """Reseal up to 100 each that are under an older key of the box, and return how many. Commits nothing.

    Call again until it returns 0. Rows that others have locked are skipped.

    :raises DamagedSecretError: one of them cannot be opened
    """
    return _reseal_secrets(connection, box) + _reseal_mail(connection, box)


def unopened(connection: Connection, box: SecretBox) -> Iterator[Unopened]:
    """Yield the secrets of endpoints and the waiting e-mails that the box cannot open, in constant memory."""
    held = webhook_secret.c
    of_endpoints = select(held.company_id, held.endpoint_id, held.key_id, held.sealed).order_by(held.id)
    for row in connection.execute(of_endpoints.execution_options(yield_per=_READ_AT_ONCE)):
        name = bound_to_endpoint(row.endpoint_id)
        if not box.opens(row.sealed, row.key_id, company_id=row.company_id, name=name):
            yield Unopened(row.company_id, "endpoint_secret", row.key_id, row.endpoint_id)
    waiting = select(mail.c.company_id, mail.c.recipient, mail.c.key_id, mail.c.sealed).where(
        mail.c.sealed.is_not(None)
    )
    for row in connection.execute(waiting.order_by(mail.c.id).execution_options(yield_per=_READ_AT_ONCE)):
        name = bound_to_recipient(row.recipient)
        if not box.opens(row.sealed, row.key_id, company_id=row.company_id or 0, name=name):
            yield Unopened(row.company_id, "mail", row.key_id)


def forget_sealed_under(connection: Connection, key: str) -> int:
    """Delete the secrets of endpoints and the e-mails that are sealed under a key; return how many. Commits nothing."""
    secrets = connection.execute(delete(webhook_secret).where(webhook_secret.c.key_id == key)).rowcount
    return secrets + connection.execute(delete(mail).where(mail.c.key_id == key)).rowcount


def _reseal_secrets(connection: Connection, box: SecretBox) -> int:
    held = webhook_secret.c
    rows = connection.execute(
        select(held.id, held.company_id, held.endpoint_id, held.key_id, held.sealed)
        .where(held.key_id.in_(box.key_ids - {box.newest}))
        .order_by(held.id)
        .limit(_RESEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        name = bound_to_endpoint(row.endpoint_id)
        plain = box.open(row.sealed, row.key_id, company_id=row.company_id, name=name)
        sealed = box.seal(plain, company_id=row.company_id, name=name)
        connection.execute(update(webhook_secret).where(held.id == row.id).values(key_id=box.newest, sealed=sealed))
    return len(rows)


def _reseal_mail(connection: Connection, box: SecretBox) -> int:
    held = mail.c
    rows = connection.execute(
        select(held.id, held.company_id, held.recipient, held.key_id, held.sealed)
        .where(held.key_id.in_(box.key_ids - {box.newest}))
        .order_by(held.id)
        .limit(_RESEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        company_id, name = row.company_id or 0, bound_to_recipient(row.recipient)
        plain = box.open(row.sealed, row.key_id, company_id=company_id, name=name)
        sealed = box.seal(plain, company_id=company_id, name=name)
        connection.execute(update(mail).where(held.id == row.id).values(key_id=box.newest, sealed=sealed))
    return len(rows)
