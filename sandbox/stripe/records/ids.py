"""Ids that look like Stripe's: unique for ever, in no particular order, the same for the same seed."""

import hashlib
import string

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE = len(_ALPHABET)
_DIGITS = 7
_RANGE = _BASE**_DIGITS
# Coprime to 62, so counting 0, 1, 2 … visits every number of seven digits once, in an order nobody can sort by.
_STRIDE = 1_234_567_890_133


def token(*parts: object, length: int = 16) -> str:
    """Give `length` letters and digits that follow from the parts alone."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return base62(int.from_bytes(digest, "big"), length)


def base62(number: int, digits: int) -> str:
    """Write the last `digits` base-62 digits of a number."""
    letters = []
    for _ in range(digits):
        number, remainder = divmod(number, _BASE)
        letters.append(_ALPHABET[remainder])
    return "".join(letters)


class IdSource:
    """Hands out ids of one account and mode; `owner` (16 characters) keeps them apart from all others.

    `issued` counts them, which also gives records an order within a second.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.issued = 0

    def continue_as(self, owner: str) -> None:
        """Let no later id be one that another run with the same seed has given."""
        self._owner = owner

    def issue(self, prefix: str) -> str:
        """Give the next id, such as `in_1…` for the prefix `in`: 24 characters after the underscore."""
        self.issued += 1
        return f"{prefix}_1{base62(self.issued * _STRIDE % _RANGE, _DIGITS)}{self._owner}"


def sibling(identifier: str, prefix: str) -> str:
    """Give the id of a thing that exists once per other thing, such as the invoice item `ii_…` of a line `il_…`."""
    return f"{prefix}_{identifier.partition('_')[2] or identifier}"
