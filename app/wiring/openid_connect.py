"""Identify people at an OpenID Connect provider: authorization code flow with PKCE and a verified signature.

https://openid.net/specs/openid-connect-core-1_0.html §3.1
"""

from datetime import datetime, timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from app.wiring.identity_provider import Departure, Identity, ProviderAwayError, UnprovenIdentityError
from app.wiring.settings import ProviderSettings

_TIMEOUT_SECONDS = 10
_DESCRIPTION_LASTS = timedelta(hours=1)
_CLOCK_LEEWAY_SECONDS = 60
# Only signatures that take the provider's private key; never one that could be made with public data.
_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


class OpenIdProvider:
    """A provider, as its discovery document describes it. Safe to share between threads."""

    def __init__(self, settings: ProviderSettings, *, redirect_uri: str) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._described: tuple[datetime, dict[str, Any]] | None = None

    def address_for(self, departure: Departure, *, now: datetime) -> str:
        """Return the URL at the provider where the person signs in.

        :raises ProviderAwayError: the provider's discovery document could not be read
        """
        address, _ = self._session().create_authorization_url(
            self._description(now)["authorization_endpoint"],
            state=departure.state,
            nonce=departure.nonce,
            code_verifier=departure.code_verifier,
        )
        return str(address)

    def identity(self, code: str, departure: Departure, *, now: datetime) -> Identity:
        """Exchange a code, and return the identity of the person who came back with it.

        :raises UnprovenIdentityError: the code or the answer to it is not valid
        :raises ProviderAwayError: the provider did not answer
        """
        description, session = self._description(now), self._session()
        try:
            tokens = session.fetch_token(
                description["token_endpoint"],
                code=code,
                code_verifier=departure.code_verifier,
                timeout=_TIMEOUT_SECONDS,
            )
            keys = KeySet.import_key_set(self._fetch_json(session, description["jwks_uri"]))
            token = jwt.decode(tokens["id_token"], keys, algorithms=_ALGORITHMS)
            self._registry(departure.nonce, now).validate(token.claims)
        except RequestException as error:
            raise ProviderAwayError from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise UnprovenIdentityError from error
        claims = token.claims
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(self._settings.issuer, str(claims["sub"]), email if isinstance(email, str) else None)

    def _registry(self, nonce: str, now: datetime) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=lambda: int(now.timestamp()),
            leeway=_CLOCK_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
        )

    def _description(self, now: datetime) -> dict[str, Any]:
        if self._described is None or self._described[0] + _DESCRIPTION_LASTS <= now:
            url = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            described = self._fetch_json(self._session(), url)
            # OpenID Connect Discovery §4.3: otherwise one provider could impersonate another.
            if described.get("issuer") != self._settings.issuer:
                raise ProviderAwayError
            self._described = (now, described)
        return self._described[1]

    def _fetch_json(self, session: OAuth2Session, url: str) -> Any:  # noqa: ANN401 - the provider's JSON
        try:
            answer = session.get(url, withhold_token=True, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
            return answer.json()
        except (RequestException, ValueError) as error:
            raise ProviderAwayError from error

    def _session(self) -> OAuth2Session:
        return OAuth2Session(
            self._settings.client_id,
            self._settings.client_secret,
            scope="openid email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
