"""The routes that the web process serves, without a database behind them."""

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from flask import Flask

from app.factory import create_app
from backlog.queues import open_redis
from events.intake.group_append import GroupAppender
from runtime.clock import utc_now
from runtime.database import open_engine
from tests.support.web.tools import tools_on


class Served(NamedTuple):
    """A method of a route, written as the documentation writes it, and the role that it needs."""

    route: str
    role: str | None


@cache
def served() -> frozenset[Served]:
    """Return everything that is served, except static files."""
    return frozenset(
        Served(f"{method} {_with_named_parameters(rule.rule)}", _role_of(app.view_functions[rule.endpoint]))
        for app in [_idle_app()]
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static.serve_asset"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def _idle_app() -> Flask:
    # Nothing is connected before its first use.
    engine = open_engine("postgresql://nobody@nowhere.test/none", name="docs", pool_size=1)
    appender = GroupAppender(engine, after_commit=lambda: None)
    return create_app(tools_on(engine, open_redis("redis://nowhere.test"), appender=appender, clock=utc_now))


def _with_named_parameters(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _role_of(view: Callable[..., Any] | None) -> str | None:
    # `for_role` and `for_member` wrap a view in a function that closes over the role.
    while view is not None:
        role: str | None = inspect.getclosurevars(view).nonlocals.get("needed") if inspect.isfunction(view) else None
        if role is not None:
            return role
        view = getattr(view, "__wrapped__", None)
    return None
