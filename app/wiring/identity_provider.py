"""What signing in at an identity provider takes, whoever talks to it: see `app.wiring.openid_connect`."""

import secrets
from datetime import datetime
from typing import NamedTuple, Protocol

# Written in 48 characters, as the code verifier of PKCE has to have 43 (RFC 7636 §4.1).
_RANDOM_BYTES = 36


class ProviderAwayError(Exception):
    """The provider did not answer, or not as it should."""


class UnprovenIdentityError(Exception):
    """What came back from the provider does not prove who the person is."""


class Departure(NamedTuple):
    """What is remembered of a sign-in at the provider until the person comes back."""

    state: str
    nonce: str
    code_verifier: str


class Identity(NamedTuple):
    """A person's identity at the provider. `email` is None unless the provider says that it was verified."""

    issuer: str
    subject: str
    email: str | None


class IdentityProvider(Protocol):
    """A provider. Safe to share between threads."""

    def address_for(self, departure: Departure, *, now: datetime) -> str:
        """Return the URL at the provider where the person signs in.

        :raises ProviderAwayError: the provider's discovery document could not be read
        """

    def identity(self, code: str, departure: Departure, *, now: datetime) -> Identity:
        """Exchange a code, and return the identity of the person who came back with it.

        :raises UnprovenIdentityError: the code or the answer to it is not valid
        :raises ProviderAwayError: the provider did not answer
        """


def new_departure() -> Departure:
    """Return random values for a single sign-in at the provider."""
    return Departure(*(secrets.token_urlsafe(_RANDOM_BYTES) for _ in Departure._fields))
