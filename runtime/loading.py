"""Load many modules, for as long as the process runs or for one call."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage while modules are loaded, a sixth of the time, nor look for any among them later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def call_in_fork(function: Callable[[], object]) -> None:
    """Call a function in a fork of this process, which has a single thread; what the call loads is gone with the fork.

    :raises SystemExit: with the code with which the function exited or failed
    """
    child = get_context("fork").Process(target=function)
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(child.exitcode)
