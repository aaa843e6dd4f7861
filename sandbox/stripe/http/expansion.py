"""Expand answers (`expand[]`): replace ids by the objects they name, at most four levels deep."""

from typing import Any

from sandbox.stripe.http.access import Caller
from sandbox.stripe.http.errors import ApiError
from sandbox.stripe.render.catalog import render_deleted_customer

Json = dict[str, Any]
_MOST_LEVELS = 4
_REFERENCES = frozenset({"customer", "price", "product", "subscription", "invoice", "charge", "payment_intent"})


def expand(document: Json, paths: list[str], caller: Caller) -> None:
    """Expand each path, for example `data.customer`, in the document itself.

    :raises ApiError: a path is too deep, or does not lead to a reference
    """
    for path in paths:
        segments = path.split(".")
        if len(segments) > _MOST_LEVELS:
            message = f"You cannot expand more than {_MOST_LEVELS} levels of a property. Property: {path}"
            raise ApiError(400, message, code="property_expansion_max_depth", param="expand")
        _walk(document, segments, path, caller)


def _walk(node: object, segments: list[str], path: str, caller: Caller) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(item, segments, path, caller)
    elif isinstance(node, dict):
        name, *rest = segments
        if name not in node:
            raise _not_expandable(path)
        if rest:
            _walk(node[name], rest, path, caller)
        else:
            node[name] = _expanded(node, name, path, caller)


def _expanded(node: Json, name: str, path: str, caller: Caller) -> object:
    value = node[name]
    if isinstance(value, dict) or (value is None and name in _REFERENCES):
        return value
    if name == "discounts" and isinstance(value, list):
        return [{"id": identifier, "object": "discount", "customer": None} for identifier in value]
    # A price id inside `pricing` became expandable with 2025-12-15.clover.
    if not isinstance(value, str) or ("product" in node and name == "price" and not caller.shape.expandable_price):
        raise _not_expandable(path)
    return _object(name, value, path, caller)


def _object(name: str, identifier: str, path: str, caller: Caller) -> Json:
    ledger = caller.ledger
    match name:
        case "customer":
            customer = ledger.customers[identifier]
            if customer.deleted:
                return render_deleted_customer(customer)
            return ledger.renderer.render(customer, caller.shape)
        case "price":
            return ledger.renderer.render(ledger.prices[identifier], caller.shape)
        case "product":
            return ledger.renderer.render(ledger.products[identifier], caller.shape)
        case "subscription":
            return ledger.renderer.render(ledger.subscriptions[identifier], caller.shape)
        case "invoice":
            return ledger.renderer.render(ledger.invoices[identifier], caller.shape)
        case _:
            raise _not_expandable(path)


def _not_expandable(path: str) -> ApiError:
    return ApiError(400, f"This property cannot be expanded ({path}).", param="expand")
