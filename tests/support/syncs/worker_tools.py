"""The workers' tools on a simulated Stripe."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from redis import Redis
from sqlalchemy import Engine

from runtime.clock import Clock
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway
from stripe_gateway.rate_limit import RateLimit
from tenants.secrets import SecretBox
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.runs import reset_rate_limits
from workers.wiring.tools import Tools


def no_pause(_seconds: float) -> None:
    """Return at once: tests do not wait where production does."""


def worker_tools(
    engine: Engine, redis: Redis, server: StripeServer, clock: Clock, executor: ThreadPoolExecutor
) -> Tools:
    """Return tools that read live accounts with the platform's key, and never wait."""
    return Tools(
        engine=engine,
        redis=redis,
        stripe=StripeGateway(
            PlatformKeyring(server.stripe.platform_key(livemode=True)),
            api_base=server.url,
            rate_limit=RateLimit(redis, pause=lambda _seconds: reset_rate_limits(redis)),
            pause=no_pause,
        ),
        clock=clock,
        executor=executor,
        box=SecretBox([b"k" * 32]),
        sync_period_seconds=86_400,
        stopping=Event(),
        pause=no_pause,
    )
