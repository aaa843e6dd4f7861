"""The settings of the web process, read from its environment."""

from dataclasses import dataclass, field
from typing import Self, TypeVar

from app.http.public_address import PublicAddress, UnusableAddressError
from notices.mail_server import MailServer, mail_server_from
from notices.outbound import Outbound, outbound_from
from runtime.environ import DATABASE_SCHEMES, DAY_SECONDS, LONGEST_PERIOD_SECONDS, REDIS_SCHEMES, Environment
from runtime.pooler_setting import pooled_from
from runtime.roles import roles_from
from tenants.data_keys import data_keys_from

DEFAULT_ADDRESS = "http://127.0.0.1:8000"

# https://docs.stripe.com/connect/oauth-changes-for-standard-platforms: only old extensions may ask for read_only.
_PAGES = {"connect": "https://connect.stripe.com", "app": "https://marketplace.stripe.com"}
_SCOPES = ("read_write", "read_only")
# 128 bits, if they are random.
_SHORTEST_SECRET_BYTES = 16

Text = TypeVar("Text", str, str | None)


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """Stripe's addresses, and our credentials there. Without a client id nobody can connect by OAuth."""

    secret_key: str = field(repr=False)
    client_id: str | None
    api_base: str
    connect_base: str
    scope: str
    is_app: bool

    @classmethod
    def from_environ(cls, environment: Environment) -> Self:
        """Read the settings; note invalid ones on `environment`."""
        scope = environment.optional("STRIPE_CONNECT_SCOPE") or _SCOPES[0]
        if scope not in _SCOPES:
            environment.note(f"STRIPE_CONNECT_SCOPE is neither {_SCOPES[0]} nor {_SCOPES[1]}")
        method = environment.optional("STRIPE_CONNECT_METHOD") or "connect"
        if method not in _PAGES:
            environment.note("STRIPE_CONNECT_METHOD is neither connect nor app")
            method = "connect"
        return cls(
            secret_key=environment.required("STRIPE_SECRET_KEY"),
            client_id=environment.optional("STRIPE_CLIENT_ID"),
            api_base=environment.optional_url("STRIPE_API_BASE", "https://api.stripe.com"),
            connect_base=environment.optional_url("STRIPE_CONNECT_BASE", _PAGES[method]),
            scope=scope,
            is_app=method == "app",
        )


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The identity provider's address, and our credentials there."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Settings of the web process. Secrets are left out of its representation."""

    database_url: str = field(repr=False)
    # None: all reads are answered by the primary.
    replica_url: str | None = field(repr=False)
    # Whether the process acts in roles, instead of doing everything as the database's user.
    has_roles: bool
    # Whether the database is reached through a pooler of transactions.
    is_pooled: bool
    redis_url: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    secret_key: str = field(repr=False)
    data_keys: tuple[bytes, ...] = field(repr=False)
    address: PublicAddress
    trusted_proxy_hops: int
    sync_interval_seconds: int
    stripe: StripeSettings
    provider: ProviderSettings | None
    is_sign_up_open: bool
    # None: no e-mail is sent.
    mail_server: MailServer | None
    outbound: Outbound
    # None: nobody may read the metrics.
    metrics_token: str | None = field(repr=False)

    @classmethod
    def from_environ(cls, environment: Environment | None = None) -> Self:
        """Read all settings.

        :raises SystemExit: code 2, if a required variable is missing, blank or unusable; names each, shows no value
        """
        environment = environment or Environment.of_process()
        settings = cls(
            database_url=environment.required_url("DATABASE_URL", DATABASE_SCHEMES),
            replica_url=_replica_url(environment),
            has_roles=roles_from(environment),
            is_pooled=pooled_from(environment),
            redis_url=environment.required_url("REDIS_URL", REDIS_SCHEMES),
            webhook_secrets=environment.required_list("STRIPE_WEBHOOK_SECRETS"),
            secret_key=_random_text(environment, "APP_SECRET_KEY", environment.required("APP_SECRET_KEY")),
            data_keys=data_keys_from(environment, environment.required_list("ENCRYPTION_KEYS")),
            address=_address(environment),
            trusted_proxy_hops=environment.whole_number("TRUSTED_PROXY_HOPS", 0),
            sync_interval_seconds=environment.whole_number(
                "SYNC_INTERVAL_SECONDS", DAY_SECONDS, least=1, most=LONGEST_PERIOD_SECONDS
            ),
            stripe=StripeSettings.from_environ(environment),
            provider=_provider(environment),
            is_sign_up_open=_sign_up(environment) == "open",
            outbound=outbound_from(environment, environment.optional("OUTBOUND_WEBHOOKS")),
            mail_server=mail_server_from(
                environment, environment.optional("SMTP_URL"), environment.optional("MAIL_FROM")
            ),
            metrics_token=_random_text(environment, "METRICS_TOKEN", environment.optional("METRICS_TOKEN")),
        )
        environment.refuse_if_incomplete()
        return settings


def _replica_url(environment: Environment) -> str | None:
    if environment.optional("DATABASE_REPLICA_URL") is None:
        return None
    return environment.required_url("DATABASE_REPLICA_URL", DATABASE_SCHEMES)


def _random_text(environment: Environment, name: str, value: Text) -> Text:
    """Return the value; note one that is set and too short to be random enough."""
    if value and len(value.encode()) < _SHORTEST_SECRET_BYTES:
        how = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        environment.note(f"{name} is shorter than {_SHORTEST_SECRET_BYTES} bytes. Make one: {how}")
    return value


def _address(environment: Environment) -> PublicAddress:
    try:
        return PublicAddress.from_url(environment.optional("PUBLIC_URL") or DEFAULT_ADDRESS)
    except (UnusableAddressError, ValueError) as error:
        environment.note(f"PUBLIC_URL is not usable: {error}")
        return PublicAddress.from_url(DEFAULT_ADDRESS)


def _sign_up(environment: Environment) -> str:
    sign_up = environment.optional("SIGN_UP") or "invited"
    if sign_up not in ("invited", "open"):
        environment.note("SIGN_UP is neither invited nor open")
    return sign_up


def _provider(environment: Environment) -> ProviderSettings | None:
    issuer = environment.optional("OIDC_ISSUER")
    if issuer is None:
        return None
    return ProviderSettings(issuer, environment.required("OIDC_CLIENT_ID"), environment.required("OIDC_CLIENT_SECRET"))
