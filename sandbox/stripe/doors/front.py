"""The front of the simulated Stripe: logs each request, lets faults strike, and hands it to who answers."""

from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.doors.api import Api
from sandbox.stripe.doors.apps import Apps
from sandbox.stripe.doors.connect import Connect
from sandbox.stripe.doors.control import Control
from sandbox.stripe.faults.damage import answer_under, request_under
from sandbox.stripe.faults.faults import FaultPlan
from sandbox.stripe.http.errors import ApiError
from sandbox.stripe.http.messages import Answer, Request
from sandbox.stripe.records.ids import token


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that was answered. `account_id` is its `Stripe-Account` header."""

    operation: str
    target: str
    account_id: str | None
    status: int


class RequestLog:
    """Every request to the API and to Connect, in order. Control requests are not among them."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def counts(self, account_id: str | None = None) -> dict[str, int]:
        """Give how often each operation was asked for, such as `GET /v1/invoices/:id/lines`, by all or one account."""
        return dict(Counter(seen.operation for seen in self.seen if account_id in {None, seen.account_id}))

    def clear(self) -> None:
        """Forget all of them."""
        self.seen.clear()


class Front:
    """Answers any request, in one thread at a time: the order of requests is the order of the log."""

    def __init__(
        self,
        stripe: SimulatedStripe,
        *,
        api: Api,
        connect: Connect,
        apps: Apps,
        control: Control,
        faults: FaultPlan,
    ) -> None:
        self._stripe = stripe
        self._api = api
        self._connect = connect
        self._apps = apps
        self._control = control
        self._faults = faults
        self._answered = 0
        self.log = RequestLog()

    def answer(self, request: Request) -> Answer:
        """Answer a request, damaged or not."""
        with self._stripe.lock:
            if request.path.startswith("/_sandbox"):
                return self._control.answer(request, self.log)
            answer = self._struck(request)
            self._answered += 1
            answer.headers.setdefault("Request-Id", f"req_{token(self._stripe.seed, self._answered, length=14)}")
            answer.headers["Date"] = formatdate(self._stripe.clock(), usegmt=True)
            self._remember(request, answer.status)
            return answer

    def _struck(self, request: Request) -> Answer:
        fault = self._faults.strike(request)
        if fault is None:
            return self._undamaged(request)
        try:
            sound = self._undamaged(request_under(fault, request))
        except ApiError as refused:
            return refused.answer()
        return answer_under(fault, sound, request, self._stripe)

    def _undamaged(self, request: Request) -> Answer:
        try:
            if self._apps.concerns(request.path):
                return self._apps.answer(request)
            if request.path.startswith("/oauth/"):
                return self._connect.answer(request)
            return self._api.answer(request)
        except ApiError as refused:
            return refused.answer()

    def _remember(self, request: Request, status: int) -> None:
        target = request.path + "?" * bool(request.query) + "&".join(f"{name}={value}" for name, value in request.query)
        account_id = request.headers.get("stripe-account")
        self.log.seen.append(Seen(request.operation, target, account_id, status))
