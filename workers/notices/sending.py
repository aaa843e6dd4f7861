"""Send webhooks in threads that outlive the job: nobody waits for an endpoint that hangs."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition
from time import monotonic

from sqlalchemy import Engine
from standardwebhooks import Webhook

from notices.attempts import Attempt, note_attempt
from notices.claims import Delivery, Standing, claim_deliveries
from notices.endpoint_secrets import NoSecretError, signing_secrets
from runtime.clock import Clock
from tenants.secrets import DamagedSecretError, SecretBox, UnknownDataKeyError
from workers.notices.posting import NotSentError, Poster

# Requests at once in this process, by the standing of the endpoint: none takes another's place.
PLACES: Mapping[Standing, int] = {"quick": 16, "new": 8, "slow": 8}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sender:
    """Sends webhooks in its own threads, so many at once to endpoints of each standing."""

    engine: Engine
    box: SecretBox
    clock: Clock
    poster: Poster
    _executor: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(sum(PLACES.values()), thread_name_prefix="webhooks")
    )
    _changed: Condition = field(default_factory=Condition)
    _under_way: dict[Standing, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))

    def send_some(self) -> int:
        """Begin to send as many deliveries as there are places for; return how many. Commits."""
        with self._changed:
            free = {standing: places - self._under_way[standing] for standing, places in PLACES.items()}
        deliveries = claim_deliveries(self.engine, free) if any(free.values()) else []
        for delivery in deliveries:
            with self._changed:
                self._under_way[delivery.standing] += 1
            self._executor.submit(self._send, delivery).add_done_callback(self._ended(delivery.standing))
        return len(deliveries)

    def is_busy(self) -> bool:
        """Return whether anything is under way."""
        with self._changed:
            return sum(self._under_way.values()) > 0

    def wait(self, seconds: float) -> None:
        """Wait until a delivery under way is over, that long at most, and not at all if none is."""
        with self._changed:
            if sum(self._under_way.values()):
                self._changed.wait(seconds)

    def drain(self) -> None:
        """Wait until nothing is under way."""
        with self._changed:
            self._changed.wait_for(lambda: not sum(self._under_way.values()))

    def close(self) -> None:
        """Wait for what is under way and end the threads."""
        self._executor.shutdown()

    def _ended(self, standing: Standing) -> Callable[[Future[None]], None]:
        def end(future: Future[None]) -> None:
            with self._changed:
                self._under_way[standing] -= 1
                self._changed.notify_all()
            if error := future.exception():
                # Its lease runs out, and it is sent again with the same id.
                _log.error("webhook not recorded", extra={"error": type(error).__name__})

        return end

    def _send(self, delivery: Delivery) -> None:
        started_at, started = self.clock(), monotonic()
        status, answer, error = self._outcome(delivery, started_at)
        attempt = Attempt(started_at, round((monotonic() - started) * 1000), status, answer, error)
        note_attempt(self.engine, delivery, attempt, now=self.clock())
        if not attempt.is_accepted:
            fields = {"delivery_id": delivery.id, "endpoint_id": delivery.endpoint_id, "status": status}
            _log.info("webhook not accepted", extra=fields)

    def _outcome(self, delivery: Delivery, now: datetime) -> tuple[int | None, str | None, str | None]:
        try:
            answer = self.poster.post(delivery.url, delivery.body.encode(), self._headers(delivery, now))
        except NotSentError as error:
            return None, None, str(error)
        except UnknownDataKeyError as error:
            return (
                None,
                None,
                f"The endpoint's secret cannot be opened: ENCRYPTION_KEYS lacks the key {error}. Rotate it.",
            )
        except DamagedSecretError:
            return None, None, "The endpoint's secret was changed outside of revmap. Rotate it."
        except NoSecretError:
            return None, None, "The endpoint's secret was lost. Rotate it."
        return answer.status, answer.beginning, None

    def _headers(self, delivery: Delivery, now: datetime) -> dict[str, str]:
        with self.engine.connect() as connection:
            secrets = signing_secrets(connection, self.box, delivery.endpoint_id, now=now)
        signatures = [Webhook(secret).sign(delivery.message_id, now, delivery.body) for secret in secrets]
        return {
            "Content-Type": "application/json",
            "User-Agent": "revmap",
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
