"""The tools that jobs work with, created once per process from its environment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Event

from redis import Redis
from sqlalchemy import Engine

from backlog.queues import open_redis
from runtime.clock import Clock, utc_now
from runtime.database import acting_as, open_engine
from runtime.roles import WORKER
from stripe_gateway.client import CONNECTIONS, Gateway, StripeGateway
from stripe_gateway.credentials import CredentialStore
from stripe_gateway.keyring import CompanyKeyring
from stripe_gateway.rate_limit import RateLimit
from stripe_gateway.stripe_app import StripeApp
from tenants.secrets import SecretBox
from workers.wiring.settings import DEFAULT_PUBLIC_URL, WorkerSettings

_POOL_SIZE = 2

# One per process, set by its signal handlers.
stopping = Event()


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job works with."""

    engine: Engine
    redis: Redis
    stripe: Gateway
    clock: Clock
    # Threads for concurrent requests to Stripe.
    executor: ThreadPoolExecutor
    sync_period_seconds: int
    # Set when the process should stop: current work ends at the next page.
    stopping: Event
    pause: Callable[[float], object]
    box: SecretBox
    # Whether e-mails are sent.
    sends_mail: bool = False
    # Where people reach revmap, for links.
    public_url: str = DEFAULT_PUBLIC_URL


@cache
def current_tools() -> Tools:
    """Return this process's tools. Nothing connects before its first use."""
    settings = WorkerSettings.from_environ()
    redis = open_redis(settings.redis_url)
    return Tools(
        engine=open_worker_engine(settings, "worker", pool_size=_POOL_SIZE),
        redis=redis,
        stripe=StripeGateway(
            keyring_of(settings),
            api_base=settings.stripe_api_base,
            rate_limit=RateLimit(redis, pause=stopping.wait),
            pause=stopping.wait,
        ),
        clock=utc_now,
        executor=ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="stripe"),
        sync_period_seconds=settings.sync_period_seconds,
        stopping=stopping,
        pause=stopping.wait,
        sends_mail=settings.mail_server is not None,
        box=SecretBox(settings.data_keys),
        public_url=settings.public_url,
    )


def open_worker_engine(settings: WorkerSettings, name: str, *, pool_size: int, is_checked: bool = False) -> Engine:
    """Open the database in the workers' role."""
    engine = open_engine(
        settings.database_url, name=name, pool_size=pool_size, is_pooled=settings.is_pooled, is_checked=is_checked
    )
    return acting_as(engine, WORKER, has_roles=settings.has_roles)


def keyring_of(settings: WorkerSettings) -> CompanyKeyring:
    """Return what knows the keys of accounts.

    It has its own connections: many threads look up keys while one thread uses the others. They are seldom used, and
    one that has died meanwhile would cost the job its turn, and what it has claimed a minute or half of one.
    """
    engine = open_worker_engine(settings, "keys", pool_size=_POOL_SIZE, is_checked=True)
    app = None
    if settings.app_client_id is not None:
        bases = (settings.stripe_api_base, settings.stripe_api_base)
        app = StripeApp(settings.stripe_secret_key, client_id=settings.app_client_id, bases=bases)
    store = CredentialStore(engine, SecretBox(settings.data_keys), platform_key=settings.stripe_secret_key, app=app)
    return CompanyKeyring(engine, store, clock=utc_now)
