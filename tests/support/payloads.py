"""Made-up Stripe payloads with only what the product reads, in the old and the new shape."""

from itertools import count

ACCOUNT = "acct_tests"
CREATED = 1_767_225_600  # 2026-01-01T00:00:00Z

_numbers = count(1)


def event(subject: dict[str, object], event_type: str = "invoice.paid", **envelope: object) -> dict[str, object]:
    """Return an event about the subject, with an unused id."""
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "account": ACCOUNT,
        "api_version": "2026-10-28.endive",
        "created": CREATED,
        "livemode": True,
        "type": event_type,
        "data": {"object": subject},
    } | envelope


def new_invoice(invoice_id: str = "in_1", *lines: dict[str, object], **fields: object) -> dict[str, object]:
    """Return a paid invoice in the shape used since 2025-03-31.basil."""
    return {
        "id": invoice_id,
        "object": "invoice",
        "status": "paid",
        "currency": "usd",
        "created": CREATED,
        "number": "F00D-0001",
        "customer": "cus_1",
        "customer_name": "Zed Inc",
        "status_transitions": {"finalized_at": CREATED},
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "lines": {"object": "list", "data": list(lines or [new_line()]), "has_more": False},
    } | fields


def new_line(line_id: str = "il_1", **fields: object) -> dict[str, object]:
    """Return a line in the shape used since 2025-03-31.basil, with only the id of its price."""
    return {
        "id": line_id,
        "object": "line_item",
        "amount": 30_000,
        "currency": "usd",
        "description": "3 × Team plan",
        "quantity": 3,
        "period": {"start": CREATED, "end": CREATED + 7_776_000},
        "discount_amounts": [],
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"subscription": "sub_1", "proration": False},
        },
        "pricing": {"type": "price_details", "price_details": {"price": "price_q", "product": "prod_1"}},
        "taxes": [],
    } | fields


def old_invoice(invoice_id: str = "in_1", *lines: dict[str, object], **fields: object) -> dict[str, object]:
    """Return a paid invoice in the shape used before 2025-03-31.basil."""
    invoice = new_invoice(invoice_id, *(lines or [old_line()]), subscription="sub_1", paid=True)
    del invoice["parent"]
    return invoice | fields


def old_line(line_id: str = "il_1", **fields: object) -> dict[str, object]:
    """Return a line in the shape used before 2025-03-31.basil, with its price inline."""
    line = new_line(line_id)
    for name in ("parent", "pricing", "taxes"):
        del line[name]
    return (
        line
        | {
            "type": "subscription",
            "subscription": "sub_1",
            "proration": False,
            "price": price("price_q", "month", 3),
            "tax_amounts": [],
        }
        | fields
    )


def price(price_id: str = "price_q", interval: str | None = "month", count: int = 3) -> dict[str, object]:
    """Return a price that recurs every `count` intervals, or is one-time if there is no interval."""
    recurring = {"interval": interval, "interval_count": count} if interval else None
    kind = "recurring" if interval else "one_time"
    return {"id": price_id, "object": "price", "type": kind, "recurring": recurring, "product": "prod_1"}


def credit_note(
    credit_note_id: str = "cn_1", *lines: dict[str, object], invoice: str = "in_1", **fields: object
) -> dict[str, object]:
    """Return an issued credit note, of 10.00 on line il_1 unless lines are given."""
    read = list(lines or [credit_note_line()])
    return {
        "id": credit_note_id,
        "object": "credit_note",
        "invoice": invoice,
        "status": "issued",
        "currency": "usd",
        "amount": sum(int(str(line["amount"])) for line in read),
        "created": CREATED,
        "effective_at": CREATED,
        "number": "F00D-0001-CN-01",
        "voided_at": None,
        "lines": {"object": "list", "data": read, "has_more": False},
    } | fields


def credit_note_line(
    line_id: str = "cnli_1", amount: int = 1000, invoice_line: str | None = "il_1", **fields: object
) -> dict[str, object]:
    """Return a line of a credit note: of an invoice line or, without one, a custom amount."""
    kind = {"type": "custom_line_item"}
    if invoice_line is not None:
        kind = {"type": "invoice_line_item", "invoice_line_item": invoice_line}
    line = {"id": line_id, "object": "credit_note_line_item", "amount": amount, "discount_amount": 0, "taxes": []}
    return {**line, **kind, **fields}


def product(name: str | None = "Team plan", product_id: str = "prod_1") -> dict[str, object]:
    """Return a product; without a name, the stub of a deleted one."""
    return {"id": product_id, "object": "product", "name": name}


def customer(name: str | None = "Zed Inc", customer_id: str = "cus_1") -> dict[str, object]:
    """Return a customer."""
    return {"id": customer_id, "object": "customer", "name": name}
