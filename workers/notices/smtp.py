"""Hand e-mails to a mail server."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_address

from certifi import where

from notices.mail import Letter
from notices.mail_server import MailServer

_TIMEOUT_SECONDS = 20.0
_PERMANENT = 500


class NotSecureError(Exception):
    """The server offers no TLS, and the password must not be sent in the clear."""


class Refusal(Exception):  # noqa: N818 - an answer of the server
    """The server did not take an e-mail. `is_final`: it never will."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


def message_of(letter: Letter, subject: str, body: str, *, sender: str, domain: str) -> EmailMessage:
    """Return an e-mail in plain text. Its Message-ID is the same whenever it is sent again."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(letter.queued_at)
    message["Message-ID"] = f"<revmap-mail-{letter.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


@contextmanager
def signed_in(server: MailServer, *, context: ssl.SSLContext | None = None) -> Iterator[smtplib.SMTP]:
    """Open a session with the server, encrypted if it offers that.

    :raises OSError, smtplib.SMTPException: the server is away or refuses us
    :raises NotSecureError: it offers no encryption, and a password is needed
    """
    context = context or _trusted()
    if server.is_tls:
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=context)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
    with session:
        session.ehlo_or_helo_if_needed()
        is_encrypted = server.is_tls
        if not is_encrypted and session.has_extn("starttls"):
            session.starttls(context=context)
            is_encrypted = True
        if server.user is not None:
            if not is_encrypted and not _is_this_machine(server.host):
                raise NotSecureError
            session.login(server.user, server.password or "")
        yield session


def hand_over(session: smtplib.SMTP, message: EmailMessage, *, sender: str, to: str) -> None:
    """Hand an e-mail to the server.

    :raises Refusal: the server did not take this one
    :raises OSError, smtplib.SMTPServerDisconnected: the session is over
    """
    try:
        session.send_message(message, sender, [to])
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = error.recipients[to]
        raise Refusal(f"the mail server refused the recipient with {code}", is_final=code >= _PERMANENT) from error
    except smtplib.SMTPResponseException as error:
        code = error.smtp_code
        raise Refusal(f"the mail server answered {code}", is_final=code >= _PERMANENT) from error
    except (smtplib.SMTPNotSupportedError, ValueError) as error:
        raise Refusal("the mail server cannot send to this address", is_final=True) from error


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=where())


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
