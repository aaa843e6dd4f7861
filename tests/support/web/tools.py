"""Create a web process's tools and app for tests."""

from collections.abc import Callable
from copy import copy
from functools import cache

from flask import Flask
from redis import Redis
from sqlalchemy import Engine

from app.factory import create_app
from app.http.public_address import PublicAddress
from app.http.rate_limits import RateLimits
from app.wiring.cursors import CursorSigner
from app.wiring.tools import Tools, install_tools
from backlog.queues import open_redis
from events.intake.group_append import GroupAppender
from events.intake.lanes import Appender
from runtime.clock import Clock, utc_now
from runtime.database import open_engine
from stripe_gateway.restricted_keys import RestrictedKeys
from tenants.secrets import SecretBox
from tests.support.company import PASSWORDS
from tests.support.signing import SECRET

SECRET_KEY = "the tests' secret key"
METRICS_TOKEN = "the token of the tests' scraper, of 32 bytes"
SCRAPER = {"Authorization": f"Bearer {METRICS_TOKEN}"}


def tools_on(
    engine: Engine,
    redis: Redis,
    *,
    appender: Appender,
    clock: Clock,
    wake_sync: Callable[[], None] = lambda: None,
    pause: Callable[[float], bool] = lambda _seconds: True,
) -> Tools:
    """Return tools that use this database and this Redis."""
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
        wake_sync=wake_sync,
        wake_fetch=lambda: None,
        wake_notice=lambda: None,
        wake_preview=lambda: None,
        pause=pause,
        metrics_token=METRICS_TOKEN,
    )


def app_with(tools: Tools) -> Flask:
    """Return an app with these tools. All these apps share one set of routes: to add a route, create another app."""
    app = copy(_routes())
    app.extensions = dict(app.extensions)
    install_tools(app, tools)
    return app


@cache
def _routes() -> Flask:
    # Describing the API takes 40 ms, and nothing in it depends on the tools.
    engine = open_engine("postgresql://nobody@nowhere.test/none", name="routes", pool_size=1)
    redis = open_redis("redis://nowhere.test")
    appender = GroupAppender(engine, after_commit=lambda: None)
    app = create_app(tools_on(engine, redis, appender=appender, clock=utc_now))
    app._got_first_request = True  # Flask refuses more routes from now on: every test would see them
    return app
