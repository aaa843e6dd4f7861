"""Control of a simulated Stripe from another process: JSON under `/_sandbox`, no key.

| request | does |
|---|---|
| `GET /accounts` | the accounts with their keys, the platform's keys and its Connect client ids |
| `POST /accounts` `{name, account_id?, api_version?, connected?}` | opens an account |
| `POST /generate` `{account, invoices, seed?, months?, livemode?, bulk?, lines_per_invoice?}` | fills it |
| `POST /do` `{account, livemode?, action, …}` | makes one move: a method of the ledger, with its arguments |
| `POST /endpoints` `{url, secrets, livemode?, account_id?, api_version?, types?}` | registers a webhook endpoint |
| `GET /deliveries` · `POST /deliveries` `{event?}` | every attempt · sends everything, or one event, once more |
| `POST /connect` · `POST /disconnect` `{account, livemode?}` | the account's owner agrees, or takes it back |
| `GET /faults` · `POST /faults` `{kind, …}` or a list · `DELETE /faults` | what struck · sets faults · forgets them |
| `GET /requests?account=…` · `DELETE /requests` | how often each operation was asked for · forgets it |
| `GET /truth?account=…&livemode=true` | the rows that the account's revenue table must have |

A mistake is answered with 400 and `{"mistake": …}`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.invoicing import TransitionRefusedError
from sandbox.stripe.account.moves import make_move
from sandbox.stripe.account.platform import SimulatedStripe
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
        """Give how often each operation was asked for."""
        ...

    def clear(self) -> None:
        """Forget all of them."""
        ...


class Control:
    """Answers requests under `/_sandbox`."""

    def __init__(self, stripe: SimulatedStripe, faults: FaultPlan, dispatcher: Dispatcher) -> None:
        self._stripe = stripe
        self._faults = faults
        self._dispatcher = dispatcher

    def answer(self, request: Request, log: Counts) -> Answer:
        """Answer one request."""
        name = request.path.removeprefix("/_sandbox/")
        doors: dict[tuple[str, str], Callable[[Any], object]] = {
            ("GET", "accounts"): lambda _: self._accounts(),
            ("POST", "accounts"): self._open_account,
            ("POST", "generate"): self._generate,
            ("POST", "do"): self._do,
            ("POST", "endpoints"): lambda asked: {"id": self._stripe.add_endpoint(**asked).id},
            ("GET", "deliveries"): lambda _: [asdict(attempt) for attempt in self._dispatcher.attempts],
            ("POST", "deliveries"): self._resend,
            ("POST", "connect"): lambda asked: self._stripe.connect(
                asked["account"], livemode=asked.get("livemode", True)
            ),
            ("POST", "disconnect"): lambda asked: self._stripe.disconnect(
                asked["account"], livemode=asked.get("livemode", True)
            ),
            ("GET", "faults"): lambda _: self._faults.struck,
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): lambda _: self._faults.clear(),
            ("GET", "requests"): lambda asked: log.counts(asked.get("account")),
            ("DELETE", "requests"): lambda _: log.clear(),
            ("GET", "truth"): self._truth,
        }
        door = doors.get((request.method, name))
        if door is None:
            return json_answer({"mistake": f"no {request.method} {request.path}"}, 404)
        try:
            asked = json.loads(request.body) if request.body else dict(request.query)
            return json_answer({"answer": door(asked)})
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

    def _open_account(self, asked: Json) -> Json:
        return self._described(self._stripe.create_account(**asked))

    def _generate(self, asked: Json) -> Json:
        account = self._stripe.accounts[asked.pop("account")]
        make = generate_bulk if asked.pop("bulk", False) else generate
        make(account, **asked)
        return {"invoices": len(account.ledger(livemode=asked.get("livemode", True)).invoices)}

    def _do(self, asked: Json) -> Json:
        account = self._stripe.accounts[asked.pop("account")]
        return {"id": make_move(account.ledger(livemode=asked.pop("livemode", True)), **asked)}

    def _resend(self, asked: Json) -> Json:
        queued = 0
        for endpoint in self._stripe.endpoints:
            for told in self._stripe.outbox[endpoint.id]:
                if asked.get("event") in {None, told.event.id}:
                    self._dispatcher.resend(told, endpoint)
                    queued += 1
        return {"queued": queued}

    def _set_faults(self, asked: Json | list[Json]) -> Json:
        faults = [Fault.from_json(described) for described in (asked if isinstance(asked, list) else [asked])]
        for fault in faults:
            self._faults.add(fault)
        return {"set": len(faults)}

    def _truth(self, asked: Json) -> list[Json]:
        return revenue_table(self._stripe.accounts[asked["account"]], livemode=asked.get("livemode") != "false")
