"""The mail server that e-mails are handed to, as SMTP_URL and MAIL_FROM name it."""

from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from runtime.environ import Environment

# RFC 8314 §7.3: submission over TLS; RFC 6409 §3.1: submission.
_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail goes. `is_tls`: from the first byte on; otherwise TLS is started if the server offers it."""

    host: str
    port: int
    is_tls: bool
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def sender_address(self) -> str:
        """Return the sender's address without its name."""
        return parseaddr(self.sender)[1]


def mail_server_from(environment: Environment, url: str | None, sender: str | None) -> MailServer | None:
    """Return the server, or None if no URL is set; note what is unusable on `environment`."""
    if url is None:
        return None
    if sender is None or "@" not in parseaddr(sender)[1]:
        environment.note("MAIL_FROM is not an e-mail address, which SMTP_URL needs")
        return None
    try:
        address = urlsplit(url)
        port = address.port or _PORTS[address.scheme]
    except (ValueError, KeyError):
        address, port = urlsplit(""), 0
    if not address.hostname:
        environment.note("SMTP_URL is not an address like smtp://user:password@host:587")
        return None
    user, password = (unquote(one) if one else None for one in (address.username, address.password))
    return MailServer(address.hostname, port, address.scheme == "smtps", sender, user, password)
