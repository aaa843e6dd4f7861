"""What the worker and clock processes need from their environment."""

from dataclasses import dataclass, field
from typing import Self

from events.environ import Environment
from tenants.data_keys import data_keys_from

STRIPE_API_BASE = "https://api.stripe.com"
SYNC_PERIOD_SECONDS = 86_400
SHORTEST_PERIOD_SECONDS = 1


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Settings of `python -m workers …`."""

    database_url: str
    redis_url: str
    stripe_secret_key: str
    stripe_api_base: str
    sync_period_seconds: int
    data_keys: tuple[bytes, ...] = field(repr=False)
    # Set when companies connect by installing a Stripe App: its tokens are renewed with it.
    app_client_id: str | None = None

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
            sync_period_seconds=sync_period_seconds(environment),
            data_keys=data_keys_from(environment, environment.required_list("ENCRYPTION_KEYS")),
            app_client_id=environment.optional("STRIPE_CLIENT_ID")
            if environment.optional("STRIPE_CONNECT_METHOD") == "app"
            else None,
        )
        environment.refuse_if_incomplete()
        return settings


def sync_period_seconds(environment: Environment) -> int:
    """Read how often a company is reconciled with Stripe: a day unless SYNC_INTERVAL_SECONDS says otherwise."""
    told = environment.optional("SYNC_INTERVAL_SECONDS") or str(SYNC_PERIOD_SECONDS)
    if told.isascii() and told.isdigit() and int(told) >= SHORTEST_PERIOD_SECONDS:
        return int(told)
    environment.note(f"SYNC_INTERVAL_SECONDS is a whole number of seconds, {SHORTEST_PERIOD_SECONDS} at least")
    return SYNC_PERIOD_SECONDS
