"""Check that a pasted restricted key can read what is needed, and create a webhook endpoint with it.

https://docs.stripe.com/keys#limit-access
"""

import logging
from typing import NamedTuple

from stripe import AuthenticationError, InvalidRequestError, PermissionError, StripeClient, StripeError  # noqa: A004 - so Stripe calls it

from stripe_gateway.connect import StripeAwayError, account_name_in
from stripe_gateway.transport import to_stripe_alone

# The permissions that are needed, each with the path it allows to read; the dashboard calls plans "Prices".
NEEDED_PERMISSIONS = {
    "rak_invoice_read": "/v1/invoices",
    "rak_plan_read": "/v1/prices",
    "rak_customer_read": "/v1/customers",
}
ENDPOINT_EVENTS = (
    *("credit_note.created", "credit_note.updated", "credit_note.voided"),
    *("product.created", "product.updated", "product.deleted"),
    *("customer.created", "customer.updated", "customer.deleted", "price.created", "price.updated", "price.deleted"),
    *("plan.created", "plan.updated", "plan.deleted", "invoice.finalized", "invoice.updated", "invoice.paid"),
    *(
        "invoice.payment_failed",
        "invoice.voided",
        "invoice.marked_uncollectible",
        "invoice.overpaid",
        "invoice.deleted",
    ),
)

_RETRIES = 1

_log = logging.getLogger(__name__)


class KeyRefusedError(Exception):
    """The key cannot be used. `missing` are the permissions it lacks; empty if Stripe does not accept it at all."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing


class KeyOwner(NamedTuple):
    """The account that a key belongs to, and the mode."""

    account_id: str
    livemode: bool
    account_name: str | None


class OwnEndpoint(NamedTuple):
    """A webhook endpoint in the key's account, with its signing secret."""

    endpoint_id: str
    secret: str


class RestrictedKeys:
    """Checks keys by using them. Stores none."""

    def __init__(self, api_base: str) -> None:
        self._api_base = api_base
        self._http = to_stripe_alone()

    def owner_of(self, key: str) -> KeyOwner:
        """Return the owner of a key after trying everything that the key is needed for.

        :raises KeyRefusedError: the key is unknown, or lacks permissions
        :raises StripeAwayError: Stripe gave no answer
        """
        client = self._client(key)
        try:
            account = client.raw_request("get", "/v1/account")
            missing = tuple(name for name, path in NEEDED_PERMISSIONS.items() if not _may(client, path))
        except (AuthenticationError, PermissionError) as error:
            raise KeyRefusedError(()) from error
        except StripeError as error:
            raise StripeAwayError from error
        if missing:
            raise KeyRefusedError(missing)
        account_id = str(client.deserialize(account, api_mode="V1")["id"])
        return KeyOwner(account_id, "_live_" in key, account_name_in(account.body))

    def make_endpoint(self, key: str, url: str) -> OwnEndpoint | None:
        """Create an endpoint in the key's account; None if the key may not, or the account has no room for another.

        :raises StripeAwayError: Stripe gave no answer
        """
        parameters = {"url": url, "enabled_events": list(ENDPOINT_EVENTS), "description": "revmap"}
        try:
            endpoint = self._client(key).v1.webhook_endpoints.create(parameters)  # type: ignore[arg-type]  # all are known
        except (PermissionError, InvalidRequestError) as error:
            _log.warning("endpoint not made", extra={"error": type(error).__name__, "code": error.code})
            return None
        except StripeError as error:
            raise StripeAwayError from error
        return OwnEndpoint(endpoint.id, str(endpoint.secret))

    def remove_endpoint(self, key: str, endpoint_id: str) -> None:
        """Delete an endpoint; safe if it or the key no longer exists.

        :raises StripeAwayError: it is unknown whether it was deleted
        """
        try:
            self._client(key).v1.webhook_endpoints.delete(endpoint_id)
        except (AuthenticationError, PermissionError, InvalidRequestError) as error:
            _log.info("endpoint was gone already", extra={"error": type(error).__name__})
        except StripeError as error:
            raise StripeAwayError from error

    def _client(self, key: str) -> StripeClient:
        return StripeClient(
            key, base_addresses={"api": self._api_base}, max_network_retries=_RETRIES, http_client=self._http
        )


def _may(client: StripeClient, path: str) -> bool:
    try:
        client.raw_request("get", path, limit=1)
    except PermissionError:
        return False
    return True
