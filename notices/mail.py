"""E-mails as rows: queued with what they tell, leased while they are sent, repeated until they are accepted.

An e-mail may be sent twice if a process dies between the server's answer and its commit; both have the same Message-ID.
"""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, insert, text

from notices.tables import mail
from runtime.jitter import jitter
from runtime.later import later
from tenants.secrets import SecretBox

KEEPS_TRYING = timedelta(days=3)

_LEASE = timedelta(minutes=10)
_FIRST_REST_SECONDS = 30
_LONGEST_REST_SECONDS = 3600
_KEPT_FOR = timedelta(days=30)
# So few that sending all of them to a slow server takes less than the lease.
_MOST_AT_ONCE = 5

# Chosen apart from the change: PostgreSQL may run a subquery in FROM once for each row, and choose others every time.
_CLAIM = text("""
    WITH due AS MATERIALIZED (
        SELECT id FROM mail WHERE status = 'waiting' AND due_at <= :now ORDER BY due_at
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE mail m SET attempts = m.attempts + 1, due_at = :until FROM due
    WHERE m.id = due.id RETURNING m.id, m.company_id, m.recipient, m.key_id, m.sealed, m.queued_at
""")
_ENDED = text("""
    UPDATE mail SET status = :status, ended_at = :now, error = :error, key_id = NULL, sealed = NULL
    WHERE id = :id AND status = 'waiting'
""")
_REST = "least(:longest, :first * power(2, least(attempts, 20) - 1)) * :jitter"
_PUT_BACK = text(f"""
    UPDATE mail SET error = :error, due_at = {later("CAST(:now AS timestamptz)", _REST)}
    WHERE id = :id AND status = 'waiting'
""")  # noqa: S608 - our own words
_ANY_DUE = text("SELECT EXISTS (SELECT FROM mail WHERE status = 'waiting' AND due_at <= :now)")
_BACKLOG = text("SELECT count(*) AS waiting, min(queued_at) AS oldest FROM mail WHERE status = 'waiting'")
_PURGE = text("DELETE FROM mail WHERE ended_at < :before")


class Letter(NamedTuple):
    """An e-mail leased by this process, still sealed."""

    id: int
    company_id: int | None
    recipient: str
    key_id: str
    sealed: bytes
    queued_at: datetime

    def open(self, box: SecretBox) -> tuple[str, str]:
        """Return subject and text.

        :raises UnknownDataKeyError, DamagedSecretError: they cannot be opened
        """
        name = bound_to(self.recipient)
        subject, body = json.loads(box.open(self.sealed, self.key_id, company_id=self.company_id or 0, name=name))
        return subject, body


def queue_mail(  # noqa: PLR0913 - what an e-mail consists of
    connection: Connection,
    box: SecretBox,
    *,
    company_id: int | None,
    to: str,
    subject: str,
    text: str,
    now: datetime,
) -> None:
    """Queue an e-mail in plain text; it is sent only if the caller's transaction commits. Commits nothing.

    Queue nothing if no mail server is set. Without a company, the connection must act as owner. Wake the notice queue
    after the commit; without that, the clock finds the e-mail.
    """
    plain = json.dumps([" ".join(subject.split()), text]).encode()
    sealed = box.seal(plain, company_id=company_id or 0, name=bound_to(to))
    connection.execute(
        # Without the row's id in return, which the web process may not read.
        insert(mail)
        .inline()
        .values(company_id=company_id, recipient=to, key_id=box.newest, sealed=sealed, queued_at=now, due_at=now)
    )


def is_any_mail_due(connection: Connection, *, now: datetime) -> bool:
    """Return whether an e-mail is waiting to be sent."""
    return bool(connection.execute(_ANY_DUE, {"now": now}).scalar())


def mail_backlog(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many e-mails wait, and since when. Needs `across_companies`."""
    row = connection.execute(_BACKLOG).one()
    return row.waiting, row.oldest


def claim_letters(engine: Engine, *, now: datetime) -> list[Letter]:
    """Lease up to five e-mails that are due, for ten minutes, the longest due first. Commits."""
    with engine.begin() as connection:
        rows = connection.execute(_CLAIM, {"now": now, "until": now + _LEASE, "most": _MOST_AT_ONCE})
        return [Letter(*row) for row in rows]


def note_sent(engine: Engine, letter: Letter, *, now: datetime) -> None:
    """Record that the server accepted an e-mail, and forget its text. Commits."""
    _end(engine, letter, "sent", None, now)


def note_mail_failure(engine: Engine, letter: Letter, error: str, *, is_final: bool, now: datetime) -> None:
    """Postpone an e-mail, longer with every attempt; give it up after three days, or at once if that is final. Commits.

    `error` must not contain a secret.
    """
    if is_final or now - letter.queued_at > KEEPS_TRYING:
        _end(engine, letter, "given_up", error[:500], now)
        return
    rest = {"first": _FIRST_REST_SECONDS, "longest": _LONGEST_REST_SECONDS, "jitter": jitter(0.5, 1)}
    with engine.begin() as connection:
        connection.execute(_PUT_BACK, {"id": letter.id, "error": error[:500], "now": now, **rest})


def purge_mail(connection: Connection, *, now: datetime) -> None:
    """Delete e-mails that were sent or given up a month ago. Commits nothing."""
    connection.execute(_PURGE, {"before": now - _KEPT_FOR})


def _end(engine: Engine, letter: Letter, status: str, error: str | None, now: datetime) -> None:
    with engine.begin() as connection:
        connection.execute(_ENDED, {"id": letter.id, "status": status, "error": error, "now": now})


def bound_to(recipient: str) -> str:
    """Return the name under which an e-mail to this recipient is sealed."""
    return f"mail:{recipient}"
