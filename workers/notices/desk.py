"""What the notice queue's process sends with: threads for webhooks, and one for e-mails, which outlive a job."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from threading import Event

from redis import Redis

from backlog.queues import open_redis
from notices.mailing import mail_notices
from runtime.clock import utc_now
from tenants.secrets import SecretBox
from workers.notices.mailing import Postman
from workers.notices.posting import Poster
from workers.notices.sending import Sender
from workers.wiring.settings import WorkerSettings
from workers.wiring.tools import open_worker_engine, stopping

# Threads hold a connection for moments: never while they wait for somebody outside.
_POOL_SIZE = 4

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Desk:
    """Sends webhooks, and e-mails if there is a mail server."""

    redis: Redis
    sender: Sender
    postman: Postman | None
    public_url: str
    stopping: Event
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="mail"))
    _mailing: Future[None] | None = None

    def send_mail(self) -> None:
        """Begin to send the e-mails that are due, unless that is under way."""
        if self.postman is not None and (self._mailing is None or self._mailing.done()):
            self._mailing = self._thread.submit(self._send_mail, self.postman)
            self._mailing.add_done_callback(_log_failure)

    def drain(self) -> None:
        """Wait until nothing is under way."""
        self.sender.drain()
        if self._mailing is not None:
            self._mailing.exception()

    def close(self) -> None:
        """Wait for what is under way and end the threads."""
        self.sender.close()
        self._thread.shutdown()

    def _send_mail(self, postman: Postman) -> None:
        mail_notices(postman.engine, postman.box, public_url=self.public_url, now=postman.clock())
        while not self.stopping.is_set() and postman.send_due():
            pass


def _log_failure(mailing: Future[None]) -> None:
    # What was not recorded is due again when its lease runs out.
    if error := mailing.exception():
        _log.error("mail not recorded", extra={"error": type(error).__name__})


@cache
def current_desk() -> Desk:
    """Return this process's desk. Nothing connects before its first use."""
    settings = WorkerSettings.from_environ()
    engine = open_worker_engine(settings, "notices", pool_size=_POOL_SIZE)
    box, server = SecretBox(settings.data_keys), settings.mail_server
    return Desk(
        open_redis(settings.redis_url),
        Sender(engine, box, utc_now, Poster(settings.outbound)),
        Postman(engine, box, utc_now, server) if server else None,
        settings.public_url,
        stopping,
    )
