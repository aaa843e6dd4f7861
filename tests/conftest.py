"""How the tests are collected and told of; what they are given is in `tests.support.fixtures`.

This module loads nothing of the product: what it sets holds for whatever is loaded afterwards.
"""

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.chromium import MISSING

pytest_plugins = ["tests.support.fixtures", "tests.support.promises"]

_TESTS = Path(__file__).parent

if sys.dont_write_bytecode:
    # Without bytecode, this process and the dozens that tests start compile all modules: six seconds, and 0.2 each.
    # It is kept where pytest keeps its own things, and not beside the sources.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(_TESTS.parent / ".pytest_cache/bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Hardly anything that is loaded goes away again. Looking for what does would take a sixth of the time until then.
gc.set_threshold(100_000, 20, 50)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin two workers' shares with the slow tests, and keep those of a deployment together.

    Nobody waits for them at the end then: a worker that is done takes from the end of another one's share.
    """
    browser, whole, others = (list[pytest.Item]() for _ in range(3))
    for item in items:
        folder = item.nodeid.split("/")[1]  # relative_to() of each path would take half a second
        {"browser": browser, "whole": whole}.get(folder, others).append(item)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = len(items) // workers if workers > 1 else 0
    rest = [*browser, *others]
    items[:] = [*rest[:share], *whole, *rest[share:]]


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what lives as long as the process."""
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Report at the very end which tests were skipped for lack of a browser, and how to install one."""
    yield
    skipped = [one for one in terminalreporter.getreports("skipped") if MISSING in one.longreprtext]
    if skipped:
        terminalreporter.section("browser tests were skipped", yellow=True)
        terminalreporter.line(f"{len(skipped)} tests need a browser: {MISSING}", yellow=True)
