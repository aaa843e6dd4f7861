"""Render customers, products, prices and subscriptions as Stripe does. None of their fields differ between versions."""

from typing import Any

from sandbox.stripe.records.ids import sibling
from sandbox.stripe.records.records import Customer, Price, Product, Subscription

Json = dict[str, Any]


def address_in(country: str | None) -> Json | None:
    """Return an address of which only the country is known."""
    empty = dict.fromkeys(("city", "line1", "line2", "postal_code", "state"))
    return None if country is None else {**empty, "country": country}


def render_customer(customer: Customer, *, livemode: bool) -> Json:
    """Return a customer as it is, or as it was when it was deleted, which is how events show it."""
    return {
        "id": customer.id,
        "object": "customer",
        "address": address_in(customer.country),
        "balance": 0,
        "created": customer.created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": customer.email,
        "invoice_prefix": customer.invoice_prefix,
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
        "livemode": livemode,
        "metadata": dict(customer.metadata or {}),
        "name": customer.name,
        "next_invoice_sequence": customer.numbered_invoices + 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def render_deleted_customer(customer: Customer) -> Json:
    """Return the API's answer for a deleted customer."""
    return {"id": customer.id, "object": "customer", "deleted": True}


def render_product(product: Product, *, livemode: bool) -> Json:
    """Return a product."""
    return {
        "id": product.id,
        "object": "product",
        "active": product.active,
        "created": product.created,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": livemode,
        "metadata": dict(product.metadata or {}),
        "name": product.name,
        "tax_code": None,
        "type": "service",
        "updated": product.created,
        "url": None,
    }


def render_price(price: Price, *, livemode: bool) -> Json:
    """Return a price, as lists and, inline, old lines show it."""
    return {
        "id": price.id,
        "object": "price",
        "active": price.active,
        "billing_scheme": "per_unit",
        "created": price.created,
        "currency": price.currency,
        "custom_unit_amount": None,
        "livemode": livemode,
        "lookup_key": price.lookup_key,
        "metadata": dict(price.metadata or {}),
        "nickname": price.nickname,
        "product": price.product.id,
        "recurring": None if price.interval is None else _recurring(price),
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time" if price.interval is None else "recurring",
        "unit_amount": price.unit_amount,
        "unit_amount_decimal": str(price.unit_amount),
    }


def _recurring(price: Price) -> Json:
    return {
        "interval": price.interval,
        "interval_count": price.interval_count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def render_plan(price: Price, *, livemode: bool) -> Json:
    """Return the legacy plan of a recurring price, which old lines contain beside the price."""
    return {
        "id": price.id,
        "object": "plan",
        "active": price.active,
        "amount": price.unit_amount,
        "amount_decimal": str(price.unit_amount),
        "billing_scheme": "per_unit",
        "created": price.created,
        "currency": price.currency,
        "interval": price.interval,
        "interval_count": price.interval_count,
        "livemode": livemode,
        "metadata": dict(price.metadata or {}),
        "nickname": price.nickname,
        "product": price.product.id,
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def render_subscription(subscription: Subscription, *, livemode: bool) -> Json:
    """Return a subscription with its items, limited to what a reader of invoices needs."""
    item_id = sibling(subscription.id, "si")
    items = [
        {
            "id": item_id if place == 0 else f"{item_id}{place}",
            "object": "subscription_item",
            "created": subscription.created,
            "metadata": {},
            "price": render_price(price, livemode=livemode),
            "quantity": 1,
            "subscription": subscription.id,
        }
        for place, price in enumerate(subscription.prices)
    ]
    return {
        "id": subscription.id,
        "object": "subscription",
        "canceled_at": subscription.canceled_at,
        "collection_method": "charge_automatically",
        "created": subscription.created,
        "currency": subscription.prices[0].currency if subscription.prices else "usd",
        "customer": subscription.customer.id,
        "items": {
            "object": "list",
            "data": items,
            "has_more": False,
            "total_count": len(items),
            "url": f"/v1/subscription_items?subscription={subscription.id}",
        },
        "livemode": livemode,
        "metadata": dict(subscription.metadata or {}),
        "start_date": subscription.created,
        "status": subscription.status,
    }
