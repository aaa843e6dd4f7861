"""A way to Stripe on which something happens: between an answer and whoever waits for it."""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from events.connection.accounts import Account
from stripe_gateway.client import Answer, Gateway, Tally
from workers.wiring.tools import Tools


class MeddlingGateway:
    """Asks another gateway; calls `meddle` with the number of the request (from 1) and its path before it answers."""

    def __init__(self, inner: Gateway, meddle: Callable[[int, str], object]) -> None:
        self._inner = inner
        self._meddle = meddle
        self._lock = Lock()
        self._asked = 0

    def ask(self, account: Account, endpoint: str, path: str, tally: Tally, **parameters: object) -> Answer:
        answer = self._inner.ask(account, endpoint, path, tally, **parameters)
        with self._lock:
            self._asked += 1
            number = self._asked
        self._meddle(number, path)
        return answer


def meddled(tools: Tools, meddle: Callable[[int, str], object]) -> Tools:
    """Give tools whose way to Stripe is meddled with."""
    return replace(tools, stripe=MeddlingGateway(tools.stripe, meddle))


def once_at(wanted: int, act: Callable[[], object]) -> Callable[[int, str], None]:
    """Do something at one request."""

    def meddle(number: int, _path: str) -> None:
        if number == wanted:
            act()

    return meddle
