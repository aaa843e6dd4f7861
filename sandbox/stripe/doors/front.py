"""The entry point of the simulated Stripe: log each request, apply faults, and pass it to its handler."""

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
    """An answered request. `account_id` is its `Stripe-Account` header."""

    operation: str
    target: str
    account_id: str | None
    status: int


class RequestLog:
    """All requests to the API and to Connect, in order, without control requests."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def counts(self, account_id: str | None = None) -> dict[str, int]:
        """Return the number of requests per operation, like `GET /v1/invoices/:id/lines`, of all accounts or one."""
        return dict(Counter(seen.operation for seen in self.seen if account_id in {None, seen.account_id}))

    def clear(self) -> None:
        """Delete all requests from the log."""
        self.seen.clear()


class Front:
    """The handler of all requests, one at a time, so that the log is in the order of the requests."""

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
        """Answer a request, with a fault if one strikes it."""
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
