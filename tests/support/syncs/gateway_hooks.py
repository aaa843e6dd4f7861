"""Run code between an answer of Stripe and the caller that waits for it."""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from events.connection.accounts import Account
from stripe_gateway.client import Answer, Gateway, Tally
from workers.wiring.tools import Tools


class HookedGateway:
    """A gateway that asks another, and calls `hook` with the request's number (from 1) and path before it answers."""

    def __init__(self, inner: Gateway, hook: Callable[[int, str], object]) -> None:
        self._inner = inner
        self._hook = hook
        self._lock = Lock()
        self._count = 0

    def ask(self, account: Account, endpoint: str, path: str, tally: Tally, **parameters: object) -> Answer:
        answer = self._inner.ask(account, endpoint, path, tally, **parameters)
        with self._lock:
            self._count += 1
            number = self._count
        self._hook(number, path)
        return answer


def with_hook(tools: Tools, hook: Callable[[int, str], object]) -> Tools:
    """Return tools whose gateway to Stripe calls the hook."""
    return replace(tools, stripe=HookedGateway(tools.stripe, hook))


def on_request(chosen: int, act: Callable[[], object]) -> Callable[[int, str], None]:
    """Return a hook that acts at the request with this number only."""

    def hook(number: int, _path: str) -> None:
        if number == chosen:
            act()

    return hook
