"""Requests with secrets go to Stripe and nowhere else."""

from collections.abc import Callable

import pytest

from sandbox.stripe.http.messages import Answer, Request
from sandbox.stripe.http.server import Address, HttpServer
from stripe_gateway.connect import OutcomeUnknownError, StripeAwayError, StripeConnect
from stripe_gateway.restricted_keys import RestrictedKeys
from stripe_gateway.stripe_app import StripeApp


def exchange_by_connect(url: str) -> None:
    StripeConnect("sk_live_x", client_id="ca_x", bases=(url, url), scope="read_write").exchange("ac_x")


def exchange_by_app(url: str) -> None:
    StripeApp("sk_live_x", client_id="ca_x", bases=(url, url)).exchange("ac_x")


def try_key(url: str) -> None:
    RestrictedKeys(url).owner_of("rk_live_x")


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize(
    ("ask", "error"),
    [(exchange_by_connect, OutcomeUnknownError), (exchange_by_app, OutcomeUnknownError), (try_key, StripeAwayError)],
)
def test_a_redirect_is_not_followed(ask: Callable[[str], None], error: type[Exception], status: int) -> None:
    requests: list[Request] = []

    def record(request: Request) -> Answer:
        requests.append(request)
        return Answer(200, b"{}", {})

    with HttpServer(record, Address()) as elsewhere:

        def redirect(request: Request) -> Answer:
            return Answer(status, b"", {"Location": f"{elsewhere.url}{request.path}"})

        with HttpServer(redirect, Address()) as stripe, pytest.raises(error):
            ask(stripe.url)

    assert requests == []
