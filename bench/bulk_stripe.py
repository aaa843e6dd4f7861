"""`python -m bench.bulk_stripe`: run a simulated Stripe with one large account in its own process."""

import signal
import time
from threading import Event

import click

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.bulk import generate_bulk
from sandbox.stripe.http.server import Address
from sandbox.stripe.running import Settings, StripeServer


@click.command()
@click.option("--port", required=True, type=int)
@click.option("--invoices", required=True, type=int)
@click.option("--latency-ms", required=True, type=int)
def main(port: int, invoices: int, latency_ms: int) -> None:
    """Serve until SIGTERM; print the account's id and the platform's key once the server is ready."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    stripe = SimulatedStripe(lambda: int(time.time()), seed=1)
    account = stripe.create_account("Large Account")
    generate_bulk(account, invoices=invoices)
    settings = Settings(address=Address("127.0.0.1", port), latency_ms=latency_ms, rate_limits=True)
    with StripeServer(stripe, settings):
        click.echo(f"{account.id} {stripe.platform_key(livemode=True)}")
        stop.wait()


if __name__ == "__main__":
    main()
