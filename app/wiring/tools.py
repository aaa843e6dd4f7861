"""The tools that views are handed: made once a process, from its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app
from redis import Redis
from sqlalchemy import Engine

from app.http.public_address import PublicAddress
from app.http.rate_limits import RateLimits
from app.http.stopping import stopping
from app.wiring.cursors import CursorSigner
from app.wiring.identity_provider import IdentityProvider
from app.wiring.settings import WebSettings
from backlog.queues import SYNC, Waker, open_redis
from events.intake.lanes import Appender, AppendLanes
from runtime.clock import Clock, utc_now
from runtime.database import open_engine, walled
from stripe_gateway.connect import Connector, StripeConnect
from stripe_gateway.restricted_keys import RestrictedKeys
from stripe_gateway.stripe_app import StripeApp
from tenants.passwords import Passwords
from tenants.secrets import SecretBox

_READ_POOL_SIZE = 8
# An export lasts as long as its reader takes: the slow ones must not use up what pages are read with.
_EXPORT_POOL_SIZE = 4
# Intake has connections of its own, one for each lane: slow readers never stand in a webhook's way.
_INTAKE_POOL_SIZE = 2
_INTAKE_STATEMENT_MS = 1_500
_INTAKE_LOCK_MS = 250
_READ_STATEMENT_MS = 15_000
_KEY = "revmap"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a view works with."""

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
    # Wakes who works on syncs; returns at once, whatever Redis does.
    wake_sync: Callable[[], None]
    # Waits so many seconds, and lets others have their turn; tells whether the process is to stop.
    pause: Callable[[float], bool]
    restricted_keys: RestrictedKeys
    connect: Connector | None = None  # None: no client id is set
    identity_provider: IdentityProvider | None = None
    # Where our pages may lead people besides ourselves.
    leads_to: tuple[str, ...] = ()
    sync_interval_seconds: int = 86_400


def tools_from(settings: WebSettings, *, clock: Clock = utc_now) -> Tools:
    """Make the tools. Nothing is connected before its first use, so that they may be made before a fork."""
    redis = open_redis(settings.redis_url)
    intake = open_engine(
        settings.database_url,
        name="intake",
        pool_size=_INTAKE_POOL_SIZE,
        statement_timeout_ms=_INTAKE_STATEMENT_MS,
        lock_timeout_ms=_INTAKE_LOCK_MS,
        autocommit=True,
    )
    return Tools(
        engine=_reader(settings, "web", pool_size=_READ_POOL_SIZE),
        exports=_reader(settings, "exports", pool_size=_EXPORT_POOL_SIZE),
        redis=redis,
        appender=AppendLanes(intake, after_commit=Waker(redis).ask),
        cursors=CursorSigner(settings.secret_key),
        webhook_secrets=settings.webhook_secrets,
        secret_key=settings.secret_key,
        address=settings.address,
        limits=RateLimits(redis),
        passwords=Passwords(),
        box=SecretBox(settings.data_keys),
        restricted_keys=RestrictedKeys(settings.stripe.api_base),
        clock=clock,
        wake_sync=Waker(redis, SYNC).ask,
        pause=stopping.wait,
        connect=_connect(settings),
        identity_provider=_identity_provider(settings),
        leads_to=(settings.stripe.connect_base,),
        sync_interval_seconds=settings.sync_interval_seconds,
    )


def _reader(settings: WebSettings, name: str, *, pool_size: int) -> Engine:
    url = settings.database_url
    return walled(open_engine(url, name=name, pool_size=pool_size, statement_timeout_ms=_READ_STATEMENT_MS))


def _identity_provider(settings: WebSettings) -> IdentityProvider | None:
    if settings.provider is None:
        return None
    return IdentityProvider(settings.provider, redirect_uri=settings.address.origin + "/sign-in/provider/callback")


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
    """Put the tools where the views find them."""
    app.extensions[_KEY] = tools


def current_tools() -> Tools:
    """Give the tools of the app that answers this request."""
    return cast(Tools, current_app.extensions[_KEY])
