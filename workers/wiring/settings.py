"""Read the settings of the worker and clock processes from the environment."""

from dataclasses import dataclass, field
from typing import Self

from notices.mail_server import MailServer, mail_server_from
from notices.outbound import Outbound, outbound_from
from runtime.environ import DATABASE_SCHEMES, DAY_SECONDS, LONGEST_PERIOD_SECONDS, REDIS_SCHEMES, Environment
from runtime.pooler_setting import pooled_from
from runtime.roles import roles_from
from tenants.data_keys import data_keys_from

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"
STRIPE_API_BASE = "https://api.stripe.com"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Settings of `python -m workers …`."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    stripe_secret_key: str = field(repr=False)
    stripe_api_base: str
    sync_period_seconds: int
    data_keys: tuple[bytes, ...] = field(repr=False)
    # Set if companies connect by installing a Stripe App: its tokens are renewed with it.
    app_client_id: str | None = None
    # None: no e-mail is sent.
    mail_server: MailServer | None = None
    public_url: str = DEFAULT_PUBLIC_URL
    outbound: Outbound = "public"
    # Whether the process acts in roles, instead of doing everything as the database's user.
    has_roles: bool = True
    # Whether the database is reached through a pooler of transactions.
    is_pooled: bool = False

    @classmethod
    def from_environ(cls, environment: Environment | None = None) -> Self:
        """Read all settings.

        :raises SystemExit: code 2, if any setting is missing or unusable; names are printed, values are not
        """
        environment = environment or Environment.of_process()
        settings = cls(
            database_url=environment.required_url("DATABASE_URL", DATABASE_SCHEMES),
            has_roles=roles_from(environment),
            is_pooled=pooled_from(environment),
            redis_url=environment.required_url("REDIS_URL", REDIS_SCHEMES),
            stripe_secret_key=environment.required("STRIPE_SECRET_KEY"),
            stripe_api_base=environment.optional_url("STRIPE_API_BASE", STRIPE_API_BASE),
            sync_period_seconds=environment.whole_number(
                "SYNC_INTERVAL_SECONDS", DAY_SECONDS, least=1, most=LONGEST_PERIOD_SECONDS
            ),
            data_keys=data_keys_from(environment, environment.required_list("ENCRYPTION_KEYS")),
            app_client_id=environment.optional("STRIPE_CLIENT_ID")
            if environment.optional("STRIPE_CONNECT_METHOD") == "app"
            else None,
            public_url=environment.optional_url("PUBLIC_URL", DEFAULT_PUBLIC_URL).rstrip("/"),
            outbound=outbound_from(environment, environment.optional("OUTBOUND_WEBHOOKS")),
            mail_server=mail_server_from(
                environment, environment.optional("SMTP_URL"), environment.optional("MAIL_FROM")
            ),
        )
        environment.refuse_if_incomplete()
        return settings
