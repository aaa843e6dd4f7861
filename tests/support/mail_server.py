"""A real mail server on this machine that keeps what it accepts, and refuses what it is told to."""

import email
import ssl
from asyncio.base_events import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from notices.mail_server import MailServer

PASSWORD = "hunter2"


@dataclass
class Inbox:
    """What the server accepted, and how it answers: `answer_to` has the replies to recipients that it refuses."""

    messages: list[EmailMessage] = field(default_factory=list)
    answer_to: dict[str, str] = field(default_factory=dict)
    were_encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.answer_to:
            return self.answer_to[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        self.messages.append(email.message_from_bytes(content, policy=default))
        self.were_encrypted.append(session.ssl is not None)
        return "250 OK"

    def texts(self) -> list[tuple[str, str, str]]:
        """Return recipient, subject and text of every message."""
        return [(one["To"], one["Subject"], one.get_content().replace("\r\n", "\n")) for one in self.messages]


class _OnFreePort(Controller):
    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's


@contextmanager
def mail_server(
    inbox: Inbox, *, certificate: ssl.SSLContext | None = None, needs_password: bool = False
) -> Iterator[MailServer]:
    """Run the server on a free port, and yield its address. With a certificate it offers STARTTLS."""
    controller = _OnFreePort(
        inbox,
        hostname="127.0.0.1",
        port=0,
        tls_context=certificate,
        auth_required=needs_password,
        auth_require_tls=certificate is not None,
        authenticator=lambda *arguments: AuthResult(success=arguments[-1].password == PASSWORD.encode()),
    )
    controller.start()
    user = ("revmap", PASSWORD) if needs_password else ()
    try:
        yield MailServer("127.0.0.1", controller.port, False, "revmap <revmap@zed.test>", *user)  # noqa: FBT003 - a field
    finally:
        controller.stop()
