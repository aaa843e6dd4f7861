"""What the worker and clock processes need from their environment."""

from dataclasses import dataclass
from typing import Self

from events.environ import Environment

STRIPE_API_BASE = "https://api.stripe.com"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Settings of `python -m workers …`."""

    database_url: str
    redis_url: str
    stripe_secret_key: str
    stripe_api_base: str

    @classmethod
    def from_environ(cls, environment: Environment | None = None) -> Self:
        """Read them all.

        :raises SystemExit: code 2, when a required variable is missing or blank; each is named, none is shown
        """
        environment = environment or Environment.of_process()
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            redis_url=environment.required("REDIS_URL"),
            stripe_secret_key=environment.required("STRIPE_SECRET_KEY"),
            stripe_api_base=environment.optional("STRIPE_API_BASE") or STRIPE_API_BASE,
        )
        environment.refuse_if_incomplete()
        return settings
