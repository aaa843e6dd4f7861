"""Connect accounts by installing a Stripe App: its tokens last an hour, and each renewal replaces both of them.

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

# According to Stripe's documentation; we renew a little earlier.
ACCESS_TOKEN_LASTS = timedelta(hours=1)

_ONCE = 0
_FIRST_ERROR_STATUS = 400

_log = logging.getLogger(__name__)


class StripeApp:
    """Connects accounts by the OAuth 2.0 flow of Stripe Apps; see `Connector`."""

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
        """Return the URL of the page where the user installs the app."""
        parameters = {"client_id": self._client_id, "redirect_uri": redirect_uri, "state": state}
        return f"{self._marketplace}/oauth/v2/authorize?{urlencode(parameters)}"

    def exchange(self, code: str) -> Grant:
        """Exchange a code for a grant. The code is sent once."""
        grant = self._grant(grant_type="authorization_code", code=code)
        if grant.livemode != self.livemode:
            raise WrongGrantError(grant)
        key = grant.tokens.access_token if grant.tokens else None
        return replace(grant, account_name=name_at_stripe(self._client, **({"api_key": key} if key else {})))

    def renew(self, refresh_token: str) -> Grant:
        """Return new tokens for a refresh token, which is invalid afterwards.

        :raises ExchangeRefusedError: it is invalid already: the app has to be installed again
        :raises OutcomeUnknownError: Stripe gave no usable answer
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

    def _grant(self, **parameters: str) -> Grant:
        try:
            answer = self._client.raw_request("post", "/v1/oauth/token", **parameters)
            fields = json.loads(answer.body)
            tokens = Tokens(str(fields["access_token"]), str(fields["refresh_token"]))
            return Grant(str(fields["stripe_user_id"]), bool(fields["livemode"]), str(fields["scope"]), tokens)
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
    # For an OAuth error from an API endpoint, the client raises the error for an answer it does not understand.
    return error.http_status == _FIRST_ERROR_STATUS
