"""Build signed webhooks of realistic size: an invoice of three lines, about 6 KB, in the old shape or the new."""

import hmac
import json

CUSTOMERS = 997
PERIOD_SECONDS = 2_592_000

_ADDRESS = {"city": "Testville", "country": "US", "line1": "1 Example Street", "line2": None, "postal_code": "00000"}


def invoice_event(
    number: int, *, account_id: str, created: int, is_new_shape: bool = False, customers: int = CUSTOMERS
) -> bytes:
    """Return the body of an `invoice.paid` event, unique per number, to one of so many customers."""
    lines = [_line(number, index, created, is_new_shape=is_new_shape) for index in range(3)]
    invoice = {
        "id": f"in_bench{number}",
        "object": "invoice",
        "account_country": "US",
        "account_name": "Bench",
        "amount_due": 6000,
        "amount_paid": 6000,
        "amount_remaining": 0,
        "billing_reason": "subscription_cycle",
        "created": created,
        "currency": "usd",
        "customer": f"cus_bench{number % customers}",
        "customer_address": _ADDRESS,
        "customer_email": f"billing{number}@example.test",
        "customer_name": f"Customer {number % customers}",
        "customer_shipping": {"address": _ADDRESS, "name": "Nobody"},
        "effective_at": created,
        "hosted_invoice_url": f"https://invoice.example.test/i/{'x' * 120}{number}",
        "invoice_pdf": f"https://pay.example.test/invoice/{'y' * 120}{number}/pdf",
        "lines": {"object": "list", "data": lines, "has_more": False, "total_count": 3, "url": "/v1/invoices/x/lines"},
        "livemode": True,
        "metadata": {f"key_{index}": f"value of the key {index}" for index in range(12)},
        "number": f"BENCH-{number:08d}",
        "status": "paid",
        "status_transitions": {"finalized_at": created, "paid_at": created, "voided_at": None},
        "subtotal": 6000,
        "total": 6000,
        **(
            {"parent": {"type": "subscription_details", "subscription_details": {"subscription": f"sub_{number}"}}}
            if is_new_shape
            else {"subscription": f"sub_{number}", "paid": True, "charge": f"ch_{number}"}
        ),
    }
    event = {
        "id": f"evt_bench{number}",
        "object": "event",
        "account": account_id,
        "api_version": "2026-10-28.endive" if is_new_shape else "2024-06-20",
        "created": created,
        "data": {"object": invoice},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.paid",
    }
    return json.dumps(event, indent=2).encode()


def _line(number: int, index: int, created: int, *, is_new_shape: bool) -> dict[str, object]:
    line: dict[str, object] = {
        "id": f"il_bench{number}_{index}",
        "object": "line_item",
        "amount": 2000,
        "currency": "usd",
        "description": f"{index + 1} × Team plan (at $20.00 / month)",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": f"in_bench{number}",
        "livemode": True,
        "metadata": {"seat": "standard", "region": "none"},
        "period": {"start": created, "end": created + PERIOD_SECONDS},
        "quantity": index + 1,
    }
    if is_new_shape:
        details = {"subscription": f"sub_{number}", "subscription_item": f"si_{number}", "proration": False}
        return line | {
            "parent": {"type": "subscription_item_details", "subscription_item_details": details},
            "pricing": {"type": "price_details", "price_details": {"price": "price_bench", "product": "prod_bench"}},
            "taxes": [],
        }
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed", "trial_period_days": None}
    price = {
        "id": "price_bench",
        "object": "price",
        "type": "recurring",
        "product": "prod_bench",
        "recurring": recurring,
    }
    return line | {
        "price": price | {"unit_amount": 2000, "unit_amount_decimal": "2000", "active": True, "currency": "usd"},
        "plan": {"id": "price_bench", "object": "plan", "interval": "month", "interval_count": 1, "amount": 2000},
        "proration": False,
        "subscription": f"sub_{number}",
        "tax_amounts": [],
        "type": "subscription",
    }


def signed_request(body: bytes, *, secret: str, at: int) -> bytes:
    """Return the whole HTTP/1.1 request that posts the body, signed at this Unix second."""
    signature = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    head = (
        "POST /webhooks/stripe HTTP/1.1\r\nHost: bench.test\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={at},v1={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
