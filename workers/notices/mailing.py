"""Send the e-mails that are due. Each is leased, handed over and recorded before the next."""

import logging
import smtplib
import ssl
from dataclasses import dataclass

from sqlalchemy import Engine

from notices.mail import Letter, claim_letters, note_mail_failure, note_sent
from notices.mail_server import MailServer
from runtime.clock import Clock
from tenants.secrets import DamagedSecretError, SecretBox, UnknownDataKeyError
from workers.notices.smtp import NotSecureError, Refusal, hand_over, message_of, signed_in

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Postman:
    """Sends e-mails through a server. `trusts`: whose certificates, by default those that browsers trust."""

    engine: Engine
    box: SecretBox
    clock: Clock
    server: MailServer
    trusts: ssl.SSLContext | None = None

    def send_due(self) -> int:
        """Send up to five e-mails that are due, and return how many the server accepted. Commits one by one."""
        letters = claim_letters(self.engine, now=self.clock())
        if not letters:
            return 0
        sent = 0
        try:
            with signed_in(self.server, context=self.trusts) as session:
                while letters:
                    sent += self._is_sent(session, letters[0])
                    del letters[0]
        except (OSError, smtplib.SMTPException, NotSecureError) as error:
            # Also SSL errors. What the server said is left out: it may quote the password.
            reason = f"the mail server could not be used: {type(error).__name__}"
            _log.warning("mail server away", extra={"error": type(error).__name__, "waiting": len(letters)})
            for letter in letters:
                note_mail_failure(self.engine, letter, reason, is_final=False, now=self.clock())
        return sent

    def _is_sent(self, session: smtplib.SMTP, letter: Letter) -> bool:
        sender = self.server.sender_address
        try:
            subject, body = letter.open(self.box)
            domain = sender.rpartition("@")[2]
            message = message_of(letter, subject, body, sender=self.server.sender, domain=domain)
            hand_over(session, message, sender=sender, to=letter.recipient)
        except Refusal as refusal:
            self._fail(letter, str(refusal), is_final=refusal.is_final)
            return False
        except UnknownDataKeyError as error:
            self._fail(letter, f"ENCRYPTION_KEYS lacks the key {error}", is_final=False)
            return False
        except DamagedSecretError:
            self._fail(letter, "the text was changed outside of revmap", is_final=True)
            return False
        note_sent(self.engine, letter, now=self.clock())
        return True

    def _fail(self, letter: Letter, reason: str, *, is_final: bool) -> None:
        _log.warning("mail not sent", extra={"mail_id": letter.id, "reason": reason, "is_final": is_final})
        note_mail_failure(self.engine, letter, reason, is_final=is_final, now=self.clock())
