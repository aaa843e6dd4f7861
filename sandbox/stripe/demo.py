"""A simulated Stripe with two companies, to try the product with. `make run` and `python -m sandbox` start it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.http.server import Address
from sandbox.stripe.records.ids import token
from sandbox.stripe.records.versions import NEWEST
from sandbox.stripe.running import Settings, StripeServer

FIRST_COMPANY = "Sample Studio"
_MONTHS = 24
_COMPANIES = (FIRST_COMPANY, "Example Foods")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """Options of the demo. `invoices` is the number of the first company's live invoices, over two years.

    `until` is the Unix second at which the made-up history ends, now if None. The same seed, size and end give the
    same history, so a client that keeps the data it read should keep `until` too.
    """

    address: Address = field(default_factory=lambda: Address(port=12111))
    seed: int = 1
    invoices: int = 600
    api_version: str = NEWEST
    latency_ms: int = 0
    rate_limits: bool = False
    webhook_url: str | None = None
    webhook_secret: str | None = None
    tells_history: bool = False
    until: int | None = None


def start_demo(options: DemoOptions, clock: Callable[[], int]) -> StripeServer:
    """Create the companies, serve the API, and send events to the webhook URL if there is one.

    Events before the start are sent only if the options say so; otherwise they can only be read from the API.

    :raises OSError: the server cannot listen on the address
    """
    stripe = SimulatedStripe(clock, seed=options.seed, api_version=options.api_version)
    settings = Settings(address=options.address, latency_ms=options.latency_ms, rate_limits=options.rate_limits)
    server = StripeServer(stripe, settings)
    if options.tells_history:
        _listen(stripe, options)
    for place, name in enumerate(_COMPANIES):
        account = stripe.create_account(name)
        for livemode, share in ((True, 1), (False, 10)):
            invoices = options.invoices // (share * (place + 1))
            generate(
                account, invoices=invoices, seed=options.seed, months=_MONTHS, livemode=livemode, until=options.until
            )
            # What happens from now on differs between runs, so its ids must differ too.
            account.ledger(livemode=livemode).ids.continue_as(token("run", clock(), account.id, livemode))
    if not options.tells_history:
        _listen(stripe, options)
    server.start()
    return server.deliver()


def _listen(stripe: SimulatedStripe, options: DemoOptions) -> None:
    # An endpoint receives only events that happen after it is added.
    if options.webhook_url is not None:
        for livemode in (True, False):
            stripe.add_endpoint(options.webhook_url, [webhook_secret(options)], livemode=livemode)


def webhook_secret(options: DemoOptions) -> str:
    """Return the secret that signs webhooks: the one in the options, or one derived from the seed."""
    return options.webhook_secret or f"whsec_{token(options.seed, 'webhooks', length=32)}"


def described(server: StripeServer, options: DemoOptions) -> str:
    """Return a message for people that says where the server is and how to use it."""
    stripe = server.stripe
    companies = [account for account in stripe.accounts.values() if account is not stripe.platform]
    live, test = (stripe.platform_key(livemode=livemode) for livemode in (True, False))
    get = f"  curl -s -u {live}: -H 'Stripe-Account: {companies[0].id}' {server.url}/v1/invoices"
    do = f"  curl -s {server.url}/_sandbox/do -d"
    invoice = next(iter(companies[0].live.invoices_by_status.get("open", ())), None)
    pay = {"account": companies[0].id, "action": "pay_invoice", "invoice_id": invoice.id if invoice else "in_…"}
    return "\n".join(
        (
            f"The simulated Stripe listens on {server.url} (API and Connect). Nothing in it is real.",
            "",
            "Connected companies:",
            *(_company(account) for account in companies),
            "",
            f"Platform key     {live}  (live)",
            f"                 {test}  (test)",
            f"Connect client   {stripe.client_id(livemode=True)}  (live)",
            f"                 {stripe.client_id(livemode=False)}  (test)",
            f"Webhooks         {options.webhook_url or 'not sent; set --webhook-url to send them'}",
            f"Webhook secret   {webhook_secret(options)}",
            "",
            "Try:",
            f"{get}?limit=1",
            f"{do} '{_json(pay)}'",
            f"  curl -s {server.url}/_sandbox/truth?account={companies[0].id}",
            "",
            "Ctrl-C stops it.",
        )
    )


def _company(account: Account) -> str:
    sizes = f"{len(account.live.invoices)} live and {len(account.test.invoices)} test invoices"
    return f"  {account.id}  {account.name}, {sizes}"


def _json(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in fields.items()) + "}"
