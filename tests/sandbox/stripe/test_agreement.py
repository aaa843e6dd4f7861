"""The truth can be known: a simple reader that only uses the API finds all its rows, in every shape."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
import requests

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.account.truth import revenue_table
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer

Json = dict[str, Any]
CADENCES = {("month", 1): "monthly", ("month", 3): "quarterly", ("month", 6): "semi_annual", ("month", 12): "annual"}
CADENCES |= {("year", 1): "annual"}
EXPONENTS = {"jpy": 0, "kwd": 3}


class Reader:
    """A reader of one account over HTTP in one API version."""

    def __init__(self, server: StripeServer, http: requests.Session, account: Account) -> None:
        self.base = f"{server.url}/v1"
        self.http = http
        key = server.stripe.platform_key(livemode=True)
        self.headers = {"Authorization": f"Bearer {key}", "Stripe-Account": account.id}

    def all(self, path: str) -> Iterator[Json]:
        found: Json = {"has_more": True, "data": []}
        after: dict[str, str] = {}
        while found["has_more"]:
            found = self.http.get(f"{self.base}/{path}", params={"limit": "100", **after}, headers=self.headers).json()
            yield from found["data"]
            if found["data"]:
                after = {"starting_after": found["data"][-1]["id"]}

    def rows(self) -> list[Json]:
        prices = {price["id"]: price for price in self.all("prices")}
        products = {product["id"]: product["name"] for product in self.all("products")}
        names = {customer["id"]: customer["name"] for customer in self.all("customers")}
        notes = [
            note | {"lines": {"data": list(self.all(f"credit_notes/{note['id']}/lines"))}}
            for note in self.all("credit_notes")
        ]
        rows = []
        for invoice in self.all("invoices"):
            if invoice["status"] == "draft":
                continue
            complete = not invoice["lines"]["has_more"]
            lines = invoice["lines"]["data"] if complete else list(self.all(f"invoices/{invoice['id']}/lines"))
            credited = credited_on(lines, [note for note in notes if note["invoice"] == invoice["id"]])
            # A deleted customer is not listed: only the invoice still has its name.
            name = names.get(invoice["customer"], invoice["customer_name"])
            rows += [
                row(line, invoice, prices, products) | {"customer_name": name, "credited_amount": credited[line["id"]]}
                for line in lines
            ]
        return sorted(rows, key=lambda found: (found["invoice_id"], found["invoice_line_item_id"]))


def row(line: Json, invoice: Json, prices: dict[str, Json], products: dict[str, str]) -> Json:
    details: Json = {}
    if "parent" in line:
        details = line["parent"]["subscription_item_details"] or line["parent"]["invoice_item_details"]
    owner = (invoice.get("parent") or {}).get("subscription_details") or invoice
    price = price_of(line, prices)
    recurring = (price or {}).get("recurring")
    discount = sum(cut["amount"] for cut in line["discount_amounts"])
    tax = included_tax(line)
    quantity = line.get("quantity_decimal", line["quantity"])
    return {
        "object": "revenue_line",
        "invoice_line_item_id": line["id"],
        "subscription_id": details.get("subscription") or line.get("subscription") or owner.get("subscription"),
        "customer_id": invoice["customer"],
        "description": line["description"],
        "date": instant(line["period"]["start"])[:10],
        "amount": line["amount"],
        "currency": line["currency"],
        "currency_exponent": EXPONENTS.get(line["currency"], 2),
        "discount_amount": discount,
        "tax_amount": tax,
        "net_amount": line["amount"] - discount - tax,
        "type": "recurring" if recurring else "one_time",
        "cadence": cadence(recurring),
        "interval": {"unit": recurring["interval"], "count": recurring["interval_count"]} if recurring else None,
        "cadence_source": "price" if price else "no_price",
        "period": {"start": instant(line["period"]["start"]), "end": instant(line["period"]["end"])},
        "proration": details.get("proration", line.get("proration")),
        "quantity": None if quantity is None else str(quantity),
        "price_id": price["id"] if price else None,
        "price_name": price["nickname"] or price["lookup_key"] if price else None,
        "product_id": price["product"] if price else None,
        "product_name": products[price["product"]] if price else None,
        "customer_name_on_invoice": invoice["customer_name"],
        "customer_email": invoice["customer_email"],
        "invoice_id": invoice["id"],
        "invoice_number": invoice["number"],
        "invoice_status": invoice["status"],
        "invoice_complete": True,
        "livemode": invoice["livemode"],
    }


def net(line: Json) -> int:
    amount: int = line["amount"] - sum(cut["amount"] for cut in line["discount_amounts"])
    return amount - included_tax(line)


def credited_on(lines: list[Json], notes: list[Json]) -> dict[str, int]:
    """Return what the issued of an invoice's credit notes take from each of its lines."""
    nets = {line["id"]: net(line) for line in lines}
    left = dict(nets)
    for note in sorted(notes, key=lambda note: (note["effective_at"] // 86_400, note["id"])):
        if note["status"] == "void":
            continue
        for line_id, amount in wished(note, nets).items():
            left[line_id] -= max(min(amount, max(left[line_id], 0)), min(left[line_id], 0))
    return {line_id: nets[line_id] - left[line_id] for line_id in nets}


def wished(note: Json, nets: dict[str, int]) -> dict[str, int]:
    wanted = dict.fromkeys(nets, 0)
    for line in note["lines"]["data"]:
        if line["type"] == "invoice_line_item":
            wanted[line["invoice_line_item"]] += net(line)
    custom = sum(net(line) for line in note["lines"]["data"] if line["type"] == "custom_line_item")
    shares, total = [Fraction(0)], sum(nets.values())
    for line_id in sorted(nets) if total else ():
        shares.append(shares[-1] + Fraction(custom * nets[line_id], total))
        wanted[line_id] += round(shares[-1]) - round(shares[-2])
    return wanted


def price_of(line: Json, prices: dict[str, Json]) -> Json | None:
    if "pricing" in line:
        return prices[line["pricing"]["price_details"]["price"]] if line["pricing"] else None
    inline: Json | None = line["price"]
    return inline


def included_tax(line: Json) -> int:
    if "taxes" in line:
        return sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "inclusive")
    return sum(tax["amount"] for tax in line["tax_amounts"] if tax["inclusive"])


def cadence(recurring: Json | None) -> str:
    if recurring is None:
        return "one_time"
    return CADENCES.get((recurring["interval"], recurring["interval_count"]), "other")


def newest(events: list[Json], kind: str) -> dict[str, Json]:
    """Return the newest object of each id in events of this kind; announced invoices have no id."""
    objects = (event["data"]["object"] for event in events if event["type"].startswith(kind))
    return {changed["id"]: changed for changed in objects if "id" in changed}


def instant(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("version", ["2024-06-20", "2025-02-24.acacia", "2025-09-30.clover", "2026-10-28.endive"])
def test_whoever_reads_the_api_finds_the_truth(
    server: StripeServer, http: requests.Session, simulated: SimulatedStripe, version: str
) -> None:
    account = simulated.create_account("Acme Samples", api_version=version)
    generate(account, invoices=150, seed=11)

    assert Reader(server, http, account).rows() == revenue_table(account, livemode=True)


@pytest.mark.parametrize("version", ["2024-06-20", "2026-10-28.endive"])
def test_whoever_hears_every_webhook_finds_the_truth_of_invoices_it_can_see_whole(
    simulated: SimulatedStripe, version: str
) -> None:
    account = simulated.create_account("Acme Samples", api_version=version)
    endpoint = simulated.add_endpoint("", ["whsec_1"], api_version=version)
    generate(account, invoices=150, seed=12)
    events = [json.loads(delivery.body) for delivery in simulated.signed_deliveries(endpoint)]
    prices, notes, named = newest(events, "price."), newest(events, "credit_note."), newest(events, "product.")
    products = {product_id: product["name"] for product_id, product in named.items()}
    invoices = {
        invoice_id: invoice
        for invoice_id, invoice in newest(events, "invoice.").items()
        if invoice["status"] != "draft"
    }
    names: dict[str, str | None] = {}
    for event in events:
        changed = event["data"]["object"]
        if event["type"] in {"customer.created", "customer.updated"}:
            names[changed["id"]] = changed["name"] or names.get(changed["id"])

    whole = [invoice for invoice in invoices.values() if not invoice["lines"]["has_more"]]
    rows = []
    for invoice in whole:
        lines = invoice["lines"]["data"]
        credited = credited_on(lines, [note for note in notes.values() if note["invoice"] == invoice["id"]])
        rows += [
            row(line, invoice, prices, products)
            | {"customer_name": names[invoice["customer"]], "credited_amount": credited[line["id"]]}
            for line in lines
        ]

    seen = {invoice["id"] for invoice in whole}
    true = [each for each in revenue_table(account, livemode=True) if each["invoice_id"] in seen]
    assert sorted(rows, key=lambda each: (each["invoice_id"], each["invoice_line_item_id"])) == true
    assert len(seen) > 100
