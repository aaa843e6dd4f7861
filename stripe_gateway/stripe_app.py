"""Connect accounts by installing a Stripe App: its tokens last an hour, and each renewal changes both of them.

https://docs.stripe.com/stripe-apps/api-authentication/oauth
"""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from stripe import InvalidRequestError, StripeClient, StripeError
from stripe.oauth_error import OAuthError

from stripe_gateway.connect import (
    ExchangeRefusedError,
    Grant,
    OutcomeUnknownError,
    StripeAwayError,
    Tokens,
    WrongGrantError,
    name_at_stripe,
)
from stripe_gateway.transport import to_stripe_alone

# As Stripe's documentation has it; renewed a little earlier.
ACCESS_TOKEN_LASTS = timedelta(hours=1)

_ONCE = 0
_FIRST_ERROR_STATUS = 400

_log = logging.getLogger(__name__)


class StripeApp:
    """Connects accounts by OAuth 2.0 of Stripe Apps; see `Connector`."""

    method: Literal["connect", "app"] = "app"

    def __init__(self, secret_key: str, *, client_id: str, bases: tuple[str, str]) -> None:
        """`bases` are the addresses of Stripe's API and of its marketplace."""
        api_base, self._marketplace = bases
        self.livemode = "_live_" in secret_key
        self._client_id = client_id
        self._client = StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=_ONCE,
            http_client=to_stripe_alone(),
        )

    def authorize_url(self, state: str, *, redirect_uri: str) -> str:
        """Give the address of the page on which somebody installs the app."""
        asked = {"client_id": self._client_id, "redirect_uri": redirect_uri, "state": state}
        return f"{self._marketplace}/oauth/v2/authorize?{urlencode(asked)}"

    def exchange(self, code: str) -> Grant:
        """Give what a code is worth, sent once."""
        grant = self._grant(grant_type="authorization_code", code=code)
        if grant.livemode != self.livemode:
            raise WrongGrantError(grant)
        key = grant.tokens.access_token if grant.tokens else None
        return replace(grant, account_name=name_at_stripe(self._client, **({"api_key": key} if key else {})))

    def renew(self, refresh_token: str) -> Grant:
        """Give new tokens for a refresh token, which is good for nothing afterwards.

        :raises ExchangeRefusedError: it is good for nothing already: the app has to be installed anew
        :raises OutcomeUnknownError: Stripe did not say
        """
        return self._grant(grant_type="refresh_token", refresh_token=refresh_token)

    def let_go(self, account_id: str) -> None:
        """Uninstall the app from an account."""
        try:
            for install in self._client.v1.apps.installs.list({"account": account_id}).data:
                self._client.v1.apps.installs.uninstall(install.id)
        except InvalidRequestError as error:
            _log.info("app was uninstalled already", extra={"account_id": account_id, "code": error.code})
        except StripeError as error:
            _log.error("app not uninstalled", extra={"account_id": account_id, "error": type(error).__name__})
            raise StripeAwayError from error

    def _grant(self, **asked: str) -> Grant:
        try:
            answer = self._client.raw_request("post", "/v1/oauth/token", **asked)
            told = json.loads(answer.body)
            tokens = Tokens(str(told["access_token"]), str(told["refresh_token"]))
            return Grant(str(told["stripe_user_id"]), bool(told["livemode"]), str(told["scope"]), tokens)
        except (OAuthError, InvalidRequestError) as error:
            _log.warning("grant refused", extra={"error": type(error).__name__})
            raise ExchangeRefusedError from error
        except StripeError as error:
            if _is_refusal(error):
                _log.warning("grant refused", extra={"error": type(error).__name__})
                raise ExchangeRefusedError from error
            _log.error("outcome of a grant unknown", extra={"error": type(error).__name__})
            raise OutcomeUnknownError from error
        except (KeyError, ValueError) as error:
            _log.error("outcome of a grant unknown", extra={"error": type(error).__name__})
            raise OutcomeUnknownError from error


def _is_refusal(error: StripeError) -> bool:
    # The client takes an OAuth error at an address of the API for an answer that it does not understand.
    return error.http_status == _FIRST_ERROR_STATUS
