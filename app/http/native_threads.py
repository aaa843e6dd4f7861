"""Run long computations in native threads, so that other requests are not blocked."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gevent
from gevent.threadpool import ThreadPool

Given = ParamSpec("Given")
Result = TypeVar("Result")

# Hashing one password takes 19 MB.
_AT_ONCE = 2


def in_native_thread(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Run a function in a native thread and return its result. At most two run at once per process; others wait."""
    hub = gevent.get_hub()
    pool = getattr(hub, "revmap_pool", None)
    if pool is None:
        pool = hub.revmap_pool = ThreadPool(_AT_ONCE, hub=hub)
    result: Result = pool.apply(function, args, kwargs)
    return result
