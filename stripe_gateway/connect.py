"""Connect accounts at Stripe: where to send people, what their code is worth, and how to let go of an account again.

https://docs.stripe.com/connect/oauth-reference
"""

import logging
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import msgspec
from msgspec import Struct
from stripe import InvalidRequestError, StripeClient, StripeError
from stripe.oauth_error import InvalidClientError, OAuthError

from stripe_gateway.transport import to_stripe_alone

# https://docs.stripe.com/connect/oauth-reference: "Consuming a code more than once revokes the connection".
_ONCE = 0

_log = logging.getLogger(__name__)
# At lower levels Stripe's client logs what is sent and answered: codes and tokens among it.
logging.getLogger("stripe").setLevel(logging.WARNING)


class ExchangeRefusedError(Exception):
    """Stripe refused the code: used, expired, somebody else's or of the other mode. Nothing was connected."""


class OutcomeUnknownError(Exception):
    """Stripe did not say whether it connected the account. The code must not be sent again."""


class WrongGrantError(Exception):
    """Stripe granted something else than was asked for: another mode, or more than reading. `grant` says what."""

    def __init__(self, grant: "Grant") -> None:
        super().__init__()
        self.grant = grant


class StripeAwayError(Exception):
    """Stripe did not do what it was asked; asking again is safe."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an account is read with where the platform's key does not do."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody agreed to on Stripe's page. `tokens` only where they are needed."""

    account_id: str
    livemode: bool
    scope: str
    tokens: Tokens | None = None
    account_name: str | None = None


class _Business(Struct):
    name: str | None = None


class _Dashboard(Struct):
    display_name: str | None = None


class _Settings(Struct):
    dashboard: _Dashboard | None = None


class _Named(Struct):
    """As much of an account as its name takes: https://docs.stripe.com/api/accounts/object."""

    settings: _Settings | None = None
    business_profile: _Business | None = None


_NAMED = msgspec.json.Decoder(_Named)


def name_at_stripe(client: StripeClient, **options: str) -> str | None:
    """Give what the account of these request options is called; None when Stripe does not say: a name may lack."""
    try:
        return account_name_in(client.raw_request("get", "/v1/account", **options).body)
    except StripeError as error:
        _log.warning("account's name not told", extra={"error": type(error).__name__})
        return None


def account_name_in(body: str | bytes) -> str | None:
    """Give the name in the JSON of an account: the dashboard's, else the business's."""
    try:
        told = _NAMED.decode(body)
    except msgspec.MsgspecError as error:
        _log.warning("account not understood", extra={"error": type(error).__name__})
        return None
    shown = told.settings.dashboard.display_name if told.settings and told.settings.dashboard else None
    return shown or (told.business_profile.name if told.business_profile else None)


class Connector(Protocol):
    """A way to connect accounts that leads over a page of Stripe's, in one mode."""

    method: Literal["connect", "app"]
    livemode: bool

    def authorize_url(self, state: str, *, redirect_uri: str) -> str:
        """Give the address of the page."""
        ...

    def exchange(self, code: str) -> Grant:
        """Give what a code is worth. It is sent once, whatever happens.

        :raises ExchangeRefusedError: nothing was connected
        :raises OutcomeUnknownError: it may have been connected
        :raises WrongGrantError: something was connected that nobody asked for
        """
        ...

    def let_go(self, account_id: str) -> None:
        """Give up the access to an account; safe when it is gone already.

        :raises StripeAwayError: it is not known to be given up
        """
        ...


class StripeConnect:
    """Connects Standard accounts by OAuth. No token is kept: the platform's key reads what is connected to it."""

    method: Literal["connect", "app"] = "connect"

    def __init__(self, secret_key: str, *, client_id: str, bases: tuple[str, str], scope: str) -> None:
        """`bases` are the addresses of Stripe's API and of Connect; `scope` is `read_only` or `read_write`."""
        api_base, connect_base = bases
        self.livemode = "_live_" in secret_key
        self.scope = scope
        self._client = StripeClient(
            secret_key,
            client_id=client_id,
            base_addresses={"api": api_base, "connect": connect_base},
            max_network_retries=_ONCE,
            http_client=to_stripe_alone(),
        )

    def authorize_url(self, state: str, *, redirect_uri: str) -> str:
        """Give the address of the page on which somebody picks an account."""
        return self._client.oauth.authorize_url({"scope": self.scope, "state": state, "redirect_uri": redirect_uri})

    def exchange(self, code: str) -> Grant:
        """Give what a code is worth; see `Connector`."""
        try:
            told = self._client.oauth.token(
                {"grant_type": "authorization_code", "code": code}, {"max_network_retries": _ONCE}
            )
            grant = Grant(str(told["stripe_user_id"]), bool(told["livemode"]), str(told["scope"]))
        except (OAuthError, InvalidRequestError) as error:
            _log.warning("code refused", extra={"error": type(error).__name__, "code": error.code})
            raise ExchangeRefusedError from error
        except (StripeError, KeyError) as error:
            _log.error("outcome of connecting unknown", extra={"error": type(error).__name__})
            raise OutcomeUnknownError from error
        if grant.livemode != self.livemode or (self.scope == "read_only" and grant.scope != "read_only"):
            raise WrongGrantError(grant)
        return replace(grant, account_name=name_at_stripe(self._client, stripe_account=grant.account_id))

    def let_go(self, account_id: str) -> None:
        """Deauthorize an account; see `Connector`. One that is not connected any more is let go already."""
        try:
            self._client.oauth.deauthorize({"stripe_user_id": account_id})
        except InvalidClientError:
            _log.info("account was let go already", extra={"account_id": account_id})
        except StripeError as error:
            _log.error("account not let go", extra={"account_id": account_id, "error": type(error).__name__})
            raise StripeAwayError from error
