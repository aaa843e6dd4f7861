"""Look up the API key for a company's Stripe account: the platform's key, or the account's own secret."""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from events.connection.accounts import connection_state
from notices.connections import lose_access
from stripe_gateway.connect import ExchangeRefusedError, Tokens
from stripe_gateway.stripe_app import ACCESS_TOKEN_LASTS, StripeApp
from tenants.secrets import SecretBox, find_secret, keep_secret
from tenants.tables import secret

# A request that starts now must be answered before its token expires.
_RENEWED_BEFORE = timedelta(minutes=5)


class NoCredentialsError(Exception):
    """The company has no connected account, or has to connect it again."""


class Credentials(NamedTuple):
    """An API key, and the account for the `Stripe-Account` header: None if the key is the account's own."""

    api_key: str
    stripe_account: str | None


class CredentialStore:
    """Looks up the credentials for companies' accounts. Safe to share between threads and processes."""

    def __init__(self, engine: Engine, box: SecretBox, *, platform_key: str, app: StripeApp | None) -> None:
        self._engine = engine
        self._box = box
        self._platform_key = platform_key
        self._app = app

    def of(self, company_id: int, *, now: datetime) -> Credentials:
        """Return a company's credentials, renewing a token that expires soon. Commits.

        :raises NoCredentialsError: there are none, or the token can no longer be renewed
        :raises OutcomeUnknownError: Stripe did not answer the renewal; try again
        """
        with self._engine.connect() as connection:
            state = connection_state(connection, company_id)
            if state is None or state.status not in ("connected", "paused"):
                raise NoCredentialsError
            if state.method == "connect":
                return Credentials(self._platform_key, state.account.account_id)
            if state.method == "restricted_key":
                key = find_secret(connection, self._box, company_id, "restricted_key")
                if key is None:
                    raise NoCredentialsError
                return Credentials(key, None)
            if token := self._good_token(connection, company_id, now):
                return Credentials(token, None)
        return Credentials(self._renewed_token(company_id, now), None)

    def _good_token(self, connection: Connection, company_id: int, now: datetime) -> str | None:
        stored = find_secret(connection, self._box, company_id, "access_token")
        fields = json.loads(stored) if stored else None
        if fields is None or datetime.fromisoformat(fields["until"]) - _RENEWED_BEFORE <= now:
            return None
        return str(fields["token"])

    def _renewed_token(self, company_id: int, now: datetime) -> str:
        # The row stays locked while Stripe is asked: a refresh token that two processes used at once would be lost.
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    select(secret.c.company_id)
                    .where(secret.c.company_id == company_id, secret.c.name == "refresh_token")
                    .with_for_update()
                )
                if token := self._good_token(connection, company_id, now):
                    return token  # the previous holder of the lock renewed it
                refresh_token = find_secret(connection, self._box, company_id, "refresh_token")
                if refresh_token is None or self._app is None:
                    raise NoCredentialsError
                tokens = self._app.renew(refresh_token).tokens
                if tokens is None:
                    raise NoCredentialsError
                keep_tokens(connection, self._box, company_id, tokens, now=now)
                return tokens.access_token
        except ExchangeRefusedError as error:
            with self._engine.begin() as connection:
                lose_access(connection, company_id, reason="token_expired", occurred_at=now, now=now)
            raise NoCredentialsError from error


def keep_tokens(connection: Connection, box: SecretBox, company_id: int, tokens: Tokens, *, now: datetime) -> None:
    """Store an app's tokens, sealed. Commits nothing."""
    until = (now + ACCESS_TOKEN_LASTS).isoformat()
    keep_secret(connection, box, company_id, "access_token", json.dumps({"token": tokens.access_token, "until": until}))
    keep_secret(connection, box, company_id, "refresh_token", tokens.refresh_token)
