"""Run what computes for long in a native thread, so that the requests beside it go on."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gevent
from gevent.threadpool import ThreadPool

Given = ParamSpec("Given")
Result = TypeVar("Result")

# Each password takes 19 MB while it is hashed.
_AT_ONCE = 2


def in_native_thread(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Give what the function gives. At most two run at once in a process; the others wait their turn."""
    hub = gevent.get_hub()
    pool = getattr(hub, "revmap_pool", None)
    if pool is None:
        pool = hub.revmap_pool = ThreadPool(_AT_ONCE, hub=hub)
    result: Result = pool.apply(function, args, kwargs)
    return result
