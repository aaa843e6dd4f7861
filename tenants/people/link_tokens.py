"""Tokens of one-time links: 256 random bits, shown once in an address and stored as a hash."""

import secrets
from hashlib import sha256

_TOKEN_BYTES = 32


class LinkOverError(Exception):
    """The link was used, revoked or replaced, has expired, or never was one of ours: which, we do not say."""


def new_token() -> str:
    """Return a new token, safe to put into an address."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_of(token: str) -> bytes:
    """Return the hash to store, or to look up, for a token. A plain hash is enough for 256 random bits."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
