"""The tools of a web process, as tests have them."""

from collections.abc import Callable

from redis import Redis
from sqlalchemy import Engine

from app.cursors import CursorSigner
from app.public_address import PublicAddress
from app.rate_limits import RateLimits
from app.wiring import Tools
from events.clock import Clock
from events.group_append import GroupAppender
from tenants.secrets import SecretBox
from tests.hands import PASSWORDS, SECRET
from workers.restricted_keys import RestrictedKeys

SECRET_KEY = "the tests' secret key"


def tools_on(
    engine: Engine,
    redis: Redis,
    *,
    appender: GroupAppender,
    clock: Clock,
    ring_for_sync: Callable[[], None] = lambda: None,
    pause: Callable[[float], bool] = lambda _seconds: True,
) -> Tools:
    """Give tools that use this database and this Redis."""
    return Tools(
        engine=engine,
        exports=engine,
        redis=redis,
        appender=appender,
        cursors=CursorSigner(SECRET_KEY),
        webhook_secrets=(SECRET,),
        secret_key=SECRET_KEY,
        address=PublicAddress.from_url("https://localhost"),
        limits=RateLimits(redis),
        passwords=PASSWORDS,
        box=SecretBox([b"k" * 32]),
        restricted_keys=RestrictedKeys("http://127.0.0.1:9"),
        clock=clock,
        ring_for_sync=ring_for_sync,
        pause=pause,
    )
