"""What the web process needs from its environment."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self

from events.environ import Environment

_DATA_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Settings of the web process. Secrets are left out of its representation."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    secret_key: str = field(repr=False)
    public_url: str

    @classmethod
    def from_environ(cls, environment: Environment | None = None) -> Self:
        """Read them all.

        :raises SystemExit: code 2, when a required variable is missing, blank or unusable; each is named, none is shown
        """
        environment = environment or Environment.of_process()
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            redis_url=environment.required("REDIS_URL"),
            webhook_secrets=environment.required_list("STRIPE_WEBHOOK_SECRETS"),
            secret_key=environment.required("APP_SECRET_KEY"),
            public_url=environment.optional("PUBLIC_URL") or "http://127.0.0.1:8000",
        )
        # Asked for now, so that a half-configured deployment stops at its start and not at the first connect.
        environment.required("STRIPE_SECRET_KEY")
        for position, key in enumerate(environment.required_list("ENCRYPTION_KEYS"), start=1):
            if key and not _is_data_key(key):
                environment.note(f"ENCRYPTION_KEYS: key {position} is not {_DATA_KEY_BYTES} bytes of urlsafe base64")
        environment.refuse_if_incomplete()
        return settings


def _is_data_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)) == _DATA_KEY_BYTES
    except (binascii.Error, ValueError):
        return False
