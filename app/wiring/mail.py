"""What views need of mail: a way to have it sent once the transaction that asks for it is committed."""

from typing import Protocol

from sqlalchemy import Connection


class QueueMail(Protocol):
    """Queue an e-mail in the caller's transaction. Commits nothing, and waits for no mail server."""

    def __call__(self, connection: Connection, *, company_id: int, to: str, subject: str, text: str) -> None:
        """Queue a plain text for one address, on behalf of a company."""
