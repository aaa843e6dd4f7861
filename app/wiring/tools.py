"""The tools that views use, made once per process from its settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app
from redis import Redis
from sqlalchemy import Engine

from app.http.public_address import PublicAddress
from app.http.rate_limits import RateLimits
from app.http.stopping import stopping
from app.wiring.cursors import CursorSigner
from app.wiring.identity_provider import IdentityProvider
from app.wiring.mail import QueueMail, SealedMail
from app.wiring.settings import WebSettings
from backlog.jobs import FETCH, NOTICE, PREVIEW, SYNC
from backlog.queues import Waker, open_redis
from events.intake.lanes import Appender, AppendLanes
from notices.outbound import Outbound
from runtime.clock import Clock, utc_now
from runtime.database import acting_as, open_engine
from runtime.patience import answers_within
from runtime.replica import Replica, read_beside
from runtime.replica_use import ReplicaUse
from runtime.roles import APP, INTAKE
from stripe_gateway.connect import Connector, StripeConnect
from stripe_gateway.restricted_keys import RestrictedKeys
from stripe_gateway.stripe_app import StripeApp
from tenants.people.passwords import Passwords
from tenants.secrets import SecretBox

_READ_POOL_SIZE = 8
# An export lasts as long as its client takes to read it: slow ones must not use up the connections of pages.
_EXPORT_POOL_SIZE = 4
# Intake has its own connections, one per lane, so that slow readers never delay a webhook.
_INTAKE_POOL_SIZE = 2
_INTAKE_STATEMENT_MS = 1_500
# Longer than an append takes. Whoever's log stays locked tries again where nobody else has to wait.
_INTAKE_LOCK_MS = 50
_READ_STATEMENT_MS = 15_000
# Longer than a statement, which the server ends itself as long as it is there.
_UNANSWERED_SECONDS = 18.0
_KEY = "revmap"


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that a view works with."""

    engine: Engine
    exports: Engine
    redis: Redis
    appender: Appender
    cursors: CursorSigner
    webhook_secrets: tuple[str, ...]
    secret_key: str
    address: PublicAddress
    limits: RateLimits
    passwords: Passwords
    box: SecretBox
    clock: Clock
    # Wakes the sync workers; returns at once, whatever Redis does.
    wake_sync: Callable[[], None]
    # The same for the workers that fetch single objects.
    wake_fetch: Callable[[], None]
    # The same for the workers that send e-mails and webhooks.
    wake_notice: Callable[[], None]
    # The same for the workers that evaluate and publish rules.
    wake_preview: Callable[[], None]
    # Waits that many seconds while other requests run; returns whether the process is to stop.
    pause: Callable[[float], bool]
    restricted_keys: RestrictedKeys
    connect: Connector | None = None  # None: no client id is set
    identity_provider: IdentityProvider | None = None
    # The other origins that our forms may redirect to.
    leads_to: tuple[str, ...] = ()
    sync_interval_seconds: int = 86_400
    queue_mail: QueueMail | None = None  # None: no mail is configured, and links are shown to copy
    is_sign_up_open: bool = False
    # Where webhooks may be sent.
    outbound: Outbound = "public"
    # What a scraper of the metrics sends; None: only the machine itself reads them.
    metrics_token: str | None = None
    # How many groups of lines wait to be mapped, by epoch, company, build, position and mode.
    counted_to_map: dict[tuple[str, int, int, int, bool], str] = field(default_factory=dict)


def tools_from(settings: WebSettings, *, clock: Clock = utc_now) -> Tools:
    """Create the tools. Nothing connects before its first use, so that they may be created before a fork."""
    redis, box = open_redis(settings.redis_url), SecretBox(settings.data_keys)
    use = ReplicaUse(clock)
    intake = open_engine(
        settings.database_url,
        name="intake",
        pool_size=_INTAKE_POOL_SIZE,
        statement_timeout_ms=_INTAKE_STATEMENT_MS,
        lock_timeout_ms=_INTAKE_LOCK_MS,
        autocommit=True,
        is_pooled=settings.is_pooled,
    )
    return Tools(
        engine=_reader(settings, use, "web", pool_size=_READ_POOL_SIZE, unanswered_seconds=_UNANSWERED_SECONDS),
        exports=_reader(settings, use, "exports", pool_size=_EXPORT_POOL_SIZE),
        redis=redis,
        appender=AppendLanes(acting_as(intake, INTAKE, has_roles=settings.has_roles), after_commit=Waker(redis).ask),
        cursors=CursorSigner(settings.secret_key),
        webhook_secrets=settings.webhook_secrets,
        secret_key=settings.secret_key,
        address=settings.address,
        limits=RateLimits(redis),
        passwords=Passwords(),
        box=box,
        restricted_keys=RestrictedKeys(settings.stripe.api_base),
        clock=clock,
        wake_sync=Waker(redis, SYNC).ask,
        wake_fetch=Waker(redis, FETCH).ask,
        wake_notice=Waker(redis, NOTICE).ask,
        wake_preview=Waker(redis, PREVIEW).ask,
        pause=stopping.wait,
        connect=_connect(settings),
        identity_provider=_identity_provider(settings),
        leads_to=(settings.stripe.connect_base,),
        sync_interval_seconds=settings.sync_interval_seconds,
        queue_mail=SealedMail(box, clock) if settings.mail_server else None,
        is_sign_up_open=settings.is_sign_up_open,
        outbound=settings.outbound,
        metrics_token=settings.metrics_token,
    )


def _reader(
    settings: WebSettings, use: ReplicaUse, name: str, *, pool_size: int, unanswered_seconds: float | None = None
) -> Engine:
    def opened(url: str, name: str) -> Engine:
        engine = open_engine(
            url, name=name, pool_size=pool_size, statement_timeout_ms=_READ_STATEMENT_MS, is_pooled=settings.is_pooled
        )
        bounded = answers_within(engine, unanswered_seconds) if unanswered_seconds else engine
        return acting_as(bounded, APP, has_roles=settings.has_roles)

    engine = opened(settings.database_url, name)
    if settings.replica_url is None:
        return engine
    return read_beside(engine, Replica(opened(settings.replica_url, f"{name}-replica"), use))


def _identity_provider(settings: WebSettings) -> IdentityProvider | None:
    if settings.provider is None:
        return None
    # A tenth of what the process takes to start, and few deployments have a provider.
    from app.wiring.openid_connect import OpenIdProvider  # noqa: PLC0415

    return OpenIdProvider(settings.provider, redirect_uri=settings.address.origin + "/sign-in/provider/callback")


def _connect(settings: WebSettings) -> Connector | None:
    stripe = settings.stripe
    if stripe.client_id is None:
        return None
    if stripe.is_app:
        bases = (stripe.api_base, stripe.connect_base)
        return StripeApp(stripe.secret_key, client_id=stripe.client_id, bases=bases)
    bases = (stripe.api_base, stripe.connect_base)
    return StripeConnect(stripe.secret_key, client_id=stripe.client_id, bases=bases, scope=stripe.scope)


def install_tools(app: Flask, tools: Tools) -> None:
    """Store the tools on the app, where `current_tools` finds them."""
    app.extensions[_KEY] = tools


def tools_of(app: Flask) -> Tools:
    """Return the tools of an app."""
    return cast(Tools, app.extensions[_KEY])


def current_tools() -> Tools:
    """Return the tools of the app that answers this request."""
    return tools_of(current_app)
