"""Webhook endpoints, and deliveries to them, signed as Stripe signs them."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.stripe.records.records import Event
from sandbox.stripe.render.render import render_event


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A webhook endpoint. It receives events of the connected accounts if `connect`, otherwise only of `account_id`.

    Each of `secrets` signs, as while a secret is being rolled. `types` holds event types, or `*`.
    """

    id: str
    account_id: str
    livemode: bool
    url: str
    secrets: tuple[str, ...]
    api_version: str
    connect: bool = True
    types: frozenset[str] = frozenset({"*"})

    def hears(self, event_type: str) -> bool:
        """Return whether the endpoint receives events of this type."""
        return "*" in self.types or event_type in self.types


@dataclass(frozen=True, slots=True)
class Delivery:
    """A signed event for an endpoint: post `body` with `headers` to `url`."""

    event_id: str
    event_type: str
    account_id: str
    endpoint: Endpoint
    body: bytes
    headers: dict[str, str]

    @property
    def url(self) -> str:
        """Return the endpoint's URL."""
        return self.endpoint.url


def signature(body: bytes, secrets: Sequence[str], *, at: int) -> str:
    """Return the `Stripe-Signature` header: HMAC-SHA256 over `at`, a dot and the body, once per secret."""
    signed = b"%d." % at + body
    digests = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join((f"t={at}", *(f"v1={digest}" for digest in digests)))


def delivery(event: Event, endpoint: Endpoint, *, account_id: str, at: int) -> Delivery:
    """Return the signed delivery of an event. Each attempt is signed anew, so `at` is the time of the attempt."""
    body = render_event(event, endpoint.api_version, account_id=account_id if endpoint.connect else None)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature(body, endpoint.secrets, at=at),
    }
    return Delivery(event.id, event.type, account_id, endpoint, body, headers)
