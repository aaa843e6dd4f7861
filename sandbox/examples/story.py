"""What Stripe tells the product after the first sync: an invoice that is paid, and one that cannot be read."""

import json
import time
from dataclasses import dataclass
from typing import Any

from sandbox.examples.books import Books
from sandbox.examples.demo import ORIGIN, Demo
from sandbox.stripe.account.endpoints import Delivery, Endpoint, signature
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.records import Invoice


@dataclass(frozen=True, slots=True)
class Story:
    """What Stripe tells the product after the first sync."""

    books: Books
    stripe: SimulatedStripe
    endpoint: Endpoint
    invoice: Invoice

    @classmethod
    def begun(cls, demo: Demo, books: Books, stripe: SimulatedStripe, secret: str) -> "Story":
        """Tell of an open invoice, and of one that repeats the id of a line."""
        endpoint = stripe.add_endpoint(f"{ORIGIN}/webhooks/stripe", [secret])
        story = cls(books, stripe, endpoint, books.bill(pays=False))
        told = story.tell(demo)
        _post(demo, endpoint, _unreadable(next(one.body for one in told if one.event_type == "invoice.finalized")))
        demo.work_until(lambda: demo.read("/quarantine")["data"], "nothing was quarantined")
        line = story.line(demo)
        demo.ids.update(line_id=line["invoice_line_item_id"], subscription_id=line["subscription_id"])
        demo.ids["run_id"] = demo.read("/syncs")["data"][-1]["id"]
        return story

    def pay(self, demo: Demo) -> None:
        """Tell that the invoice was paid."""
        self.books.account.live.pay_invoice(self.invoice.id, at=self.invoice.created + 3_600)
        self.tell(demo)
        demo.work_until(lambda: self.line(demo)["invoice_status"] == "paid", "the payment did not reach the table")
        history = demo.read(f"/revenue-lines/{demo.ids['line_id']}/history")["data"]
        demo.ids["position"] = next(step for step in history if step["outcome"] == "modified")["event"]["position"]

    def line(self, demo: Demo) -> Any:  # noqa: ANN401 - JSON
        """Return the invoice's line as the product shows it."""
        return demo.read(f"/revenue-lines?invoice_id={self.invoice.id}")["data"][0]

    def tell(self, demo: Demo) -> list[Delivery]:
        """Send what has happened so far; what was sent before is known by its id."""
        told = list(self.stripe.signed_deliveries(self.endpoint))
        for delivery in told:
            _post(demo, self.endpoint, delivery.body)
        demo.work()
        return told


def _unreadable(body: bytes) -> bytes:
    event = json.loads(body)
    invoice = event["data"]["object"]
    event["id"], invoice["id"] = "evt_1ExampleThatRepeatsALine", "in_1ExampleThatRepeatsALine"
    invoice["lines"]["data"] *= 2
    return json.dumps(event).encode()


def _post(demo: Demo, endpoint: Endpoint, body: bytes) -> None:
    signed = signature(body, endpoint.secrets, at=int(time.time()))
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
    answer = demo.client.post(endpoint.url, data=body, headers=headers)
    if not answer.status.startswith("200"):
        raise RuntimeError(answer.text)
