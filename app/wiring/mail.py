"""What views need of mail: a way to have it sent once the transaction that asks for it is committed."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from notices.mail import queue_mail
from runtime.clock import Clock
from tenants.secrets import SecretBox


class QueueMail(Protocol):
    """Queue an e-mail in the caller's transaction. Commits nothing, and waits for no mail server."""

    def __call__(self, connection: Connection, *, company_id: int, to: str, subject: str, text: str) -> None:
        """Queue a plain text for one address, on behalf of a company."""


@dataclass(frozen=True, slots=True)
class SealedMail:
    """Queue e-mails as rows, sealed. The notice queue sends them after the commit; the clock finds what it missed."""

    box: SecretBox
    clock: Clock

    def __call__(self, connection: Connection, *, company_id: int, to: str, subject: str, text: str) -> None:
        """Queue a plain text for one address, on behalf of a company."""
        queue_mail(connection, self.box, company_id=company_id, to=to, subject=subject, text=text, now=self.clock())
