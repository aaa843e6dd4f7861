"""Connect Stripe accounts: build the link to Stripe's page, exchange the code that it returns, and disconnect again.

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
# At lower levels Stripe's client logs requests and answers, including codes and tokens.
logging.getLogger("stripe").setLevel(logging.WARNING)


class ExchangeRefusedError(Exception):
    """Stripe refused the code: it was used, expired, somebody else's or of the other mode. Nothing was connected."""


class OutcomeUnknownError(Exception):
    """It is unknown whether Stripe connected the account. The code must not be sent again."""


class WrongGrantError(Exception):
    """Stripe granted something other than requested: another mode, or more than read access. `grant` says what."""

    def __init__(self, grant: "Grant") -> None:
        super().__init__()
        self.grant = grant


class StripeAwayError(Exception):
    """Stripe did not do what it was asked to; asking again is safe."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens for reading an account where the platform's key does not work."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user authorized on Stripe's page. `tokens` is set only where tokens are needed."""

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
    """The fields of an account that contain its name: https://docs.stripe.com/api/accounts/object."""

    settings: _Settings | None = None
    business_profile: _Business | None = None


_NAMED = msgspec.json.Decoder(_Named)


def name_at_stripe(client: StripeClient, **options: str) -> str | None:
    """Return the name of the account that these request options address; None if Stripe gives none, as it may."""
    try:
        return account_name_in(client.raw_request("get", "/v1/account", **options).body)
    except StripeError as error:
        _log.warning("account's name not told", extra={"error": type(error).__name__})
        return None


def name_of_connected(account_id: str, secret_key: str, *, api_base: str | None) -> str | None:
    """Return the name of an account that is connected to the platform of this key; None if Stripe does not give it.

    Without an `api_base`, Stripe's own is asked.
    """
    client = StripeClient(
        secret_key,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=_ONCE,
        http_client=to_stripe_alone(),
    )
    return name_at_stripe(client, stripe_account=account_id)


def account_name_in(body: str | bytes) -> str | None:
    """Return the name in an account's JSON: the dashboard's, else the business's."""
    try:
        account = _NAMED.decode(body)
    except msgspec.MsgspecError as error:
        _log.warning("account not understood", extra={"error": type(error).__name__})
        return None
    shown = account.settings.dashboard.display_name if account.settings and account.settings.dashboard else None
    return shown or (account.business_profile.name if account.business_profile else None)


class Connector(Protocol):
    """A way to connect accounts through a page of Stripe's, in live or test mode."""

    method: Literal["connect", "app"]
    livemode: bool

    def authorize_url(self, state: str, *, redirect_uri: str) -> str:
        """Return the URL of the page."""
        ...

    def exchange(self, code: str) -> Grant:
        """Exchange a code for a grant. The code is sent once, whatever happens.

        :raises ExchangeRefusedError: nothing was connected
        :raises OutcomeUnknownError: it may have been connected
        :raises WrongGrantError: something was connected that was not requested
        """
        ...

    def let_go(self, account_id: str) -> None:
        """Revoke our access to an account; safe if it is already revoked.

        :raises StripeAwayError: it is unknown whether access was revoked
        """
        ...


class StripeConnect:
    """Connects Standard accounts by OAuth. No token is stored: the platform's key reads the connected accounts."""

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
        """Return the URL of the page where the user picks an account."""
        return self._client.oauth.authorize_url({"scope": self.scope, "state": state, "redirect_uri": redirect_uri})

    def exchange(self, code: str) -> Grant:
        """Exchange a code for a grant; see `Connector`."""
        try:
            token = self._client.oauth.token(
                {"grant_type": "authorization_code", "code": code}, {"max_network_retries": _ONCE}
            )
            grant = Grant(str(token["stripe_user_id"]), bool(token["livemode"]), str(token["scope"]))
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
        """Deauthorize an account; see `Connector`. Does nothing if the account is no longer connected."""
        try:
            self._client.oauth.deauthorize({"stripe_user_id": account_id})
        except InvalidClientError:
            _log.info("account was let go already", extra={"account_id": account_id})
        except StripeError as error:
            _log.error("account not let go", extra={"account_id": account_id, "error": type(error).__name__})
            raise StripeAwayError from error
