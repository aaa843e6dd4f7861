"""Control a simulated Stripe from another process: JSON under `/_sandbox`, without a key.

| request | effect |
|---|---|
| `GET /accounts` | returns the accounts with their keys, the platform's keys and its Connect client ids |
| `POST /accounts` `{name, account_id?, api_version?, connected?}` | creates an account |
| `POST /generate` `{account, invoices, seed?, months?, livemode?, bulk?, lines_per_invoice?}` | generates invoices |
| `POST /do` `{account, livemode?, action, …}` | calls one method of the ledger, with its arguments |
| `POST /endpoints` `{url, secrets, livemode?, account_id?, api_version?, types?}` | adds a webhook endpoint |
| `GET /deliveries` · `POST /deliveries` `{event?}` | returns all attempts · resends all events, or one |
| `POST /connect` · `POST /disconnect` `{account, livemode?}` | connects or disconnects an account |
| `GET /faults` · `POST /faults` `{kind, …}` or a list · `DELETE /faults` | returns strikes · adds · deletes |
| `GET /requests?account=…` · `DELETE /requests` | returns · resets the number of requests per operation |
| `GET /truth?account=…&livemode=true` | returns the rows that the account's revenue table must have |
| `GET /recognized?account=…&livemode=true` | returns `[currency, month, amount]` of what it must recognize, in UTC |

An invalid request is answered with 400 and `{"mistake": …}`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.invoicing import TransitionRefusedError
from sandbox.stripe.account.moves import make_move
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.account.recognized import recognized_by_month
from sandbox.stripe.account.truth import revenue_table
from sandbox.stripe.delivery.dispatch import Dispatcher
from sandbox.stripe.faults.faults import Fault, FaultPlan
from sandbox.stripe.generate.bulk import generate_bulk
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.http.messages import Answer, Request, json_answer

Json = dict[str, Any]
_MISTAKES = (ValueError, TypeError, KeyError, AttributeError, TransitionRefusedError)


class Counts(Protocol):
    """A log of requests."""

    def counts(self, account_id: str | None = None) -> dict[str, int]:
        """Return the number of requests per operation."""
        ...

    def clear(self) -> None:
        """Delete all requests from the log."""
        ...


class Control:
    """The handler of requests under `/_sandbox`."""

    def __init__(self, stripe: SimulatedStripe, faults: FaultPlan, dispatcher: Dispatcher) -> None:
        self._stripe = stripe
        self._faults = faults
        self._dispatcher = dispatcher

    def answer(self, request: Request, log: Counts) -> Answer:
        """Answer a request."""
        name = request.path.removeprefix("/_sandbox/")
        handlers: dict[tuple[str, str], Callable[[Any], object]] = {
            ("GET", "accounts"): lambda _: self._accounts(),
            ("POST", "accounts"): self._open_account,
            ("POST", "generate"): self._generate,
            ("POST", "do"): self._do,
            ("POST", "endpoints"): lambda payload: {"id": self._stripe.add_endpoint(**payload).id},
            ("GET", "deliveries"): lambda _: [asdict(attempt) for attempt in self._dispatcher.attempts],
            ("POST", "deliveries"): self._resend,
            ("POST", "connect"): lambda payload: self._stripe.connect(
                payload["account"], livemode=payload.get("livemode", True)
            ),
            ("POST", "disconnect"): lambda payload: self._stripe.disconnect(
                payload["account"], livemode=payload.get("livemode", True)
            ),
            ("GET", "faults"): lambda _: self._faults.struck,
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): lambda _: self._faults.clear(),
            ("GET", "requests"): lambda payload: log.counts(payload.get("account")),
            ("DELETE", "requests"): lambda _: log.clear(),
            ("GET", "truth"): self._truth,
            ("GET", "recognized"): self._recognized,
        }
        handler = handlers.get((request.method, name))
        if handler is None:
            return json_answer({"mistake": f"no {request.method} {request.path}"}, 404)
        try:
            payload = json.loads(request.body) if request.body else dict(request.query)
            return json_answer({"answer": handler(payload)})
        except _MISTAKES as mistake:
            return json_answer({"mistake": f"{type(mistake).__name__}: {mistake}"}, 400)

    def _accounts(self) -> Json:
        stripe = self._stripe
        return {
            "accounts": [self._described(account) for account in stripe.accounts.values()],
            "client_ids": {"live": stripe.client_id(livemode=True), "test": stripe.client_id(livemode=False)},
        }

    def _described(self, account: Account) -> Json:
        live, test = account.secret_key(livemode=True), account.secret_key(livemode=False)
        platform = account is self._stripe.platform
        return {"id": account.id, "name": account.name, "platform": platform, "keys": {"live": live, "test": test}}

    def _open_account(self, payload: Json) -> Json:
        return self._described(self._stripe.create_account(**payload))

    def _generate(self, payload: Json) -> Json:
        account = self._stripe.accounts[payload.pop("account")]
        fill = generate_bulk if payload.pop("bulk", False) else generate
        fill(account, **payload)
        return {"invoices": len(account.ledger(livemode=payload.get("livemode", True)).invoices)}

    def _do(self, payload: Json) -> Json:
        account = self._stripe.accounts[payload.pop("account")]
        return {"id": make_move(account.ledger(livemode=payload.pop("livemode", True)), **payload)}

    def _resend(self, payload: Json) -> Json:
        queued = 0
        for endpoint in self._stripe.endpoints:
            for told in self._stripe.outbox[endpoint.id]:
                if payload.get("event") in {None, told.event.id}:
                    self._dispatcher.resend(told, endpoint)
                    queued += 1
        return {"queued": queued}

    def _set_faults(self, payload: Json | list[Json]) -> Json:
        faults = [Fault.from_json(fields) for fields in (payload if isinstance(payload, list) else [payload])]
        for fault in faults:
            self._faults.add(fault)
        return {"set": len(faults)}

    def _truth(self, payload: Json) -> list[Json]:
        return revenue_table(self._stripe.accounts[payload["account"]], livemode=payload.get("livemode") != "false")

    def _recognized(self, payload: Json) -> list[tuple[str, str, int]]:
        account, livemode = self._stripe.accounts[payload["account"]], payload.get("livemode") != "false"
        return [(*key, amount) for key, amount in recognized_by_month(account, livemode=livemode).items()]
