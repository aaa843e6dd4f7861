"""`python -m sandbox`: run the simulated Stripe alone, until it is interrupted."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from threading import Event

from sandbox.stripe.demo import DemoOptions, described, start_demo
from sandbox.stripe.http.server import Address
from sandbox.stripe.records.versions import NEWEST, shape_of


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code."""
    options = _options(_parser().parse_args(arguments))
    try:
        server = start_demo(options, lambda: int(time.time()))
    except OSError as taken:
        print(f"Cannot listen on {options.address.host}:{options.address.port}: {taken.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    interrupted = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    print(described(server, options), flush=True)
    interrupted.wait()
    server.stop()
    return 0


def _options(given: argparse.Namespace) -> DemoOptions:
    return DemoOptions(
        address=Address(given.host, given.port),
        seed=given.seed,
        invoices=given.invoices,
        api_version=given.api_version,
        latency_ms=given.latency_ms,
        rate_limits=given.rate_limits,
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        tells_history=given.tell_history,
        until=given.until,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A simulated Stripe: the API, Connect and webhooks, with two made-up companies. Nothing is real.",
        epilog="Control it with JSON under /_sandbox: see the docstring of sandbox/stripe/doors/control.py.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on")
    add("--port", type=_number(65_535), default=12111, help="the port to listen on; 0 means any free port")
    add("--seed", type=int, default=1, help="the seed that the made-up companies and keys are derived from")
    add("--invoices", type=_number(200_000), default=300, help="number of invoices of the first company in live mode")
    add("--until", type=_number(1 << 32), help="the Unix second at which the made-up history ends; default: now")
    add("--webhook-url", help="the URL to send webhooks of new events to")
    add("--webhook-secret", help="the secret that signs webhooks; default: derived from the seed")
    add("--tell-history", action="store_true", help="also send webhooks of events before the start")
    add("--latency-ms", type=_number(60_000), default=0, help="the shortest time an answer takes, in milliseconds")
    add("--rate-limits", action="store_true", help="apply Stripe's rate limits: 25 requests a second per endpoint")
    add("--api-version", type=_version, default=NEWEST, help="the accounts' default API version")
    return parser


def _number(largest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) > largest:
            message = f"{text!r} is no whole number from 0 to {largest}"
            raise argparse.ArgumentTypeError(message)
        return int(text)

    return number


def _version(name: str) -> str:
    try:
        return shape_of(name).version
    except ValueError as unknown:
        raise argparse.ArgumentTypeError(str(unknown)) from unknown


if __name__ == "__main__":
    sys.exit(main())
