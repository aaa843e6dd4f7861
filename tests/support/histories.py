"""Random histories in which invoices open, are paid, voided and deleted, and lines, names and prices change."""

from collections.abc import Callable
from random import Random

from tests.support.payloads import (
    CREATED,
    credit_note,
    credit_note_line,
    customer,
    event,
    new_invoice,
    new_line,
    old_invoice,
    old_line,
    price,
    product,
)

# Each contains something that COPY escapes, or a character of more than one byte.
_HOSTILE = ("Zed\tand sons", "back\\slash \\N", "two\r\nlines", "Žluť & 株式会社 🧾")
_METADATA: tuple[dict[str, str], ...] = ({}, {}, {"region": "emea"}, {"región": "Žluť", "tier": "back\\slash"})
_STATUSES = ("draft", "open", "open", "uncollectible", "paid", "paid", "void")


def busy_history(random: Random, length: int) -> list[dict]:
    """Return `length` events about a few invoices, customers and prices, in an order as bad as Stripe's can be."""
    return [_event(random, CREATED + random.randrange(length * 2)) for _ in range(length)]


def _event(random: Random, at: int) -> dict:
    livemode = random.random() > 0.1
    envelope = {"created": at, "livemode": livemode}
    kind = random.choice(("invoice",) * 7 + ("customer", "price", "product", "note", "note", "deleted"))
    if kind == "customer":
        renamed = customer(random.choice(("Zed", "Zeta", None, *_HOSTILE)), f"cus_{random.randrange(3)}")
        renamed |= {"email": random.choice(("a@zed.test", None)), "metadata": random.choice(_METADATA)}
        return event(renamed, "customer.updated", **envelope)
    if kind == "price":
        changed = price(f"price_{random.randrange(3)}", "month", random.choice((1, 3)))
        changed |= {"nickname": random.choice(("Monthly", None, *_HOSTILE)), "metadata": random.choice(_METADATA)}
        return event(changed, "price.updated", **envelope)
    if kind == "product":
        renamed = product(random.choice(("Plan", "Plus", None, *_HOSTILE)), f"prod_{random.randrange(3)}")
        renamed["metadata"] = random.choice(_METADATA)
        return event(renamed, "product.updated", **envelope)
    invoice_id = f"in_{random.randrange(8)}"
    if kind == "note":
        return event(_credit_note(random, invoice_id), "credit_note.updated", **envelope)
    if kind == "deleted":
        deleted: dict[str, object] = {"id": invoice_id, "object": "invoice", "status": "draft"}
        return event(deleted, "invoice.deleted", **envelope)
    return event(_invoice(random, invoice_id), "invoice.updated", **envelope)


def _credit_note(random: Random, invoice_id: str) -> dict:
    named = [f"il_{invoice_id}_{number}" for number in random.sample(range(4), random.randint(0, 2))]
    lines = [
        credit_note_line(f"cnli_{place}", random.choice((10, 60, 900)), line_id)
        for place, line_id in enumerate([*named, None])
    ]
    note = credit_note(f"cn_{invoice_id}_{random.randrange(2)}", *lines, invoice=invoice_id)
    note["status"] = random.choice(("issued", "issued", "void"))
    note["lines"] = {"data": lines, "has_more": random.random() < 0.2}
    return note


def _invoice(random: Random, invoice_id: str) -> dict:
    make, make_line = random.choice(((new_invoice, new_line), (old_invoice, old_line)))
    numbers = random.sample(range(4), random.randint(1, 3))
    lines = [_line(random, make_line, f"il_{invoice_id}_{number}") for number in numbers]
    named = {"customer": f"cus_{random.randrange(3)}", "customer_name": random.choice(("Zed", "Zip", None, *_HOSTILE))}
    invoice = make(invoice_id, *lines, status=random.choice(_STATUSES), metadata=random.choice(_METADATA), **named)
    invoice["lines"] = {"data": lines, "has_more": random.random() < 0.3}
    return invoice


def _line(random: Random, make_line: Callable[..., dict], line_id: str) -> dict:
    start = CREATED + 86_400 * random.choice((0, 1, 40, 41))
    line = make_line(line_id, amount=random.choice((-5, 100, 100, 250)), period={"start": start, "end": start + 60})
    line["metadata"] = random.choice(_METADATA)
    line["description"] = random.choice(("Plan", None, *_HOSTILE))
    price_id = f"price_{random.randrange(3)}"
    if "pricing" in line:
        line["pricing"] = {"price_details": {"price": price_id, "product": f"prod_{random.randrange(3)}"}}
    elif random.random() < 0.5:
        line["price"] = price(price_id, "month", random.choice((1, 3)))
    else:
        line["price"] = None
    return line
